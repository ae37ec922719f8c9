"""How much detail images have: the power of their frequencies, near the heart and away from it."""

import itertools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PATCH_PX: Final = 32
"""Side of the square patches whose power is taken: 48 mm."""

BAND_EDGES: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Of the bands, in cycles per pixel; 0.5 is as fine as pixels can show."""

BANDS: Final = tuple(f"{low:g}-{high:g}" for low, high in itertools.pairwise(BAND_EDGES))


def power_by_band(patches: NDArray[Any]) -> NDArray[np.float64]:
    """Mean power in each of `BANDS`.

    A patch loses its mean and gets a Hann window, so that neither its brightness nor its border counts.

    Args:
        patches: `(n, PATCH_PX, PATCH_PX)`; at least one.

    Returns:
        `(bands,)`, in squared image units.
    """
    window = np.outer(*[np.hanning(PATCH_PX + 2)[1:-1]] * 2)
    patches = patches.astype(np.float64)
    patches = patches - (patches * window).sum(axis=(1, 2), keepdims=True) / window.sum()
    power = np.square(np.abs(np.fft.fft2(patches * window))).mean(axis=0) / np.square(window).sum()
    frequencies = np.fft.fftfreq(PATCH_PX)
    frequency = np.hypot(frequencies[:, None], frequencies)
    return np.array(
        [
            power[(frequency >= low) & (frequency < high)].mean()
            for low, high in itertools.pairwise(BAND_EDGES)
        ]
    )


def heart_patches(image: NDArray[Any], label_ids: NDArray[Any]) -> NDArray[Any]:
    """A patch around the middle of what is labelled in each labelled slice, `(n, PATCH_PX, PATCH_PX)`.

    Args:
        image: `(slices, height, width)`.
        label_ids: of the same shape; 0 is the background.
    """
    patches = []
    for one_image, one_label in zip(image, label_ids, strict=True):
        if (places := np.argwhere(one_label > 0)).size:
            middle = (places.min(axis=0) + places.max(axis=0) + 1) // 2
            row, column = np.clip(middle - PATCH_PX // 2, 0, np.array(one_label.shape) - PATCH_PX)
            patches.append(one_image[row : row + PATCH_PX, column : column + PATCH_PX])
    return np.array(patches).reshape(-1, PATCH_PX, PATCH_PX)


def chest_patches(image: NDArray[Any], label_ids: NDArray[Any]) -> NDArray[Any]:
    """The corners of all slices that show no labelled structure, `(n, PATCH_PX, PATCH_PX)`.

    Args:
        image: `(slices, height, width)`.
        label_ids: of the same shape; 0 is the background.
    """
    patches = []
    for rows in (slice(None, PATCH_PX), slice(-PATCH_PX, None)):
        for columns in (slice(None, PATCH_PX), slice(-PATCH_PX, None)):
            is_empty = ~label_ids[:, rows, columns].any(axis=(1, 2))
            patches.append(image[:, rows, columns][is_empty])
    return np.concatenate(patches)
