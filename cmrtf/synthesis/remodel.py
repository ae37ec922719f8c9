"""An existing subject, changed: towards a pathology, to given volumes, or both, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from cmrtf.core.geometry import Geometry
from cmrtf.core.labels import PHASES, SCHEMA
from cmrtf.core.measures import measure_volumes_ml
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.errors import CmrtfError
from cmrtf.shape.plausibility import check_stack
from cmrtf.shape.pose import landmarks, pose_between
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.anatomy_prior import SMALLEST_ML, AnatomyPrior
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.criteria import QUANTITIES, meet_targets
from cmrtf.synthesis.protocols import Models
from cmrtf.synthesis.volume_matching import VolumeMatching

CLOSE_ENOUGH_PERCENT = 5.0
"""Up to here a quantity counts as reached."""


MAX_AMOUNT: Final = 2.0
"""Beyond twice the average difference between two pathologies lie no hearts that were seen."""


@dataclass(frozen=True)
class Change:
    """What shall change.

    Args:
        towards: a pathology, or None.
        amount: how far: 1 is as different as patients with this pathology are from those with the
            subject's own, on average; 0.5 is half of it.
        targets: value by name in `cmrtf.synthesis.criteria.QUANTITIES`; they come last.
    """

    towards: str | None = None
    amount: float = 1.0
    targets: Mapping[str, float] = field(default_factory=dict)


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
        lines = [f"{'':10}{'before':>10}{'wanted':>10}{'reached':>10}"]
        for name, (unit, quantity) in QUANTITIES.items():
            before, wanted, measured = (
                float(quantity(volumes)) for volumes in (self.before_ml, self.wanted_ml, self.measured_ml)
            )
            percent_off = 100.0 * abs(measured / wanted - 1.0)
            note = "" if percent_off <= CLOSE_ENOUGH_PERCENT else f"  {percent_off:.0f} % off"
            lines.append(f"{name + ', ' + unit:10}{before:10.1f}{wanted:10.1f}{measured:10.1f}{note}")
        stacks = [stack for subject in self.subjects for stack in subject.stacks.values()]
        plausible = sum(check_stack(stack.label_ids).is_plausible for stack in stacks)
        return "\n".join([*lines, f"Stacks that look like a heart: {plausible} of {len(stacks)}."])


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
    equal ratios.

    Args:
        models: a bundle's.
        prior: of the same bundle.
        subject: with both phases, on the same slices.
        change: what shall change.
        num_steps: subjects after the one without change.
        progress: whether to show a progress bar.

    Raises:
        CmrtfError: the subject lacks a phase or a slice that shows both ventricles, or the bundle has
            no training subject with the pathology.
    """
    _require_both_phases(subject)
    label_ids = {phase: subject.stacks[phase].label_ids for phase in PHASES}
    spacing_mm = subject.ed.slice_spacing_mm
    anatomy = Anatomy.encode(models.encode, label_ids, spacing_mm, _pose(prior, subject))
    before_ml = np.maximum(measure_volumes_ml(label_ids, spacing_mm), SMALLEST_ML)
    path = _Path(VolumeMatching(models, prior, spacing_mm), anatomy, before_ml, change, subject.pathology)
    appearances = {phase: _appearance(models, subject.stacks[phase]) for phase in PHASES}
    steps = []
    for step in tqdm(range(num_steps + 1), "Remodel", unit="step", disable=not progress):
        weight = step / num_steps
        heart = path.at(weight)
        geometry = _geometry(subject, heart)
        stacks = {
            phase: Stack(
                appearances[phase].synthesize(models, labels),
                labels,
                geometry,
                appearances[phase].intensity_window,
            )
            for phase, labels in heart.decode(models, spacing_mm).items()
        }
        steps.append(Subject(f"step_{step:02d}", "remodelled", stacks, weight=weight))
    last = {phase: stack.label_ids for phase, stack in steps[-1].stacks.items()}
    return Remodelled(steps, before_ml, path.wanted_ml, measure_volumes_ml(last, spacing_mm))


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
        if change.towards:
            moved_ml = prior.move_volumes(before_ml, self.pathology, change.towards, change.amount)
        self.wanted_ml = meet_targets(moved_ml, change.targets)

    def at(self, weight: float) -> Anatomy:
        """The heart at `weight`."""
        start, towards = self.anatomy, self.change.towards
        if towards:
            amount = self.change.amount * weight
            start = self.matching.prior.towards(start, self.pathology, towards, amount)
        step_ml = self.before_ml * (self.wanted_ml / self.before_ml) ** weight
        return self.matching.refine(self.matching.initial_match(start, step_ml), step_ml)


def _appearance(models: Models, stack: Stack) -> Appearance:
    """What the images of a stack look like, on average."""
    return Appearance(models.encode_style(stack.image).mean(axis=0), stack.intensity_window)


def _geometry(subject: Subject, heart: Anatomy) -> Geometry:
    """Slices of the source's spacing, as many below the source's apical slice as the heart needs."""
    _, slices = heart.slices(subject.ed.slice_spacing_mm)
    apex = int(np.flatnonzero(subject.ed.has_heart)[0])
    shifted = np.eye(4)
    shifted[2, 3] = apex + slices.start
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
