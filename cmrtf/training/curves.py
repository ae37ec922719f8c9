"""A picture of a run's log: how its losses and its errors on validation subjects went."""

from collections.abc import Mapping, Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from cmrtf.core.files import new_file
from cmrtf.core.labels import SCHEMA
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN
from cmrtf.training.run import RunDirectory

DICE: Final = tuple(f"dice_{structure}" for structure in SCHEMA.foreground)
PANELS: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    LABEL_VAE: {
        "validation Dice": DICE,
        "losses, nats per label map": ("loss", "cross_entropy", "between", "kl"),
        "latent dimensions in use": ("active_dims",),
    },
    SPADE_GAN: {
        "validation error (L1)": ("val_l1",),
        "hinge losses": ("g_hinge", "d_hinge"),
        "mean logits": ("d_real", "d_fake"),
        "generator's other losses, weighted": ("feature_matching", "reconstruction", "kl", "perceptual"),
        "tissue context, nats per pixel": ("context",),
    },
}
"""By model: title to metrics, in the order in which they are drawn; what a run does not log stays out."""

COLOURS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
"""Of Okabe and Ito, those that show on white."""


def draw_curves(run: RunDirectory, intervals: Sequence[tuple[int, Mapping[str, float]]]) -> None:
    """Every metric of a run over its steps, in panels of what is measured alike.

    Args:
        run: whose picture it is.
        intervals: last step and metrics of every interval, at least one.
    """
    logged = {name for _, metrics in intervals for name in metrics}
    panels = {title: [name for name in names if name in logged] for title, names in PANELS[run.kind].items()}
    panels = {title: names for title, names in panels.items() if names}
    figure = Figure(figsize=(3.6 * len(panels), 3.2), layout="constrained")
    figure.suptitle(f"{run.kind}, step {intervals[-1][0]} of {run.config.steps}", fontsize=10)
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, names) in zip(axes, panels.items(), strict=True):
        _draw_panel(axis, title, names, intervals)
    with new_file(run.curves) as partial:
        figure.savefig(partial, dpi=80)


def _draw_panel(
    axis: Axes, title: str, names: Sequence[str], intervals: Sequence[tuple[int, Mapping[str, float]]]
) -> None:
    for name, colour in zip(names, COLOURS, strict=False):
        points = [(step, metrics[name]) for step, metrics in intervals if name in metrics]
        axis.plot(*zip(*points, strict=True), color=colour, marker=".", label=name)
    axis.set_title(title, fontsize=9)
    axis.set_xlabel("step", fontsize=8)
    axis.set_xlim(left=0)
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
