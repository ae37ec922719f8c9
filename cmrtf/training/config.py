"""Configuration of a training run: frozen dataclasses, filled from a preset's YAML. Imports no TensorFlow."""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from cmrtf.core.files import is_file
from cmrtf.core.yaml_files import read_yaml, shown
from cmrtf.errors import CmrtfError
from cmrtf.models.loss_weights import LossWeights
from cmrtf.training.config_values import (
    Choice,
    FileName,
    Number,
    WholeNumber,
    WholeNumbers,
    checked_value,
    config_from_dict,
)
from cmrtf.training.precision import AUTO, BFLOAT16, FLOAT32

MAX_STAGES: Final = 6
"""Each stage halves 128 pixels; at least two by two are left."""

MAX_WIDTH: Final = 4096
MAX_STEPS: Final = 10**9
WIDTH: Final = WholeNumber(1, MAX_WIDTH)
BATCH_SIZE: Final = WholeNumber(1, 2**16)
STEPS: Final = WholeNumber(1, MAX_STEPS)
RATE: Final = Number(1e-12, 10.0)
PRECISION: Final = Choice((AUTO, FLOAT32, BFLOAT16))


@dataclass(frozen=True)
class AugmentationConfig:
    """Limits of the augmentation; every amount is drawn uniformly up to the value given.

    Args:
        flip_probability: of a left-right and, independently, an up-down flip. Zero by default: a
            mirrored heart is not one that occurs.
        quarter_turn_probability: of a rotation by 90, 180 or 270 degrees, each as likely; beside the
            smaller one.
        rotation_degrees: largest rotation either way.
        scaling: largest relative change of size, 0.1 for 90 % to 110 %.
        translation_px: largest shift along each axis.
        elastic_px: largest displacement of the nodes of a coarse grid, smoothly interpolated.
        gamma: largest change of log2 of the exponent applied to intensities, images only.
        bias: largest relative strength of a smooth multiplicative field, images only.
    """

    flip_probability: Annotated[float, Number(0.0, 1.0)] = 0.0
    quarter_turn_probability: Annotated[float, Number(0.0, 1.0)] = 0.0
    rotation_degrees: Annotated[float, Number(0.0, 180.0)] = 0.0
    scaling: Annotated[float, Number(0.0, 0.9)] = 0.0
    translation_px: Annotated[float, Number(0.0, 128.0)] = 0.0
    elastic_px: Annotated[float, Number(0.0, 64.0)] = 0.0
    gamma: Annotated[float, Number(0.0, 8.0)] = 0.0
    bias: Annotated[float, Number(0.0, 1.0)] = 0.0


@dataclass(frozen=True)
class VAEConfig:
    """A label VAE and its training.

    Args:
        latent_dim: dimensions of the latent code.
        widths: channels of each stage, largest map first.
        depth: convolutions of each stage.
        batch_size: slices per step, over all devices.
        steps: length of the run.
        interval_steps: how often to validate, draw samples and save a checkpoint.
        learning_rate: at the start; it falls to zero along a cosine.
        kl_weight: final weight of the KL divergence (nats per code against nats per label map).
        kl_warmup_steps: steps over which the weight grows from zero.
        between_weight: weight of the interpolation loss, which decodes a slice from halfway between the codes
            of the slices below and above, beside decoding it from its own. Not in the paper; 0 leaves it out.
        linear_path: whether encoder and decoder have a linear skip connection beside their convolutions, at
            first the principal components of the training shapes (PCA). Not in the paper.
        bottleneck_dim: width of two dense layers on either side of the code; 0 for none.
        precision: Keras dtype policy, `float32` or `mixed_bfloat16`, or `auto`: the second on a processor
            that has instructions for it, the first elsewhere.
        augmentation: of the label maps.
    """

    latent_dim: Annotated[int, WIDTH]
    widths: Annotated[tuple[int, ...], WholeNumbers(WIDTH, 1, MAX_STAGES)]
    depth: Annotated[int, WholeNumber(1, 16)]
    batch_size: Annotated[int, BATCH_SIZE]
    steps: Annotated[int, STEPS]
    interval_steps: Annotated[int, STEPS]
    learning_rate: Annotated[float, RATE]
    kl_weight: float
    kl_warmup_steps: Annotated[int, WholeNumber(0, MAX_STEPS)]
    between_weight: float = 0.0
    linear_path: bool = False
    bottleneck_dim: Annotated[int, WholeNumber(0, MAX_WIDTH)] = 0
    precision: Annotated[str, PRECISION] = FLOAT32
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)


