"""Style and anatomy vary independently: 5 held-out anatomies x 5 styles, segmented and encoded again.

    .venv/bin/python benchmarks/experiments/appearance_grid.py BUNDLE PREPARED OUT.png [SEGMENTERS]

PREPARED is the cohort that the bundle was trained on. Columns are the styles of a training subject, of a
vendor, of a centre (of another subject where centres are not known), of an image file, and drawn from all.
Above each column is the real subject that the style belongs to or, where it was drawn, the one that is
nearest; before each row the real subject whose labels it has. SEGMENTERS, a folder of `cmrtf evaluate`, holds
the reference segmenter, or will hold it: training it takes six minutes on two cores, the rest two.

Printed are whose style the images have when they are encoded again; the reference segmenter's Dice in each
cell, and what of its variance is due to anatomy, to style and to both together; and by how much the volumes
that it sees differ between styles of one anatomy, beside how much anatomies differ.
"""

import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cmrtf.bundle.bundle import Bundle
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.display import grey_levels, grey_tile, with_contours
from cmrtf.core.labels import SCHEMA
from cmrtf.core.nifti import write_nifti
from cmrtf.core.preparation import to_nifti_order
from cmrtf.core.subject import Subject
from cmrtf.evaluation.segmenter import Segmentation, dice_per_subject, segment_subjects
from cmrtf.evaluation.subjects import SubjectSlices, restyled_subject
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.appearance_bank import SAMPLE, AppearanceBank, find_style
from cmrtf.synthesis.protocols import Models
from cmrtf.training.segmenter_store import SegmenterStore
from cmrtf.training.train_segmenter import SEGMENTER_STEPS

NUM = 5
"""Anatomies, and styles."""
SEED = 0
CELL = 192
PHASE = "ED"
"""That is shown; numbers are of all phases."""


@dataclass(frozen=True)
class Column:
    """A style of the grid.

    Args:
        name: what was asked for.
        appearance: what was given.
        real: whose real images belong to it.
    """

    name: str
    appearance: Appearance
    real: Subject


def main(bundle: Path, prepared: Path, out: Path, segmenters: Path) -> None:
    opened, cohort = Bundle.open(bundle), PreparedCohort.open(prepared)
    models, bank = opened.models, opened.appearance_bank
    training, held_out = ([cohort[code] for code in cohort.codes(split)] for split in ("train", "validation"))
    anatomies = held_out[:NUM]
    columns = make_columns(models, bank, training, held_out[-1])
    grid = [
        [restyled_subject(models, anatomy, column.appearance) for column in columns] for anatomy in anatomies
    ]
    draw(anatomies, columns, grid).save(out)
    print_styles(models, columns, grid)
    slices = SubjectSlices.of(training)
    store = SegmenterStore(segmenters, SEGMENTER_STEPS)
    segmenter = store.trained(slices.image, slices.label_ids, SEED, "reference segmenter")
    segmentations = [segment_subjects(segmenter, row) for row in grid]
    dice = [dice_per_subject(*row) for row in zip(grid, segmentations, strict=True)]
    print_dice(
        anatomies,
        columns,
        {name: np.array([row[name] for row in dice]) for name in SCHEMA.foreground},
        dice_per_subject(anatomies, segment_subjects(segmenter, anatomies)),
    )
    print_volumes(segmentations)


def make_columns(
    models: Models, bank: AppearanceBank, training: Sequence[Subject], donor: Subject
) -> list[Column]:
    """The styles; the image file is of a held-out subject."""
    rng, subjects = np.random.default_rng(SEED), {subject.name: subject for subject in training}
    first, second = next(iter(bank.subjects)), next(reversed(bank.subjects))
    vendor, centre = (largest(bank.groups()[kind]) for kind in ("vendor", "centre"))
    names = [
        f"subject:{first}",
        f"vendor:{vendor}",
        f"centre:{centre}" if centre else f"subject:{second}",
        SAMPLE,
    ]
    columns = []
    for name in names:
        appearance = find_style(models, bank, name).draw(rng)
        columns.append(Column(name, appearance, subjects[nearest(appearance, bank)]))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image.nii"
        write_nifti(file, to_nifti_order(donor.stacks[PHASE].image), donor.stacks[PHASE].affine)
        appearance = find_style(models, bank, str(file)).draw(rng)
    columns.insert(3, Column(f"image file of {donor.name}", appearance, donor))
    return columns


def largest(groups: Mapping[str, Sequence[Appearance]]) -> str:
    """The name of most subjects, `""` where none is known."""
    return max(filter(None, groups), key=lambda name: len(groups[name]), default="")


def nearest(appearance: Appearance, bank: AppearanceBank) -> str:
    """The training subject that looks most alike."""
    return min(bank.subjects, key=lambda code: np.linalg.norm(bank.subjects[code].style - appearance.style))


def draw(
    anatomies: Sequence[Subject], columns: Sequence[Column], grid: Sequence[Sequence[Subject]]
) -> Image.Image:
    """Mid-ventricular slices: above each column whose style it has, before each row its real subject."""
    blank = np.zeros((CELL, CELL, 3), np.uint8)
    rows = [[blank, *(middle_slice(column.real) for column in columns)]]
    for anatomy, restyled in zip(anatomies, grid, strict=True):
        rows.append([middle_slice(anatomy, contours=True), *map(middle_slice, restyled)])
    return Image.fromarray(np.concatenate([np.concatenate(row, axis=1) for row in rows]))


