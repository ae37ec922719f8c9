"""Strong augmentation of intensities: what a sceptic does before believing in synthetic data.

The changes are those of nnU-Net's `nnUNetTrainerDA5`, its answer to data of other scanners, written anew for
single slices in NumPy: nnU-Net's own need PyTorch.

Reference:
    Isensee et al., nnU-Net, Nature Methods 2021, and https://github.com/MIC-DKFZ/nnUNet.
"""

from typing import Any, Final

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.training.config import AugmentationConfig

STRONG_WARPS: Final = AugmentationConfig(
    rotation_degrees=60, scaling=0.3, translation_px=12, elastic_px=4, gamma=1.0, bias=0.4
)
"""The geometry that goes with it."""

PROBABILITY: Final = 0.25
"""Of each of the changes below."""

FIELD_NODES: Final = 3


def augment_intensities(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Each image changed by itself, as `changed_intensities` does.

    Args:
        image: `(batch, size, size, 1)` float32 in [-1, 1].
        seed: `(2,)` integers.

    Returns:
        of the same shape, in [-1, 1].
    """

    def change(images: NDArray[np.float32], numbers: NDArray[Any]) -> NDArray[np.float32]:
        rng = np.random.default_rng([int(number) for number in numbers])
        return np.stack([changed_intensities(plain, rng) for plain in images[..., 0]])[..., None]

    changed = tf.numpy_function(change, [image, seed], tf.float32, stateful=False)
    return tf.ensure_shape(changed, image.shape)


def changed_intensities(image: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32]:
    """One slice after blur or sharpening, low resolution, noise, contrast, brightness and more.

    Args:
        image: `(size, size)` in [-1, 1].
        rng: draws whether and how much.
    """
    for change in (_blur, _coarsen, _sharpen, _add_noise, _scale_contrast, _brighten, _tilt, _bend, _erase):
        if rng.uniform() < PROBABILITY:
            image = change(image, rng)
    return np.clip(image, -1.0, 1.0).astype(np.float32)


def _blur(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    return ndimage.gaussian_filter(image, rng.uniform(0.5, 1.5), mode="nearest")


def _coarsen(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """As from fewer pixels."""
    size = image.shape[0]
    coarse = ndimage.zoom(image, rng.uniform(0.4, 1.0), order=1, mode="nearest")
    return np.asarray(ndimage.zoom(coarse, size / coarse.shape[0], order=3, mode="nearest"))


def _sharpen(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    return image + rng.uniform(0.2, 1.0) * (image - ndimage.gaussian_filter(image, 1.0, mode="nearest"))


def _add_noise(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    return image + rng.uniform(0.0, 0.25) * rng.standard_normal(image.shape)


def _scale_contrast(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    mean = image.mean()
    return mean + rng.uniform(0.5, 1.5) * (image - mean)


def _brighten(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    return image + rng.normal(0.0, 0.3)


def _tilt(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """A brightness that rises across the image."""
    nodes = rng.normal(0.0, 0.4, (FIELD_NODES, FIELD_NODES))
    return image + ndimage.zoom(nodes, image.shape[0] / FIELD_NODES, order=3, mode="nearest")


def _bend(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Gamma of the inverted image: dark tissues change more than bright ones."""
    inverted = np.clip((1.0 - image) / 2.0, 0.0, 1.0)
    return 1.0 - 2.0 * inverted ** np.exp2(rng.uniform(-0.7, 0.7))


def _erase(image: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """A rectangle without an image; its label stays."""
    size = image.shape[0]
    height, width = rng.integers(size // 16, size // 6, 2)
    y, x = rng.integers(0, size - height), rng.integers(0, size - width)
    erased = image.copy()
    erased[y : y + height, x : x + width] = rng.uniform(-1.0, 1.0)
    return erased
