"""`figure.png`: the walk at a glance, after Figures 3 and 4 of the paper.

Amirrajab et al., *Intra- and intersubject synthesis of cardiac MR images using a VAE and GAN*,
ISMRM 2022, no. 1838. For each phase: (a) the source slices of each end and the slices that
replace them, labels above images; (b) the intermediate subjects between both ends, at three
positions from apex to base.

The page is composed as one array of pixels, and Matplotlib sets the text: hundreds of small axes
would take longer than everything else that is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from cmrtf.core.display import enlarged_labels, grey_levels, label_outlines, upright
from cmrtf.core.labels import LABEL_COLOURS, LabelSchema
from cmrtf.core.measures import CENTRE_TO_CENTRE, volume_ml
from cmrtf.core.subject import LabelledStack, SubjectRow, phases_of

PAGE_WIDTH: Final = 2000
MARGIN: Final = 48
ROW_LABEL_WIDTH: Final = 150
GAP: Final = 5
LEGEND_STEP: Final = 136
MARK_HEIGHT: Final = 6
DPI: Final = 200
COLUMNS_PER_STACK: Final = 16
STACK_POSITIONS: Final = {"apical": 0.15, "mid": 0.5, "basal": 0.85}
"""Rows of panel (b): part of the way from the first to the last slice with a heart."""

INK: Final = "#16202b"
FAINT: Final = "#5b6875"
SOURCE: Final = (0, 114, 178)
"""Frame of what comes from the data as it is; what has no frame is synthetic."""
LABEL_BACKGROUND: Final = (22, 32, 43)


def write_figure(path: Path, rows: Sequence[SubjectRow], schema: LabelSchema) -> None:
    """Draw all subjects of a walk into one PNG file.

    Args:
        path: of the file.
        rows: from A to B, as `in_order` gives them.
        schema: names the structures of the legend.
    """
    page = _Page()
    _draw_header(page, rows, schema)
    for phase in phases_of(rows):
        _draw_phase(page, [row for row in rows if phase in row.stacks], phase, schema)
    _draw_footnote(page, any(row.kind == "intersubject" for row in rows))
    page.save(path)


@dataclass
class _Page:
    """Pixels and text collected from top to bottom; `y` is where the next thing goes."""

    y: int = MARGIN
    tiles: list[tuple[int, int, NDArray[np.uint8]]] = field(default_factory=list)
    texts: list[tuple[float, float, str, dict[str, Any]]] = field(default_factory=list)

    def paste(self, x: int, y: int, tile: NDArray[np.uint8]) -> None:
        self.tiles.append((x, y, tile))

    def write(self, x: float, y: float, text: str, size: float = 8.0, **style: Any) -> None:
        self.texts.append((x, y, text, {"fontsize": size, "color": INK, "va": "center", **style}))

    def save(self, path: Path) -> None:
        height = self.y + MARGIN
        pixels = np.full((height, PAGE_WIDTH, 3), 255, np.uint8)
        for x, y, tile in self.tiles:
            pixels[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
        lettering = Image.fromarray(self._lettering(height))
        composed = Image.alpha_composite(Image.fromarray(pixels).convert("RGBA"), lettering)
        composed.convert("RGB").save(path, format="PNG", dpi=(DPI, DPI), compress_level=4)

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


def _draw_header(page: _Page, rows: Sequence[SubjectRow], schema: LabelSchema) -> None:
    codes = list(dict.fromkeys(row.code for row in rows if row.kind != "intersubject"))
    page.write(MARGIN, page.y + 14, " to ".join(codes), 15.0, weight="bold")
    page.write(
        MARGIN,
        page.y + 66,
        "Blue frames: source slices, as they are in the data. All else is synthetic;"
        " blue bars mark the source positions.",
    )
    left = PAGE_WIDTH - MARGIN - LEGEND_STEP * len(schema.foreground)
    for structure in schema.foreground:
        colour = LABEL_COLOURS[schema.id_of(structure)]
        page.paste(left, page.y + 1, np.full((26, 26, 3), colour, np.uint8))
        page.write(left + 40, page.y + 14, structure, 9.0)
        left += LEGEND_STEP
    page.y += 112


def _draw_phase(page: _Page, rows: Sequence[SubjectRow], phase: str, schema: LabelSchema) -> None:
    affine = rows[0].stacks[phase].affine
    window = _heart_window([row.stacks[phase] for row in rows], affine)
    title = {"ED": "End diastole", "ES": "End systole"}.get(phase, phase)
    page.write(MARGIN, page.y + 10, f"{title} ({phase})", 12.0, weight="bold")
    page.y += 56
    for row in (row for row in rows if row.kind == "intrasubject"):
        source = next((other for other in rows if other.kind == "source" and other.code == row.code), None)
        _draw_intrasubject(page, row, source, phase, affine, window)
    if any(row.kind == "intersubject" for row in rows):
        _draw_intersubject(page, rows, phase, affine, schema)


def _draw_intrasubject(
    page: _Page,
    row: SubjectRow,
    source: SubjectRow | None,
    phase: str,
    affine: NDArray[np.float64],
    window: tuple[slice, slice],
) -> None:
    """Panel (a): the source slices, then the synthetic stack in lines of labels over images."""
    stack = row.stacks[phase]
    description = f" ({source.description})" if source is not None and source.description else ""
    page.write(MARGIN, page.y + 10, f"(a) Intrasubject: {row.code}{description}", 9.5, weight="bold")
    page.write(
        PAGE_WIDTH - MARGIN,
        page.y + 10,
        f"{stack.num_slices} slices {stack.spacing_mm[2]:.1f} mm apart, apex to base",
        color=FAINT,
        ha="right",
    )
    page.y += 40
    size = _tile_size(COLUMNS_PER_STACK)
    if source is not None:
        _draw_source(page, source.stacks[phase], affine, window, size)
    labels = upright(stack.label_ids, affine)[:, *window]
    greys = upright(grey_levels(stack.image), affine)[:, *window]
    tiles = [_label_tile(label, size) for label in labels]
    if source is not None:
        for k in _nearest_slices(source.stacks[phase].num_slices, stack.num_slices):
            tiles[k][-MARK_HEIGHT:] = SOURCE
    for first in range(0, stack.num_slices, COLUMNS_PER_STACK):
        chosen = range(first, min(first + COLUMNS_PER_STACK, stack.num_slices))
        numbers = f"{chosen.start + 1} to {chosen.stop}"
        _draw_line(page, f"labels\n{numbers}", [tiles[k] for k in chosen])
        _draw_line(page, f"images\n{numbers}", [_grey_tile(greys[k], size) for k in chosen])
        page.y += 8
    page.y += 26


def _draw_source(
    page: _Page, source: LabelledStack, affine: NDArray[np.float64], window: tuple[slice, slice], size: int
) -> None:
    """The acquired slices with the outlines of their labels; long stacks take several lines."""
    labels = upright(source.label_ids, affine)[:, *window]
    greys = upright(grey_levels(source.image), affine)[:, *window]
    tiles = [
        _framed(_outlined(_grey_tile(grey, size), label)) for grey, label in zip(greys, labels, strict=True)
    ]
    caption = f"source\n{len(tiles)} at {source.spacing_mm[2]:.3g} mm"
    for first in range(0, len(tiles), COLUMNS_PER_STACK):
        chosen = tiles[first : first + COLUMNS_PER_STACK]
        _draw_line(page, caption, chosen)
    page.y += 8


def _draw_intersubject(
    page: _Page, rows: Sequence[SubjectRow], phase: str, affine: NDArray[np.float64], schema: LabelSchema
) -> None:
    """Panel (b): a column per subject from A to B, labels over images at each position."""
    count = sum(row.kind == "intersubject" for row in rows)
    page.write(
        MARGIN, page.y + 10, f"(b) Intersubject: {count} subjects between both ends", 9.5, weight="bold"
    )
    page.y += 76
    size = _tile_size(len(rows))
    for column, row in enumerate(rows):
        second = {"source": "source", "intrasubject": "synthetic"}.get(row.kind, f"{row.weight:.2f}")
        x = MARGIN + ROW_LABEL_WIDTH + column * (size + GAP) + size / 2
        colour = INK if row.kind != "source" else tuple(channel / 255 for channel in SOURCE)
        page.write(x, page.y - 22, _shortened(row.code), 7.5, ha="center", color=colour, weight="bold")
        page.write(x, page.y + 4, second, 6.5, ha="center", color=FAINT)
    page.y += 22
    for position, fraction in _positions([row.stacks[phase] for row in rows]).items():
        labels, greys = [], []
        for row in rows:
            stack = row.stacks[phase]
            k = round(fraction * (stack.num_slices - 1))
            finish = _framed if row.kind == "source" else _unchanged
            labels.append(finish(_label_tile(upright(stack.label_ids, affine)[k], size)))
            greys.append(finish(_grey_tile(upright(grey_levels(stack.image), affine)[k], size)))
        _draw_line(page, position, labels)
        _draw_line(page, "", greys)
        page.y += 10
    for column, row in enumerate(rows):
        volume = volume_ml(row.stacks[phase], schema.id_of("LV"), CENTRE_TO_CENTRE)
        x = MARGIN + ROW_LABEL_WIDTH + column * (size + GAP) + size / 2
        page.write(x, page.y + 16, f"{volume:.0f} ml", 8.0, ha="center")
    page.write(MARGIN, page.y + 16, "LV volume", 7.5, color=FAINT)
    page.y += 78


def _draw_footnote(page: _Page, with_volumes: bool) -> None:
    volumes = (
        "Volumes are measured between the first and the last slice centre, the span that source and"
        " synthetic stacks share. "
    )
    page.write(
        MARGIN,
        page.y,
        f"{volumes if with_volumes else ''}For research only, not for diagnosis.",
        7.0,
        color=FAINT,
    )


def _draw_line(page: _Page, caption: str, tiles: Sequence[NDArray[np.uint8]]) -> None:
    """One line of tiles with its caption on the left."""
    height = tiles[0].shape[0]
    page.write(MARGIN, page.y + height / 2, caption, 7.5, color=FAINT, linespacing=1.35)
    for column, tile in enumerate(tiles):
        page.paste(MARGIN + ROW_LABEL_WIDTH + column * (tile.shape[1] + GAP), page.y, tile)
    page.y += height + GAP


def _tile_size(columns: int) -> int:
    """Side of a square tile, in pixels, when `columns` of them fill the page."""
    return (PAGE_WIDTH - 2 * MARGIN - ROW_LABEL_WIDTH + GAP) // columns - GAP


def _grey_tile(grey: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    resized = Image.fromarray(grey).resize((size, size), Image.Resampling.BICUBIC)
    return np.repeat(np.asarray(resized)[..., None], 3, axis=2)


def _label_tile(label_ids: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Colours with smooth edges: classes are enlarged one by one, never blended with each other."""
    colours = np.array((LABEL_BACKGROUND, *LABEL_COLOURS[1:]), np.uint8)
    large = colours[enlarged_labels(label_ids, 2 * size)]
    return np.array(Image.fromarray(large).resize((size, size), Image.Resampling.BOX))


