"""Of the pictures in docs/images/: panels of label maps and images, and parts of other pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from cmrtf.core.labels import SCHEMA
from cmrtf.training.samples import COLOUR_MAP


def grid(
    inches: tuple[float, float], rows: Sequence[str], columns: Sequence[str]
) -> tuple[Figure, NDArray[Any]]:
    """A figure of panels without ticks, `(rows, columns)`."""
    figure = Figure(inches)
    panels = figure.subplots(len(rows), len(columns), squeeze=False)
    for axes in panels.flat:
        axes.set_xticks([])
        axes.set_yticks([])
    for axes, title in zip(panels[0], columns, strict=True):
        axes.set_title(title, fontsize=8)
    for axes, name in zip(panels[:, 0], rows, strict=True):
        axes.set_ylabel(name, fontsize=9)
    return figure, panels


def show_labels(axes: Any, label_ids: NDArray[Any]) -> None:
    """A label map in the colours of all pictures."""
    axes.imshow(label_ids, cmap=COLOUR_MAP, vmin=0, vmax=SCHEMA.num_classes - 1, interpolation="nearest")


def show_image(axes: Any, image: NDArray[Any], label_ids: NDArray[Any] | None = None) -> None:
    """An image in [-1, 1], with the contours of its labels if they are given."""
    axes.imshow(image, cmap="gray", vmin=-1, vmax=1)
    for label_id in [] if label_ids is None else np.unique(label_ids[label_ids > 0]):
        axes.contour(label_ids == label_id, [0.5], colors=[COLOUR_MAP(int(label_id))], linewidths=0.9)


def save(figure: Figure, path: Path) -> None:
    """Close together, and small."""
    figure.tight_layout(pad=0.4)
    figure.savefig(path, dpi=130, pil_kwargs={"quality": 85} if path.suffix == ".jpg" else None)


def last_sample(folder: Path, path: Path) -> None:
    """The last picture that a training run made of itself."""
    Image.open(sorted(folder.iterdir())[-1]).convert("RGB").save(path, quality=85)


def upper_half(picture: Path, path: Path) -> None:
    """The upper half of a picture, as wide as a page: ED of an interpolation."""
    image = Image.open(picture).convert("RGB")
    image = image.crop((0, 0, image.width, round(0.487 * image.height)))
    image.thumbnail((1400, 1400))
    image.save(path, quality=80)
