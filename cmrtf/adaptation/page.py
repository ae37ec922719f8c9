"""The page of an adaptation: what was found, kept and left out, and how it looks."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.figure import Figure

from cmrtf.adaptation.predicted_set import LeftOut
from cmrtf.core.display import upright
from cmrtf.core.issues import listed
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.evaluation.report import Evaluation
from cmrtf.evaluation.section import Section, Table, single

NUM_SHOWN: Final = 4
"""Patients on the picture."""


def adaptation_page(
    patients: Sequence[Subject],
    copies: Mapping[str, Sequence[Subject]],
    others: Sequence[Subject],
    left_out: Sequence[LeftOut],
    facts: Mapping[str, Any],
) -> Evaluation:
    """What an adaptation gave.

    Args:
        patients: who are labelled.
        copies: by patient, in appearances of the other scanner.
        others: subjects of that scanner, with predicted labels.
        left_out: images that are not used.
        facts: settings.
    """
    num_copies = sum(map(len, copies.values()))
    counts = {
        "labelled patients": len(patients),
        "unlabelled images that were kept": len(others),
        "unlabelled images that were left out": len(left_out),
        "new subjects": num_copies,
    }
    rows = {name: {"subjects": single(float(count), count)} for name, count in counts.items()}
    return Evaluation(
        [
            Section(
                "given",
                "What it gave",
                "How many of whom, and do they look like the other scanner's?",
                [
                    Table(
                        "Subjects",
                        "",
                        rows,
                        "Predicted labels are kept where they look like those of a heart.",
                    )
                ],
                pictures={
                    "The same labels twice: a labelled patient, and as the other scanner would see it; "
                    "below them real images of that scanner": _picture(patients, copies, others)
                },
                answer=[
                    f"{num_copies} new subjects with the labels of {len(patients)} patients, in appearances "
                    f"drawn from {len(others)} unlabelled {'subject' if len(others) == 1 else 'subjects'}.",
                    *_left_out(left_out),
                ],
            )
        ],
        facts,
        "Adapted to another scanner",
        "Labels of the new subjects are the patients' own; no predicted label is among them.",
    )


def _left_out(left_out: Sequence[LeftOut]) -> list[str]:
    if not left_out:
        return ["No unlabelled image was left out."]
    return [f"Left out: {listed([f'{one.code} ({one.reason})' for one in left_out], 3)}"]


def _picture(
    patients: Sequence[Subject], copies: Mapping[str, Sequence[Subject]], others: Sequence[Subject]
) -> bytes:
    shown = patients[:NUM_SHOWN]
    rows = [
        [_first(patient) for patient in shown],
        [_first(copies[patient.name][0]) for patient in shown],
        [_first(other) for other in others[:NUM_SHOWN]],
    ]
    figure = Figure(figsize=(2.2 * NUM_SHOWN, 2.2 * len(rows)), layout="constrained")
    for axes in figure.subplots(len(rows), NUM_SHOWN, squeeze=False).flat:
        axes.axis("off")
    for row, stacks in enumerate(rows):
        for column, stack in enumerate(stacks):
            middle = stack.num_slices // 2
            image = upright(stack.image, stack.affine)[middle]
            figure.axes[row * NUM_SHOWN + column].imshow(image, cmap="gray", vmin=-1.0, vmax=1.0)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=100)
    return buffer.getvalue()


def _first(subject: Subject) -> Stack:
    return next(iter(subject.stacks.values()))
