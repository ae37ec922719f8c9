"""The third interpolation: a subject's heart beats, from end diastole through end systole and back.

As between subjects, everything happens in codes: the labels of a frame lie on the straight line between those
of end diastole and end systole, where the LV has about the volume that a volume curve asks for.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from cmrtf.core.arguments import MAX_CINE_FRAMES, require_whole
from cmrtf.core.cine import MIN_FRAMES, Cine
from cmrtf.core.labels import PHASES, SCHEMA
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.encoded_stack import encode_stacks
from cmrtf.synthesis.heart_axis import between
from cmrtf.synthesis.protocols import Models
from cmrtf.synthesis.stack_between import decode_labels_between, unknown_between

END_SYSTOLE: Final = 0.4
"""End systole as a share of the beat: the mean of five patients whose ED and ES frames were chosen by experts
(Sunnybrook; .35 to .50)."""

SYSTOLE: Final = (0.0, 0.08, 0.26, 0.64, 0.93, 1.0)
DIASTOLE: Final = (1.0, 0.96, 0.87, 0.73, 0.55, 0.42, 0.34, 0.28, 0.24, 0.13, 0.0)
"""Share of the stroke volume that has left the LV, at even steps of systole and of diastole: early filling,
diastasis, atrial kick. The mean of the same patients, whose LVs a segmenter measured in all of 20 frames. At
an ejection fraction of 60 % it fills with 2.1 EDV/s at most, 188 ms after end systole, and 24 % of the stroke
volume come with the atrial kick; of 20 people with normal findings 2.2 +- 0.6, 198 +- 22 ms and 31 +- 11 %
(Muntinga et al., Int J Card Imaging 1997;13:165)."""

BEAT_S: Final = 0.9
"""How long a beat is said to take: 67 a minute."""

MAX_CINE_SLICES: Final = 2**14
"""Of all frames: 1 GiB of 128 x 128 pixels, the most that is read again."""

MAX_SLICES_IN_MEMORY: Final = 2**17
"""Of all subjects: 10 GiB with their labels."""

TRIED_WEIGHTS: Final = 9
"""Places between end diastole and end systole where volumes are measured, ends included."""


def volume_curve(num_frames: int) -> tuple[NDArray[np.float64], int]:
    """How much of the stroke volume has left the LV in each frame of a beat that starts at end diastole.

    Args:
        num_frames: at least 2.

    Returns:
        `(frames,)` from 0 to 1, and the frame of end systole, where it is 1.
    """
    es_frame = max(1, round(END_SYSTOLE * num_frames))
    systole = es_frame / num_frames
    times = [*np.linspace(0.0, systole, len(SYSTOLE)), *np.linspace(systole, 1.0, len(DIASTOLE))[1:]]
    curve = PchipInterpolator(times, [*SYSTOLE, *DIASTOLE[1:]])
    return curve(np.arange(num_frames) / num_frames), es_frame


def with_cine(
    models: Models,
    subject: Subject,
    styles: Mapping[str, NDArray[np.float32]],
    num_frames: int,
    repaired: bool = True,
) -> Subject:
    """A subject with a whole beat, whose end diastole and end systole are as they were.

    Args:
        models: a bundle's.
        subject: with both phases on the same slices.
        styles: of the slices of its images, `(slices, style_dim)`, by phase.
        num_frames: of the beat.
        repaired: whether implausible labels are repaired.

    Raises:
        CmrtfError: as of `require_beating`, or fewer than two slices of a stack are labelled.
    """
    require_beating(num_frames, subject)
    num_slices = subject.ed.num_slices
    stacks = {
        f"{subject.id} of {num_slices} slices, {phase}": stack for phase, stack in subject.stacks.items()
    }
    largest, smallest = (_lv_voxels(stack.label_ids) for stack in stacks.values())
    diastole, systole = encode_stacks(models, stacks, exact_ends=True)
    windows = np.array([stack.intensity_window for stack in stacks.values()])
    ejected, es_frame = volume_curve(num_frames)
    unknown = unknown_between(subject.ed, subject.es, num_slices)

    def labels_at(weight: float) -> NDArray[np.uint8]:
        return decode_labels_between(models, diastole, systole, weight, num_slices, repaired)

    tried = np.linspace(0.0, 1.0, TRIED_WEIGHTS)
    voxels = np.array([_lv_voxels(labels_at(weight)) for weight in tried])
    weights = weights_on_curve(ejected, (largest - voxels) / (largest - smallest))

    def frame(number: int, weight: float) -> Stack:
        if number in (0, es_frame):
            return subject.ed if number == 0 else subject.es
        label_ids = labels_at(weight)
        style = between(styles["ED"], styles["ES"], np.float32(weight))
        low, high = between(windows[0], windows[1], weight)
        return replace(
            subject.ed,
            label_ids=label_ids,
            image=models.synthesize(label_ids, style),
            intensity_window=(float(low), float(high)),
            unknown=unknown,
        )

    frames = tuple(frame(number, float(weight)) for number, weight in enumerate(weights))
    return replace(subject, cine=Cine(frames, es_frame, BEAT_S / num_frames))


def weights_on_curve(ejected: NDArray[np.float64], ejected_there: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where on the line from end diastole to end systole as much has been ejected as a curve says.

    Args:
        ejected: `(frames,)`, what the curve says, from 0 to 1.
        ejected_there: `(places,)`, what has been at even steps along the line, from ED to ES. It grows,
            though not of every heart in each step.

    Returns:
        `(frames,)`, from 0, ED, to 1, ES.
    """
    return np.interp(ejected, np.maximum.accumulate(ejected_there), np.linspace(0.0, 1.0, len(ejected_there)))


