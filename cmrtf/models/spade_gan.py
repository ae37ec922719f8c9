"""The SPADE GAN: images from label maps and style codes."""

from typing import Any

import keras
import tensorflow as tf

from cmrtf.layers.tissue_classes import tissue_classes
from cmrtf.losses import (
    PerceptualLoss,
    context_loss,
    feature_matching_loss,
    hinge_discriminator_loss,
    hinge_generator_loss,
    reconstruction_loss,
)
from cmrtf.models.differentiable_augmentation import augment
from cmrtf.models.loss_weights import LossWeights
from cmrtf.models.replicas import scaled_mean, update_moving_average
from cmrtf.networks.gaussian import Gaussian
from cmrtf.networks.multiscale_discriminator import MultiscaleDiscriminator
from cmrtf.networks.spade_generator import SPADEGenerator
from cmrtf.networks.style_encoder import StyleEncoder

TERMS = ("g_hinge", "feature_matching", "reconstruction", "kl", "context")  # of the generator's loss


@keras.saving.register_keras_serializable(package="cmrtf")
class SPADEGAN(keras.Model):
    """SPADE generator, encoders of style and multiscale discriminator, trained together.

    The style encoder is two VAEs, of contrast and texture and of the tissue context, so that both can be
    encoded, averaged and interpolated. Generator and discriminator see the label map that it completes.
    `generator_average`, the exponential moving average of the generator, is exported.

    Args:
        num_classes: number of label ids.
        size: height and width of the images.
        style_dim: dimensions of the style code.
        context_dim: how many of them, the last, are the tissue context's.
        base_width: channels of the generator's last block.
        hidden_channels: hidden width of the SPADE layers.
        style_base_width: channels of both encoders' first convolution.
        discriminator_base_width: channels of the discriminators' first convolution.
        discriminator_layers: convolutions of each discriminator.
        discriminator_last_stride: stride of the last of them.

    A batch is a dict of `image (batch, size, size, 1)` in [-1, 1], `label_ids (batch, size, size)`,
    `style_noise (batch, style_dim)` standard normal and `augment_draws (batch, NUM_DRAWS)` uniform.
    All randomness comes from the input pipeline, so a step is a function of weights and batch.

    Reference:
        Park et al., CVPR 2019 (https://arxiv.org/abs/1903.07291); TTUR: Heusel et al., NeurIPS 2017.
    """

    def __init__(
        self,
        num_classes: int,
        size: int,
        style_dim: int,
        context_dim: int,
        base_width: int,
        hidden_channels: int,
        style_base_width: int,
        discriminator_base_width: int,
        discriminator_layers: int,
        discriminator_last_stride: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.size = size
        self.style_dim = style_dim
        self.context_dim = context_dim
        self.base_width = base_width
        self.hidden_channels = hidden_channels
        self.style_base_width = style_base_width
        self.discriminator_base_width = discriminator_base_width
        self.discriminator_layers = discriminator_layers
        self.discriminator_last_stride = discriminator_last_stride

        self.style_encoder = StyleEncoder(
            style_dim, context_dim, num_classes, style_base_width, size, name="style_encoder"
        )
        self.style_encoder.build((None, size, size, 1))
        self.generator = self._build_generator("generator")
        self.generator_average = self._build_generator("generator_average")
        self.generator_average.trainable = False
        for average, value in zip(self.generator_average.variables, self.generator.variables, strict=True):
            average.assign(value)
        self.discriminator = MultiscaleDiscriminator(
            base_width=discriminator_base_width,
            num_layers=discriminator_layers,
            last_stride=discriminator_last_stride,
            name="discriminator",
        )
        self.discriminator.build((None, size, size, self.style_encoder.num_tissues + 1))
        self.trackers = {name: keras.metrics.Mean(name) for name in (*TERMS, "d_hinge", "d_real", "d_fake")}
        self.built = True

    def _build_generator(self, name: str) -> SPADEGenerator:
        encoder = self.style_encoder
        sizes = (self.size, self.base_width, self.hidden_channels, encoder.num_tissues)
        generator = SPADEGenerator(*sizes, name=name)
        generator.build((None, encoder.contrast_dim))
        return generator

    def compile(
        self,
        g_optimizer: keras.optimizers.Optimizer,
        d_optimizer: keras.optimizers.Optimizer,
        loss_weights: LossWeights,
        average_decay: float,
        augment_discriminator: bool = True,
        perceptual_loss: PerceptualLoss | None = None,
    ) -> None:
        """Set the optimizers and the loss.

        Args:
            g_optimizer: of generator and style encoder.
            d_optimizer: of the discriminator, usually with a higher learning rate (TTUR).
            loss_weights: of the terms of the generator's loss.
            average_decay: decay of the moving average of the generator, in [0, 1).
            augment_discriminator: whether the discriminator gets augmented images, real and fake alike.
            perceptual_loss: an additional term of the generator's loss.
        """
        # No XLA: the number of distinct label neighbourhoods is known only at run time.
        super().compile(optimizer=None, jit_compile=False)
        self.g_optimizer = g_optimizer
        self.d_optimizer = d_optimizer
        self.g_optimizer.build(self.g_variables)
        self.d_optimizer.build(self.d_variables)
        self.loss_weights = loss_weights
        self.average_decay = average_decay
        self.augment_discriminator = augment_discriminator
        self.perceptual_loss = perceptual_loss
        if perceptual_loss is not None:
            self.trackers["perceptual"] = keras.metrics.Mean("perceptual")

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Trackers, reset by Keras at each epoch."""
        return list(self.trackers.values())

    @property
    def g_variables(self) -> list[keras.Variable]:
        """Weights that `g_optimizer` trains: generator and style encoder."""
        return self.generator.trainable_variables + self.style_encoder.trainable_variables

    @property
    def d_variables(self) -> list[keras.Variable]:
        """Weights that `d_optimizer` trains: the discriminator."""
        return self.discriminator.trainable_variables

    def encode_style(self, image: tf.Tensor, training: bool = False) -> Gaussian:
        """Posterior over style codes.

        Args:
            image: `(batch, size, size, 1)` in [-1, 1].
            training: normalise with the statistics of the batch.

        Returns:
            `Gaussian` over `(batch, style_dim)`.
        """
        return self.style_encoder(image, training=training)

    def synthesize(self, label_ids: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        """Images of the averaged generator.

        Args:
            label_ids: `(batch, size, size)` integers.
            style: `(batch, style_dim)` style codes.

        Returns:
            `(batch, size, size, 1)` float32 in [-1, 1].

        Raises:
            tf.errors.InvalidArgumentError: a label id is not within `0..num_classes - 1`.
        """
        styled = self.style_encoder.decode(style, label_ids)
        return self.generator_average(styled.contrast, styled.tissue_ids, training=False)

    def train_step(self, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """One step of generator and discriminator on the same fake images.

        The discriminator runs once, on real and fake; each loss is differentiated with respect to the
        weights of its own network only.

        Args:
            batch: see the class.

        Returns:
            means of the loss terms and logits since the metrics were last reset.

        Raises:
            tf.errors.InvalidArgumentError: a label id is not within `0..num_classes - 1`.
        """
        image, label_ids = batch["image"], batch["label_ids"]
        with tf.GradientTape(persistent=True) as tape:
            posterior = self.encode_style(image, training=True)
            style = posterior.sample(batch["style_noise"])
            styled = self.style_encoder.decode(style, label_ids, training=True)
            fake = self.generator(styled.contrast, styled.tissue_ids, training=True)
            real_features, fake_features = self._discriminate(image, fake, styled.tissue_ids, batch)
            terms = self._image_terms(image, fake, label_ids, real_features, fake_features)
            terms |= self._style_terms(posterior, image, label_ids, styled.context_logits)
            g_loss = scaled_mean(tf.add_n(list(terms.values())))
            d_hinge = hinge_discriminator_loss(_logits(real_features), _logits(fake_features))
            d_loss = scaled_mean(d_hinge)
        self.g_optimizer.apply(tape.gradient(g_loss, self.g_variables), self.g_variables)
        self.d_optimizer.apply(tape.gradient(d_loss, self.d_variables), self.d_variables)
        update_moving_average(self.generator_average.variables, self.generator.variables, self._decay())
        return self._report(terms, d_hinge, real_features, fake_features)

    def _discriminate(
        self, real: tf.Tensor, fake: tf.Tensor, tissue_ids: tf.Tensor, batch: dict[str, tf.Tensor]
    ) -> Any:
        """The discriminator's feature maps of real and of fake images, each `[scale][layer]`.

        Both are augmented alike and pass through the same kernels in one call: a list, not one batch, so that
        the generator's gradient passes through the fake only.
        """
        label_map = tf.one_hot(tissue_ids, self.style_encoder.num_tissues)
        pairs = [(image, label_map) for image in (real, fake)]
        if self.augment_discriminator:
            pairs = [augment(*pair, batch["augment_draws"]) for pair in pairs]
        inputs = [tf.concat([label_map, image], axis=-1) for image, label_map in pairs]
        scales = self.discriminator(inputs, training=True)
        real_features = [[real for real, _ in scale] for scale in scales]
        fake_features = [[fake for _, fake in scale] for scale in scales]
        return real_features, fake_features

    def _image_terms(
        self, image: tf.Tensor, fake: tf.Tensor, label_ids: tf.Tensor, real_features: Any, fake_features: Any
    ) -> dict[str, tf.Tensor]:
        """The terms of the generator's loss that compare images, weighted, each `(batch,)`."""
        weights = self.loss_weights
        matching = feature_matching_loss(_intermediate(real_features), _intermediate(fake_features))
        terms = {
            "g_hinge": hinge_generator_loss(_logits(fake_features)),
            "feature_matching": weights.feature_matching * matching,
            "reconstruction": weights.reconstruction * reconstruction_loss(image, fake, label_ids),
        }
        if self.perceptual_loss is not None:
            terms["perceptual"] = weights.perceptual * self.perceptual_loss(image, fake)
        return terms

    def _style_terms(
        self, posterior: Gaussian, image: tf.Tensor, label_ids: tf.Tensor, context_logits: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """The terms of both parts of the style, weighted, each `(batch,)`."""
        parts = self.style_encoder.parts(posterior.kl())
        contrast_kl, context_kl = (tf.reduce_sum(part, axis=-1) for part in parts)
        missed = context_loss(tissue_classes(image), context_logits, label_ids)
        return {
            "kl": self.loss_weights.kl * contrast_kl,
            "context": self.loss_weights.context * (missed + context_kl) / self.size**2,
        }

    def _decay(self) -> tf.Tensor:
        """Decay of the moving average, smaller at the start so that the initial weights are forgotten."""
        step = tf.cast(self.g_optimizer.iterations, tf.float32)
        return tf.minimum(self.average_decay, (1.0 + step) / (10.0 + step))

    def _report(
        self, terms: dict[str, tf.Tensor], d_hinge: tf.Tensor, real_features: Any, fake_features: Any
    ) -> dict[str, tf.Tensor]:
        """Update the trackers; d_real and d_fake are the mean logits."""
        values = terms | {
            "d_hinge": d_hinge,
            "d_real": -hinge_generator_loss(_logits(real_features)),
            "d_fake": -hinge_generator_loss(_logits(fake_features)),
        }
        for name, tracker in self.trackers.items():
            tracker.update_state(values[name])
        return self.get_metrics_result()

    def get_config(self) -> dict[str, Any]:
        return {
            "num_classes": self.num_classes,
            "size": self.size,
            "style_dim": self.style_dim,
            "context_dim": self.context_dim,
            "base_width": self.base_width,
            "hidden_channels": self.hidden_channels,
            "style_base_width": self.style_base_width,
            "discriminator_base_width": self.discriminator_base_width,
            "discriminator_layers": self.discriminator_layers,
            "discriminator_last_stride": self.discriminator_last_stride,
        }


def _logits(scales: list[list[tf.Tensor]]) -> list[tf.Tensor]:
    """The last feature map of each scale."""
    return [features[-1] for features in scales]


def _intermediate(scales: list[list[tf.Tensor]]) -> list[list[tf.Tensor]]:
    """All feature maps of each scale but the logits."""
    return [features[:-1] for features in scales]