def _outlined(tile: NDArray[np.uint8], label_ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    outlines = label_outlines(enlarged_labels(label_ids, tile.shape[0]))
    return np.where(outlines[..., None] > 0, np.array(LABEL_COLOURS, np.uint8)[outlines], tile)


def _framed(tile: NDArray[np.uint8], width: int = 4) -> NDArray[np.uint8]:
    framed = np.full(tile.shape, SOURCE, np.uint8)
    framed[width:-width, width:-width] = tile[width:-width, width:-width]
    return framed


def _unchanged(tile: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return tile


def _nearest_slices(num_source: int, num_synthetic: int) -> list[int]:
    """The synthetic slice that lies nearest to each source slice."""
    return [round(k * (num_synthetic - 1) / max(num_source - 1, 1)) for k in range(num_source)]


def _shortened(name: str, length: int = 11) -> str:
    """A name that fits above a column; a long code keeps its end, which tells codes apart."""
    return name if len(name) <= length else f"…{name[1 - length :]}"


def _heart_window(
    stacks: Sequence[LabelledStack], affine: NDArray[np.float64], margin: int = 12
) -> tuple[slice, slice]:
    """The square of rows and columns, in upright order, that holds every heart and a margin."""
    present = np.any([upright(stack.label_ids, affine).any(axis=0) for stack in stacks], axis=0)
    if not present.any():
        return slice(None), slice(None)
    centres, sides = [], []
    for indices in np.nonzero(present):
        first, last = int(indices.min()), int(indices.max())
        centres.append((first + last) // 2)
        sides.append(last - first + 2 * margin)

    def around(centre: int, size: int) -> slice:
        side = min(max(sides), size)
        start = min(max(centre - side // 2, 0), size - side)
        return slice(start, start + side)

    return around(centres[0], present.shape[0]), around(centres[1], present.shape[1])


def _positions(stacks: Sequence[LabelledStack]) -> dict[str, float]:
    """Name of each position to its fraction of the stack, within the slices that all hearts reach."""
    firsts, lasts = [0.0], [1.0]
    for stack in stacks:
        slices = np.nonzero(stack.label_ids.any(axis=(1, 2)))[0] / (stack.num_slices - 1)
        if slices.size:
            firsts.append(float(slices[0]))
            lasts.append(float(slices[-1]))
    first, last = max(firsts), min(lasts)
    return {name: first + part * (last - first) for name, part in STACK_POSITIONS.items()}
