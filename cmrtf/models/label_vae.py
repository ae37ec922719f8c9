"""The label VAE: a latent space of label maps."""

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
    """A convolutional VAE of label maps of single slices.

    Trained on `E_q[-log p(m | z)] + beta * KL(q(z | m) || N(0, I))`: the cross-entropy summed over
    pixels, and beta growing linearly from 0 to `kl_weight` over the first `kl_warmup_steps`, so that
    the decoder learns to use the code before the prior constrains it.

    With an `interpolation_loss_weight` it is also trained for latent interpolation: each slice is decoded
    from the mean of the codes of the slices below and above, and the cross-entropy of that decoding is
    added to the loss with this weight.

    Args:
        num_classes: number of label ids.
        size: height and width of the label maps.
        latent_dim: dimensions of the latent code.
        widths: channels of each stage of the encoder, mirrored by the decoder.
        depth: convolutions of each stage.
        linear_path: whether encoder and decoder have a PCA skip connection beside their convolutions.
        bottleneck_dim: width of the dense layers around the code; 0 for none.

    A batch is a dict of `label_ids (batch, size, size)`, `latent_noise (batch, latent_dim)`, standard normal,
    and with an `interpolation_loss_weight` of `neighbour_ids (batch, 2, size, size)`, the slices below and
    above. Where structures are unknown in some of the slices also `unknown (batch, num_classes)`. All
    randomness comes from the input pipeline, so a step is a function of weights and batch.

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
        bottleneck_dim: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.size = size
        self.latent_dim = latent_dim
        self.widths = tuple(widths)
        self.depth = depth
        self.linear_path = linear_path
        self.bottleneck_dim = bottleneck_dim
        self.encoder = LabelEncoder(
            latent_dim, self.widths, depth, linear_path, bottleneck_dim, name="encoder"
        )
        self.decoder = LabelDecoder(
            num_classes, self.widths, depth, size, linear_path, bottleneck_dim, name="decoder"
        )
        self.encoder.build((None, size, size, num_classes))
        self.decoder.build((None, latent_dim))
        self.trackers = {name: keras.metrics.Mean(name) for name in ("loss", "cross_entropy", "kl")}
        self.built = True

    def compile(
        self,
        optimizer: keras.optimizers.Optimizer,
        kl_weight: float,
        kl_warmup_steps: int,
        interpolation_loss_weight: float = 0.0,
    ) -> None:
        """Set the optimizer and the weights of the loss.

        Args:
            optimizer: of all weights.
            kl_weight: final weight of the KL divergence, beta.
            kl_warmup_steps: steps over which beta grows to it.
            interpolation_loss_weight: weight of the cross-entropy of slices decoded from the mean code
                of their neighbours; 0 leaves the term out.
        """
        super().compile(optimizer=None, jit_compile=False)
        self.optimizer = optimizer
        self.optimizer.build(self.trainable_variables)
        self.kl_weight = kl_weight
        self.kl_warmup_steps = kl_warmup_steps
        self.interpolation_loss_weight = interpolation_loss_weight
        if interpolation_loss_weight:
            self.trackers["between"] = keras.metrics.Mean("between")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Trackers, reset by Keras at each epoch."""
        return list(self.trackers.values())

    def encode(self, label_ids: tf.Tensor, training: bool = False) -> Gaussian:
        """Posterior `q(z | m)` over codes.

        Args:
            label_ids: `(batch, size, size)` integers.
            training: normalise with the statistics of the batch.

        Returns:
            `Gaussian` over `(batch, latent_dim)`.

        Raises:
            tf.errors.InvalidArgumentError: a label id is not within `0..num_classes - 1`.
        """
        label_ids = checked_label_ids(label_ids, self.num_classes)
        return self.encoder(tf.one_hot(label_ids, self.num_classes), training=training)

    def decode(self, code: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Logits of `p(m | z)`.

        Args:
            code: `(batch, latent_dim)`.
            training: normalise with the statistics of the batch.

        Returns:
            `(batch, size, size, num_classes)` float32.
        """
        return self.decoder(code, training=training)

    def call(self, label_ids: tf.Tensor) -> tf.Tensor:
        """Reconstruction from the posterior mean: most probable label ids, `(batch, size, size)` int32."""
        return tf.argmax(self.decode(self.encode(label_ids).mean), axis=-1, output_type=tf.int32)

    def beta(self) -> tf.Tensor:
        """Current weight of the KL divergence, a scalar."""
        progress = tf.cast(self.optimizer.iterations, tf.float32) / max(self.kl_warmup_steps, 1)
        return self.kl_weight * tf.minimum(progress, 1.0)

    def train_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step on `E_q[-log p(m | z)] + beta * KL(q(z | m) || N(0, I))` and the interpolation loss.

        Args:
            batch: see the class.

        Returns:
            means of the loss and its terms since the metrics were last reset.

        Raises:
            tf.errors.InvalidArgumentError: a label id is not within `0..num_classes - 1`.
        """
        with tf.GradientTape() as tape:
            terms = self._terms(batch)
            loss = terms["cross_entropy"] + self.beta() * terms["kl"]
            if self.interpolation_loss_weight:
                loss += self.interpolation_loss_weight * terms["between"]
            scaled_loss = scaled_mean(loss)
        gradients = tape.gradient(scaled_loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for name, value in ({"loss": loss} | terms).items():
            self.trackers[name].update_state(value)
        return self.get_metrics_result()

    def _terms(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """The terms of the loss, each `(batch,)`.

        Slices and their neighbours are encoded as one batch, and all codes are decoded as one.
        """
        label_ids, unknown = batch["label_ids"], batch.get("unknown")
        neighbour_ids = tf.unstack(batch["neighbour_ids"], axis=1) if self.interpolation_loss_weight else []
        slices = [label_ids, *neighbour_ids]
        posterior, *neighbours = self.encode(tf.concat(slices, 0), training=True).split(len(slices))
        codes = [posterior.sample(batch["latent_noise"])]
        if neighbours:
            below, above = neighbours
            codes.append((below.mean + above.mean) / 2)
        logits, *interpolated = tf.split(self.decode(tf.concat(codes, 0), training=True), len(codes))
        terms = {
            "cross_entropy": cross_entropy_loss(label_ids, logits, unknown),
            "kl": tf.reduce_sum(posterior.kl(), axis=-1),
        }
        if interpolated:
            terms["between"] = cross_entropy_loss(label_ids, interpolated[0], unknown)
        return terms

    def get_config(self) -> dict[str, Any]:
        return {
            "num_classes": self.num_classes,
            "size": self.size,
            "latent_dim": self.latent_dim,
            "widths": self.widths,
            "depth": self.depth,
            "linear_path": self.linear_path,
            "bottleneck_dim": self.bottleneck_dim,
        }