def require_beating(num_frames: int, *subjects: Subject) -> None:
    """Check that hearts can beat, in so many frames.

    Raises:
        CmrtfError: there are too few frames or too many, or a subject lacks a phase, has its phases on
            different voxels, or an LV that is not larger at end diastole.
    """
    require_whole("num_frames", num_frames, MIN_FRAMES, MAX_CINE_FRAMES)
    for subject in subjects:
        if missing := [phase for phase in PHASES if phase not in subject.stacks]:
            raise CmrtfError(
                f"subject {subject.name}: expected ED and ES, between which a heart beats. "
                f"Received: no {missing[0]}."
            )
        if not subject.es.lies_on(subject.ed):
            raise CmrtfError(
                f"subject {subject.name}: expected ED and ES on the same voxels, for a heart to beat. "
                f"Received: {subject.ed!r} and {subject.es!r}."
            )
        largest, smallest = (_lv_voxels(subject.stacks[phase].label_ids) for phase in PHASES)
        if largest <= smallest:
            raise CmrtfError(
                f"subject {subject.name}: expected an LV that is larger at ED than at ES, to beat. "
                f"Received: {largest} and {smallest} voxels."
            )


def require_room(num_subjects: int, num_frames: int, num_slices: int) -> None:
    """Check that so many beats can be held in memory, and each be read again.

    Raises:
        CmrtfError: they cannot.
    """
    slices = num_frames * num_slices
    if slices > MAX_CINE_SLICES or num_subjects * slices > MAX_SLICES_IN_MEMORY:
        raise CmrtfError(
            f"expected at most {MAX_CINE_SLICES} slices in all frames of a subject, and "
            f"{MAX_SLICES_IN_MEMORY} of all. Received: {num_subjects} subjects of {num_frames} frames "
            f"of {num_slices} slices."
        )


def can_beat(label_ids: Mapping[str, NDArray[np.uint8]]) -> bool:
    """Whether label ids by phase, `(slices, size, size)`, are those of a heart that can beat."""
    diastole, systole = (label_ids[phase] for phase in PHASES)
    labelled = [int(stack.any(axis=(1, 2)).sum()) for stack in (diastole, systole)]
    return _lv_voxels(diastole) > _lv_voxels(systole) and min(labelled) > 1


def _lv_voxels(label_ids: NDArray[Any]) -> int:
    return int(np.count_nonzero(label_ids == SCHEMA.id_of("LV")))
