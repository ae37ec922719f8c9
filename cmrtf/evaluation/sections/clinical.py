"""Volumes, ejection fraction and mass of synthetic subjects beside real ones, and along interpolations."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.labels import SCHEMA
from cmrtf.core.measures import MEASURES
from cmrtf.core.stack import CENTRE_TO_CENTRE, Stack
from cmrtf.core.subject import Subject
from cmrtf.evaluation.section import Headline, Section, Table, single
from cmrtf.evaluation.subjects import distinct_pairs
from cmrtf.metrics.bootstrap import Estimate, mean_estimate
from cmrtf.synthesis.encoded_stack import encode_ends
from cmrtf.synthesis.interpolate import interpolation_weights
from cmrtf.synthesis.protocols import Models
from cmrtf.synthesis.stack_between import decode_labels_between, geometry_between

MEASURED_IN = {"ml": "volumes", "percent": "ejection fractions", "g": "masses"}

MIN_VOLUME_DIFFERENCE_PERCENT = 20.0
"""Interpolations whose ends differ in volume by less are left out: the direction is not clear."""

NUM_BETWEEN = 8
"""Subjects between the ends of an interpolation whose volumes are followed."""

NUM_SLICES = 16
"""Of each of them."""


def clinical_section(
    models: Models,
    real: Sequence[Subject],
    synthetic: Sequence[Subject],
    held_out: Sequence[Subject],
    num_interpolations: int,
    seed: int,
) -> Section:
    """Measure subjects, and follow volumes along interpolations between held-out ones.

    Args:
        models: a bundle.
        real: the subjects that the synthetic ones were made from.
        synthetic: those.
        held_out: the subjects to interpolate between.
        num_interpolations: how many to follow.
        seed: of the pairs.
    """
    return Section(
        "clinical",
        "Clinical measures",
        "Are the hearts as large, and do they pump as much, as real ones?",
        [
            *_measure_tables({"real": real, "synthetic": synthetic}),
            _interpolation_table(models, held_out, num_interpolations, seed),
        ],
        Headline("Means of volumes", "synthetic", "real"),
    )


def _measure_tables(groups: Mapping[str, Sequence[Subject]]) -> list[Table]:
    """Means and spreads, a table for each unit: they are drawn on one axis."""
    means: dict[str, dict[str, dict[str, Estimate]]] = defaultdict(lambda: defaultdict(dict))
    spreads: dict[str, dict[str, dict[str, Estimate]]] = defaultdict(lambda: defaultdict(dict))
    for name, subjects in groups.items():
        measured = [subject.measures(CENTRE_TO_CENTRE) for subject in subjects]
        for key in MEASURES:
            quantity, _, unit = key.rpartition("_")
            values = np.array([measures[key] for measures in measured], np.float64)  # None becomes NaN
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


def _interpolation_table(
    models: Models, subjects: Sequence[Subject], num_interpolations: int, seed: int
) -> Table:
    pairs = distinct_pairs(subjects, np.random.default_rng(seed), "ED")[:num_interpolations]
    percent_forward: dict[str, list[float]] = {structure: [] for structure in SCHEMA.foreground}
    for a, b in pairs:
        for structure, volumes_ml in _volumes_along(models, a, b).items():
            larger = max(volumes_ml[0], volumes_ml[-1])
            difference = volumes_ml[-1] - volumes_ml[0]
            if larger and 100.0 * abs(difference) / larger >= MIN_VOLUME_DIFFERENCE_PERCENT:
                steps = np.diff(volumes_ml) * np.sign(difference)
                percent_forward[structure].append(100.0 * float(np.mean(steps >= 0)))

    def means_of(function: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> dict[str, Estimate]:
        return {
            structure: single(
                float(function(np.array(percent)).mean()) if percent else float("nan"), len(percent)
            )
            for structure, percent in percent_forward.items()
        }

    rows = {
        "steps in the right direction": means_of(lambda percent: percent),
        "interpolations without a step back": means_of(lambda percent: 100.0 * (percent == 100.0)),
    }
    return Table(
        "Volumes along interpolations, ED",
        "%",
        rows,
        "Interpolations between different pairs of held-out subjects whose volumes differ by "
        f"{MIN_VOLUME_DIFFERENCE_PERCENT:g} % or more. Pairs share subjects, so there is no interval.",
    )


def _volumes_along(models: Models, a: Subject, b: Subject) -> dict[str, list[float]]:
    """Volumes from A to B in end diastole, by structure."""
    start, end = encode_ends(models, (a, b), "ED")
    volumes_ml: dict[str, list[float]] = {structure: [] for structure in SCHEMA.foreground}
    for weight in (0.0, *interpolation_weights(NUM_BETWEEN), 1.0):
        label_ids = decode_labels_between(models, start, end, weight, NUM_SLICES)
        geometry = geometry_between(start.stack.geometry, end.stack.geometry, weight, NUM_SLICES)
        # Volumes need labels alone, and to synthesize images would take most of the time.
        stack = Stack(np.zeros(label_ids.shape, np.float32), label_ids, geometry)
        for structure, values in volumes_ml.items():
            values.append(stack.volume_ml(structure, CENTRE_TO_CENTRE))
    return volumes_ml
