"""The subjects of an evaluation: real ones, and synthetic ones made by walks between them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from cmrtf.data.cohort import PreparedCohort, PreparedVolume, SubjectRecord
from cmrtf.synthesis.interpolation import CodedStack, Models, affine_between, decode_between


@dataclass(frozen=True)
class Subject:
    """One subject.

    Args:
        name: unique in its group.
        volumes: by phase.
        affines: voxel index to millimetres, by phase.
    """

    name: str
    volumes: dict[str, PreparedVolume]
    affines: dict[str, NDArray[np.float64]]

    def stacks(self) -> Iterator[tuple[str, PreparedVolume]]:
        """Phase and volume."""
        yield from self.volumes.items()

    def spacing_mm(self, phase: str) -> tuple[float, float, float]:
        """Distance of voxels along slices, rows and columns."""
        x, y, z = np.linalg.norm(self.affines[phase][:3, :3], axis=0)
        return float(z), float(y), float(x)


@dataclass(frozen=True)
class Slices:
    """Labelled slices of a group of subjects, side by side.

    Args:
        image: `(n, height, width)` in [-1, 1].
        label_ids: `(n, height, width)`.
        subjects: whose they are, `(n,)`.
    """

    image: NDArray[np.float32]
    label_ids: NDArray[np.uint8]
    subjects: NDArray[np.str_]

    @classmethod
    def of(cls, subjects: Sequence[Subject]) -> "Slices":
        """All labelled slices of some subjects."""
        images, labels, names = [], [], []
        for subject in subjects:
            for _, volume in subject.stacks():
                labelled = volume.label_ids.any(axis=(1, 2))
                images.append(volume.image[labelled])
                labels.append(volume.label_ids[labelled])
                names += [subject.name] * int(labelled.sum())
        return cls(np.concatenate(images), np.concatenate(labels), np.array(names))


def real_subjects(cohort: PreparedCohort, split: str) -> list[tuple[SubjectRecord, Subject]]:
    """The subjects of a split, with what the manifest says of them."""
    found = []
    for code in cohort.subjects(split):
        record, volumes = cohort.record(code), cohort.load(code)
        found.append((record, Subject(code, volumes, dict.fromkeys(volumes, record.geometry.affine))))
    return found


def walked_subjects(
    models: Models,
    sources: Sequence[tuple[SubjectRecord, Subject]],
    count: int,
    seed: int,
    repaired: bool = True,
    progress: bool = False,
) -> list[Subject]:
    """Synthetic subjects: each half way, give or take, between two different real ones.

    Both phases take the same weight. A stack has as many slices as the mean of its ends, so that its
    spacing is that of real ones.

    Args:
        models: a bundle.
        sources: whom to walk between.
        count: how many subjects to make.
        seed: of pairs and weights.
        repaired: whether labels that no heart can have are mended.
        progress: whether to show a bar.
    """
    rng = np.random.default_rng(seed)
    made = []
    for number in tqdm(range(1, count + 1), "walks", unit="subject", disable=not progress):
        first, second = rng.choice(len(sources), 2, replace=False)
        weight = float(rng.uniform(0.25, 0.75))
        (record_a, a), (record_b, b) = sources[first], sources[second]
        volumes, affines = {}, {}
        for phase in [phase for phase in a.volumes if phase in b.volumes]:
            start = CodedStack.encode(models, record_a, a.volumes[phase], phase)
            end = CodedStack.encode(models, record_b, b.volumes[phase], phase)
            slices = round((1 - weight) * record_a.num_slices + weight * record_b.num_slices)
            label_ids, image = decode_between(models, start, end, weight, slices, repaired)
            volumes[phase] = PreparedVolume(image, label_ids)
            affines[phase] = affine_between(start.geometry, end.geometry, weight, slices)
        made.append(Subject(f"walk_{number:03d}", volumes, affines))
    return made
