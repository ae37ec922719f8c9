import numpy as np
import pytest

from appearance_double import MeanEncoder, write_image
from cmrtf.core.geometry import Geometry
from cmrtf.core.nifti import write_nifti
from cmrtf.shape.orientation import BASE_TO_APEX
from cmrtf.synthesis.appearance import (
    PLACES,
    Appearance,
    along_heart,
    appearance_of_file,
    average,
    draw_appearance,
)


def known_styles(styles):
    return [Appearance(np.array(style, np.float32)[None], (0.0, 1.0)) for style in styles]


def test_drawn_styles_have_the_mean_and_covariance_of_known_ones():
    rng = np.random.default_rng(0)
    known = rng.normal(size=(30, 3)) @ np.array([[1, 2, 0], [0, 1, 0], [0, 0, 0.1]]) + 5
    appearances = known_styles(known)
    drawn = np.concatenate([draw_appearance(appearances, rng).style for _ in range(5_000)])
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn.mean(axis=0), known.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(known.T), rtol=0.1, atol=0.02)


def test_drawn_styles_lie_on_no_known_one_nor_half_way():
    known, rng = np.eye(4, dtype=np.float32), np.random.default_rng(0)
    drawn = np.concatenate([draw_appearance(known_styles(known), rng).style for _ in range(100)])
    halves = np.concatenate([known, (known[:, None] + known[None]).reshape(-1, 4) / 2])
    assert np.linalg.norm(drawn[:, None] - halves, axis=-1).min() > 0.05


def test_of_one_that_is_known_alone_its_own_is_drawn():
    (only,) = known_styles([[1.0, 2.0]])
    assert draw_appearance([only], np.random.default_rng(0)) is only


def test_an_average_has_what_all_have_in_common():
    centres, windows = ("3", "3", ""), (102.0, 103.0, 104.0)
    known = [
        Appearance(np.full((2, 1), number, np.float32), (0.0, window), "B", centre)
        for number, (centre, window) in enumerate(zip(centres, windows, strict=True))
    ]
    of_b = average(known)
    expected = np.ones((2, 1))
    np.testing.assert_allclose(of_b.style, expected, rtol=1e-6)
    assert (of_b.vendor, of_b.centre, of_b.intensity_window) == ("B", "", (0.0, 103.0))


def test_the_style_of_one_place_is_that_of_all_slices():
    label_ids = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    appearance = Appearance(np.array([[0.5, 9.0]], np.float32), (0.0, 1.0))
    images = appearance.synthesize(MeanEncoder(), {"ED": label_ids})
    np.testing.assert_array_equal(images["ED"], label_ids / 2)


def labelled(num_slices, first, last):
    label_ids = np.zeros((num_slices, 2, 2), np.uint8)
    label_ids[first : last + 1] = 1
    return label_ids


def test_places_are_counted_from_the_apical_to_the_basal_labelled_slice():
    np.testing.assert_allclose(along_heart([labelled(7, 2, 4)]), [-1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0])
    np.testing.assert_allclose(along_heart([labelled(3, 1, 1)]), [0.0, 0.5, 1.0])
    np.testing.assert_allclose(along_heart([labelled(1, 0, 0)]), [0.0])


def test_slices_of_another_stack_have_the_styles_of_their_places():
    """Codes that are where along the heart they lie are so in any stack, as far as the source shows."""
    codes = np.linspace(-0.2, 1.2, 8, dtype=np.float32)[:, None]
    appearance = Appearance.of({"ED": codes}, {"ED": labelled(8, 1, 6)}, (0.0, 1.0))
    other = labelled(15, 3, 11)
    np.testing.assert_allclose(
        appearance.styles_of([other])[:, 0], np.clip(along_heart([other]), -0.2, 1.2), atol=1e-6
    )


