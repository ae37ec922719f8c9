"""What synthetic images say about the patients whom the models were trained on."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from cmrtf.core.display import grey_levels
from cmrtf.evaluation.section import Section, Table
from cmrtf.evaluation.segmenter import Judge
from cmrtf.evaluation.subjects import Slices, Subject
from cmrtf.metrics.privacy import chance_closer, nearest, nearest_twins

GALLERY = 8
TWINS = "Synthetic slices (above) closest to training slices (below), with their distance in pixels"


def disclosure_section(
    judge: Judge,
    training: Sequence[Subject],
    held_out: Sequence[Subject],
    synthetic: Mapping[str, Sequence[Subject]],
) -> Section:
    """Attack with distances to the closest record, and show the closest pairs.

    Args:
        judge: whose features are compared.
        training: real subjects that the models were trained on.
        held_out: real subjects that they were not.
        synthetic: groups of subjects made by the models, by name; the first is shown.
    """
    members, others = (Slices.of(group).labelled() for group in (training, held_out))
    groups = {name: Slices.of(group).labelled() for name, group in synthetic.items()}
    rows = {}
    for view, see in {"features of the judge": judge.features, "pixels": _thumbnails}.items():
        m, o = see(members.image), see(others.image)
        for name, made in groups.items():
            s = see(made.image)
            rows[f"{name}, {view}"] = {
                "membership": chance_closer(_per_subject(m, s, members), _per_subject(o, s, others)),
                "copying": chance_closer(_per_subject(s, m, made), _per_subject(o, m, others)),
            }
    made = next(iter(groups.values()))
    return Section(
        "privacy",
        "Privacy",
        "Can one tell who was in training?",
        [
            Table(
                "Chance that the attack is right",
                "",
                rows,
                "Membership: area under the ROC curve of an attack that calls those members who lie close "
                "to a synthetic image. Copying: chance that a synthetic subject lies closer to the training "
                "images than a new patient does. Distances to the closest slice, averaged per subject; n "
                "counts both sides. The judge was trained on the training subjects, so only pixels speak of "
                "the generator alone. 0.5 is a guess; an interval above it is a leak. Blurred images lie "
                "close to everything: look at the pairs.",
            )
        ],
        {TWINS: _gallery(made, members)},
    )


def _per_subject(queries: NDArray[np.float32], references: NDArray[np.float32], of: Slices) -> list[float]:
    """Mean distance to the closest reference, one value per subject."""
    distances = nearest(queries, references).distances
    return [float(distances[of.subjects == name].mean()) for name in np.unique(of.subjects)]


def _thumbnails(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every four by four pixels as one, as rows: noise is not what makes images alike."""
    n, height, width = images.shape
    small = images.reshape(n, height // 4, 4, width // 4, 4).mean(axis=(2, 4))
    return small.reshape(n, -1).astype(np.float32)


def _gallery(made: Slices, training: Slices) -> bytes:
    in_pixels = _thumbnails(made.image), _thumbnails(training.image)
    twins = nearest_twins(*in_pixels, GALLERY)
    distances = np.linalg.norm(in_pixels[0][twins[:, 0]] - in_pixels[1][twins[:, 1]], axis=1)
    figure = Figure(figsize=(1.6 * len(twins), 3.7), layout="constrained")
    for number, (column, distance) in enumerate(zip(twins, distances, strict=True)):
        for row, (slices, index) in enumerate(zip((made, training), column, strict=True)):
            axes = figure.add_subplot(2, len(twins), 1 + row * len(twins) + number)
            axes.imshow(grey_levels(slices.image[index]), cmap="gray", vmin=0, vmax=255)
            axes.set_axis_off()
            axes.set_title(f"{slices.subjects[index]}" + ("" if row else f"\nat {distance:.1f}"), fontsize=8)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110)
    return stream.getvalue()
