"""How often labels are anatomically implausible, beside how often real ones are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from cmrtf.core.subject import Subject
from cmrtf.evaluation.section import Headline, Section, Table, single
from cmrtf.metrics.bootstrap import Estimate, mean_estimate
from cmrtf.shape.plausibility import SliceImplausibilities, check_stack

GAPS: Final = "gaps along the stack"
IMPLAUSIBILITIES: Final = ("more than one component", "holes", "LV exposed", "myocardium open", GAPS)
"""Rows of the report."""


def plausibility_section(groups: Mapping[str, Sequence[Subject]]) -> Section:
    """Count implausibilities.

    Args:
        groups: real and synthetic subjects by name.
    """
    shares, rates = {}, {}
    for name, subjects in groups.items():
        shares[name], rates[name] = _count(subjects)
    return Section(
        "label_validity",
        "Valid labels",
        "Do the labels look like hearts?",
        [
            Table(
                "Valid",
                "%",
                shares,
                "A slice is valid if each structure is one connected component without holes and the "
                "myocardium encloses the LV cavity; a stack if all its slices are and no structure has a gap "
                "along it. Annotators break these rules too: compare with real. Means of shares per subject. "
                "Repaired slices are valid by construction. Higher is better.",
            ),
            Table(
                "Implausibilities per 100 labelled slices",
                "",
                rates,
                "Slices with that implausibility, and gaps. An open myocardium exposes the LV. Lower is "
                "better.",
            ),
        ],
        Headline("Valid", "synthetic, as decoded", "real"),
    )


def _count(subjects: Sequence[Subject]) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """Share of plausible slices and stacks, a value per subject, and implausibilities per 100 slices."""
    kinds: Counter[str] = Counter()
    percent_of_slices, percent_of_stacks, num_labelled = [], [], 0
    for subject in subjects:
        plausible_slices, plausible_stacks = [], []
        for stack in subject.stacks.values():
            if not stack.knows("MYO"):  # nor whether it encloses the LV cavity
                continue
            checked = check_stack(stack.label_ids)
            labelled = [checked.slices[k] for k in np.flatnonzero(stack.has_heart)]
            plausible_slices += [one_slice.is_plausible for one_slice in labelled]
            plausible_stacks.append(checked.is_plausible)
            kinds[GAPS] += sum(checked.gaps.values())
            for one_slice in labelled:
                kinds.update(_kinds(one_slice))
        num_labelled += len(plausible_slices)
        percent_of_slices.append(
            100.0 * float(np.mean(plausible_slices)) if plausible_slices else float("nan")
        )
        percent_of_stacks.append(
            100.0 * float(np.mean(plausible_stacks)) if plausible_stacks else float("nan")
        )
    shares = {"slices": mean_estimate(percent_of_slices), "stacks": mean_estimate(percent_of_stacks)}
    per_100 = 100.0 / max(num_labelled, 1)
    rates = {kind: single(per_100 * kinds[kind], num_labelled) for kind in IMPLAUSIBILITIES}
    return shares, rates


def _kinds(one_slice: SliceImplausibilities) -> Counter[str]:
    return Counter(
        {
            "more than one component": int(any(one_slice.extra_components.values())),
            "holes": int(any(one_slice.holes.values())),
            "LV exposed": int(one_slice.exposed_lv_pixels > 0),
            "myocardium open": int(one_slice.ring_open),
        }
    )
