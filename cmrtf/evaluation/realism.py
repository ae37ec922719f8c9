"""How far synthetic images lie from real ones, always beside how far real ones lie from real ones."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from cmrtf.evaluation.confidence import Estimate, mean_estimate
from cmrtf.evaluation.feature_distances import compare_with_floor, frechet_distance, kernel_distance
from cmrtf.evaluation.image_similarity import diversity, through_plane_change, tissue_intensities
from cmrtf.evaluation.judge import Judge
from cmrtf.evaluation.section import Section, Table, single
from cmrtf.evaluation.subjects import Slices, Subject


def realism_section(
    judge: Judge, real: Sequence[Subject], synthetic: Sequence[Subject], seed: int
) -> Section:
    """Compare synthetic with real images.

    Args:
        judge: whose features are compared.
        real: training and held-out subjects.
        synthetic: subjects made from the training subjects.
        seed: of halvings and pairs.
    """
    groups = {"real": real, "synthetic": synthetic}
    return Section(
        "images",
        "Images",
        "Do the images look like real ones, and as different from each other?",
        [
            _feature_table(judge, Slices.of(real), Slices.of(synthetic), seed),
            _diversity_table(groups, seed),
            _smoothness_table(groups),
            *_tissue_tables(groups),
        ],
    )


def _feature_table(judge: Judge, real: Slices, synthetic: Slices, seed: int) -> Table:
    features = judge.features(real.image), judge.features(synthetic.image)
    rows: dict[str, dict[str, Estimate]] = {"synthetic to real": {}, "real to real": {}, "ratio": {}}
    for name, distance in (("Frechet", frechet_distance), ("kernel", kernel_distance)):
        found = compare_with_floor(
            features[0], real.subjects, features[1], synthetic.subjects, distance, seed=seed
        )
        rows["synthetic to real"][name] = single(found.distance, found.n)
        rows["real to real"][name] = single(found.floor, found.n)
        if name == "Frechet":  # the kernel distance of equal distributions is 0: a ratio means nothing
            rows["ratio"][name] = single(found.distance / found.floor, found.n)
    return Table(
        "Distance of features",
        "",
        rows,
        "Features are those of the judge, so numbers of another evaluation cannot be compared, but the "
        "ratio can. Means over random halves of the real subjects, the same number n of slices on all sides.",
    )


def _diversity_table(groups: Mapping[str, Sequence[Subject]], seed: int) -> Table:
    rows = {}
    for name, subjects in groups.items():
        middles = [volume.image[len(volume.image) // 2] for s in subjects for _, volume in s.stacks()]
        names = np.array([s.name for s in subjects for _ in s.stacks()])
        rows[name] = {"MS-SSIM": single(diversity(np.stack(middles), names, seed=seed), len(middles))}
    return Table("Likeness of different subjects", "", rows, "Middle slices. Higher than real: less diverse.")


def _smoothness_table(groups: Mapping[str, Sequence[Subject]]) -> Table:
    rows = {}
    for name, subjects in groups.items():
        changes = [
            np.nanmean(
                [
                    through_plane_change(v.image, v.label_ids, s.spacing_mm(phase)[0])
                    for phase, v in s.stacks()
                ]
            )
            for s in subjects
        ]
        rows[name] = {"change": mean_estimate(changes)}
    return Table(
        "Change from slice to slice",
        "per mm",
        rows,
        "Mean absolute difference of neighbouring slices in the heart. Lower than real: too smooth.",
    )


def _tissue_tables(groups: Mapping[str, Sequence[Subject]]) -> list[Table]:
    means: dict[str, dict[str, Estimate]] = {}
    spreads: dict[str, dict[str, Estimate]] = {}
    for name, subjects in groups.items():
        of_subjects: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for subject in subjects:
            image = np.concatenate([volume.image for _, volume in subject.stacks()])
            label_ids = np.concatenate([volume.label_ids for _, volume in subject.stacks()])
            for structure, found in tissue_intensities(image, label_ids).items():
                of_subjects[structure].append((found.mean, found.std))
        means[name] = {
            key: mean_estimate([mean for mean, _ in values]) for key, values in of_subjects.items()
        }
        spreads[name] = {
            key: mean_estimate([std for _, std in values]) for key, values in of_subjects.items()
        }
    return [
        Table("Mean intensity of each tissue", "", means, "Images are in [-1, 1]."),
        Table("Standard deviation within each tissue", "", spreads, "Lower than real: texture is missing."),
    ]
