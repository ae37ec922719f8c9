"""The label VAE: heart shapes as points in a latent space."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.label_ids import checked_label_ids
from cmrtf.losses import cross_entropy_loss
from cmrtf.models.replicas import scaled_mean
from cmrtf.networks.gaussian import Gaussian
from cmrtf.networks.label_decoder import LabelDecoder
from cmrtf.networks.label_encoder import LabelEncoder


@keras.saving.register_keras_serializable(package="cmrtf")
class LabelVAE(keras.Model):
    """A convolutional VAE of ground-truth label maps, one slice at a time.

    Trained on `cross-entropy + beta * KL`, the cross-entropy summed over pixels, beta growing
    linearly from 0 to `kl_weight` over the first `kl_warmup_steps` so that the decoder learns to
    use the code before the prior pulls at it.

    With a `between_weight` it also learns what walks ask of it: a slice is to be decoded from halfway between
    the codes of the slices below and above. That adds `between_weight *` the cross-entropy of that decoding.

    Args:
        num_classes: number of label ids.
        size: height and width of the label maps.
        latent_dim: dimensions of the latent code.
        widths: channels of each stage of the encoder, mirrored by the decoder.
        depth: convolutions of each stage.
        linear_path: whether encoder and decoder have a linear path beside their convolutions.

    A batch is a dict of `label_ids (batch, size, size)`, `latent_noise (batch, latent_dim)`, standard normal,
    and with a `between_weight` of `neighbour_ids (batch, 2, size, size)`, the slices below and above: all
    randomness comes from the input pipeline, so that a step is a function of weights and batch only.

    Reference:
        Amirrajab et al., ISMRM 2022, no. 1838; beta-VAE: Higgins et al., ICLR 2017.
    """

    def __init__(
        self,
        num_classes: int,
        size: int,
        latent_dim: int,
        widths: tuple[int, ...],
        depth: int = 2,
        linear_path: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.size = size
        self.latent_dim = latent_dim
        self.widths = tuple(widths)
        self.depth = depth
        self.linear_path = linear_path
        self.encoder = LabelEncoder(latent_dim, self.widths, depth, linear_path, name="encoder")
        self.decoder = LabelDecoder(num_classes, self.widths, depth, size, linear_path, name="decoder")
        self.encoder.build((None, size, size, num_classes))
        self.decoder.build((None, latent_dim))
        self.trackers = {name: keras.metrics.Mean(name) for name in ("loss", "cross_entropy", "kl")}
        self.built = True

    def compile(
        self,
        optimizer: keras.optimizers.Optimizer,
        kl_weight: float,
        kl_warmup_steps: int,
        between_weight: float = 0.0,
    ) -> None:
        """Set the optimizer, the KL schedule and the weight of decoding from between neighbours."""
        super().compile(optimizer=None, jit_compile=False)
        self.optimizer = optimizer
        self.optimizer.build(self.trainable_variables)
        self.kl_weight = kl_weight
        self.kl_warmup_steps = kl_warmup_steps
        self.between_weight = between_weight
        if between_weight:
            self.trackers["between"] = keras.metrics.Mean("between")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Trackers, reset by Keras at each epoch."""
        return list(self.trackers.values())

    def encode(self, label_ids: tf.Tensor, training: bool = False) -> Gaussian:
        """Posterior over codes of `(batch, size, size)` label ids."""
        label_ids = checked_label_ids(label_ids, self.num_classes)
        return self.encoder(tf.one_hot(label_ids, self.num_classes), training=training)

    def decode(self, code: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Logits `(batch, size, size, num_classes)` of `(batch, latent_dim)` codes."""
        return self.decoder(code, training=training)

    def call(self, label_ids: tf.Tensor) -> tf.Tensor:
        """Most probable label ids of the reconstruction from the posterior mean."""
        return tf.argmax(self.decode(self.encode(label_ids).mean), axis=-1, output_type=tf.int32)

    def beta(self) -> tf.Tensor:
        """Current weight of the KL divergence."""
        progress = tf.cast(self.optimizer.iterations, tf.float32) / max(self.kl_warmup_steps, 1)
        return self.kl_weight * tf.minimum(progress, 1.0)

    def train_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step of `E_q[-log p(m | z)] + beta * KL(q(z | m) || N(0, I))`, and of what lies between."""
        with tf.GradientTape() as tape:
            terms = self._terms(batch)
            loss = terms["cross_entropy"] + self.beta() * terms["kl"]
            if self.between_weight:
                loss += self.between_weight * terms["between"]
            scaled_loss = scaled_mean(loss)
        gradients = tape.gradient(scaled_loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for name, value in ({"loss": loss} | terms).items():
            self.trackers[name].update_state(value)
        return self.get_metrics_result()

    def _terms(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The terms of the loss, one value per example each.

        Slices and their neighbours are encoded as one batch, codes and those from between decoded as one.
        """
        label_ids = batch["label_ids"]
        if not self.between_weight:
            posterior = self.encode(label_ids, training=True)
            logits = self.decode(posterior.sample(batch["latent_noise"]), training=True)
            between = {}
        else:
            neighbours = tf.unstack(batch["neighbour_ids"], axis=1)
            everything = self.encode(tf.concat([label_ids, *neighbours], 0), training=True)
            _, below, above = tf.split(everything.mean, 3)
            posterior = Gaussian(*(tf.split(values, 3)[0] for values in everything))
            codes = [posterior.sample(batch["latent_noise"]), (below + above) / 2]
            logits, logits_between = tf.split(self.decode(tf.concat(codes, 0), training=True), 2)
            between = {"between": cross_entropy_loss(label_ids, logits_between)}
        return {
            "cross_entropy": cross_entropy_loss(label_ids, logits),
            "kl": tf.reduce_sum(posterior.kl(), axis=-1),
        } | between

    def get_config(self) -> dict[str, Any]:
        return {
            "num_classes": self.num_classes,
            "size": self.size,
            "latent_dim": self.latent_dim,
            "widths": self.widths,
            "depth": self.depth,
            "linear_path": self.linear_path,
        }
