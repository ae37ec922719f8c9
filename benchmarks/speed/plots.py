"""The results as pictures."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from growth import AXES, BATCH, CHANNELS, HIDDEN
from matplotlib.axes import Axes

COLOURS = {"distinct": "#0b6e99", "dense": "#c25700", "MONAI": "#666666"}


def draw_all(results: dict[str, Any], folder: Path) -> None:
    """Every plot, into `folder`."""
    draw_growth(results["growth"], folder / "growth.png")
    draw_speed(results, folder / "speed.png")


def draw_growth(section: dict[str, Any], path: Path) -> None:
    """One panel for each thing that varies."""
    figure, panels = plt.subplots(2, 2, figsize=(10, 7.5), layout="constrained")
    for (name, points), axes in zip(section.items(), panels.flat, strict=True):
        _draw_axis(axes, name, points)
    panels[0, 0].legend(frameon=False)
    figure.suptitle(
        f"SPADE layer, forward and backward, float32: {CHANNELS} channels, {HIDDEN} hidden; "
        f"128 x 128, batch {BATCH}, 4 classes where not varied",
        fontsize=11,
    )
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _draw_axis(axes: Axes, name: str, points: list[dict[str, Any]]) -> None:
    axis = AXES[name]
    values = [point["value"] for point in points]
    # Shares are drawn at equal steps: they span zero and two powers of ten.
    at = values if axis.log or name == "classes" else list(range(len(values)))
    for form, marker in (("dense", "s"), ("distinct", "o")):
        axes.plot(at, [point[form] for point in points], marker=marker, color=COLOURS[form], label=form)
    if axis.log:
        axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(at, [f"{value:g}" for value in values])
    axes.minorticks_off() if axis.log else None
    axes.set_xlabel(axis.label)
    axes.set_ylabel("ms")
    axes.grid(alpha=0.3, which="both")


def draw_speed(results: dict[str, Any], path: Path) -> None:
    """Milliseconds per image of the generator at each batch size, and of a training step."""
    batches = results["inference"]["batches"]
    bars = {f"inference, batch {batch}": measured["contenders"] for batch, measured in batches.items()}
    bars["training step"] = results["training"]["contenders"]
    figure, panels = plt.subplots(1, len(bars), figsize=(12, 3.2), layout="constrained")
    for (title, contenders), axes in zip(bars.items(), panels, strict=True):
        names = list(contenders)
        heights = [contenders[name]["ms_per_image"] for name in names]
        drawn = axes.barh(names, heights, color=[COLOURS[name.split()[0]] for name in names])
        axes.bar_label(drawn, [f"{height:.0f}" for height in heights], padding=3, fontsize=8)
        axes.set_xlim(right=1.15 * max(heights))
        axes.invert_yaxis()
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("ms per image")
        axes.tick_params(axis="y", labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=90)
    plt.close(figure)
