"""Weights of the terms of the generator's loss, without TensorFlow: presets name them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LossWeights:
    """Weights of the generator's terms beside the hinge loss, which has weight 1.

    Args:
        feature_matching: 10 in pix2pixHD and SPADE.
        reconstruction: mean absolute difference of the image and its reconstruction from its own
            labels and style; what makes small cohorts converge in minutes.
        kl: of the style code.
        perceptual: used only where VGG19 weights are given.
    """

    feature_matching: float = 10.0
    reconstruction: float = 5.0
    kl: float = 0.02
    perceptual: float = 10.0
