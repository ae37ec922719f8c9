"""The model card of a bundle."""

from collections.abc import Iterable, Mapping
from typing import Any

from cmrtf_export.signatures import VERSION

INTENDED_USE = (
    "Making labelled synthetic short-axis cardiac MR for training and testing segmentation models. "
    "Not for diagnosis, and not a substitute for real test data: what these models know of hearts and "
    "scanners is what their training cohort showed them."
)


def model_card(training: dict[str, Any], signatures: Mapping[str, Iterable[str]]) -> str:
    """Markdown with intended use, models, training and the figures measured on validation subjects.

    Args:
        training: as in `bundle.json`.
        signatures: names by model.
    """
    size, spacing = training["image"]["size"], training["image"]["spacing_mm"]
    lines = [
        "# cmrtf bundle",
        "",
        f"**Intended use.** {INTENDED_USE}",
        "",
        f"**Input and output.** Slices of {size} x {size} pixels of {spacing} mm, apex first; "
        "images in [-1, 1]; labels 0 background, 1 LV cavity, 2 myocardium, 3 RV cavity.",
        "",
        "**Licence of the weights.** That of the data they were trained on; ask whoever made the bundle.",
        "",
        "| model | signatures | steps | training data | figures on validation subjects |",
        "|---|---|---|---|---|",
    ]
    for name, names in signatures.items():
        model = training[name]
        listed = ", ".join(f"`{signature}`" for signature in names)
        figures = ", ".join(f"{key} {value:.3f}" for key, value in _on_validation(model["metrics"])) or "none"
        steps, data = model["steps_trained"], model["data_hash"]
        lines.append(f"| `{name}/{VERSION}` | {listed} | {steps} | {data} | {figures} |")
    versions = ", ".join(f"{name} {value}" for name, value in training["versions"].items())
    return "\n".join([*lines, "", f"Exported with {versions}.", ""])


def _on_validation(metrics: dict[str, float]) -> list[tuple[str, float]]:
    """Those of a run's last figures that were measured on validation subjects."""
    return [(name, value) for name, value in metrics.items() if name.startswith(("dice_", "active_", "val_"))]
