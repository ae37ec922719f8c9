"""An existing subject, changed: towards a pathology, to given volumes, or both, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from cmrtf.cohort.record import PreparedVolume, SubjectRecord
from cmrtf.core.labels import PHASES
from cmrtf.core.measures import measure_volumes_ml
from cmrtf.core.subject import ReferenceSubject, SyntheticSubject
from cmrtf.errors import CmrtfError
from cmrtf.shape.pose import landmarks, pose_between
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.anatomy_prior import SMALLEST_ML, AnatomyPrior
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.criteria import meet_targets
from cmrtf.synthesis.interpolate import reference
from cmrtf.synthesis.protocols import Models


@dataclass(frozen=True)
class Change:
    """What shall change.

    Args:
        towards: a pathology, or None.
        amount: how far: 1 is as different as patients with this pathology are from those with the
            subject's own, on average; 0.5 is half of it.
        targets: value by name in `QUANTITIES`; they come last.
    """

    towards: str | None = None
    amount: float = 1.0
    targets: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Remodelled:
    """A subject on its way.

    Args:
        subjects: one for each step and phase, from no change (weight 0) to the whole (weight 1).
        references: the source stacks.
        before_ml: volumes of the source, `(6,)`, by `VOLUMES`.
        wanted_ml: what the last one should measure.
        reached_ml: what it measures.
    """

    subjects: list[SyntheticSubject]
    references: list[ReferenceSubject]
    before_ml: NDArray[np.float64]
    wanted_ml: NDArray[np.float64]
    reached_ml: NDArray[np.float64]


def remodel(
    models: Models,
    prior: AnatomyPrior,
    record: SubjectRecord,
    volumes: Mapping[str, PreparedVolume],
    change: Change,
    num_steps: int,
    progress: bool = False,
) -> Remodelled:
    """Change a subject; its place and the look of its images stay.

    Each step is moved along the difference of the two pathologies' mean hearts, mixed with known hearts until
    it is near its volumes, and brought there. Volumes go from those of the source to the wanted ones in equal
    ratios.

    Args:
        models: a bundle.
        prior: of the same bundle.
        record: whose heart it is.
        volumes: of both phases, on the same slices.
        change: what shall change.
        num_steps: subjects after the one without change.
        progress: whether to show a progress bar.

    Raises:
        CmrtfError: the subject lacks a phase or a slice that shows both ventricles, or the bundle knows
            nobody with the pathology.
    """
    _require_whole_heart(record, volumes)
    label_ids = {phase: volumes[phase].label_ids for phase in PHASES}
    spacing_mm = record.geometry.spacing_mm[2]
    anatomy = Anatomy.encode(models.encode, label_ids, spacing_mm, _pose(prior, record, label_ids["ED"]))
    own = record.pathology if record.pathology in prior.pathologies else None
    before_ml = np.maximum(measure_volumes_ml(label_ids, spacing_mm), SMALLEST_ML)
    moved_ml = before_ml
    if change.towards:
        moved_ml = prior.move_volumes(before_ml, own, change.towards, change.amount)
    wanted_ml = meet_targets(moved_ml, change.targets)
    apex = int(np.flatnonzero(label_ids["ED"].any(axis=(1, 2)))[0])
    appearances = {
        phase: Appearance(
            models.encode_style(volumes[phase].image).mean(axis=0), record.intensity_window[phase]
        )
        for phase in PHASES
    }
    subjects: list[SyntheticSubject] = []
    for step in tqdm(range(num_steps + 1), "Remodel", unit="step", disable=not progress):
        weight = step / num_steps
        start = (
            prior.towards(anatomy, own, change.towards, change.amount * weight) if change.towards else anatomy
        )
        step_ml = before_ml * (wanted_ml / before_ml) ** weight
        near = prior.approach(models, start, step_ml, spacing_mm)
        heart = prior.reach(models, near, step_ml, spacing_mm)
        _, on_slices = heart.slices(spacing_mm)
        affine = record.geometry.affine @ _shifted(apex + on_slices.start)
        subjects += [
            SyntheticSubject(
                f"step_{step:02d}",
                phase,
                weight,
                labels,
                appearances[phase].paint(models, labels),
                affine,
                appearances[phase].intensity_window,
            )
            for phase, labels in heart.decode(models, spacing_mm).items()
        ]
    last = {subject.phase: subject.label_ids for subject in subjects[-len(PHASES) :]}
    references = [reference(record, volumes, phase, 0.0) for phase in PHASES]
    return Remodelled(subjects, references, before_ml, wanted_ml, measure_volumes_ml(last, spacing_mm))


def _pose(prior: AnatomyPrior, record: SubjectRecord, label_ids: NDArray[np.uint8]) -> NDArray[np.float64]:
    own = landmarks(label_ids)
    if own is None:
        raise CmrtfError(
            f"subject {record.subject}, ED: expected a slice that shows both ventricles. Received: none."
        )
    return pose_between(prior.usual_landmarks, own)


def _require_whole_heart(record: SubjectRecord, volumes: Mapping[str, PreparedVolume]) -> None:
    missing = [phase for phase in PHASES if phase not in volumes]
    if missing:
        raise CmrtfError(f"subject {record.subject}: expected ED and ES. Received: no {missing[0]}.")


def _shifted(slices: int) -> NDArray[np.float64]:
    moved = np.eye(4)
    moved[2, 3] = slices
    return moved
