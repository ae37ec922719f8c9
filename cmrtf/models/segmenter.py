"""The segmenter: label maps of images, for measuring label fidelity and what synthetic data are good for."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.label_ids import checked_label_ids
from cmrtf.losses import cross_entropy_loss, soft_dice_loss
from cmrtf.models.replicas import scaled_mean
from cmrtf.networks.unet import UNet


@keras.saving.register_keras_serializable(package="cmrtf")
class Segmenter(keras.Model):
    """A U-Net of single slices, trained on `cross-entropy per pixel + soft Dice loss`.

    Args:
        num_classes: number of label ids.
        size: height and width of the images.
        widths: channels of each stage of the U-Net.
        depth: convolutions of each stage.
        normalisation: `"batch"` or `"instance"`.

    A batch is a dict of `image (batch, size, size, 1)` in [-1, 1] and `label_ids (batch, size, size)`,
    and where structures are unknown in some of the slices of `unknown (batch, num_classes)`.

    Reference:
        Isensee et al., nnU-Net, Nature Methods 2021, for the sum of the two losses.
    """

    def __init__(
        self,
        num_classes: int,
        size: int,
        widths: tuple[int, ...],
        depth: int = 1,
        normalisation: str = "batch",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.size = size
        self.widths = tuple(widths)
        self.depth = depth
        self.normalisation = normalisation
        self.unet = UNet(num_classes, self.widths, depth, normalisation, name="unet")
        self.unet.build((None, size, size, 1))
        self.trackers = {name: keras.metrics.Mean(name) for name in ("loss", "cross_entropy", "soft_dice")}
        self.built = True

    def compile(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Set the optimizer."""
        super().compile(optimizer=None, jit_compile=False)
        self.optimizer = optimizer
        self.optimizer.build(self.trainable_variables)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Trackers, reset by Keras at each epoch."""
        return list(self.trackers.values())

    def call(self, image: tf.Tensor) -> tf.Tensor:
        """Most probable label ids.

        Args:
            image: `(batch, size, size, 1)` in [-1, 1].

        Returns:
            `(batch, size, size)` int32.
        """
        return tf.argmax(self.unet(image), axis=-1, output_type=tf.int32)

    def features(self, image: tf.Tensor) -> tf.Tensor:
        """Mean over the smallest feature map of the U-Net, for distances between distributions of images.

        Args:
            image: `(batch, size, size, 1)` in [-1, 1].

        Returns:
            `(batch, widths[-1])` float32.
        """
        return tf.reduce_mean(tf.cast(self.unet.encode(image)[-1], tf.float32), axis=[1, 2])

    def train_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step on `cross-entropy per pixel + soft Dice loss`.

        Args:
            batch: see the class.

        Returns:
            means of the loss and its terms since the metrics were last reset.

        Raises:
            tf.errors.InvalidArgumentError: a label id is not within `0..num_classes - 1`.
        """
        label_ids = checked_label_ids(batch["label_ids"], self.num_classes)
        unknown = batch.get("unknown")
        with tf.GradientTape() as tape:
            logits = self.unet(batch["image"], training=True)
            cross_entropy = cross_entropy_loss(label_ids, logits, unknown) / self.size**2
            soft_dice = soft_dice_loss(label_ids, logits, unknown)
            loss = cross_entropy + soft_dice
            scaled_loss = scaled_mean(loss)
        gradients = tape.gradient(scaled_loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for name, value in {"loss": loss, "cross_entropy": cross_entropy, "soft_dice": soft_dice}.items():
            self.trackers[name].update_state(value)
        return self.get_metrics_result()

    def get_config(self) -> dict[str, Any]:
        return {
            "num_classes": self.num_classes,
            "size": self.size,
            "widths": self.widths,
            "depth": self.depth,
            "normalisation": self.normalisation,
        }