def test_a_slice_has_the_same_style_in_all_phases():
    """Though the heart ends earlier at ES."""
    appearance = Appearance(np.arange(13, dtype=np.float32)[:, None], (0.0, 1.0))
    label_ids = {"ED": labelled(8, 1, 6), "ES": labelled(8, 2, 4)}
    seen = []
    models = MeanEncoder()
    models.synthesize = lambda labels, styles: seen.append(styles)
    appearance.synthesize(models, label_ids)
    np.testing.assert_array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(seen[0], appearance.styles_of([label_ids["ED"]]))


def test_an_appearance_is_the_mean_over_phases_of_equal_weight():
    codes = {"ED": np.zeros((6, 1), np.float32), "ES": np.full((6, 1), 2.0, np.float32)}
    label_ids = {"ED": labelled(6, 1, 4), "ES": labelled(6, 2, 3)}
    np.testing.assert_allclose(Appearance.of(codes, label_ids, (0.0, 1.0)).style, 1.0)


@pytest.mark.parametrize(("shift_mm", "sees_corner"), [(0.0, True), (3.0, False)])
def test_an_image_is_cut_out_around_the_heart_of_labels_on_its_grid(tmp_path, shift_mm, sees_corner):
    image_file = write_image(tmp_path)
    affine = np.diag([1.5, 1.5, 8.0, 1.0])
    affine[0, 3] = shift_mm
    crop = np.eye(4)
    crop[:2, 3] = 0.0
    geometry = Geometry((300, 300, 4), affine, (128, 128, 4), crop)
    around_heart = appearance_of_file(MeanEncoder(), image_file, geometry)
    about_middle = appearance_of_file(MeanEncoder(), image_file)
    assert (around_heart.style[0, 0] > about_middle.style[0, 0] + 0.3) == sees_corner


AXIS = [[0.74, 0.0, -0.63], [0.0, 1.0, 0.68], [0.0, 0.0, 0.38]]


@pytest.mark.parametrize(("direction", "rises"), [(-1.0, True), (1.0, False)])
def test_the_affine_says_where_the_apex_of_an_image_file_is(tmp_path, direction, rises):
    """Slices get brighter from the first to the last; base to apex points left, anterior and inferior."""
    image = np.random.default_rng(0).uniform(0.0, 10.0, (16, 16, 4)).astype(np.float32)
    image += 10.0 * np.arange(4, dtype=np.float32)
    affine = np.eye(4)
    affine[:3, :2] = 4.0 * np.array(AXIS)[:, :2]
    affine[:3, 2] = 8.0 * direction * BASE_TO_APEX
    write_nifti(tmp_path / "image.nii", image, affine)
    brightness = appearance_of_file(MeanEncoder(), tmp_path / "image.nii").style[:, 0]
    assert len(brightness) == len(PLACES)
    assert (brightness[-1] > brightness[0]) == rises


def test_slices_of_an_image_file_without_an_order_have_one_style(tmp_path):
    image = np.random.default_rng(0).uniform(0.0, 10.0, (16, 16, 4)).astype(np.float32)
    write_nifti(tmp_path / "image.nii", image, np.diag([4.0, 4.0, 8.0, 1.0]))
    assert appearance_of_file(MeanEncoder(), tmp_path / "image.nii").style.shape == (1, 2)


def test_a_cine_looks_like_its_first_frame(tmp_path):
    frames = np.random.default_rng(0).uniform(0.0, 10.0, (16, 16, 4, 2)).astype(np.float32)
    frames[..., 1] = frames[..., 1] ** 3
    write_nifti(tmp_path / "cine.nii", frames, np.diag([4.0, 4.0, 8.0, 1.0]), 0.1)
    write_nifti(tmp_path / "first.nii", frames[..., 0], np.diag([4.0, 4.0, 8.0, 1.0]))
    cine, first = (appearance_of_file(MeanEncoder(), tmp_path / name) for name in ("cine.nii", "first.nii"))
    np.testing.assert_array_equal(cine.style, first.style)
    assert cine.intensity_window == first.intensity_window
