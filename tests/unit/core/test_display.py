from dataclasses import replace

import numpy as np
import pytest

from cmrtf.core.display import (
    HEART_MARGIN,
    enlarged_labels,
    figure_as_html,
    grey_levels,
    grey_tile,
    heart_window,
    label_contours,
    png_address,
    upright,
    with_contours,
)
from cmrtf.core.labels import LABEL_COLOURS
from interpolated import interpolated


def test_grey_levels_saturate() -> None:
    assert grey_levels(np.array([-3.0, -1.0, 0.0, 1.0, 2.0])).tolist() == [0, 0, 128, 255, 255]


@pytest.mark.parametrize(
    ("x_sign", "y_sign", "expected"),
    [
        (-1, -1, [[0, 1], [2, 3]]),  # LPS, as ACDC is stored: shown as it is
        (1, 1, [[3, 2], [1, 0]]),  # RAS: both axes turned
        (-1, 1, [[2, 3], [0, 1]]),
    ],
)
def test_patient_left_is_shown_on_the_right_and_back_below(x_sign, y_sign, expected) -> None:
    stack = np.arange(4).reshape(1, 2, 2)
    assert upright(stack, np.diag([1.5 * x_sign, 1.5 * y_sign, 10.0, 1.0]))[0].tolist() == expected


def test_a_short_axis_plane_is_shown_feet_down() -> None:
    affine = np.eye(4)
    affine[:3, 0] = [-0.7, -0.6, -0.4]  # towards patient left
    affine[:3, 1] = [-0.1, 0.5, 0.86]  # towards the head: must be turned
    stack = np.arange(4).reshape(1, 2, 2)
    assert upright(stack, affine)[0].tolist() == [[2, 3], [0, 1]]


def test_enlarged_labels_are_labels_of_the_same_shape() -> None:
    labels = np.zeros((20, 20), np.uint8)
    labels[5:15, 5:15] = 1
    labels[5:15, 10:15] = 3
    enlarged = enlarged_labels(labels, 60)
    assert set(np.unique(enlarged)) == {0, 1, 3}
    assert np.count_nonzero(enlarged == 3) == pytest.approx(9 * 50, rel=0.05)


def test_contours_are_the_rim_of_each_structure() -> None:
    labels = np.zeros((7, 7), np.uint8)
    labels[1:6, 1:6] = 2
    contours = label_contours(labels)
    assert np.count_nonzero(contours == 2) == 16
    assert contours[3, 3] == 0


def test_a_tile_is_grey_and_has_coloured_contours() -> None:
    labels = np.zeros((10, 10), np.uint8)
    labels[3:7, 3:7] = 1
    tile = grey_tile(np.full((10, 10), 100, np.uint8), 40)
    assert (tile == 100).all()
    drawn = with_contours(tile, labels)
    changed = (drawn != tile).any(axis=-1)
    assert {tuple(pixel) for pixel in drawn[changed]} == {LABEL_COLOURS[1]}
    assert changed.sum() == pytest.approx(4 * 15, abs=4)  # 4 x 4 pixels are 16 x 16 now


def test_the_window_holds_every_heart_and_is_square() -> None:
    stack = interpolated(code_b=None)[0].ed
    hearts = []
    for columns in (slice(14, 18), slice(19, 22)):
        label_ids = np.zeros_like(stack.label_ids)
        label_ids[:, 20:24, columns] = 1
        hearts.append(stack.with_labels(label_ids))
    window = heart_window(hearts, stack.affine)
    assert [side.stop - side.start for side in window] == [21 - 14 + 2 * HEART_MARGIN] * 2
    for heart in hearts:
        inside = upright(heart.label_ids, heart.affine)[:, *window]
        assert np.count_nonzero(inside) == np.count_nonzero(heart.label_ids)


def test_the_window_of_no_heart_is_the_whole_slice() -> None:
    stack = interpolated(code_b=None)[0].ed
    empty = stack.with_labels(np.zeros_like(stack.label_ids))
    assert heart_window([empty], stack.affine) == (slice(None), slice(None))


@pytest.mark.parametrize("phases", [("ED",), ("ED", "ES")])
def test_a_subject_is_plotted_with_a_titled_row_per_phase(phases) -> None:
    subject = next(s for s in interpolated(code_a="a$b^{", phases=phases) if s.kind == "source")
    figure = subject.plot()
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title.split(":")[0] for title in titles] == list(phases)
    assert "4 slices 10.0 mm apart" in titles[0]
    figure.canvas.draw()
    assert figure.get_suptitle() == f"{subject.id}, vendor B, DCM"


def test_a_long_stack_takes_several_lines() -> None:
    short = next(s for s in interpolated(phases=("ED",)) if s.kind == "source")
    stack = short.ed
    image, label_ids = (np.repeat(array, 8, axis=0) for array in (stack.image, stack.label_ids))
    geometry = stack.geometry.with_slices(len(image))
    long = short.with_stacks({"ED": replace(stack, image=image, label_ids=label_ids, geometry=geometry)})
    heights = [s.plot().axes[0].images[0].get_array().shape[0] for s in (short, long)]
    assert heights[1] == 2 * heights[0]


def test_a_figure_as_html_holds_its_picture_and_escapes_its_title() -> None:
    figure = interpolated(code_a="<b>", code_b=None)[0].plot()
    page = figure_as_html(figure)
    assert page.count("<") == 1
    assert 'alt="source_&lt;b&gt;' in page
    assert png_address(b"\x89PNG")[:-4] in page
    assert figure._repr_html_().startswith(page[:60])  # what a notebook calls
