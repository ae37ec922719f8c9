"""Weights of the terms of the generator's loss, importable without TensorFlow for the configuration."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms of the generator's loss; the hinge loss has weight 1.

    Args:
        feature_matching: weight of the feature matching loss; 10 in pix2pixHD and SPADE.
        reconstruction: weight of the mean absolute difference, near the heart, between the image and
            its reconstruction from its own labels and style. Not in the paper; small cohorts converge
            in minutes with it.
        kl: weight of the KL divergence of the contrast part of the style code.
        context: weight of the negative evidence lower bound of the tissue context, in nats a pixel. No other
            term trains the context's networks.
        perceptual: weight of the perceptual loss, used only with VGG19 weights.
    """

    feature_matching: float = 10.0
    reconstruction: float = 5.0
    kl: float = 0.005
    context: float = 1.0
    perceptual: float = 10.0
