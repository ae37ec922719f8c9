"""Batches for training, as a function of seed and step.

Batch number `step` is the same whenever and wherever it is computed: the order of examples, the
augmentation and the noise that the models consume are all derived from `(seed, step)`. That makes
resuming exact (start at the step reached), runs repeatable, and results independent of the number
of devices that a batch is spread over.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.cohort.cohort import LabelArray, PreparedCohort, SliceArray
from cmrtf.core.unknown import Unknown, unknown_or_none
from cmrtf.training.augmentation import augment_labels, augment_pairs
from cmrtf.training.config import AugmentationConfig
from cmrtf.training.strong_augmentation import augment_intensities

fold_in = tf.random.experimental.stateless_fold_in
NOISE, DRAWS = 11, 12
"""Folded into a step's seed for the models' noise and for their uniform draws."""


@dataclass(frozen=True)
class Slices:
    """Slices of a split, in memory or in shards.

    Args:
        image: `(slices, size, size)` float32 in [-1, 1].
        label_ids: `(slices, size, size)` uint8.
        stack: `(slices,)` which stack a slice is of; a stack's slices follow each other, apex first.
        unknown: `(slices, classes)` which structures are unknown in which slices; None where all are known.
    """

    image: SliceArray
    label_ids: LabelArray
    stack: NDArray[np.int64]
    unknown: Unknown = None

    @classmethod
    def of_split(cls, cohort: PreparedCohort, split: str) -> "Slices":
        """Every phase of every subject of a split.

        A structure that is unknown in all of them cannot be learned: it counts as background then, so that
        models never draw it.

        Raises:
            CmrtfError: the split has no subjects.
        """
        return cls(*cohort.slices(split), _unknown_but_learned(cohort.unknown(split)))

    def labelled(self) -> "Slices":
        """Those with a heart on them."""
        return self._chosen(self.label_ids.any(axis=(1, 2)))

    def fully_labelled(self) -> "Slices":
        """Those in which all structures are known; there may be none."""
        if self.unknown is None:
            return self
        return replace(self._chosen(np.logical_not(np.any(self.unknown, axis=1))), unknown=None)

    def _chosen(self, chosen: NDArray[np.bool_]) -> "Slices":
        unknown = None if self.unknown is None else self.unknown[chosen]
        return Slices(self.image[chosen], self.label_ids[chosen], self.stack[chosen], unknown)

    def neighbours(self) -> NDArray[np.int64]:
        """`(slices, 2)`: the slices below and above each, in the same stack.

        The first and the last slice of a stack lie between no two others: both are their own neighbours.
        """
        own = np.arange(len(self.stack))
        inside = np.zeros(len(own), bool)
        inside[1:-1] = (self.stack[:-2] == self.stack[1:-1]) & (self.stack[2:] == self.stack[1:-1])
        return np.stack([own - inside, own + inside], -1)


def label_batches(
    slices: Slices,
    augmentation: AugmentationConfig,
    batch_size: int,
    steps: range,
    seed: int,
    latent_dim: int,
    with_neighbours: bool = False,
) -> tf.data.Dataset:
    """Batches for `LabelVAE`: `label_ids` and `latent_noise`, one for each of `steps`.

    Where structures are unknown in some slices also `unknown (batch, classes)`.
    With neighbours also `neighbour_ids (batch, 2, size, size)`: the slices below and above, warped alike.
    """
    labels, unknown = _gather(slices.label_ids), _gather_unknown(slices)
    own = np.arange(len(slices.label_ids))[:, None]
    columns = _constant(np.concatenate([own, slices.neighbours()], -1) if with_neighbours else own)

    def batch_of(step: tf.Tensor) -> dict[str, tf.Tensor]:
        step_seed = tf.stack([tf.constant(seed, tf.int64), step])
        examples = _examples(step, batch_size, len(slices.label_ids), seed)
        label_ids = labels(tf.gather(columns, examples))
        label_ids = augment_labels(label_ids, step_seed, augmentation)
        batch = {
            "label_ids": label_ids[:, 0],
            "latent_noise": tf.random.stateless_normal((batch_size, latent_dim), fold_in(step_seed, NOISE)),
        }
        return batch | unknown(examples) | ({"neighbour_ids": label_ids[:, 1:]} if with_neighbours else {})

    return _dataset(batch_of, steps)


def pair_batches(
    slices: Slices,
    augmentation: AugmentationConfig,
    batch_size: int,
    steps: range,
    seed: int,
    strong_intensities: bool = False,
) -> tf.data.Dataset:
    """Batches for `Segmenter`: `image`, `label_ids` and, as above, `unknown`, one for each of `steps`.

    With strong intensities images also go through `augment_intensities`.
    """
    pairs = _pairs(slices, augmentation, batch_size, seed)

    def batch_of(step: tf.Tensor) -> dict[str, tf.Tensor]:
        batch = pairs(step)
        if not strong_intensities:
            return batch
        step_seed = tf.stack([tf.constant(seed, tf.int64), step])
        return batch | {"image": augment_intensities(batch["image"], step_seed)}

    return _dataset(batch_of, steps)


def image_batches(
    slices: Slices,
    augmentation: AugmentationConfig,
    batch_size: int,
    steps: range,
    seed: int,
    style_dim: int,
    num_draws: int,
) -> tf.data.Dataset:
    """Batches for `SPADEGAN`: `image`, `label_ids`, `style_noise` and `augment_draws`."""
    pairs = _pairs(slices, augmentation, batch_size, seed)

    def batch_of(step: tf.Tensor) -> dict[str, tf.Tensor]:
        step_seed = tf.stack([tf.constant(seed, tf.int64), step])
        return pairs(step) | {
            "style_noise": tf.random.stateless_normal((batch_size, style_dim), fold_in(step_seed, NOISE)),
            "augment_draws": tf.random.stateless_uniform((batch_size, num_draws), fold_in(step_seed, DRAWS)),
        }

    return _dataset(batch_of, steps)


def _pairs(
    slices: Slices, augmentation: AugmentationConfig, batch_size: int, seed: int
) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """Step to a batch of images and their labels, warped alike."""
    images, labels = _gather(slices.image), _gather(slices.label_ids)
    unknown = _gather_unknown(slices)

    def batch_of(step: tf.Tensor) -> dict[str, tf.Tensor]:
        step_seed = tf.stack([tf.constant(seed, tf.int64), step])
        examples = _examples(step, batch_size, len(slices.image), seed)
        image, label_ids = augment_pairs(
            images(examples)[..., None], labels(examples), step_seed, augmentation
        )
        return {"image": image, "label_ids": label_ids} | unknown(examples)

    return batch_of


def _examples(step: tf.Tensor, batch_size: int, count: int, seed: int) -> tf.Tensor:
    """Which examples batch `step` holds: each epoch is a fresh permutation, computed, not stored."""

    def shuffled(position: tf.Tensor) -> tf.Tensor:
        return tf.random.experimental.index_shuffle(
            position % count, seed=tf.stack([seed, position // count]), max_index=count - 1
        )

    # One by one: with a vector of positions the op of TF 2.21 wrongly pads its matrix of seeds.
    return tf.map_fn(shuffled, step * batch_size + tf.range(batch_size, dtype=tf.int64))


def _gather(slices: SliceArray) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function from numbers of slices, in any shape, to those slices."""
    if isinstance(slices, np.ndarray):
        in_memory = _constant(slices)
        return lambda numbers: tf.gather(in_memory, numbers)

    def read(numbers: tf.Tensor) -> tf.Tensor:
        stored = tf.numpy_function(slices.__getitem__, [numbers], slices.dtype, stateful=False)
        return tf.ensure_shape(stored, (*numbers.shape, *slices.shape[1:]))

    return read


def _gather_unknown(slices: Slices) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """A function from numbers of slices to what is unknown of them; nothing where all is known."""
    if slices.unknown is None:
        return lambda _: {}
    unknown = _constant(slices.unknown)
    return lambda numbers: {"unknown": tf.gather(unknown, numbers)}


def _unknown_but_learned(unknown: Unknown) -> Unknown:
    """What is unknown in some slices but not in all."""
    return None if unknown is None else unknown_or_none(unknown & ~unknown.all(axis=0))


def _constant(values: NDArray[np.generic]) -> tf.Tensor:
    with tf.device("CPU"):
        return tf.constant(values)


def _dataset(batch_of: Callable[[tf.Tensor], dict[str, tf.Tensor]], steps: range) -> tf.data.Dataset:
    """One batch for each of `steps`, made ahead of the training."""
    dataset = tf.data.Dataset.range(steps.start, steps.stop)
    options = tf.data.Options()
    # There are no files to share out: each of several machines takes its part of every batch.
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    options.autotune.enabled = False  # there is nothing to tune, and its thread kept trainings from ending
    return dataset.map(batch_of, num_parallel_calls=1, deterministic=True).prefetch(2).with_options(options)
