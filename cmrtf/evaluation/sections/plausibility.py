"""How often labels look like no heart, beside how often real ones do."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from cmrtf.evaluation.section import Section, Table, single
from cmrtf.evaluation.subjects import Subject
from cmrtf.metrics.bootstrap import Estimate, mean_estimate
from cmrtf.shape.plausibility import SliceFaults, volume_faults


def validity_section(groups: Mapping[str, Sequence[Subject]]) -> Section:
    """Count faults.

    Args:
        groups: real and synthetic subjects by name.
    """
    valid, faults = {}, {}
    for name, subjects in groups.items():
        valid[name], faults[name] = _count(subjects)
    return Section(
        "label_validity",
        "Valid labels",
        "Do the labels look like hearts?",
        [
            Table(
                "Valid",
                "%",
                valid,
                "A slice is valid if each structure is one piece without holes and the myocardium encloses "
                "the LV cavity; a stack if all its slices are and no structure has a gap along it. "
                "Annotators break these rules too: compare with real. Means of shares per subject. Repaired "
                "slices are valid by construction. Higher is better.",
            ),
            Table(
                "Faults per 100 labelled slices",
                "",
                faults,
                "Slices with that fault, and gaps. An open myocardium exposes the LV. Lower is better.",
            ),
        ],
    )


def _count(subjects: Sequence[Subject]) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
    """Share of valid slices and stacks, a value per subject, and faults per 100 slices."""
    kinds: Counter[str] = Counter()
    of_slices, of_stacks, total = [], [], 0
    for subject in subjects:
        slices, stacks = [], []
        for _, volume in subject.stacks():
            found = volume_faults(volume.label_ids)
            labelled = [
                faults
                for faults, slice_ids in zip(found.slices, volume.label_ids, strict=True)
                if slice_ids.any()
            ]
            slices += [faults.is_valid for faults in labelled]
            stacks.append(found.is_valid)
            kinds["gaps along the stack"] += sum(found.gaps.values())
            for faults in labelled:
                kinds.update(_kinds(faults))
        total += len(slices)
        of_slices.append(100.0 * float(np.mean(slices)) if slices else float("nan"))
        of_stacks.append(100.0 * float(np.mean(stacks)))
    shares = {"slices": mean_estimate(of_slices), "stacks": mean_estimate(of_stacks)}
    rates = {kind: single(100.0 * kinds[kind] / max(total, 1), total) for kind in FAULTS}
    return shares, rates


FAULTS = ("more than one piece", "holes", "LV exposed", "myocardium open", "gaps along the stack")


def _kinds(faults: SliceFaults) -> Counter[str]:
    return Counter(
        {
            "more than one piece": int(any(faults.extra_components.values())),
            "holes": int(any(faults.holes.values())),
            "LV exposed": int(faults.exposed_lv_pixels > 0),
            "myocardium open": int(faults.ring_open),
        }
    )
