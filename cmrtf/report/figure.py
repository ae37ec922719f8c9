"""`figure.png`: all subjects at a glance, after Figures 3 and 4 of the paper.

Amirrajab et al., *Intra- and intersubject synthesis of cardiac MR images using a VAE and GAN*,
ISMRM 2022, no. 1838. For each phase: (a) the source slices of each end and the slices that
replace them, labels above images; (b) the subjects between both ends, or the steps of a subject that is
remodelled, at three positions from apex to base.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.display import grey_levels, grey_tile, heart_window, upright, with_contours
from cmrtf.core.labels import LABEL_COLOURS, SCHEMA
from cmrtf.core.stack import CENTRE_TO_CENTRE, Stack
from cmrtf.core.subject import Subject, phases_of
from cmrtf.report.figure_page import (
    FAINT,
    INK,
    MARGIN,
    PAGE_WIDTH,
    SOURCE,
    Page,
    framed,
    label_tile,
    middle_of_column,
    shortened,
    tile_size,
)
from cmrtf.report.sequence import has_kind, title_of, volume_methods

LEGEND_STEP: Final = 136
MARK_HEIGHT: Final = 6
COLUMNS_PER_STACK: Final = 16
STACK_POSITIONS: Final = {"apical": 0.15, "mid": 0.5, "basal": 0.85}
"""Rows of panel (b): part of the way from the first to the last slice with a heart."""

SERIES_TITLES: Final = {
    "intersubject": "Intersubject: {count} subjects between both ends",
    "remodelled": "Remodelled: {steps} steps from no change to the whole of it",
}
"""Of panel (b), by the kind of its synthetic subjects."""


def write_figure(path: Path, subjects: Sequence[Subject]) -> None:
    """Draw all subjects of a set of outputs into one PNG file.

    Args:
        path: of the file.
        subjects: as `in_order` gives them.
    """
    page = Page()
    _draw_header(page, subjects)
    for phase in phases_of(subjects):
        _draw_phase(page, [subject for subject in subjects if phase in subject.stacks], phase)
    _draw_footnote(page, subjects)
    page.save(path)


def _draw_header(page: Page, subjects: Sequence[Subject]) -> None:
    page.write(MARGIN, page.y + 14, title_of(subjects), 15.0, weight="bold")
    page.write(MARGIN, page.y + 66, _legend_of_frames(subjects))
    left = PAGE_WIDTH - MARGIN - LEGEND_STEP * len(SCHEMA.foreground)
    for structure in SCHEMA.foreground:
        colour = LABEL_COLOURS[SCHEMA.id_of(structure)]
        page.paste(left, page.y + 1, np.full((26, 26, 3), colour, np.uint8))
        page.write(left + 40, page.y + 14, structure, 9.0)
        left += LEGEND_STEP
    page.y += 112


def _legend_of_frames(subjects: Sequence[Subject]) -> str:
    bars = "; blue bars mark the source positions" if has_kind(subjects, "intrasubject") else ""
    return f"Blue frames: source slices, as they are in the data. All else is synthetic{bars}."


def _draw_phase(page: Page, subjects: Sequence[Subject], phase: str) -> None:
    affine = subjects[0].stacks[phase].affine
    window = heart_window([subject.stacks[phase] for subject in subjects], affine)
    heading = {"ED": "End diastole", "ES": "End systole"}.get(phase, phase)
    page.write(MARGIN, page.y + 10, f"{heading} ({phase})", 12.0, weight="bold")
    page.y += 56
    sources = {subject.name: subject for subject in subjects if subject.kind == "source"}
    for subject in subjects:
        if subject.kind == "intrasubject":
            _draw_intrasubject(page, subject, sources.get(subject.name), phase, affine, window)
    for kind, title in SERIES_TITLES.items():
        if has_kind(subjects, kind):
            count = sum(subject.kind == kind for subject in subjects)
            text = f"(b) {title.format(count=count, steps=count - 1)}"
            page.write(MARGIN, page.y + 10, text, 9.5, weight="bold")
            _draw_series(page, subjects, phase, affine)


def _draw_intrasubject(
    page: Page,
    subject: Subject,
    source: Subject | None,
    phase: str,
    affine: NDArray[np.float64],
    window: tuple[slice, slice],
) -> None:
    """Panel (a): the source slices, then the synthetic stack in lines of labels over images."""
    stack = subject.stacks[phase]
    description = f" ({source.description})" if source is not None and source.description else ""
    page.write(MARGIN, page.y + 10, f"(a) Intrasubject: {subject.name}{description}", 9.5, weight="bold")
    page.write(
        PAGE_WIDTH - MARGIN,
        page.y + 10,
        f"{stack.num_slices} slices {stack.slice_spacing_mm:.1f} mm apart, apex to base",
        color=FAINT,
        ha="right",
    )
    page.y += 40
    size = tile_size(COLUMNS_PER_STACK)
    if source is not None:
        _draw_source(page, source.stacks[phase], affine, window, size)
    labels = upright(stack.label_ids, affine)[:, *window]
    greys = upright(grey_levels(stack.image), affine)[:, *window]
    tiles = [label_tile(slice_ids, size) for slice_ids in labels]
    if source is not None:
        for k in _nearest_slices(source.stacks[phase].num_slices, stack.num_slices):
            tiles[k][-MARK_HEIGHT:] = SOURCE
    for first in range(0, stack.num_slices, COLUMNS_PER_STACK):
        chosen = range(first, min(first + COLUMNS_PER_STACK, stack.num_slices))
        numbers = f"{chosen.start + 1} to {chosen.stop}"
        page.draw_line(f"labels\n{numbers}", [tiles[k] for k in chosen])
        page.draw_line(f"images\n{numbers}", [grey_tile(greys[k], size) for k in chosen])
        page.y += 8
    page.y += 26


def _draw_source(
    page: Page, source: Stack, affine: NDArray[np.float64], window: tuple[slice, slice], size: int
) -> None:
    """The acquired slices with the contours of their labels; long stacks take several lines."""
    labels = upright(source.label_ids, affine)[:, *window]
    greys = upright(grey_levels(source.image), affine)[:, *window]
    tiles = [
        framed(with_contours(grey_tile(grey, size), slice_ids))
        for grey, slice_ids in zip(greys, labels, strict=True)
    ]
    caption = f"source\n{len(tiles)} at {source.slice_spacing_mm:.3g} mm"
    for first in range(0, len(tiles), COLUMNS_PER_STACK):
        page.draw_line(caption, tiles[first : first + COLUMNS_PER_STACK])
    page.y += 8


def _draw_series(page: Page, subjects: Sequence[Subject], phase: str, affine: NDArray[np.float64]) -> None:
    """Panel (b): a column per subject, labels over images at each position."""
    page.y += 76
    size = tile_size(len(subjects))
    for column, subject in enumerate(subjects):
        x = middle_of_column(column, size)
        colour = INK if subject.is_synthetic else tuple(channel / 255 for channel in SOURCE)
        name = shortened(subject.name)
        page.write(x, page.y - 22, name, 7.5, ha="center", color=colour, weight="bold")
        page.write(x, page.y + 4, _second_line(subject), 6.5, ha="center", color=FAINT)
    page.y += 22
    for position, fraction in _positions([subject.stacks[phase] for subject in subjects]).items():
        labels, greys = [], []
        for subject in subjects:
            stack = subject.stacks[phase]
            k = round(fraction * (stack.num_slices - 1))
            tiles = (
                label_tile(upright(stack.label_ids, affine)[k], size),
                grey_tile(upright(grey_levels(stack.image), affine)[k], size),
            )
            label, grey = tiles if subject.is_synthetic else map(framed, tiles)
            labels.append(label)
            greys.append(grey)
        page.draw_line(position, labels)
        page.draw_line("", greys)
        page.y += 10
    method = volume_methods(subjects)[0]
    for column, subject in enumerate(subjects):
        volume_ml = subject.stacks[phase].volume_ml("LV", method)
        page.write(middle_of_column(column, size), page.y + 16, f"{volume_ml:.0f} ml", 8.0, ha="center")
    page.write(MARGIN, page.y + 16, "LV volume", 7.5, color=FAINT)
    page.y += 78


def _second_line(subject: Subject) -> str:
    """What stands below a column's name."""
    by_kind = {"source": "source", "intrasubject": "synthetic"}
    return by_kind.get(subject.kind, f"{subject.weight:.2f}")


