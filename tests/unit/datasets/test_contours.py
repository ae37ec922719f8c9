import numpy as np
import pytest

from cmrtf.datasets.contours import inside, read_contour, share_outside
from cmrtf.errors import FileError

SHAPE = (40, 30)


def _circle(radius, x=20.0, y=15.0, step=0.5, count=400):
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    points = np.stack([x + radius * np.cos(angles), y + radius * np.sin(angles)], axis=-1)
    return np.round(points / step) * step


def _area(points):
    x, y = points.T
    return abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


def test_whole_numbers_are_pixels_centres():
    square = np.array([[3.5, 5.5], [7.5, 5.5], [7.5, 8.5], [3.5, 8.5]])
    mask = inside(square, SHAPE)
    assert mask.shape == SHAPE
    assert {tuple(pixel) for pixel in np.argwhere(mask)} == {(x, y) for x in range(4, 8) for y in range(6, 9)}


@pytest.mark.parametrize("radius", [2.5, 6.0, 9.5, 13.0])
def test_areas_are_kept(radius):
    points = _circle(radius)
    assert inside(points, SHAPE).sum() == pytest.approx(_area(points), abs=0.6)


def test_a_contour_through_centres_is_off_by_half_a_pixel_at_most():
    """On whole numbers no side is better; half of it lies within, so areas do not grow by a rim."""
    square = np.array([[4.0, 5.0], [8.0, 5.0], [8.0, 9.0], [4.0, 9.0]])
    mask = inside(square, SHAPE)
    assert mask.sum() == 16
    columns = np.flatnonzero(mask.any(axis=1))
    assert columns.min() in (4, 5)
    assert columns.max() in (7, 8)


def test_parts_beyond_the_image_are_cut_off():
    assert inside(np.array([[36.0, 10.0], [39.4, 10.0], [39.4, 29.4], [36.0, 29.4]]), SHAPE).any()


def test_points_outside_another_contour_are_counted():
    assert share_outside(_circle(5), _circle(9)) == 0.0
    assert share_outside(_circle(5, x=28.0), _circle(9)) == pytest.approx(0.5, abs=0.15)


def test_lines_of_x_and_y_are_read(tmp_path):
    (tmp_path / "contour.txt").write_text("1.00 2.50\n3.00 2.50\n3.00 4.00\n")
    assert read_contour(tmp_path / "contour.txt", SHAPE).tolist() == [[1.0, 2.5], [3.0, 2.5], [3.0, 4.0]]


@pytest.mark.parametrize("content", [b"", b"1 2\n3 4\n", b"1 2 3\n4 5 6\n7 8 9\n", b"a b\n", b"\xff\xfe"])
def test_what_is_no_contour_is_named(tmp_path, content):
    (tmp_path / "contour.txt").write_bytes(content)
    with pytest.raises(FileError, match=r"contour\.txt: expected"):
        read_contour(tmp_path / "contour.txt", SHAPE)


@pytest.mark.parametrize("line", ["41 3", "3 -2", "nan 3", "inf 3"])
def test_points_beyond_the_image_are_named(tmp_path, line):
    (tmp_path / "contour.txt").write_text(f"1 2\n3 4\n{line}\n")
    with pytest.raises(FileError, match="expected points within the 40 x 30 pixels of the image"):
        read_contour(tmp_path / "contour.txt", SHAPE)


@pytest.mark.parametrize(("kept", "is_closed"), [(slice(None), True), (slice(0, 200), False)])
def test_a_contour_that_was_cut_is_named(tmp_path, kept, is_closed):
    np.savetxt(tmp_path / "contour.txt", _circle(9)[kept])
    if is_closed:
        assert len(read_contour(tmp_path / "contour.txt", SHAPE)) == 400
        return
    with pytest.raises(
        FileError, match=r"expected a closed contour, with 5 pixels .* Received: 18\.0, as if"
    ):
        read_contour(tmp_path / "contour.txt", SHAPE)
