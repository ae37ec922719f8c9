"""The model card of a bundle: `model_card.md`, filled in as far as an export knows."""

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import StrictUndefined, Template

from cmrtf.bundle.contents import VERSION
from cmrtf.core.labels import SCHEMA
from cmrtf.synthesis.group_statistics import LEAST_PATIENTS


def model_card(training: dict[str, Any], signatures: Mapping[str, Iterable[str]]) -> str:
    """Markdown, after Mitchell et al. (2019): what only people know is marked as to be filled in.

    Args:
        training: as in `bundle.json`.
        signatures: names by model.
    """
    text = files("cmrtf_export").joinpath("model_card.md").read_text(encoding="utf-8")
    return Template(text, undefined=StrictUndefined, keep_trailing_newline=True).render(
        version=VERSION,
        size=training["image"]["size"],
        spacing_mm=training["image"]["spacing_mm"],
        labels=", ".join(f"{number} {name}" for number, name in enumerate(SCHEMA.structures)),
        versions=", ".join(f"{name} {value}" for name, value in training["versions"].items()),
        models="\n".join(_row(name, training[name], names) for name, names in signatures.items()),
        vendors=_frequencies(training["trained_on"]["vendor"]),
        pathologies=_frequencies(training["trained_on"]["pathology"]),
        subjects=training["trained_on"]["subjects"],
        patient_codes=training["patient_codes"],
        least=LEAST_PATIENTS,
    )


def _row(name: str, model: Mapping[str, Any], signatures: Iterable[str]) -> str:
    listed = ", ".join(f"`{signature}`" for signature in signatures)
    figures = ", ".join(f"{key} {value:.3f}" for key, value in _on_validation(model["metrics"])) or "none"
    return f"| `{name}/{VERSION}` | {listed} | {model['steps_trained']} | {model['data_hash']} | {figures} |"


def _frequencies(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{value} {count}" for value, count in counts.items()) or "none"


def _on_validation(metrics: dict[str, float]) -> list[tuple[str, float]]:
    """Those of a run's last figures that were measured on validation subjects."""
    return [(name, value) for name, value in metrics.items() if name.startswith(("dice_", "active_", "val_"))]