def _draw_footnote(page: Page, subjects: Sequence[Subject]) -> None:
    page.write(
        MARGIN,
        page.y,
        f"{_note_on_volumes(subjects)}For research only, not for diagnosis.",
        7.0,
        color=FAINT,
    )


def _note_on_volumes(subjects: Sequence[Subject]) -> str:
    if not any(has_kind(subjects, kind) for kind in SERIES_TITLES):
        return ""
    if volume_methods(subjects)[0] == CENTRE_TO_CENTRE:
        return (
            "Volumes are measured between the first and the last slice centre, the span that source and"
            " synthetic stacks share. "
        )
    return "Volumes are measured by slice summation. "


def _nearest_slices(num_source: int, num_synthetic: int) -> list[int]:
    """The synthetic slice that lies nearest to each source slice."""
    return [round(k * (num_synthetic - 1) / max(num_source - 1, 1)) for k in range(num_source)]


def _positions(stacks: Sequence[Stack]) -> dict[str, float]:
    """Name of each position to its fraction of the stack, within the slices that all hearts reach."""
    firsts, lasts = [0.0], [1.0]
    for stack in stacks:
        slices = np.flatnonzero(stack.has_heart) / (stack.num_slices - 1)
        if slices.size:
            firsts.append(float(slices[0]))
            lasts.append(float(slices[-1]))
    first, last = max(firsts), min(lasts)
    return {name: first + part * (last - first) for name, part in STACK_POSITIONS.items()}
