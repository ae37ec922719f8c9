"""What synthetic images say about the patients whom the models were trained on."""

import io
from collections.abc import Mapping, Sequence
from typing import Final

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cmrtf.core.display import grey_levels
from cmrtf.core.subject import Subject
from cmrtf.evaluation.section import Headline, Section, Table
from cmrtf.evaluation.segmenter import ReferenceSegmenter
from cmrtf.evaluation.subjects import SubjectSlices
from cmrtf.metrics.privacy import auc, nearest, nearest_neighbour_pairs

TABLE: Final = "AUC of membership inference and copying"

PIXELS: Final = "pixels"
"""What speaks of the generator alone: the features' network was trained on the training subjects."""

NUM_PAIRS: Final = 8
"""Nearest-neighbour pairs that are shown."""

PAIRS_CAPTION: Final = (
    "Synthetic slices (above) closest to training slices (below), with the distance of their pixel values"
)

THUMBNAIL_FACTOR: Final = 4
"""Every four by four pixels are compared as one: noise is not what makes images alike."""


def privacy_section(
    segmenter: ReferenceSegmenter,
    training: Sequence[Subject],
    held_out: Sequence[Subject],
    synthetic: Mapping[str, Sequence[Subject]],
) -> Section:
    """Infer membership from distances to the closest record, and show the closest pairs.

    Args:
        segmenter: whose features are compared.
        training: real subjects that the models were trained on.
        held_out: real subjects that they were not.
        synthetic: groups of subjects made by the models, by name; of the first, pairs are shown.
    """
    members, others = (SubjectSlices.of(group).labelled() for group in (training, held_out))
    groups = {name: SubjectSlices.of(group).labelled() for name, group in synthetic.items()}
    rows = {}
    for view, embed in {
        "features of the reference segmenter": segmenter.features,
        PIXELS: _thumbnails,
    }.items():
        member_rows, other_rows = embed(members.image), embed(others.image)
        for name, slices in groups.items():
            synthetic_rows = embed(slices.image)
            rows[f"{name}, {view}"] = {
                "membership": auc(
                    _mean_distances(member_rows, synthetic_rows, members),
                    _mean_distances(other_rows, synthetic_rows, others),
                ),
                "copying": auc(
                    _mean_distances(synthetic_rows, member_rows, slices),
                    _mean_distances(other_rows, member_rows, others),
                ),
            }
    return Section(
        "privacy",
        "Privacy",
        "Can one tell who was in training?",
        [
            Table(
                TABLE,
                "",
                rows,
                "Membership: area under the ROC curve of an attack that calls those members who lie close "
                "to a synthetic image. Copying: chance that a synthetic subject lies closer to the training "
                "images than a new patient does. Distances to the closest slice, averaged per subject; n "
                "counts both sides. The reference segmenter was trained on the training subjects, so only "
                "pixels speak of the generator alone. 0.5 is a guess; an interval above it is a leak. "
                "Blurred images lie close to everything: look at the pairs.",
            )
        ],
        Headline(TABLE, f"{next(iter(groups))}, {PIXELS}"),
        {PAIRS_CAPTION: _gallery(next(iter(groups.values())), members)},
    )


def _mean_distances(
    queries: NDArray[np.float32], references: NDArray[np.float32], slices: SubjectSlices
) -> list[float]:
    """Mean distance to the closest reference, one value per subject.

    Args:
        queries: `(n, dim)`.
        references: `(m, dim)`.
        slices: those that the queries are made of.
    """
    distances = nearest(queries, references).distances
    return [float(distances[slices.subjects == name].mean()) for name in np.unique(slices.subjects)]


def _thumbnails(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Small images, as rows `(n, dim)`."""
    n, height, width = images.shape
    factor = THUMBNAIL_FACTOR
    small = images.reshape(n, height // factor, factor, width // factor, factor).mean(axis=(2, 4))
    return small.reshape(n, -1).astype(np.float32)


@matplotlib.style.context("default")  # not what a matplotlibrc says
def _gallery(synthetic: SubjectSlices, training: SubjectSlices) -> bytes:
    """Nearest-neighbour pairs as a PNG file."""
    pixels, training_pixels = _thumbnails(synthetic.image), _thumbnails(training.image)
    pairs = nearest_neighbour_pairs(pixels, training_pixels, NUM_PAIRS)
    distances = np.linalg.norm(pixels[pairs[:, 0]] - training_pixels[pairs[:, 1]], axis=1)
    figure = Figure(figsize=(1.6 * len(pairs), 3.7), layout="constrained")
    for number, (pair, distance) in enumerate(zip(pairs, distances, strict=True)):
        for row, (slices, index) in enumerate(zip((synthetic, training), pair, strict=True)):
            axes = figure.add_subplot(2, len(pairs), 1 + row * len(pairs) + number)
            axes.imshow(grey_levels(slices.image[index]), cmap="gray", vmin=0, vmax=255)
            axes.set_axis_off()
            axes.set_title(f"{slices.subjects[index]}" + ("" if row else f"\nat {distance:.1f}"), fontsize=8)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()
