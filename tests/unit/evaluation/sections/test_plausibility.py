from dataclasses import replace

import numpy as np
import pytest

from cmrtf.core.unknown import from_slices
from cmrtf.evaluation.sections.plausibility import IMPLAUSIBILITIES, plausibility_section
from cmrtf.shape.plausibility import repair
from evaluation_doubles import table, with_labels


def punched(label_ids):
    """With a hole in the LV of one slice of six."""
    label_ids = label_ids.copy()
    label_ids[0, 47, 47] = 0
    return label_ids


def test_holes_are_counted_and_repaired(held_out):
    with_holes = [with_labels(subject, punched) for subject in held_out]
    repaired = [with_labels(subject, repair) for subject in with_holes]
    section = plausibility_section({"real": held_out, "punched": with_holes, "repaired": repaired})
    shares = table(section, "Valid").rows
    assert shares["punched"]["slices"].mean == pytest.approx(shares["real"]["slices"].mean - 100 / 6)
    assert shares["punched"]["stacks"].mean == 0.0
    assert shares["repaired"]["stacks"].mean == 100.0
    rates = table(section, "Implausibilities per 100 labelled slices").rows
    assert rates["punched"]["holes"].mean == pytest.approx(100 / 6)
    assert rates["real"]["holes"].mean == 0.0
    assert tuple(rates["real"]) == IMPLAUSIBILITIES


def test_a_gap_along_the_stack_makes_it_implausible_and_no_slice(held_out):
    def with_gap(label_ids):
        return label_ids * (np.arange(6) != 3)[:, None, None].astype(np.uint8)

    gapped = [with_labels(subject, with_gap) for subject in held_out]
    section = plausibility_section({"real": held_out, "gapped": gapped})
    rows = table(section, "Valid").rows
    assert rows["gapped"]["slices"].mean == rows["real"]["slices"].mean
    assert rows["gapped"]["stacks"].mean == 0.0
    gaps = table(section, "Implausibilities per 100 labelled slices").rows["gapped"]["gaps along the stack"]
    assert gaps.mean == pytest.approx(100.0 * 3 / 5)  # three structures, in five labelled slices
    assert gaps.n == 4 * 2 * 5


def test_subjects_without_labels_have_no_share_of_slices(held_out):
    empty = [with_labels(subject, np.zeros_like) for subject in held_out]
    section = plausibility_section({"empty": empty})
    assert np.isnan(table(section, "Valid").rows["empty"]["slices"].mean)


def test_stacks_whose_myocardium_is_unknown_are_not_counted(held_out):
    stack = next(iter(held_out[0].stacks.values()))
    lv_alone = replace(
        stack.with_labels(stack.label_ids * (stack.label_ids == 1)),
        unknown=from_slices({"MYO": [0]}, stack.num_slices),
    )
    subject = held_out[0].with_stacks({"ED": stack, "ES": lv_alone})
    whole = held_out[0].with_stacks({"ED": stack})
    tables = [plausibility_section({"x": [one]}).tables for one in (subject, whole)]
    assert str(tables[0]) == str(tables[1])  # NaN is not equal to itself
