"""Configuration of a training run: frozen dataclasses, filled from a preset's YAML. Imports no TensorFlow."""

import dataclasses
import math
import os
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import yaml

from cmrtf.errors import CmrtfError
from cmrtf.models.loss_weights import LossWeights


@dataclass(frozen=True)
class AugmentationConfig:
    """Limits of the augmentation; every amount is drawn uniformly up to the value given.

    Args:
        flip_probability: of a left-right and, independently, an up-down flip. Zero by default: a
            mirrored heart is not one that occurs.
        rotation_degrees: largest rotation either way.
        scaling: largest relative change of size, 0.1 for 90 % to 110 %.
        translation_px: largest shift along each axis.
        elastic_px: largest displacement of the nodes of a coarse grid, smoothly interpolated.
        gamma: largest change of log2 of the exponent applied to intensities, images only.
        bias: largest relative strength of a smooth multiplicative field, images only.
    """

    flip_probability: float = 0.0
    rotation_degrees: float = 0.0
    scaling: float = 0.0
    translation_px: float = 0.0
    elastic_px: float = 0.0
    gamma: float = 0.0
    bias: float = 0.0


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
        precision: Keras dtype policy, `float32` or `mixed_bfloat16`.
        augmentation: of the label maps.
    """

    latent_dim: int
    widths: tuple[int, ...]
    depth: int
    batch_size: int
    steps: int
    interval_steps: int
    learning_rate: float
    kl_weight: float
    kl_warmup_steps: int
    between_weight: float = 0.0
    linear_path: bool = False
    precision: str = "float32"
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)


@dataclass(frozen=True)
class GANConfig:
    """A SPADE GAN and its training.

    Args:
        style_dim: dimensions of the style code.
        base_width: channels of the generator at full size.
        hidden_channels: hidden width of the SPADE layers.
        style_base_width: channels of the style encoder's first convolution.
        discriminator_base_width: channels of the discriminators' first convolution.
        discriminator_layers: convolutions of each discriminator.
        batch_size: slices per step, over all devices.
        steps: length of the run.
        interval_steps: how often to draw samples and save a checkpoint.
        g_learning_rate: the generator's, constant over the first half, then falling to zero.
        d_learning_rate: the discriminator's, likewise.
        average_decay: of the moving average of the generator's weights.
        precision: Keras dtype policy, `float32` or `mixed_bfloat16`.
        loss_weights: of the generator's terms.
        augment_discriminator: whether the discriminator sees augmented images only, which keeps it from
            memorising a small cohort; worth its slower start from some 10,000 steps on.
        perceptual_weights: file with VGG19 weights; no perceptual loss without.
        augmentation: of image and label pairs.
    """

    style_dim: int
    base_width: int
    hidden_channels: int
    style_base_width: int
    discriminator_base_width: int
    discriminator_layers: int
    batch_size: int
    steps: int
    interval_steps: int
    g_learning_rate: float = 2e-4
    d_learning_rate: float = 8e-4
    average_decay: float = 0.999
    precision: str = "float32"
    loss_weights: LossWeights = field(default_factory=LossWeights)
    augment_discriminator: bool = True
    perceptual_weights: str | None = None
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)


Config = VAEConfig | GANConfig
ConfigT = TypeVar("ConfigT", VAEConfig, GANConfig)
PRECISIONS = ("float32", "mixed_bfloat16")
MAX_STAGES = 6
"""Each stage halves 128 pixels; at least two by two are left."""
SECTIONS = {VAEConfig: "vae", GANConfig: "gan"}
ZERO_ALLOWED = {"kl_weight", "kl_warmup_steps", "between_weight", "average_decay"}
"""Every other number must be above 0, but for those of `AugmentationConfig` and `LossWeights`."""
MAXIMA = {"average_decay": 0.99999, "augmentation.flip_probability": 1.0}
"""A moving average with decay 1 would stay at its first weights."""


def preset_names() -> list[str]:
    """Names of the presets that ship with the package."""
    folder = resources.files("cmrtf.training.presets")
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def load_config(
    preset: str | os.PathLike[str] | ConfigT, config_class: type[ConfigT], steps: int | None = None
) -> ConfigT:
    """Read one section of a preset and check its values.

    Args:
        preset: a shipped preset's name, the path of a YAML file of the same form, or a configuration.
        config_class: which section to read.
        steps: length of the run where it is not to be the preset's, rounded up to whole intervals.

    Raises:
        CmrtfError: there is no such preset or file, or an entry is unknown, missing, of a wrong type or
            impossible.
    """
    if isinstance(preset, config_class):
        source, config = config_class.__name__, preset
    else:
        section = SECTIONS[config_class]
        source, document = _read_preset(os.fspath(typing.cast(str, preset)))
        if not isinstance(document, dict) or section not in document:
            raise CmrtfError(
                f"{source}: expected a section {section!r}. Received: {type(document).__name__}."
            )
        source = f"{source}, section {section}"
        config = config_from_dict(config_class, document[section], source)
    if steps is not None:
        config = _with_steps(config, steps)
    _check_values(config, source)
    return config


def _read_preset(preset: str) -> tuple[str, Any]:
    """What to call a preset in messages, and its YAML."""
    if preset in preset_names():
        source = f"preset {preset}"
        text = resources.files("cmrtf.training.presets").joinpath(f"{preset}.yaml").read_text()
    elif Path(preset).is_file():
        source, text = preset, Path(preset).read_text(errors="replace")
    else:
        raise CmrtfError(
            f"{preset}: expected a preset ({', '.join(preset_names())}) or a YAML file, but there is neither."
        )
    try:
        return source, yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CmrtfError(f"{source}: expected YAML, but: {error}") from error


def _with_steps(config: ConfigT, steps: int) -> ConfigT:
    """The same run of another length, rounded up to whole intervals."""
    if steps < 1:
        raise CmrtfError(f"steps: expected a positive number. Received: {steps}.")
    interval = min(max(config.interval_steps, 1), steps)
    return dataclasses.replace(config, steps=-(-steps // interval) * interval, interval_steps=interval)


def _numbers(config: Any, prefix: str = "", zero_allowed: bool = False) -> Iterator[tuple[str, float, bool]]:
    """All numbers of a configuration: name, value and whether 0 is one that makes sense."""
    for name, value in vars(config).items():
        if dataclasses.is_dataclass(value):
            yield from _numbers(value, f"{name}.", zero_allowed=True)
        for number in value if isinstance(value, tuple) else (value,):
            if type(number) in (int, float):
                yield prefix + name, number, zero_allowed or name in ZERO_ALLOWED


def _check_values(config: Config, source: str) -> None:
    """Refuse values that no model or run can have."""
    for name, value, zero_allowed in _numbers(config):
        if not (value > 0 or (value == 0 and zero_allowed)) or math.isinf(value):
            raise CmrtfError(f"{source}, {name}: expected a positive number. Received: {value}.")
        if value > MAXIMA.get(name, math.inf):
            raise CmrtfError(f"{source}, {name}: expected {MAXIMA[name]} at most. Received: {value}.")
    if config.precision not in PRECISIONS:
        raise CmrtfError(
            f"{source}, precision: expected {' or '.join(PRECISIONS)}. Received: {config.precision}."
        )
    if isinstance(config, GANConfig) and config.style_base_width % 8:
        raise CmrtfError(
            f"{source}, style_base_width: expected a multiple of 8. Received: {config.style_base_width}."
        )
    if isinstance(config, VAEConfig) and not 1 <= len(config.widths) <= MAX_STAGES:
        raise CmrtfError(f"{source}, widths: expected 1 to {MAX_STAGES}. Received: {len(config.widths)}.")
    if config.steps % config.interval_steps:
        raise CmrtfError(
            f"{source}: expected steps to be a multiple of interval_steps. "
            f"Received: {config.steps} and {config.interval_steps}."
        )


def config_from_dict(config_class: type[Any], values: Any, source: str) -> Any:
    """Fill a configuration dataclass, nested ones too, refusing what does not fit.

    Args:
        config_class: a dataclass.
        values: entry to value, as YAML and JSON have them.
        source: where the values are from, for messages.

    Raises:
        CmrtfError: naming `source`, the entry, what was expected and what was received.
    """
    if not isinstance(values, dict):
        raise CmrtfError(f"{source}: expected a mapping. Received: {values!r}.")
    hints = typing.get_type_hints(config_class)
    if unknown := sorted(set(values) - set(hints)):
        raise CmrtfError(
            f"{source}: expected entries among {', '.join(hints)}. Received: {', '.join(unknown)}."
        )
    optional = {name for name in hints if _has_default(config_class.__dataclass_fields__[name])}
    if missing := sorted(set(hints) - optional - set(values)):
        raise CmrtfError(f"{source}: expected an entry for {', '.join(missing)}. Received: none.")
    return config_class(
        **{name: _convert(hints[name], value, f"{source}, {name}") for name, value in values.items()}
    )


def _has_default(entry: dataclasses.Field[Any]) -> bool:
    return not (entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING)


def _convert(hint: Any, value: Any, source: str) -> Any:
    """A value as an entry of type `hint` has it: whole numbers do for floats, lists for tuples."""
    if dataclasses.is_dataclass(hint):
        return config_from_dict(typing.cast(type[Any], hint), value, source)
    if typing.get_origin(hint) is tuple:
        if isinstance(value, list) and all(type(number) is int for number in value):
            return tuple(value)
        raise CmrtfError(f"{source}: expected a list of whole numbers. Received: {value!r}.")
    accepted = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if float in accepted and type(value) is int:
        return float(value)
    if type(value) not in accepted:
        names = " or ".join("nothing" if kind is type(None) else kind.__name__ for kind in accepted)
        hint_text = " (YAML reads 1e-3 as text: write 1.0e-3)" if isinstance(value, str) else ""
        raise CmrtfError(f"{source}: expected {names}. Received: {value!r}{hint_text}.")
    return value
