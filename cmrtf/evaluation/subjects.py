"""The subjects of an evaluation: real ones, those made by walks between them, and new ones."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.record import PreparedVolume, SubjectRecord
from cmrtf.errors import CmrtfError
from cmrtf.shape.plausibility import repair
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance import Appearance, Style, draw_appearance
from cmrtf.synthesis.choice import pathology_choice
from cmrtf.synthesis.generate import generate_subject
from cmrtf.synthesis.interpolate import CodedStack, affine_between, decode_labels_between, paint_between
from cmrtf.synthesis.protocols import Models


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
    """Slices of a group of subjects, side by side.

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
        """All slices of some subjects."""
        volumes = [(subject.name, volume) for subject in subjects for _, volume in subject.stacks()]
        return cls(
            np.concatenate([volume.image for _, volume in volumes]),
            np.concatenate([volume.label_ids for _, volume in volumes]),
            np.repeat([name for name, _ in volumes], [len(volume.image) for _, volume in volumes]),
        )

    def labelled(self) -> "Slices":
        """Those with a heart on them."""
        chosen = self.label_ids.any(axis=(1, 2))
        return Slices(self.image[chosen], self.label_ids[chosen], self.subjects[chosen])


RealSubject = tuple[SubjectRecord, Subject]


def real_subjects(cohort: PreparedCohort, split: str) -> list[RealSubject]:
    """The subjects of a split, with what the manifest says of them."""
    found = []
    for code in cohort.subjects(split):
        record, volumes = cohort.record(code), cohort.load(code)
        found.append((record, Subject(code, volumes, dict.fromkeys(volumes, record.geometry.affine))))
    return found


def walked_subjects(
    models: Models, sources: Sequence[RealSubject], count: int, seed: int, progress: bool = False
) -> tuple[list[Subject], list[Subject]]:
    """Synthetic subjects: each half way, give or take, between two different real ones.

    Both phases take the same weight. A stack has as many slices as the mean of its ends, so that its
    spacing is that of real ones. Pairs are different from each other as long as there are any.

    Args:
        models: a bundle.
        sources: whom to walk between.
        count: how many subjects to make.
        seed: of pairs and weights.
        progress: whether to show a bar.

    Returns:
        the subjects with labels as they were decoded and with those that were mended and painted; the images
        are those of the latter in both.
    """
    rng = np.random.default_rng(seed)
    pairs = distinct_pairs(sources, rng)
    coded: dict[tuple[str, str], CodedStack] = {}

    def encode(source: RealSubject, phase: str) -> CodedStack:
        record, subject = source
        if (record.subject, phase) not in coded:
            coded[record.subject, phase] = CodedStack.encode(models, record, subject.volumes[phase], phase)
        return coded[record.subject, phase]

    as_decoded, mended = [], []
    for number in tqdm(range(count), "walks", unit="subject", disable=not progress):
        a, b = pairs[number % len(pairs)]
        weight = float(rng.uniform(0.25, 0.75))
        slices = round((1 - weight) * a[0].num_slices + weight * b[0].num_slices)
        raw, painted, affines = {}, {}, {}
        for phase in [phase for phase in a[1].volumes if phase in b[1].volumes]:
            start, end = encode(a, phase), encode(b, phase)
            decoded = decode_labels_between(models, start, end, weight, slices, repaired=False)
            label_ids = repair(decoded)
            image = paint_between(models, start, end, weight, label_ids)
            raw[phase], painted[phase] = PreparedVolume(image, decoded), PreparedVolume(image, label_ids)
            affines[phase] = affine_between(start.geometry, end.geometry, weight, slices)
        name = f"walk_{number + 1:03d}"
        as_decoded.append(Subject(name, raw, affines))
        mended.append(Subject(name, painted, affines))
    return as_decoded, mended


def generated_subjects(
    models: Models, prior: AnatomyPrior, style: Style, count: int, seed: int, progress: bool = False
) -> list[Subject]:
    """Subjects as `cmrtf generate` makes them, of all pathologies.

    Args:
        models: a bundle.
        prior: of hearts.
        style: of images.
        count: how many.
        seed: of all that is drawn.
        progress: whether to show a bar.

    Raises:
        CmrtfError: too few hearts are known to draw from.
    """
    rng, pathologies = np.random.default_rng(seed), pathology_choice(prior, None, ())
    subjects = []
    for number in tqdm(range(count), "new subjects", unit="subject", disable=not progress):
        name, own_seed = f"new_{number + 1:03d}", int(rng.integers(2**32))
        made = generate_subject(models, prior, style, name, own_seed, pathologies.draw(rng))
        volumes = {phase: PreparedVolume(each.image, each.label_ids) for phase, each in made.stacks.items()}
        affines = {phase: each.affine for phase, each in made.stacks.items()}
        subjects.append(Subject(made.name, volumes, affines))
    return subjects


def restyle(
    models: Models, subjects: Sequence[Subject], known: Sequence[Appearance], seed: int
) -> list[Subject]:
    """The same labels, each subject in an appearance drawn from known ones.

    Args:
        models: a bundle.
        subjects: whose labels to paint.
        known: at least two.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    return [repaint(models, subject, draw_appearance(known, rng)) for subject in subjects]


def repaint(models: Models, subject: Subject, appearance: Appearance) -> Subject:
    """The labels of a subject in another appearance."""
    volumes = {
        phase: PreparedVolume(appearance.paint(models, volume.label_ids), volume.label_ids)
        for phase, volume in subject.stacks()
    }
    return Subject(subject.name, volumes, subject.affines)


def distinct_pairs(
    subjects: Sequence[RealSubject], rng: np.random.Generator, phase: str | None = None
) -> list[tuple[RealSubject, RealSubject]]:
    """All pairs of subjects that have a phase in common, in random order, each pair once.

    Args:
        subjects: at least two.
        rng: draws the order.
        phase: only pairs that both have this one.

    Raises:
        CmrtfError: no two subjects have a phase in common.
    """
    pairs = [
        (a, b)
        for a, b in itertools.combinations(subjects, 2)
        if (set(a[1].volumes) & set(b[1].volumes) & ({phase} if phase else {"ED", "ES"}))
    ]
    if not pairs:
        raise CmrtfError(
            f"expected two subjects with phase {phase or 'ED or ES'} in common. "
            f"Received: {', '.join(subject.name for _, subject in subjects)}."
        )
    return [pairs[i] for i in rng.permutation(len(pairs))]
