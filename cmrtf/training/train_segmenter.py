"""Training of a segmenter on slices in memory, real, synthetic or both."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from cmrtf.cohort.cohort import LabelArray, SliceArray
from cmrtf.core.files import new_folder
from cmrtf.core.json_files import read_json
from cmrtf.core.labels import SCHEMA
from cmrtf.core.unknown import Unknown
from cmrtf.errors import CmrtfError
from cmrtf.models.segmenter import Segmenter
from cmrtf.tensorflow_start import own_keras_settings
from cmrtf.training.config import AugmentationConfig
from cmrtf.training.distributed import (
    check_batch_size,
    mirrored_strategy,
    not_finite_error,
    step_function,
    without_remapping,
)
from cmrtf.training.fused_adam import FusedAdam
from cmrtf.training.input_pipeline import Slices, pair_batches
from cmrtf.training.reporting import Progress

CONFIG_FILE = "segmenter.json"
WEIGHTS_FILE = "segmenter.weights.h5"
SEGMENTER_STEPS = 1800
"""About six minutes on two cores."""
INFERENCE_BATCH = 16
"""Slices that pass the network together at inference: memory, not results, depends on it."""
AUGMENTATION = AugmentationConfig(
    rotation_degrees=30, scaling=0.2, translation_px=8, elastic_px=2, gamma=0.5, bias=0.2
)


@dataclass(frozen=True)
class SegmenterConfig:
    """A segmenter and its training but for the number of steps.

    Args:
        widths: channels of each stage of the U-Net, largest map first; the last is the number of features.
        depth: convolutions of each stage.
        batch_size: slices per step, over all devices.
        learning_rate: at the start; it falls to zero along a cosine.
        augmentation: of image and label pairs.
        strong_intensities: whether intensities are changed strongly too, see `strong_augmentation`.
        normalisation: of the U-Net: `"batch"`, or `"instance"` where images of several contrasts are mixed.
    """

    widths: tuple[int, ...] = (16, 32, 64, 128, 160)
    depth: int = 1
    batch_size: int = 8
    learning_rate: float = 3e-3
    augmentation: AugmentationConfig = AUGMENTATION
    strong_intensities: bool = False
    normalisation: str = "batch"


class TrainedSegmenter:
    """A segmenter for arrays.

    Args:
        model: with trained weights.
    """

    def __init__(self, model: Segmenter) -> None:
        self.model = model
        signature = [tf.TensorSpec((None, model.size, model.size, 1), tf.float32)]
        self._segment = tf.function(model.call, input_signature=signature, autograph=False)
        self._features = tf.function(model.features, input_signature=signature, autograph=False)

    def segment(self, images: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Label ids `(slices, size, size)` of images `(slices, size, size)` in [-1, 1]."""
        return self._in_batches(self._segment, images).astype(np.uint8)

    def features(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features `(slices, dim)` of images `(slices, size, size)` in [-1, 1], for distances of sets."""
        return self._in_batches(self._features, images)

    def save(self, folder: Path) -> None:
        """Write configuration and weights into a new folder.

        Raises:
            CmrtfError: the folder is taken or cannot be written.
        """
        with new_folder(folder) as partial:
            (partial / CONFIG_FILE).write_text(json.dumps(self.model.get_config(), indent=2) + "\n")
            self.model.save_weights(partial / WEIGHTS_FILE)

    @classmethod
    @own_keras_settings()
    def load(cls, folder: Path) -> "TrainedSegmenter":
        """Read what `save` wrote.

        Raises:
            CmrtfError: the folder does not hold a segmenter.
        """
        keras.config.set_dtype_policy("float32")
        try:
            model = Segmenter.from_config(read_json(folder / CONFIG_FILE, dict[str, Any], "a segmenter"))
            model.load_weights(folder / WEIGHTS_FILE)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise CmrtfError(
                f"{folder}: expected {CONFIG_FILE} and {WEIGHTS_FILE} of a trained segmenter. "
                f"Received: {error}"
            ) from error
        return cls(model)

    @own_keras_settings()
    def _in_batches(
        self, function: Callable[[tf.Tensor], tf.Tensor], images: NDArray[np.float32]
    ) -> NDArray[Any]:
        starts = range(0, len(images), INFERENCE_BATCH)
        batches = [function(images[start : start + INFERENCE_BATCH, ..., None]).numpy() for start in starts]
        return np.concatenate(batches)


@own_keras_settings()
def train_segmenter(
    images: SliceArray,
    label_ids: LabelArray,
    steps: int,
    seed: int = 0,
    progress: bool = True,
    name: str = "segmenter",
    config: SegmenterConfig | None = None,
    unknown: Unknown = None,
    start: TrainedSegmenter | None = None,
) -> TrainedSegmenter:
    """Train a segmenter: always the same one for the same arguments.

    Slices without labels belong among them: they teach it where there is no heart.

    Args:
        images: `(slices, size, size)` in [-1, 1].
        label_ids: `(slices, size, size)`.
        steps: length of the training.
        seed: of weights, batches and augmentation.
        progress: whether to show a bar with the time left.
        name: stands before the bar.
        config: model and schedule; `SegmenterConfig()` where it is None.
        unknown: `(slices, classes)`, which structures are unknown in which slices.
        start: a segmenter of the same configuration to go on from; None to train from scratch.

    Raises:
        CmrtfError: the batch cannot be shared out evenly to the devices, or numbers are not finite.
        ValueError: images and labels differ in shape.
    """
    if images.shape != label_ids.shape:
        raise ValueError(f"images and label_ids differ in shape: {images.shape} and {label_ids.shape}")
    config = config or SegmenterConfig()
    strategy = mirrored_strategy()
    check_batch_size(config.batch_size, strategy)
    keras.config.set_dtype_policy("float32")
    keras.utils.set_random_seed(seed)
    with strategy.scope():
        model = Segmenter(
            SCHEMA.num_classes, images.shape[-1], config.widths, config.depth, config.normalisation
        )
        if start is not None:
            model.set_weights(start.model.get_weights())
        model.compile(FusedAdam(keras.optimizers.schedules.CosineDecay(config.learning_rate, steps)))
    slices = Slices(images, label_ids, np.arange(len(images)), unknown)  # neighbours are not used
    batches = pair_batches(
        slices, config.augmentation, config.batch_size, range(steps), seed, config.strong_intensities
    )
    bar = Progress(name, 0, steps, tuple(model.trackers), silent=not progress)
    with without_remapping(), contextlib.closing(bar):
        take_step = step_function(model, batches)
        for step in range(1, steps + 1):
            if bad := take_step():
                raise not_finite_error(name, step, bad)
            bar.advance()
        bar.display(steps, {key: float(mean) for key, mean in model.get_metrics_result().items()})
    trained = Segmenter.from_config(model.get_config())  # without optimizer, on one device
    trained.set_weights(model.get_weights())
    return TrainedSegmenter(trained)
