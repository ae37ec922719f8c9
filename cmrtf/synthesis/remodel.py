"""An existing subject, changed: towards a pathology, to given volumes, or both, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.arguments import MAX_BETWEEN, require_whole
from cmrtf.core.geometry import Geometry
from cmrtf.core.labels import PHASES, SCHEMA
from cmrtf.core.measures import measure_volumes_ml
from cmrtf.core.progress import progress_bar
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.errors import CmrtfError
from cmrtf.shape.deformities import Deformities
from cmrtf.shape.pose import landmarks, pose_between
from cmrtf.shape.signed_distance import fill_gaps
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.anatomy_prior import SMALLEST_ML, AnatomyPrior
from cmrtf.synthesis.criteria import meet_targets
from cmrtf.synthesis.protocols import Models
from cmrtf.synthesis.quantities import quantities_table
from cmrtf.synthesis.reach import require_heart, require_reached
from cmrtf.synthesis.volume_matching import VolumeMatching

MAX_AMOUNT: Final = 2.0
"""Beyond twice the average difference between two pathologies lie no hearts that were seen."""


@dataclass(frozen=True)
class Change:
    """What shall change.

    Args:
        towards: a pathology, or None.
        amount: how far: 1 is as different as patients with this pathology are from those with the
            subject's own, on average; 0.5 is half of it.
        targets: value by name in `cmrtf.synthesis.quantities.QUANTITIES`; they come last.

    Raises:
        CmrtfError: nothing shall change, or by an amount beyond `MAX_AMOUNT`.
    """

    towards: str | None = None
    amount: float = 1.0
    targets: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0.0 <= self.amount <= MAX_AMOUNT:
            raise CmrtfError(f"expected an amount from 0 to {MAX_AMOUNT}. Received: {self.amount}.")
        if self.towards is None and not self.targets:
            raise CmrtfError("expected a pathology to move towards, targets, or both. Received: neither.")


@dataclass(frozen=True)
class Remodelled:
    """A subject on its way, and what its heart measures.

    Args:
        subjects: one for each step, from no change (weight 0) to the whole (weight 1).
        before_ml: volumes of the source, `(6,)`, by `cmrtf.core.measures.VOLUMES`.
        wanted_ml: what the last one should measure.
        measured_ml: what it measures.
    """

    subjects: list[Subject]
    before_ml: NDArray[np.float64]
    wanted_ml: NDArray[np.float64]
    measured_ml: NDArray[np.float64]

    def table(self) -> str:
        """What was wanted and what was reached, as text, a line for each quantity."""
        columns = {"before": self.before_ml, "wanted": self.wanted_ml, "reached": self.measured_ml}
        stacks = [stack for subject in self.subjects for stack in subject.stacks.values()]
        found = Deformities.count(stack.label_ids for stack in stacks)
        good = found.labelled - found.deformed
        return f"{quantities_table(columns)}\nSlices that look like a heart: {good} of {found.labelled}."


def remodel(
    models: Models,
    prior: AnatomyPrior,
    subject: Subject,
    change: Change,
    num_steps: int,
    progress: bool = False,
) -> Remodelled:
    """Change the heart of a subject; its place and the look of its images stay.

    Each step is moved along the difference of the two pathologies' mean hearts, mixed with training anatomies
    until it is near its volumes, and brought there. Volumes go from those of the source to the wanted ones in
    equal ratios. Steps have the slices of the source, and more only where the heart reaches beyond them; each
    looks like the source's slice in its place.

    Args:
        models: a bundle's.
        prior: of the same bundle.
        subject: with both phases, on the same slices.
        change: what shall change.
        num_steps: subjects after the one without change.
        progress: whether to show a progress bar.

    Raises:
        CmrtfError: there is no step, nothing would change, the subject lacks a phase or a slice that shows
            both ventricles, the bundle has no hearts of the pathology, or what is wanted is beyond its reach.
    """
    require_whole("num_steps", num_steps, 1, MAX_BETWEEN)
    _require_both_phases(subject)
    if change.towards == subject.pathology and change.towards is not None and not change.targets:
        raise CmrtfError(
            f"{subject.name}: expected a pathology other than its own, or what it shall measure. "
            f"Received: {change.towards}, which it has: nothing would change."
        )
    label_ids = {phase: fill_gaps(subject.stacks[phase].label_ids) for phase in PHASES}
    spacing_mm = subject.ed.slice_spacing_mm
    anatomy = Anatomy.encode(models.encode, label_ids, spacing_mm, _pose(prior, subject), prior.places)
    before_ml = np.maximum(measure_volumes_ml(label_ids, spacing_mm), SMALLEST_ML)
    path = _Path(VolumeMatching(models, prior, spacing_mm), anatomy, before_ml, change, subject.pathology)
    styles = {phase: models.encode_style(subject.stacks[phase].image) for phase in PHASES}
    steps: list[Subject] = []
    measured_ml = before_ml
    # From the last step on: it is the one that may be out of reach.
    for step in progress_bar(range(num_steps, -1, -1), "Remodel", unit="step", disable=not progress):
        weight = step / num_steps
        heart = path.at(weight)
        slices = _slices(subject, heart)
        labels = heart.decode(models, spacing_mm, slices)
        where = f"subject {subject.name}, step {step} of {num_steps}"
        if step == num_steps:
            measured_ml = measure_volumes_ml(labels, spacing_mm)
            require_reached(where, path.wanted_ml, measured_ml)
        require_heart(where, labels)
        stacks = {}
        for phase, source in subject.stacks.items():
            own_slice = np.clip(
                np.arange(slices.start, slices.stop) + _apex(subject), 0, source.num_slices - 1
            )
            stacks[phase] = Stack(
                models.synthesize(labels[phase], styles[phase][own_slice]),
                labels[phase],
                _geometry(subject, slices),
                source.intensity_window,
            )
        steps.append(Subject(f"step_{step:02d}", "remodelled", stacks, weight=weight))
    return Remodelled(steps[::-1], before_ml, path.wanted_ml, measured_ml)


class _Path:
    """Hearts from no change (weight 0) to the whole (weight 1).

    Args:
        matching: brings hearts to volumes.
        anatomy: of the source.
        before_ml: volumes of the source.
        change: what shall change.
        pathology: of the source; it counts where the bundle knows it.
    """

    def __init__(
        self,
        matching: VolumeMatching,
        anatomy: Anatomy,
        before_ml: NDArray[np.float64],
        change: Change,
        pathology: str,
    ) -> None:
        prior = matching.prior
        self.matching, self.anatomy, self.before_ml, self.change = matching, anatomy, before_ml, change
        self.pathology = pathology if pathology in prior.pathologies else None
        moved_ml = before_ml
        if change.towards is not None:
            moved_ml = prior.move_volumes(before_ml, self.pathology, change.towards, change.amount)
        self.wanted_ml = meet_targets(moved_ml, change.targets)

    def at(self, weight: float) -> Anatomy:
        """The heart at `weight`."""
        start, towards = self.anatomy, self.change.towards
        if towards is not None:
            amount = self.change.amount * weight
            start = self.matching.prior.towards(start, self.pathology, towards, amount)
        step_ml = self.before_ml * (self.wanted_ml / self.before_ml) ** weight
        return self.matching.refine(self.matching.initial_match(start, step_ml), step_ml)


def _apex(subject: Subject) -> int:
    """The apical slice in ED."""
    return int(np.flatnonzero(subject.ed.has_heart)[0])


def _slices(subject: Subject, heart: Anatomy) -> range:
    """The slices of the source, and as many more as the heart needs, counted from the apical one in ED."""
    ends, _ = heart.slices(subject.ed.slice_spacing_mm)
    first, stop = -_apex(subject), subject.ed.num_slices - _apex(subject)
    return range(min(first, ends[:, 0].min()), max(stop, ends[:, 1].max() + 1))


def _geometry(subject: Subject, slices: range) -> Geometry:
    shifted = np.eye(4)
    shifted[2, 3] = _apex(subject) + slices.start
    x, y, _ = subject.ed.geometry.shape
    return Geometry.of(subject.ed.affine @ shifted, (x, y, len(slices)))


def _pose(prior: AnatomyPrior, subject: Subject) -> NDArray[np.float64]:
    own = landmarks(subject.ed.label_ids)
    if own is None:
        raise CmrtfError(
            f"subject {subject.name}, ED: expected a slice that shows both ventricles. Received: none."
        )
    return pose_between(prior.usual_landmarks, own)


def _require_both_phases(subject: Subject) -> None:
    missing = [phase for phase in PHASES if phase not in subject.stacks]
    if missing:
        raise CmrtfError(f"subject {subject.name}: expected ED and ES. Received: no {missing[0]}.")
    for phase, stack in subject.stacks.items():
        if unknown := [name for name in SCHEMA.foreground if not stack.knows(name)]:
            raise CmrtfError(
                f"subject {subject.name}, {phase}: expected labels of {', '.join(SCHEMA.foreground)}, whose "
                f"volumes are changed together. Received: {' and '.join(unknown)} unknown."
            )
