"""The page of `figure.png`: tiles and text from top to bottom.

The page is composed as one array of pixels, and Matplotlib sets the text: hundreds of small axes
would take longer than everything else that is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from cmrtf.core.display import enlarged_labels
from cmrtf.core.labels import LABEL_COLOURS

PAGE_WIDTH: Final = 2000
MARGIN: Final = 48
ROW_LABEL_WIDTH: Final = 150
GAP: Final = 5
DPI: Final = 200

INK: Final = "#16202b"
FAINT: Final = "#5b6875"
SOURCE: Final = (0, 114, 178)
"""Frame of what comes from the data as it is; what has no frame is synthetic."""
LABEL_BACKGROUND: Final = (22, 32, 43)
FRAME_WIDTH: Final = 4
LONGEST_NAME: Final = 11
"""Letters that fit above a column."""


@dataclass
class Page:
    """Pixels and text collected from top to bottom; `y` is where the next thing goes."""

    y: int = MARGIN
    tiles: list[tuple[int, int, NDArray[np.uint8]]] = field(default_factory=list)
    texts: list[tuple[float, float, str, dict[str, Any]]] = field(default_factory=list)

    def paste(self, x: int, y: int, tile: NDArray[np.uint8]) -> None:
        """Put pixels at a place."""
        self.tiles.append((x, y, tile))

    def write(self, x: float, y: float, text: str, size: float = 8.0, **style: Any) -> None:
        """Put text at a place; `style` is Matplotlib's."""
        self.texts.append((x, y, text, {"fontsize": size, "color": INK, "va": "center", **style}))

    def draw_line(self, caption: str, tiles: Sequence[NDArray[np.uint8]]) -> None:
        """One line of tiles with its caption on the left."""
        height = tiles[0].shape[0]
        self.write(MARGIN, self.y + height / 2, caption, 7.5, color=FAINT, linespacing=1.35)
        for column, tile in enumerate(tiles):
            self.paste(MARGIN + ROW_LABEL_WIDTH + column * (tile.shape[1] + GAP), self.y, tile)
        self.y += height + GAP

    def save(self, path: Path) -> None:
        """Write the PNG file."""
        height = self.y + MARGIN
        pixels = np.full((height, PAGE_WIDTH, 3), 255, np.uint8)
        for x, y, tile in self.tiles:
            pixels[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
        lettering = Image.fromarray(self._lettering(height))
        composed = Image.alpha_composite(Image.fromarray(pixels).convert("RGBA"), lettering)
        composed.convert("RGB").save(path, format="PNG", dpi=(DPI, DPI), compress_level=4)

    @matplotlib.style.context("default")  # not what a matplotlibrc says
    def _lettering(self, height: int) -> NDArray[np.uint8]:
        """All text on a transparent page, `(height, PAGE_WIDTH, 4)`."""
        figure = Figure(figsize=(PAGE_WIDTH / DPI, height / DPI), dpi=DPI)
        figure.patch.set_alpha(0.0)
        canvas = FigureCanvasAgg(figure)
        for x, y, text, style in self.texts:
            # A subject's code is shown as it is: a dollar sign must not start mathematics.
            figure.text(x / PAGE_WIDTH, 1.0 - y / height, text, parse_math=False, **style)
        canvas.draw()
        return np.array(canvas.buffer_rgba())


def tile_size(columns: int) -> int:
    """Side of a square tile, in pixels, when `columns` of them fill the page."""
    return (PAGE_WIDTH - 2 * MARGIN - ROW_LABEL_WIDTH + GAP) // columns - GAP


def middle_of_column(column: int, size: int) -> float:
    """Where the middle of a tile lies from left to right."""
    return MARGIN + ROW_LABEL_WIDTH + column * (size + GAP) + size / 2


def label_tile(label_ids: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Colours with smooth edges: classes are enlarged one by one, never blended with each other."""
    colours = np.array((LABEL_BACKGROUND, *LABEL_COLOURS[1:]), np.uint8)
    large = colours[enlarged_labels(label_ids, 2 * size)]
    return np.array(Image.fromarray(large).resize((size, size), Image.Resampling.BOX))


def framed(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A tile with the frame of what comes from the data as it is."""
    result = np.full(tile.shape, SOURCE, np.uint8)
    inner = slice(FRAME_WIDTH, -FRAME_WIDTH)
    result[inner, inner] = tile[inner, inner]
    return result


def shortened(name: str) -> str:
    """A name that fits above a column; a long code keeps its end, which tells codes apart."""
    return name if len(name) <= LONGEST_NAME else f"…{name[1 - LONGEST_NAME :]}"
