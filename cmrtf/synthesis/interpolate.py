"""The two jobs of the paper: a subject's slices become 32, and subjects appear between two.

Everything is done in codes: label codes carry shape, style codes carry appearance, and both are
interpolated linearly, along the heart within a subject and from A to B between subjects, so that
neighbouring slices and neighbouring subjects match in both. Where a heart lies and how it is turned is no
shape: it is taken out of the codes and goes its own way from A to B.

Reference:
    Amirrajab et al., *Intra- and intersubject synthesis of cardiac MR images using a VAE and GAN*,
    ISMRM 2022, no. 1838.
"""

from collections.abc import Sequence

from cmrtf.core.arguments import MAX_BETWEEN, MAX_SLICES, require_texts, require_whole
from cmrtf.core.labels import PHASES
from cmrtf.core.progress import progress_bar
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Kind, Subject
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.encoded_stack import EncodedStack, encode_ends
from cmrtf.synthesis.heart_beat import require_beating, require_room, with_cine
from cmrtf.synthesis.protocols import Models
from cmrtf.synthesis.stack_between import stack_between, styles_between

Line = tuple[EncodedStack, EncodedStack, float, int]
"""From where to where, how far, and how many slices."""


def interpolate_subjects(
    models: Models,
    ends: Sequence[Subject],
    phases: Sequence[str],
    num_slices: int = 32,
    num_subjects: int = 8,
    num_frames: int | None = None,
    exact_ends: bool = False,
    repaired: bool = True,
    progress: bool = False,
) -> list[Subject]:
    """Synthesise one subject anew (the intrasubject job), or two and those between (the intersubject job).

    Args:
        models: a bundle's.
        ends: subject A, or A and B.
        phases: of `"ED"` and `"ES"`; every end has them.
        num_slices: of each synthetic stack.
        num_subjects: between A and B.
        num_frames: of a heart beat of each; None for the phases alone.
        exact_ends: whether interpolations pass through the true labels.
        repaired: whether implausible labels are repaired.
        progress: whether to show a progress bar.

    Returns:
        the intrasubject versions of the ends, then the subjects from A to B.

    Raises:
        CmrtfError: fewer than two slices of a stack are labelled or wanted, no subject is, or too many are;
            or hearts shall beat and cannot.
    """
    require_whole("num_slices", num_slices, 2, MAX_SLICES)
    require_whole("num_subjects", num_subjects, 1, MAX_BETWEEN)
    if num_frames is not None:
        if set(phases) != set(PHASES):
            raise CmrtfError(
                "expected ED and ES of every subject, between which hearts beat. "
                f"Received: {', '.join(phases)}."
            )
        require_beating(num_frames, *ends)
        require_room(len(ends) + (num_subjects if len(ends) == 2 else 0), num_frames, num_slices)
    # The intrasubject job is the interpolation from a subject to itself.
    names: list[tuple[str, Kind, float]] = [
        (end.name, "intrasubject", float(i)) for i, end in enumerate(ends)
    ]
    places = [(i, i, 0.0) for i in range(len(ends))]
    if len(ends) == 2:
        for number, weight in enumerate(interpolation_weights(num_subjects), start=1):
            names.append((f"inter_{number:02d}", "intersubject", weight))
            places.append((0, 1, weight))
    stacks: list[dict[str, Stack]] = [{} for _ in names]
    lines: list[dict[str, Line]] = [{} for _ in names]
    for phase in phases:
        encoded = encode_ends(models, ends, phase, exact_ends)
        for number, (start, end, weight) in enumerate(
            progress_bar(places, phase, unit="stack", disable=not progress)
        ):
            lines[number][phase] = line = encoded[start], encoded[end], weight, num_slices
            stacks[number][phase] = stack_between(models, *line, repaired)
    subjects = [
        Subject(name, kind, own, weight=weight)
        for (name, kind, weight), own in zip(names, stacks, strict=True)
    ]
    if num_frames is None:
        return subjects
    bar = progress_bar(subjects, "Heart beats", unit="subject", disable=not progress)
    return [
        with_cine(
            models,
            subject,
            {phase: styles_between(*line) for phase, line in own.items()},
            num_frames,
            repaired,
        )
        for subject, own in zip(bar, lines, strict=True)
    ]


def common_phases(subjects: Sequence[Subject], phases: Sequence[str] = PHASES) -> list[str]:
    """Those of `phases` that all subjects have.

    Raises:
        CmrtfError: there is none, or `phases` names another, or one twice.
    """
    require_texts("phases", phases)
    if not phases or not set(phases) <= set(PHASES) or len(set(phases)) < len(phases):
        raise CmrtfError(f"phases: expected {' or '.join(PHASES)}, or both. Received: {phases!r}.")
    common = [phase for phase in PHASES if phase in phases and all(phase in s.stacks for s in subjects)]
    if not common:
        having = "; ".join(f"{subject.name} has {', '.join(subject.phases)}" for subject in subjects)
        raise CmrtfError(f"expected phase {' or '.join(phases)} of every subject. Received: {having}.")
    return common


def interpolation_weights(num_subjects: int) -> list[float]:
    """Weights of the subjects between A (0) and B (1), evenly spaced, both ends left out.

    Example:
        >>> interpolation_weights(3)
        [0.25, 0.5, 0.75]
    """
    return [k / (num_subjects + 1) for k in range(1, num_subjects + 1)]
