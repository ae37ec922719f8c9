"""Label maps to measure with: those of a phantom cohort, or of a prepared cohort of one's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cmrtf.cohort.build import prepare
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.labels import SCHEMA
from cmrtf.layers.label_ids import downsample_labels
from cmrtf.layers.label_neighbourhoods import find_label_neighbourhoods
from cmrtf.phantom.cohort import write_phantom_cohort
from cmrtf.training.input_pipeline import Slices

SUBJECTS, FRAMES, SEED = 12, 10, 1


@dataclass(frozen=True)
class Material:
    """What everything is measured on.

    Args:
        raw: a raw data set, for what prepares it.
        prepared: a prepared cohort.
        slices: its labelled training slices in random order, so that a batch holds many subjects.
        source: where the labels come from, for the record.
    """

    raw: Path
    prepared: Path
    slices: Slices
    source: str


def find_material(scratch: Path, prepared: Path | None, raw: Path | None) -> Material:
    """Make the phantom where the user has no data, and read what is there."""
    source = "a prepared cohort given with --data"
    if raw is None or prepared is None:
        write_phantom_cohort(scratch / "raw", SUBJECTS, FRAMES, SEED)
    if prepared is None:
        source = f"phantom, {SUBJECTS} subjects, seed {SEED}"
        prepared = prepare(scratch / "raw", scratch / "prepared").cohort.path
    labelled = Slices.of_split(PreparedCohort.open(prepared), "train").labelled()
    order = np.random.default_rng(0).permutation(len(labelled.label_ids))
    slices = Slices(labelled.image[order], labelled.label_ids[order], labelled.stack[order])
    return Material(raw or scratch / "raw", prepared, slices, source)


def take(values: NDArray[Any], batch: int) -> NDArray[Any]:
    """The first `batch` examples, from the start again where there are fewer."""
    return np.take(values, np.arange(batch), axis=0, mode="wrap")


def distinct_counts(label_ids: NDArray[np.uint8], sizes: tuple[int, ...]) -> dict[int, dict[str, int]]:
    """Pixels, distinct 5 x 5 neighbourhoods and distinct 3 x 3 windows of a batch at each size."""
    counts = {}
    for size in sizes:
        neighbourhoods = find_label_neighbourhoods(downsample_labels(label_ids, size), SCHEMA.num_classes)
        counts[size] = {
            "pixels": len(label_ids) * size**2,
            "neighbourhoods": int(neighbourhoods.window_index.shape[0]),
            "windows": int(neighbourhoods.windows.shape[0]),
        }
    return counts


def with_classes(
    label_ids: NDArray[np.uint8], image: NDArray[np.float32], num_classes: int
) -> NDArray[np.uint8]:
    """Fewer classes by joining the last ones; more by dividing the background as tissues do, jaggedly.

    The background of each slice falls into classes of equal area by the intensity of its image,
    smoothed by 1.5 pixels.
    """
    if num_classes <= SCHEMA.num_classes:
        return np.minimum(label_ids, num_classes - 1).astype(np.uint8)
    result = label_ids.copy()
    for labels, smooth in zip(result, ndimage.gaussian_filter(image, (0, 1.5, 1.5)), strict=True):
        background = labels == 0
        tissues = num_classes - SCHEMA.num_classes + 1
        limits = np.quantile(smooth[background], np.arange(1, tissues) / tissues)
        tissue = np.digitize(smooth[background], limits)
        labels[background] = np.where(tissue > 0, tissue + SCHEMA.num_classes - 1, 0)
    return result


def with_size(label_ids: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """The same shapes on another grid, smooth where it is finer."""
    if size <= label_ids.shape[1]:
        return np.asarray(downsample_labels(label_ids, size))
    factor = size / label_ids.shape[1]
    shares = [
        ndimage.zoom((label_ids == i) * 1.0, (1, factor, factor), order=1) for i in range(SCHEMA.num_classes)
    ]
    return np.argmax(shares, axis=0).astype(np.uint8)


def with_noise(label_ids: NDArray[np.uint8], fraction: float) -> NDArray[np.uint8]:
    """A fraction of the pixels replaced by random labels."""
    rng = np.random.default_rng(0)
    noise = rng.integers(SCHEMA.num_classes, size=label_ids.shape, dtype=np.uint8)
    return np.where(rng.random(label_ids.shape) < fraction, noise, label_ids)
