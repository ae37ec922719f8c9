"""Paired augmentation of images and labels, as a function of a seed.

All geometric changes are one warp, so an image is interpolated once, by cubic splines: the
discriminator calls real what comes out here, and would teach the generator the blur of linear
interpolation. A batch's random numbers depend on the seed alone, not on how the batch is later
spread over devices.
"""

import math
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.core.labels import SCHEMA
from cmrtf.training.config import AugmentationConfig

ELASTIC_NODES = 6
BIAS_NODES = 3


def augment_labels(label_ids: tf.Tensor, seed: tf.Tensor, config: AugmentationConfig) -> tf.Tensor:
    """Warp label ids; interpolated as class masks, so no new value appears.

    Args:
        label_ids: integers, `(batch, size, size)` or `(batch, slices, size, size)`, the slices of an example
            warped alike; outside of the image is background.
        seed: `(2,)` integers.
        config: limits of the changes.
    """
    size = label_ids.shape[-1]
    positions = _warp(tf.shape(label_ids)[0], size, seed, config)
    maps = tf.reshape(label_ids, (-1, size, size))
    positions = tf.repeat(positions, label_ids.shape[1] if label_ids.shape.rank == 4 else 1, axis=0)
    return tf.reshape(_sample_labels(maps, positions), tf.shape(label_ids))


def augment_pairs(
    image: tf.Tensor, label_ids: tf.Tensor, seed: tf.Tensor, config: AugmentationConfig
) -> tuple[tf.Tensor, tf.Tensor]:
    """Warp images and labels alike, then change the images' intensities.

    Args:
        image: `(batch, size, size, 1)` float32 in [-1, 1]; mirrored where the warp looks outside.
        label_ids: `(batch, size, size)` integers.
        seed: `(2,)` integers.
        config: limits of the changes.
    """
    batch, size = tf.shape(image)[0], image.shape[1]
    positions = _warp(batch, size, seed, config)
    image = _sample_image(image[..., 0], positions)
    draws = tf.random.stateless_uniform((batch, 1 + BIAS_NODES**2), _stream(seed, 1), -1.0, 1.0)
    unit = tf.clip_by_value((image + 1.0) / 2.0, 0.0, 1.0)
    unit = unit ** (2.0 ** (config.gamma * draws[:, 0, None, None]))
    nodes = tf.reshape(draws[:, 1:], (-1, BIAS_NODES, BIAS_NODES, 1))
    field = 1.0 + config.bias * tf.image.resize(nodes, (size, size), "bicubic")[..., 0]
    image = tf.clip_by_value(unit * field, 0.0, 1.0) * 2.0 - 1.0
    return image[..., None], _sample_labels(label_ids, positions)


def _stream(seed: tf.Tensor, number: int) -> tf.Tensor:
    """A seed of its own for the `number`-th kind of draw."""
    return tf.random.experimental.stateless_fold_in(seed, number)


def _warp(batch: tf.Tensor, size: int, seed: tf.Tensor, config: AugmentationConfig) -> tf.Tensor:
    """Where each output pixel comes from: `(batch, size, size, 2)`, row and column."""
    draws = tf.random.stateless_uniform((batch, 6), seed, -1.0, 1.0)
    angle = draws[:, 0] * config.rotation_degrees * (math.pi / 180.0) + _quarter_turns(batch, seed, config)
    zoom = 1.0 + draws[:, 1] * config.scaling
    flips = tf.where(tf.abs(draws[:, 2:4]) < config.flip_probability, -1.0, 1.0)
    shift = draws[:, 4:6] * config.translation_px
    cosine, sine = tf.cos(angle) / zoom, tf.sin(angle) / zoom
    rows = tf.stack([cosine, -sine], -1) * flips[:, :1]
    columns = tf.stack([sine, cosine], -1) * flips[:, 1:]
    matrix = tf.stack([rows, columns], 1)

    centre = (size - 1) / 2.0
    axis = tf.range(size, dtype=tf.float32) - centre
    grid = tf.stack(tf.meshgrid(axis, axis, indexing="ij"), -1)
    positions = tf.einsum("bij,hwj->bhwi", matrix, grid) + centre + shift[:, None, None]
    nodes = tf.random.stateless_uniform((batch, ELASTIC_NODES, ELASTIC_NODES, 2), _stream(seed, 2), -1.0, 1.0)
    return positions + tf.image.resize(nodes * config.elastic_px, (size, size), "bicubic")


def _quarter_turns(batch: tf.Tensor, seed: tf.Tensor, config: AugmentationConfig) -> tf.Tensor:
    """Angles of the rotations by whole quarters of a circle, `(batch,)`, mostly 0."""
    share = tf.random.stateless_uniform((batch,), _stream(seed, 3))
    share = tf.math.divide_no_nan(share, config.quarter_turn_probability)  # below 1 where there is one
    turns = tf.where(
        (share < 1.0) & (config.quarter_turn_probability > 0.0), 1.0 + tf.floor(3.0 * share), 0.0
    )
    return turns * (math.pi / 2.0)


def _corners(positions: tf.Tensor) -> list[tuple[tf.Tensor, tf.Tensor]]:
    """The four pixels around each position, `(..., 2)` int32, with their bilinear weights."""
    low = tf.floor(positions)
    fraction = positions - low
    low = tf.cast(low, tf.int32)
    corners = []
    for dy in (0, 1):
        for dx in (0, 1):
            weight_y = fraction[..., 0] if dy else 1.0 - fraction[..., 0]
            weight_x = fraction[..., 1] if dx else 1.0 - fraction[..., 1]
            corners.append((low + tf.constant([dy, dx]), weight_y * weight_x))
    return corners


def _take(values: tf.Tensor, pixels: tf.Tensor) -> tf.Tensor:
    """`values[b, row, column]` for `(batch, h, w, 2)` pixels inside the image."""
    size = values.shape[1]
    flat = tf.reshape(values, (tf.shape(values)[0], size * size))
    return tf.gather(flat, pixels[..., 0] * size + pixels[..., 1], batch_dims=1)


def _sample_image(image: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    """The image at positions, along its cubic spline; outside it is mirrored."""
    sampled = tf.numpy_function(_spline_values, [image, positions], tf.float32, stateful=False)
    return tf.ensure_shape(sampled, image.shape)


def _spline_values(images: NDArray[Any], positions: NDArray[Any]) -> NDArray[np.float32]:
    """`_sample_image` of arrays."""
    coordinates = np.moveaxis(positions, -1, 1)
    sampled = np.empty_like(images)
    for image, place, output in zip(images, coordinates, sampled, strict=True):
        ndimage.map_coordinates(image, place, output, order=3, mode="mirror")
    return sampled


def _sample_labels(label_ids: tf.Tensor, positions: tf.Tensor) -> tf.Tensor:
    size = label_ids.shape[1]
    padded = tf.pad(label_ids, [[0, 0], [1, 1], [1, 1]])
    corners = [
        (_take(padded, tf.clip_by_value(pixels + 1, 0, size + 1)), weight)
        for pixels, weight in _corners(positions)
    ]
    scores = [
        tf.add_n([weight * tf.cast(ids == label, tf.float32) for ids, weight in corners])
        for label in range(SCHEMA.num_classes)
    ]
    return tf.cast(tf.argmax(tf.stack(scores, -1), -1), label_ids.dtype)
