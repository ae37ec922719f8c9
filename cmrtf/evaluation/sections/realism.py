"""How far synthetic images lie from real ones, always beside how far real ones lie from real ones."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import SCHEMA
from cmrtf.core.subject import Subject
from cmrtf.evaluation.section import Headline, Section, Table, single
from cmrtf.evaluation.segmenter import ReferenceSegmenter
from cmrtf.evaluation.subjects import SubjectSlices
from cmrtf.metrics.bootstrap import Estimate, mean_estimate, subject_mean
from cmrtf.metrics.detail import BANDS, chest_patches, heart_patches, power_by_band
from cmrtf.metrics.distributions import (
    NUM_DRAWS,
    Comparison,
    Distance,
    Features,
    compare_with_baseline,
    frechet_distance,
    kernel_distance,
)
from cmrtf.metrics.images import Intensity, diversity, through_plane_change, tissue_intensities

RATIO: Final = "Frechet distance of features, ratio to that of training patients"


def realism_section(
    segmenter: ReferenceSegmenter,
    training: Sequence[Subject],
    held_out: Sequence[Subject],
    synthetic: Mapping[str, Sequence[Subject]],
    seed: int,
) -> Section:
    """Compare synthetic with real images.

    Args:
        segmenter: whose features are compared.
        training: real subjects that the synthetic ones were made from.
        held_out: real subjects that neither the models nor the reference segmenter have seen.
        synthetic: groups of subjects made from the training subjects, by name.
        seed: of draws and pairs.
    """
    groups = {"real": [*training, *held_out], **synthetic}
    reference, real = features_of(segmenter, held_out), features_of(segmenter, training)
    features = {name: features_of(segmenter, subjects) for name, subjects in synthetic.items()}
    return Section(
        "images",
        "Images",
        "Do the images look like real ones, and as different from each other?",
        [
            *_frechet_tables(reference, real, features, seed),
            _distance_table("Kernel", _comparisons(kernel_distance, reference, real, features, seed)),
            _diversity_table(groups, seed),
            _smoothness_table(groups),
            *_tissue_tables(groups),
            _detail_table("near the heart", heart_patches, groups),
            _detail_table("in the chest", chest_patches, groups),
        ],
        Headline(RATIO, next(iter(synthetic))),
    )


def features_of(segmenter: ReferenceSegmenter, subjects: Sequence[Subject]) -> Features:
    """Of the labelled slices of some subjects."""
    slices = SubjectSlices.of(subjects).labelled()
    return Features(segmenter.features(slices.image), slices.subjects)


def _comparisons(
    distance: Distance, reference: Features, real: Features, synthetic: Mapping[str, Features], seed: int
) -> dict[str, Comparison]:
    """Distances to the reference: of each synthetic group, and of as many real images."""
    return {
        group: compare_with_baseline(reference, real, features, distance, seed)
        for group, features in synthetic.items()
    }


def _frechet_tables(
    reference: Features, real: Features, synthetic: Mapping[str, Features], seed: int
) -> list[Table]:
    """Distances and their ratios; the kernel distance of equal distributions is 0, and has none."""
    comparisons = _comparisons(frechet_distance, reference, real, synthetic, seed)
    ratios = {
        group: {"ratio": _over_draws(comparison.distances / comparison.baselines, comparison.n)}
        for group, comparison in comparisons.items()
    }
    note = "1: as close to held-out patients as training patients are. Lower is better."
    return [_distance_table("Frechet", comparisons), Table(RATIO, "", ratios, note)]


def _distance_table(name: str, comparisons: Mapping[str, Comparison]) -> Table:
    rows: dict[str, dict[str, Estimate]] = {}
    for group, comparison in comparisons.items():
        rows[group] = {"distance": _over_draws(comparison.distances, comparison.n)}
        baseline = _over_draws(comparison.baselines, comparison.n)
        rows[f"training, as many as {group}"] = {"distance": baseline}
    return Table(
        f"{name} distance of features",
        "",
        rows,
        "To held-out patients, whom neither the models nor the reference segmenter have seen, beside that of "
        f"training patients, n slices on each side; from the lowest to the highest of {NUM_DRAWS} draws. "
        "Features are those of the reference segmenter, which was trained on the training patients: compare "
        "within this report.",
    )


def _over_draws(values: NDArray[np.float64], n: int) -> Estimate:
    return Estimate(float(values.mean()), float(values.min()), float(values.max()), n)


def _diversity_table(groups: Mapping[str, Sequence[Subject]], seed: int) -> Table:
    rows = {}
    for name, subjects in groups.items():
        stacks = [(subject.name, stack) for subject in subjects for stack in subject.stacks.values()]
        middles = np.stack([stack.image[stack.num_slices // 2] for _, stack in stacks])
        similarity = diversity(middles, np.array([subject for subject, _ in stacks]), seed=seed)
        rows[name] = {"MS-SSIM": single(similarity, len(middles))}
    return Table("Likeness of different subjects", "", rows, "Middle slices. Higher than real: less diverse.")


def _smoothness_table(groups: Mapping[str, Sequence[Subject]]) -> Table:
    rows = {
        name: {"change": mean_estimate([_through_plane_change(subject) for subject in subjects])}
        for name, subjects in groups.items()
    }
    return Table(
        "Change from slice to slice",
        "per mm",
        rows,
        "Mean absolute difference of neighbouring slices in the heart. Lower than real: too smooth.",
    )


def _through_plane_change(subject: Subject) -> float:
    return subject_mean(
        [
            through_plane_change(stack.image, stack.label_ids, stack.slice_spacing_mm)
            for stack in subject.stacks.values()
        ]
    )


def _tissue_tables(groups: Mapping[str, Sequence[Subject]]) -> list[Table]:
    means, spreads = {}, {}
    for name, subjects in groups.items():
        intensities = [_intensities(subject) for subject in subjects]
        by_tissue = {tissue: [one[tissue] for one in intensities] for tissue in SCHEMA.structures}
        means[name] = {tissue: mean_estimate([v.mean for v in vs]) for tissue, vs in by_tissue.items()}
        spreads[name] = {tissue: mean_estimate([v.std for v in vs]) for tissue, vs in by_tissue.items()}
    return [
        Table("Mean intensity of each tissue", "", means, "Images are in [-1, 1]."),
        Table("Standard deviation within each tissue", "", spreads, "Lower than real: texture is missing."),
    ]


def _detail_table(
    where: str,
    patches: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]],
    groups: Mapping[str, Sequence[Subject]],
) -> Table:
    """Power by frequency, one value per subject, as a share of the mean of the first group, the real one."""
    power = {
        name: np.array([_power(subject, patches) for subject in subjects])
        for name, subjects in groups.items()
    }
    usual = np.nanmean(next(iter(power.values())), axis=0)
    rows = {
        name: {
            band: mean_estimate(values) for band, values in zip(BANDS, (by_subject / usual).T, strict=True)
        }
        for name, by_subject in power.items()
    }
    note = "By frequency, in cycles per pixel; 0.5 is the finest. Below 1: blurred; above 1: too rough."
    return Table(f"Power of detail {where}, ratio to real", "", rows, note)


def _power(
    subject: Subject, patches: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]
) -> NDArray[np.float64]:
    """`(bands,)`; NaN where there is no such patch."""
    all_patches = np.concatenate([patches(stack.image, stack.label_ids) for stack in subject.stacks.values()])
    return power_by_band(all_patches) if len(all_patches) else np.full(len(BANDS), np.nan)


def _intensities(subject: Subject) -> dict[str, Intensity]:
    slices = SubjectSlices.of([subject])
    return tissue_intensities(slices.image, slices.label_ids, slices.unknown)
