"""How far synthetic images lie from real ones, always beside how far real ones lie from real ones."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmrtf.evaluation.section import Section, Table, single
from cmrtf.evaluation.segmenter import Judge
from cmrtf.evaluation.subjects import Slices, Subject
from cmrtf.metrics.bootstrap import Estimate, mean_estimate, subject_mean
from cmrtf.metrics.distributions import Distance, compare_with_floor, frechet_distance, kernel_distance
from cmrtf.metrics.images import diversity, through_plane_change, tissue_intensities


def realism_section(
    judge: Judge,
    training: Sequence[Subject],
    held_out: Sequence[Subject],
    synthetic: Mapping[str, Sequence[Subject]],
    seed: int,
) -> Section:
    """Compare synthetic with real images.

    Args:
        judge: whose features are compared.
        training: real subjects that the synthetic ones were made from.
        held_out: real subjects that neither the models nor the judge have seen.
        synthetic: groups of subjects made from the training subjects, by name.
        seed: of draws and pairs.
    """
    groups = {"real": [*training, *held_out], **synthetic}
    sets = {
        name: Featured.of(judge, group)
        for name, group in (("held-out", held_out), ("training", training), *synthetic.items())
    }
    return Section(
        "images",
        "Images",
        "Do the images look like real ones, and as different from each other?",
        [
            *(
                _distance_table(name, distance, sets, seed)
                for name, distance in (("Frechet", frechet_distance), ("Kernel", kernel_distance))
            ),
            _diversity_table(groups, seed),
            _smoothness_table(groups),
            *_tissue_tables(groups),
        ],
    )


class Featured(NamedTuple):
    """Labelled slices as features of a network, and whose they are."""

    features: NDArray[np.float32]
    subjects: NDArray[np.str_]

    @classmethod
    def of(cls, judge: Judge, subjects: Sequence[Subject]) -> "Featured":
        """Those of a group of subjects."""
        slices = Slices.of(subjects).labelled()
        return cls(judge.features(slices.image), slices.subjects)


def _distance_table(name: str, distance: Distance, sets: Mapping[str, Featured], seed: int) -> Table:
    held_out, training, *_ = sets.values()
    rows: dict[str, dict[str, Estimate]] = {}
    for group, synthetic in list(sets.items())[2:]:
        found = compare_with_floor(
            held_out.features, training.features, training.subjects, *synthetic, distance, seed
        )
        rows[group] = {"distance": _over_draws(found.distances, found.n)}
        rows[f"training, as many as {group}"] = {"distance": _over_draws(found.floors, found.n)}
        if distance is frechet_distance:  # the kernel distance of equal distributions is 0: no ratio
            rows[f"{group}, ratio"] = {"distance": _over_draws(found.distances / found.floors, found.n)}
    return Table(
        f"{name} distance of features",
        "",
        rows,
        "To held-out patients, whom nobody has seen, beside that of training patients, n slices on each "
        "side; from the lowest to the highest of 20 draws. Features are those of the judge, which was "
        "trained on the training patients: compare within this report.",
    )


def _over_draws(values: NDArray[np.float64], n: int) -> Estimate:
    return Estimate(float(values.mean()), float(values.min()), float(values.max()), n)


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
            subject_mean(
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
