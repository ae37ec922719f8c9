"""What a stack may hold: images of finite numbers, labels of structures, a window, what is unknown.

Each function returns what it was given in the form in which a stack keeps it: the very array where that has
it already. Stacks are made by the thousand, so sound arrays cost microseconds: of labels without a sign only
the largest is looked at, of images of whole numbers nothing.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import SCHEMA
from cmrtf.core.unknown import Unknown
from cmrtf.errors import CmrtfError


def checked_image(image: Any) -> NDArray[Any]:
    """An array of finite real numbers, in the type that it has.

    Raises:
        CmrtfError: it is none.
    """
    pixels = _array(image)
    if pixels.dtype.kind not in "iuf" or (pixels.dtype.kind == "f" and not np.isfinite(pixels).all()):
        raise CmrtfError(f"expected an image of finite numbers. Received: {pixels.dtype}, {_extent(pixels)}.")
    return pixels


def float_image(image: Any) -> NDArray[np.float32]:
    """An array of finite numbers as float32.

    Raises:
        CmrtfError: it is none, or a number is too large for float32.
    """
    with np.errstate(over="ignore"):  # becomes infinite, and is refused
        checked: NDArray[np.float32] = checked_image(checked_image(image).astype(np.float32, copy=False))
    return checked


def checked_labels(label_ids: Any) -> NDArray[np.uint8]:
    """Label ids as uint8.

    Raises:
        CmrtfError: they are no whole numbers, or not ids of structures.
    """
    ids = _array(label_ids)
    kind = ids.dtype.kind
    if kind not in "iu" or (
        ids.size and (ids.max() >= SCHEMA.num_classes or (kind == "i" and ids.min() < 0))
    ):
        raise CmrtfError(
            f"expected labels of whole numbers from 0 to {SCHEMA.num_classes - 1}. "
            f"Received: {ids.dtype}, {_extent(ids)}."
        )
    return ids.astype(np.uint8, copy=False)


def checked_window(window: Any) -> tuple[float, float]:
    """The source values of -1 and 1.

    Raises:
        CmrtfError: they are not two finite numbers, the lower one first.
    """
    ends = _array(window)
    if ends.shape != (2,) or ends.dtype.kind not in "iuf" or not -np.inf < ends[0] < ends[1] < np.inf:
        raise CmrtfError(
            f"expected an intensity window of two finite numbers, the lower one first. Received: {window!r}."
        )
    low, high = ends.tolist()
    return low, high


def checked_unknown(unknown: Any, num_slices: int) -> Unknown:
    """What is unknown of the slices of a stack, see `cmrtf.core.unknown`.

    Raises:
        CmrtfError: it is neither None nor a truth value for each slice and structure.
    """
    if unknown is None:
        return None
    says, shape = _array(unknown), (num_slices, SCHEMA.num_classes)
    if says.shape != shape or says.dtype != np.bool_:
        raise CmrtfError(
            f"unknown: expected None, or an array of bool of shape {shape} (slices, classes). "
            f"Received: {says.dtype} of shape {says.shape}."
        )
    return says


def _array(values: Any) -> NDArray[Any]:
    """Values as an array; of objects where they are of no one type or shape."""
    try:
        return np.asarray(values)
    except ValueError:  # lists of different lengths
        return np.asarray(None)


def _extent(values: NDArray[Any]) -> str:
    return (
        f"from {values.min()} to {values.max()}"
        if values.dtype.kind in "iuf" and values.size
        else "no numbers"
    )
