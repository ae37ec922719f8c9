"""Pictures of validation slices, drawn after every interval of a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cmrtf.core.files import new_file
from cmrtf.core.labels import LABEL_COLOURS, SCHEMA

COLOUR_MAP = ListedColormap(np.array(LABEL_COLOURS[: SCHEMA.num_classes]) / 255)
COLUMNS = 8


def sample_file(samples: Path, step: int) -> Path:
    """Where the picture of the interval that ends with `step` lies in the folder of a run's samples."""
    return samples / f"step_{step:06d}.png"


def draw_reconstructions(
    path: Path, label_ids: NDArray[Any], reconstructed: NDArray[Any], scores: dict[str, float]
) -> None:
    """Slices of a volume above their reconstructions, apex to base.

    Args:
        path: PNG to write.
        label_ids: `(slices, size, size)`.
        reconstructed: the same shape.
        scores: Dice by structure, for the title.
    """
    chosen = _spread(len(label_ids))
    title = "validation: true labels above, reconstruction below - Dice " + ", ".join(
        f"{name} {value:.3f}" for name, value in scores.items()
    )
    draw_syntheses(path, {"true": label_ids[chosen], "VAE": reconstructed[chosen]}, title)


@matplotlib.style.context("default")  # not what a matplotlibrc says
def draw_syntheses(path: Path, rows: dict[str, NDArray[Any]], title: str) -> None:
    """Rows of images and label maps; integer rows are drawn as labels, float rows as images.

    Args:
        path: PNG to write.
        rows: name to `(columns, size, size)`.
        title: of the picture.
    """
    columns = max(len(values) for values in rows.values())
    figure = Figure(figsize=(1.5 * columns, 1.55 * len(rows) + 0.4), layout="constrained")
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for (name, values), row in zip(rows.items(), axes, strict=True):
        for axis, picture in zip(row, values, strict=False):
            if np.issubdtype(picture.dtype, np.integer):
                axis.imshow(
                    picture, cmap=COLOUR_MAP, vmin=0, vmax=SCHEMA.num_classes - 1, interpolation="nearest"
                )
            else:
                axis.imshow(picture, cmap="gray", vmin=-1, vmax=1)
        for axis in row:
            axis.set_xticks([])
            axis.set_yticks([])
        row[0].set_ylabel(name, fontsize=9)
    path.parent.mkdir(exist_ok=True)
    with new_file(path) as partial:
        figure.savefig(partial, dpi=80)


def _spread(count: int) -> Sequence[int]:
    """Up to `COLUMNS` positions spread over `count`."""
    return np.unique(np.linspace(0, count - 1, COLUMNS).round().astype(int)).tolist()
