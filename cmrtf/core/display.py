"""How stacks are shown: which way up, which grey, which colours; and a subject as one picture."""

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cmrtf.core.labels import LABEL_COLOURS
from cmrtf.core.stack import Stack

if TYPE_CHECKING:
    from matplotlib.figure import Figure


HEART_MARGIN: Final = 12
"""Pixels shown around the heart."""

PLOT_COLUMNS: Final = 16
"""Slices beside each other; a longer stack takes several lines."""

PLOT_TILE: Final = 96
"""Side of a slice in `plot_stacks`, in pixels."""

PLOT_DPI: Final = 100


def grey_levels(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Map [-1, 1] to 0..255; values outside saturate."""
    return np.rint((np.clip(image, -1.0, 1.0) + 1.0) * 127.5).astype(np.uint8)


def upright(stack: NDArray[Any], affine: NDArray[np.float64]) -> NDArray[Any]:
    """Flip rows and columns so that patient left is on the right and feet or back are down.

    That is how short-axis slices are read. Rows and columns are not swapped: sources store the
    plane as it was acquired.

    Args:
        stack: `(slices, height, width)`.
        affine: `(4, 4)`, voxel `(x, y, z)` to scanner millimetres in RAS+ (right, anterior, superior are
            positive). Use that of subject A for all subjects of one interpolation: they share an array space.
    """
    column_direction, row_direction = affine[:3, 0], affine[:3, 1]
    rightwards = column_direction[0] > 0.0
    upwards = row_direction[1] + row_direction[2] > 0.0
    return stack[:, :: -1 if upwards else 1, :: -1 if rightwards else 1]


def heart_window(stacks: Iterable[Stack], affine: NDArray[np.float64]) -> tuple[slice, slice]:
    """The square of rows and columns that holds every heart and a margin.

    Args:
        stacks: of one size.
        affine: `(4, 4)`, of the stack that says which way is up; the window is of upright slices.
    """
    has_label = np.any([upright(stack.label_ids, affine).any(axis=0) for stack in stacks], axis=0)
    if not has_label.any():
        return slice(None), slice(None)
    centres, sides = [], []
    for indices in np.nonzero(has_label):
        first, last = int(indices.min()), int(indices.max())
        centres.append((first + last) // 2)
        sides.append(last - first + 2 * HEART_MARGIN)

    def around(centre: int, size: int) -> slice:
        side = min(max(sides), size)
        start = min(max(centre - side // 2, 0), size - side)
        return slice(start, start + side)

    return around(centres[0], has_label.shape[0]), around(centres[1], has_label.shape[1])


def enlarged_labels(label_ids: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """One slice of labels with smooth edges at another size.

    Each class is resampled by itself and the strongest wins: labels are never blended.

    Args:
        label_ids: `(height, width)`.
        size: new height and width.
    """
    shares = []
    for label_id in range(int(label_ids.max()) + 1):
        mask = (label_ids == label_id).astype(np.uint8) * 255
        shares.append(np.asarray(Image.fromarray(mask).resize((size, size), Image.Resampling.BICUBIC)))
    return np.argmax(shares, axis=0).astype(np.uint8)


def label_contours(label_ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Keep the labels of pixels on a boundary, their structure's own side; the rest becomes 0.

    Args:
        label_ids: `(height, width)`.
    """
    boundary = np.zeros(label_ids.shape, bool)
    boundary[1:] |= label_ids[1:] != label_ids[:-1]
    boundary[:-1] |= label_ids[1:] != label_ids[:-1]
    boundary[:, 1:] |= label_ids[:, 1:] != label_ids[:, :-1]
    boundary[:, :-1] |= label_ids[:, 1:] != label_ids[:, :-1]
    return np.where(boundary, label_ids, 0).astype(np.uint8)


def grey_tile(grey: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """One slice of grey levels as `(size, size, 3)` pixels."""
    resized = Image.fromarray(grey).resize((size, size), Image.Resampling.BICUBIC)
    return np.repeat(np.asarray(resized)[..., None], 3, axis=2)


def with_contours(tile: NDArray[np.uint8], label_ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A square tile with the contours of a slice's labels drawn over it.

    Args:
        tile: `(size, size, 3)`.
        label_ids: `(height, width)`, of the slice that the tile shows.
    """
    contours = label_contours(enlarged_labels(label_ids, tile.shape[0]))
    return np.where(contours[..., None] > 0, np.array(LABEL_COLOURS, np.uint8)[contours], tile)


def plot_stacks(stacks: Mapping[str, Stack], title: str) -> "Figure":
    """All slices with the contours of their labels, a row per phase, apex to base.

    Args:
        stacks: by phase, with images in [-1, 1] and slices of one size.
        title: of the figure.

    Returns:
        a figure of no window: save it with `figure.savefig("subject.png")`, or let a notebook show it.
    """
    first = next(iter(stacks.values()))
    window = heart_window(stacks.values(), first.affine)
    montages = [_montage(stack, first.affine, window) for stack in stacks.values()]
    heights = [montage.shape[0] for montage in montages]
    width = max(montage.shape[1] for montage in montages)
    figure = _notebook_figure(width / PLOT_DPI, (sum(heights) + 30 * (len(heights) + 1)) / PLOT_DPI)
    figure.suptitle(title, fontsize=10, fontweight="bold", parse_math=False)
    rows = figure.subplots(len(montages), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, montage, (phase, stack) in zip(rows, montages, stacks.items(), strict=True):
        axes.imshow(montage)
        axes.set_anchor("W")
        axes.set_axis_off()
        text = f"{phase}: {stack.num_slices} slices {stack.slice_spacing_mm:.1f} mm apart, apex to base"
        axes.set_title(text, fontsize=9, loc="left")
    return figure


def figure_as_html(figure: "Figure") -> str:
    """An `<img>` that holds the figure as PNG, its title as text for those who do not see it."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=PLOT_DPI)
    alternative = html.escape(figure.get_suptitle())
    return f'<img style="max-width: 100%" alt="{alternative}" src="{png_address(stream.getvalue())}">'


def png_address(png: bytes) -> str:
    """A PNG file as the address of an `<img>`."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _montage(stack: Stack, affine: NDArray[np.float64], window: tuple[slice, slice]) -> NDArray[np.uint8]:
    """All slices with their contours, `PLOT_COLUMNS` in a line: `(height, width, 3)`."""
    greys = upright(grey_levels(stack.image), affine)[:, *window]
    labels = upright(stack.label_ids, affine)[:, *window]
    tiles = [
        with_contours(grey_tile(grey, PLOT_TILE), slice_ids)
        for grey, slice_ids in zip(greys, labels, strict=True)
    ]
    columns = min(len(tiles), PLOT_COLUMNS)
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns)
    lines = [tiles[start : start + columns] for start in range(0, len(tiles), columns)]
    return np.concatenate([_side_by_side(line) for line in lines])


def _side_by_side(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.concatenate(tiles, axis=1)


def _notebook_figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches.

    Matplotlib has notebooks show figures once pyplot is imported, which would also keep every figure in
    memory; this one shows itself.
    """
    from matplotlib.figure import Figure

    class NotebookFigure(Figure):
        def _repr_html_(self) -> str:
            return figure_as_html(self)

    return NotebookFigure(figsize=(width, height), dpi=PLOT_DPI, layout="constrained")
