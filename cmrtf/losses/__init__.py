"""Loss functions. Each returns `(batch,)`, one value per example; `scaled_mean` of models reduces them."""

from cmrtf.losses.adversarial import hinge_discriminator_loss, hinge_generator_loss
from cmrtf.losses.context import context_loss
from cmrtf.losses.cross_entropy import cross_entropy_loss
from cmrtf.losses.feature_matching import feature_matching_loss
from cmrtf.losses.perceptual import PerceptualLoss
from cmrtf.losses.reconstruction import reconstruction_loss
from cmrtf.losses.soft_dice import soft_dice_loss

__all__ = [
    "PerceptualLoss",
    "context_loss",
    "cross_entropy_loss",
    "feature_matching_loss",
    "hinge_discriminator_loss",
    "hinge_generator_loss",
    "reconstruction_loss",
    "soft_dice_loss",
]
