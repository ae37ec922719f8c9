"""Contours drawn on one slice, as text files of points, and the pixels inside them."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.files import is_file
from cmrtf.errors import FileError

if TYPE_CHECKING:
    from matplotlib.path import Path as Polygon

MAX_BYTES = 2**20

MAX_STEP_PX = 5.0
"""From point to point, and from the last to the first. Of five patients of Sunnybrook no contour has more
than 0.7; one that was cut would be closed by a chord through the heart."""

FINER = 5
"""Samples along each side of a pixel. Of 9 no contour of Sunnybrook comes out otherwise."""

TO_ONE_SIDE = (1e-4, 4e-5)
"""Contours of whole and half pixels pass through many samples. These are moved by as much: in at one side of
the contour and out at the other, so that areas stay what they are."""


def read_contour(path: Path, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Read a closed contour of lines `x y`, in pixels; whole numbers are pixels' centres, from 0.

    Args:
        path: the text file.
        shape: `(x, y)` pixels of the image that it is drawn on.

    Returns:
        `(points, 2)`.

    Raises:
        FileError: the file is no contour, leaves the image, or is not closed.
    """
    expected = "expected three lines or more of x and y, in pixels"
    try:
        if not is_file(path) or path.stat().st_size > MAX_BYTES:
            raise FileError(path, f"{expected}. Received: no file of {MAX_BYTES:,} bytes at most.")
        lines = path.read_text(encoding="ascii").splitlines()
        points = np.array([line.split() for line in lines if line.strip()], np.float64)
    except (OSError, ValueError) as error:
        raise FileError(path, f"{expected}. Received: {type(error).__name__}.") from error
    if points.shape[1:] != (2,) or len(points) < 3:
        raise FileError(path, f"{expected}. Received: numbers of shape {points.shape}.")
    if not ((points >= -0.5) & (points <= np.array(shape) - 0.5)).all():  # False of NaN too
        low, high = points.min(axis=0), points.max(axis=0)
        raise FileError(
            path,
            f"expected points within the {shape[0]} x {shape[1]} pixels of the image. "
            f"Received: x from {low[0]:g} to {high[0]:g}, y from {low[1]:g} to {high[1]:g}.",
        )
    steps_px = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1)
    if steps_px.max() > MAX_STEP_PX:
        raise FileError(
            path,
            f"expected a closed contour, with {MAX_STEP_PX:g} pixels from point to point at most. Received: "
            f"{steps_px.max():.1f}, as if points were missing.",
        )
    return points


def inside(points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Which pixels a closed contour covers: as many as it has area, those it covers most first.

    That is half of each or more, up to ties. By their centres alone pixels would be up to one pixel off at
    sharp corners; so none is more than half a pixel off, and areas are kept.

    Args:
        points: `(points, 2)`, x and y in pixels.
        shape: `(x, y)` pixels of the image.

    Returns:
        of `shape`.
    """
    low = np.maximum(np.floor(points.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(points.max(axis=0)).astype(int) + 1, shape)
    box = tuple(slice(start, stop) for start, stop in zip(low, high, strict=True))
    centres = np.moveaxis(np.mgrid[box], 0, -1)
    within_pixel = (np.argwhere(np.ones((FINER, FINER))) + 0.5) / FINER - 0.5
    samples = centres[..., None, :] + within_pixel + TO_ONE_SIDE
    are_inside = _polygon(points).contains_points(samples.reshape(-1, 2)).reshape(samples.shape[:-1])
    covered = are_inside.mean(axis=-1)
    most_first = np.argsort(-covered, axis=None, kind="stable")
    chosen = np.zeros(covered.size, np.bool_)
    chosen[most_first[: round(covered.sum())]] = True
    mask = np.zeros(shape, np.bool_)
    mask[box] = chosen.reshape(covered.shape)
    return mask


def share_outside(points: NDArray[np.float64], outline: NDArray[np.float64]) -> float:
    """Which share of a contour's points lies outside another contour.

    Args:
        points: `(points, 2)`.
        outline: `(points, 2)`, closed.
    """
    return 1.0 - float(np.mean(_polygon(outline).contains_points(points)))


def _polygon(points: NDArray[np.float64]) -> "Polygon":
    from matplotlib.path import Path as Polygon

    return Polygon(np.concatenate([points, points[:1]]))
