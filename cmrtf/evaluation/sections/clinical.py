"""Volumes, ejection fraction and mass of synthetic subjects beside real ones, and along walks."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cmrtf.cohort.record import SubjectRecord
from cmrtf.core.labels import SCHEMA
from cmrtf.core.measures import CENTRE_TO_CENTRE, MEASURES, measure, volume_ml
from cmrtf.core.subject import LabelledStack
from cmrtf.evaluation.section import Section, Table, single
from cmrtf.evaluation.subjects import Subject, distinct_pairs
from cmrtf.metrics.bootstrap import Estimate, mean_estimate
from cmrtf.synthesis.heart_axis import walk_weights
from cmrtf.synthesis.interpolate import CodedStack, affine_between, decode_labels_between
from cmrtf.synthesis.protocols import Models

MEASURED_IN = {"ml": "volumes", "percent": "ejection fractions", "g": "masses"}

STEADY_FROM_PERCENT = 20.0
"""Ends whose volumes differ by less say nothing about direction."""


def clinical_section(
    models: Models,
    real: Sequence[Subject],
    synthetic: Sequence[Subject],
    held_out: Sequence[tuple[SubjectRecord, Subject]],
    num_walks: int,
    seed: int,
) -> Section:
    """Measure subjects, and follow volumes along walks between held-out ones.

    Args:
        models: a bundle.
        real: the subjects that the synthetic ones were made from.
        synthetic: those.
        held_out: between whom to walk.
        num_walks: how many walks to follow.
        seed: of the pairs.
    """
    groups = {"real": real, "synthetic": synthetic}
    return Section(
        "clinical",
        "Clinical measures",
        "Are the hearts as large, and do they pump as much, as real ones?",
        [*_measure_tables(groups), _walk_table(models, held_out, num_walks, seed)],
    )


def _measure_tables(groups: Mapping[str, Sequence[Subject]]) -> list[Table]:
    """Means and spreads, a table for each unit: they are drawn on one axis."""
    means: dict[str, dict[str, dict[str, Estimate]]] = defaultdict(lambda: defaultdict(dict))
    spreads: dict[str, dict[str, dict[str, Estimate]]] = defaultdict(lambda: defaultdict(dict))
    for name, subjects in groups.items():
        found = [measure(_labelled_stacks(subject), SCHEMA, CENTRE_TO_CENTRE) for subject in subjects]
        for key in MEASURES:
            quantity, _, unit = key.rpartition("_")
            values = np.array([of[key] for of in found], np.float64)  # None becomes NaN
            known = values[~np.isnan(values)]
            means[unit][name][quantity] = mean_estimate(values)
            spreads[unit][name][quantity] = single(
                float(known.std()) if known.size else float("nan"), known.size
            )
    notes = {
        "Means": "From the first to the last slice centre.",
        "Standard deviations": "Half-way subjects vary less than their ends: of independent ends, by a "
        "factor of 0.7.",
    }
    return [
        Table(f"{title} of {MEASURED_IN[unit]}", "%" if unit == "percent" else unit, rows, notes[title])
        for title, by_unit in (("Means", means), ("Standard deviations", spreads))
        for unit, rows in by_unit.items()
    ]


def _walk_table(
    models: Models, subjects: Sequence[tuple[SubjectRecord, Subject]], num_walks: int, seed: int
) -> Table:
    pairs = distinct_pairs(subjects, np.random.default_rng(seed), "ED")[:num_walks]
    steady: dict[str, list[float]] = {structure: [] for structure in SCHEMA.foreground}
    for a, b in pairs:
        for structure, volumes in _volumes_along(models, a, b).items():
            larger = max(volumes[0], volumes[-1])
            if larger and 100.0 * abs(volumes[-1] - volumes[0]) / larger >= STEADY_FROM_PERCENT:
                steps = np.diff(volumes) * np.sign(volumes[-1] - volumes[0])
                steady[structure].append(100.0 * float(np.mean(steps >= 0)))

    def shares(of_walks: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> dict[str, Estimate]:
        return {
            key: single(float(of_walks(np.array(of)).mean()) if of else float("nan"), len(of))
            for key, of in steady.items()
        }

    rows = {
        "steps in the right direction": shares(lambda percent: percent),
        "walks without a step back": shares(lambda percent: 100.0 * (percent == 100.0)),
    }
    return Table(
        "Volumes along walks, ED",
        "%",
        rows,
        "Walks between different pairs of held-out subjects whose volumes differ by "
        f"{STEADY_FROM_PERCENT:g} % or more. Pairs share subjects, so there is no interval.",
    )


def _volumes_along(
    models: Models, a: tuple[SubjectRecord, Subject], b: tuple[SubjectRecord, Subject]
) -> dict[str, list[float]]:
    """Volumes from A to B in end diastole, by structure."""
    start, end = (CodedStack.encode(models, record, s.volumes["ED"], "ED") for record, s in (a, b))
    volumes: dict[str, list[float]] = {structure: [] for structure in SCHEMA.foreground}
    for weight in (0.0, *walk_weights(8), 1.0):
        label_ids = decode_labels_between(models, start, end, weight, 16)
        affine = affine_between(start.geometry, end.geometry, weight, 16)
        stack = LabelledStack("", "ED", weight, label_ids, label_ids, affine)
        for structure, values in volumes.items():
            values.append(volume_ml(stack, SCHEMA.id_of(structure), CENTRE_TO_CENTRE))
    return volumes


def _labelled_stacks(subject: Subject) -> dict[str, LabelledStack]:
    return {
        phase: LabelledStack(subject.name, phase, 0.0, volume.label_ids, volume.image, subject.affines[phase])
        for phase, volume in subject.stacks()
    }