@dataclass(frozen=True)
class GANConfig:
    """A SPADE GAN and its training.

    Args:
        style_dim: dimensions of the style code.
        context_dim: how many of them describe the tissue context; the others are contrast and texture.
        base_width: channels of the generator at full size.
        hidden_channels: hidden width of the SPADE layers.
        style_base_width: channels of the first convolution of the encoders of both.
        discriminator_base_width: channels of the discriminators' first convolution.
        discriminator_layers: convolutions of each discriminator.
        batch_size: slices per step, over all devices.
        steps: length of the run.
        interval_steps: how often to draw samples and save a checkpoint.
        g_learning_rate: the generator's, constant over the first half, then falling to zero.
        d_learning_rate: the discriminator's, likewise.
        discriminator_last_stride: stride of the last of its convolutions: 1 in the paper, 2 for less work.
        beta_2: of both Adam optimizers, whose beta_1 is SPADE's 0.
        average_decay: of the moving average of the generator's weights.
        precision: as of the VAE.
        loss_weights: of the generator's terms.
        augment_discriminator: whether the discriminator sees augmented images only, which keeps it from
            memorising a small cohort; worth its slower start from some 10,000 steps on.
        perceptual_weights: file with VGG19 weights; no perceptual loss without.
        augmentation: of image and label pairs.
    """

    style_dim: Annotated[int, WIDTH]
    context_dim: Annotated[int, WIDTH]
    base_width: Annotated[int, WIDTH]
    hidden_channels: Annotated[int, WIDTH]
    style_base_width: Annotated[int, WholeNumber(8, MAX_WIDTH, step=8)]
    discriminator_base_width: Annotated[int, WIDTH]
    discriminator_layers: Annotated[int, WholeNumber(1, 7)]
    batch_size: Annotated[int, BATCH_SIZE]
    steps: Annotated[int, STEPS]
    interval_steps: Annotated[int, STEPS]
    g_learning_rate: Annotated[float, RATE] = 2e-4
    d_learning_rate: Annotated[float, RATE] = 8e-4
    discriminator_last_stride: Annotated[int, WholeNumber(1, 2)] = 1
    beta_2: Annotated[float, Number(0.0, 0.99999)] = 0.99
    average_decay: Annotated[float, Number(0.0, 0.99999)] = 0.999
    precision: Annotated[str, PRECISION] = FLOAT32
    loss_weights: LossWeights = field(default_factory=LossWeights)
    augment_discriminator: bool = True
    perceptual_weights: Annotated[str | None, FileName()] = None
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)


ConfigT = TypeVar("ConfigT", VAEConfig, GANConfig)
SECTIONS = {VAEConfig: "vae", GANConfig: "gan"}


def preset_names() -> list[str]:
    """Names of the presets that ship with the package."""
    folder = resources.files("cmrtf.training.presets")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def load_config(
    preset: str | os.PathLike[str] | ConfigT,
    config_class: type[ConfigT],
    steps: int | None = None,
    settings: Mapping[str, Any] | None = None,
) -> ConfigT:
    """Read one section of a preset and check its values.

    Args:
        preset: a shipped preset's name, the path of a YAML file of the same form, or a configuration.
        config_class: which section to read.
        steps: length of the run where it is not to be the preset's, rounded up to whole intervals.
        settings: entries in place of the preset's, those of a part as `"augmentation.scaling"`.

    Raises:
        CmrtfError: there is no such preset or file, or an entry is unknown, missing, of a wrong type or
            impossible.
    """
    if isinstance(preset, config_class):
        source, values = config_class.__name__, dataclasses.asdict(preset)
    elif isinstance(preset, str | os.PathLike):
        source, values = _read_section(os.fspath(preset), SECTIONS[config_class])
    else:
        raise CmrtfError(
            f"preset: expected a name, a file or a {config_class.__name__}. Received: {preset!r}."
        )
    config: ConfigT = config_from_dict(config_class, values, source)
    asked = dict(settings or {})
    steps = asked.pop("steps", None) if steps is None else steps
    if asked:
        values = dataclasses.asdict(config)
        for name, value in asked.items():
            _set(values, name, value)
        source, config = "settings", config_from_dict(config_class, values, "settings")
    if steps is not None:
        config = with_steps(config, steps)
    _require_consistent(config, source)
    return config


def config_of_run(config_class: type[ConfigT], values: Any, source: str) -> ConfigT:
    """The configuration that `dataclasses.asdict` gave these values.

    Raises:
        CmrtfError: as of `load_config`.
    """
    config: ConfigT = config_from_dict(config_class, values, source)
    _require_consistent(config, source)
    return config


def with_steps(config: ConfigT, steps: int) -> ConfigT:
    """The same run of another length, rounded up to whole intervals.

    Raises:
        CmrtfError: there is no run of this length.
    """
    steps = checked_value(STEPS, steps, "steps")
    interval = min(config.interval_steps, steps)
    rounded = -(-steps // interval) * interval
    return dataclasses.replace(config, steps=checked_value(STEPS, rounded, "steps"), interval_steps=interval)


def _read_section(preset: str, section: str) -> tuple[str, Any]:
    """What to call a section of a preset in messages, and its entries."""
    if preset in preset_names():
        source = f"preset {preset}"
        with resources.as_file(resources.files("cmrtf.training.presets") / f"{preset}.yaml") as file:
            document = read_yaml(file)
    elif is_file(Path(preset)):
        source, document = preset, read_yaml(Path(preset))
    else:
        raise CmrtfError(
            f"{preset or repr(preset)}: expected a preset ({', '.join(preset_names())}) or a YAML file, "
            "but there is neither."
        )
    if not isinstance(document, dict) or section not in document:
        raise CmrtfError(f"{source}: expected a section {section!r}. Received: {shown(document)}.")
    return f"{source}, section {section}", document[section]


def _require_consistent(config: VAEConfig | GANConfig, source: str) -> None:
    if config.steps % config.interval_steps:
        raise CmrtfError(
            f"{source}: expected steps to be a multiple of interval_steps. "
            f"Received: {config.steps} and {config.interval_steps}."
        )
    if isinstance(config, GANConfig) and config.context_dim >= config.style_dim:
        raise CmrtfError(
            f"{source}: expected context_dim to be less than style_dim, of which it is a part. "
            f"Received: {config.context_dim} and {config.style_dim}."
        )


def _set(values: dict[str, Any], name: str, value: Any) -> None:
    """Replace an entry, of a part if the name has a point."""
    part, point, rest = name.partition(".")
    if point and isinstance(values.get(part), dict):
        _set(values[part], rest, value)
    else:
        values[name] = value