def middle_slice(subject: Subject, contours: bool = False) -> NDArray[np.uint8]:
    """The middle one of the labelled slices, as `(CELL, CELL, 3)` pixels."""
    stack = subject.stacks[PHASE]
    labelled = np.flatnonzero(stack.has_heart)
    k = labelled[len(labelled) // 2]
    tile = grey_tile(grey_levels(stack.image[k]), CELL)
    return with_contours(tile, stack.label_ids[k]) if contours else tile


def shares(values: NDArray[np.floating]) -> tuple[float, float, float]:
    """Of the variance of a table: due to its rows, its columns, and neither alone.

    Args:
        values: `(rows, columns)` or `(rows, columns, dim)`.
    """
    centred = values - values.mean(axis=(0, 1))
    rows, columns = centred.mean(axis=1, keepdims=True), centred.mean(axis=0, keepdims=True)
    parts = [np.broadcast_to(part, values.shape) for part in (rows, columns, centred - rows - columns)]
    anatomy, style, both = (float((part**2).sum() / (centred**2).sum()) for part in parts)
    return anatomy, style, both


def print_dice(
    anatomies: Sequence[Subject],
    columns: Sequence[Column],
    dice: dict[str, NDArray[np.float64]],
    real: dict[str, list[float]],
) -> None:
    """Cells of `dice` are `(anatomies, styles)` for each structure."""
    print("\nThe reference segmenter's Dice, LV / MYO / RV\n")
    print_row("", *(column.name for column in columns), "mean +- spread over styles", "its real images")
    print_row(*["---"] * (NUM + 3))
    for i, anatomy in enumerate(anatomies):
        cells = [triple(table[i, j] for table in dice.values()) for j in range(NUM)]
        print_row(
            anatomy.name,
            *cells,
            triple_of_rows([table[i] for table in dice.values()]),
            triple(values[i] for values in real.values()),
        )
    means = [triple_of_rows([table[:, j] for table in dice.values()]) for j in range(NUM)]
    everything = triple_of_rows([table.ravel() for table in dice.values()])
    print_row(
        "mean +- spread over anatomies",
        *means,
        everything,
        triple_of_rows([np.array(v) for v in real.values()]),
    )
    print("\nVariance of Dice, %\n")
    print_row("", "anatomy", "style", "both together")
    print_row(*["---"] * 4)
    for name, table in dice.items():
        print_row(name, *(f"{100 * share:.0f}" for share in shares(table)))


def print_volumes(segmentations: Sequence[Sequence[Segmentation]]) -> None:
    """Volumes that the segmenter sees: standard deviation over mean, averaged over the rest of the table."""
    print("\nVolumes as the reference segmenter sees them, coefficient of variation, %\n")
    print_row("", "between styles of an anatomy", "between anatomies in a style")
    print_row(*["---"] * 3)
    for name in SCHEMA.foreground:
        voxels = np.array(
            [
                [[(label_ids == SCHEMA.id_of(name)).sum() for label_ids in cell.values()] for cell in row]
                for row in segmentations
            ]
        )
        between_anatomies, between_styles = (voxels.std(axis) / voxels.mean(axis) for axis in (0, 1))
        print_row(
            name, *(f"{100 * variation.mean():.1f}" for variation in (between_styles, between_anatomies))
        )


def print_styles(models: Models, columns: Sequence[Column], grid: Sequence[Sequence[Subject]]) -> None:
    """Codes of the images, means over their slices, beside the five that were asked for."""
    codes = np.array(
        [[models.encode_style(SubjectSlices.of([cell]).image).mean(axis=0) for cell in row] for row in grid]
    )
    wanted = np.stack([column.appearance.style.mean(axis=0) for column in columns])
    distance = np.linalg.norm(codes[:, :, None] - wanted, axis=-1)
    own = distance[:, np.arange(NUM), np.arange(NUM)]
    others = (distance.sum(axis=-1) - own) / (NUM - 1)
    right = (distance.argmin(axis=-1) == np.arange(NUM)).sum()
    apart = np.linalg.norm(wanted[:, None] - wanted, axis=-1)[~np.eye(NUM, dtype=bool)].mean()
    anatomy, style, both = (100 * share for share in shares(codes))
    print(
        f"\nStyles encoded again: the nearest of the {NUM} is the one asked for in {right} of {NUM**2} cells."
    )
    print(f"Distance to it {own.mean():.2f}, to the others {others.mean():.2f}; between those {apart:.2f}.")
    print(
        f"Variance of these codes: anatomy {anatomy:.0f} %, style {style:.0f} %, both together {both:.0f} %."
    )


def triple(values: Iterable[float]) -> str:
    return " / ".join(f"{value:.3f}" for value in values)


def triple_of_rows(rows: Sequence[NDArray[np.float64]]) -> str:
    return " / ".join(f"{row.mean():.3f} +- {row.std():.3f}" for row in rows)


def print_row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    bundle_path, prepared_path, out_path = map(Path, sys.argv[1:4])
    with tempfile.TemporaryDirectory() as temporary:
        main(bundle_path, prepared_path, out_path, Path(*sys.argv[4:5] or [temporary]))
