"""The subjects of an evaluation: those between real ones, new ones, and any of them in another style."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import PHASES
from cmrtf.core.progress import progress_bar
from cmrtf.core.subject import Subject
from cmrtf.core.unknown import Unknown, concatenated
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance import Appearance, draw_appearance
from cmrtf.synthesis.appearance_bank import Style
from cmrtf.synthesis.encoded_stack import encode_ends
from cmrtf.synthesis.generate import generate_subject, pathology_choice
from cmrtf.synthesis.protocols import Models
from cmrtf.synthesis.stack_between import decode_labels_between, stack_between


@dataclass(frozen=True)
class SubjectSlices:
    """Slices of a group of subjects, side by side.

    Args:
        image: `(n, height, width)` in [-1, 1].
        label_ids: `(n, height, width)`.
        subjects: names of the subjects that they are of, `(n,)`.
        unknown: `(n, classes)`, which structures are unknown in which; None where all are known.
    """

    image: NDArray[np.float32]
    label_ids: NDArray[np.uint8]
    subjects: NDArray[np.str_]
    unknown: Unknown = None

    @classmethod
    def of(cls, subjects: Sequence[Subject]) -> "SubjectSlices":
        """All slices of some subjects."""
        stacks = [(subject.name, stack) for subject in subjects for stack in subject.stacks.values()]
        return cls(
            np.concatenate([stack.image for _, stack in stacks]),
            np.concatenate([stack.label_ids for _, stack in stacks]),
            np.repeat([name for name, _ in stacks], [stack.num_slices for _, stack in stacks]),
            concatenated([(stack.unknown, stack.num_slices) for _, stack in stacks]),
        )

    def labelled(self) -> "SubjectSlices":
        """Those with a heart on them."""
        chosen = self.label_ids.any(axis=(1, 2))
        unknown = None if self.unknown is None else self.unknown[chosen]
        return SubjectSlices(self.image[chosen], self.label_ids[chosen], self.subjects[chosen], unknown)


def interpolated_subjects(
    models: Models, sources: Sequence[Subject], count: int, seed: int, progress: bool = False
) -> tuple[list[Subject], list[Subject]]:
    """Synthetic subjects: each half way, give or take, between two different real ones.

    Both phases take the same weight. A stack has as many slices as the mean of its ends, so that its
    spacing is that of real ones. Pairs are different from each other as long as there are any.

    Args:
        models: a bundle.
        sources: real subjects to interpolate between.
        count: how many subjects to make.
        seed: of pairs and weights.
        progress: whether to show a bar.

    Returns:
        the subjects with labels as they were decoded and with repaired labels; the images are those of the
        latter in both.
    """
    rng = np.random.default_rng(seed)
    pairs = distinct_pairs(sources, rng)
    as_decoded, repaired = [], []
    for number in progress_bar(range(count), "interpolated subjects", unit="subject", disable=not progress):
        a, b = pairs[number % len(pairs)]
        weight = float(rng.uniform(0.25, 0.75))
        slices = round((1 - weight) * _num_slices(a) + weight * _num_slices(b))
        decoded_stacks, repaired_stacks = {}, {}
        for phase in [phase for phase in a.stacks if phase in b.stacks]:
            start, end = encode_ends(models, (a, b), phase)
            stack = stack_between(models, start, end, weight, slices)
            decoded = decode_labels_between(models, start, end, weight, slices, repaired=False)
            repaired_stacks[phase], decoded_stacks[phase] = stack, stack.with_labels(decoded)
        name = f"interpolated_{number + 1:03d}"
        as_decoded.append(Subject(name, "intersubject", decoded_stacks, weight=weight))
        repaired.append(Subject(name, "intersubject", repaired_stacks, weight=weight))
    return as_decoded, repaired


def generated_subjects(
    models: Models, prior: AnatomyPrior, style: Style, count: int, seed: int, progress: bool = False
) -> list[Subject]:
    """Subjects as `cmrtf generate` makes them, of all pathologies.

    Args:
        models: a bundle.
        prior: the distribution that hearts are drawn from.
        style: of images.
        count: how many.
        seed: of all that is drawn.
        progress: whether to show a bar.

    Raises:
        CmrtfError: there are too few training anatomies to draw from.
    """
    rng, pathologies = np.random.default_rng(seed), pathology_choice(prior, None, ())
    subjects = []
    for number in progress_bar(range(count), "new subjects", unit="subject", disable=not progress):
        name, own_seed = f"new_{number + 1:03d}", int(rng.integers(2**32))
        subjects.append(generate_subject(models, prior, style, name, own_seed, pathologies.draw(rng)))
    return subjects


def restyle(
    models: Models, subjects: Sequence[Subject], known: Sequence[Appearance], seed: int
) -> list[Subject]:
    """The same labels, each subject in an appearance drawn from known ones.

    Args:
        models: a bundle.
        subjects: with the labels.
        known: at least one, which all have then.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    return [restyled_subject(models, subject, draw_appearance(known, rng)) for subject in subjects]


def restyled_subject(models: Models, subject: Subject, appearance: Appearance) -> Subject:
    """The labels of a subject in another appearance."""
    return subject.with_stacks(appearance.synthesize_stacks(models, subject.stacks))


def distinct_pairs(
    subjects: Sequence[Subject], rng: np.random.Generator, phase: str | None = None
) -> list[tuple[Subject, Subject]]:
    """All pairs of subjects that have a phase in common, in random order, each pair once.

    Args:
        subjects: at least two.
        rng: draws the order.
        phase: only pairs that both have this one.

    Raises:
        CmrtfError: no two subjects have a phase in common.
    """
    wanted = {phase} if phase else set(PHASES)
    pairs = [(a, b) for a, b in itertools.combinations(subjects, 2) if set(a.stacks) & set(b.stacks) & wanted]
    if not pairs:
        raise CmrtfError(
            f"expected two subjects with phase {phase or 'ED or ES'} in common. "
            f"Received: {', '.join(subject.name for subject in subjects)}."
        )
    return [pairs[i] for i in rng.permutation(len(pairs))]


def _num_slices(subject: Subject) -> int:
    """Slices of a prepared subject, as many in every phase."""
    return next(iter(subject.stacks.values())).num_slices
