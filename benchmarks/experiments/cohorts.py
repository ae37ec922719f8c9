"""New hearts beside real ones, as tables.

    python benchmarks/experiments/cohorts.py BUNDLE PREPARED [HEARTS]

PREPARED is the cohort that the bundle was trained on. Hearts (default 60) are drawn from its pathologies in
turn, on slice spacings of its training subjects.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from heart_baselines import draw_as_authors, draw_independent_slices
from heart_shapes import Stacks, along_the_heart, clinical, slice_shapes
from numpy.typing import NDArray
from scipy import stats

from cmrtf.bundle.bundle import Bundle
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.labels import PHASES
from cmrtf.core.measures import measure_volumes_ml
from cmrtf.core.subject import Subject
from cmrtf.errors import CmrtfError
from cmrtf.shape.plausibility import check_stack
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.protocols import Models
from cmrtf.synthesis.quantities import QUANTITIES
from cmrtf.synthesis.remodel import Change, remodel
from cmrtf.synthesis.volume_matching import VolumeMatching

CHANGES = {f"towards {name}": Change(towards=name) for name in ("NOR", "DCM", "HCM", "RV")} | {
    f"{', '.join(factors)} x {', '.join(map(str, factors.values()))}": Change(targets=factors)
    for factors in (
        {"EDV": 0.8},
        {"EDV": 1.25},
        {"EF": 0.7},
        {"MASS": 1.25},
        {"RVEDV": 1.25},
        {"EDV": 1.25, "EF": 0.7},
    )
}
"""Targets are factors of what subjects measure."""


@dataclass
class LastDecoded:
    """The decoder of a bundle; remembers what was decoded last in ED and ES, before it is repaired."""

    models: Models
    label_ids: list[NDArray[np.uint8]] = field(default_factory=list)

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.uint8]:
        self.label_ids = [*self.label_ids[-1:], self.models.decode(codes)]
        return self.label_ids[-1]


@dataclass
class Hearts:
    """A cohort under measurement."""

    values: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    volumes_ml: list[NDArray[np.float64]] = field(default_factory=list)
    valid_as_decoded: list[bool] = field(default_factory=list)
    valid: list[bool] = field(default_factory=list)

    def add(self, stacks: Stacks, spacing_mm: float, decoded: Iterable[NDArray[np.uint8]]) -> None:
        for name, values in (slice_shapes(stacks) | along_the_heart(stacks)).items():
            self.values.setdefault(name, []).append(values)
        self.volumes_ml.append(measure_volumes_ml(stacks, spacing_mm))
        self.valid_as_decoded += [check_stack(stack).is_plausible for stack in decoded]
        self.valid += [check_stack(stack).is_plausible for stack in stacks.values()]

    def measures(self) -> dict[str, NDArray[np.float64]]:
        of_slices = {name: np.concatenate(values) for name, values in self.values.items()}
        return of_slices | clinical(np.array(self.volumes_ml))


def main(bundle: Path, prepared: Path, num_hearts: int) -> None:
    opened, cohort = Bundle.open(bundle), PreparedCohort.open(prepared)
    models, prior = opened.models, opened.anatomy_prior
    decoder = LastDecoded(models)
    real, unposed = Hearts(), []
    for code in cohort.codes("train"):
        subject = cohort[code]
        stacks, spacing_mm = labels_of(subject), subject.ed.slice_spacing_mm
        real.add(stacks, spacing_mm, stacks.values())
        unposed.append(Anatomy.encode(models.encode, stacks, spacing_mm, np.zeros(3)))
    as_they_lie = AnatomyPrior.of(
        unposed, prior.volumes_ml, prior.slice_spacing_mm, prior.pathologies, prior.usual_landmarks
    )

    def ours(rng: np.random.Generator, pathology: str, spacing_mm: float) -> Anatomy:
        heart = prior.draw(rng, pathology, accept_all)
        return VolumeMatching(models, prior, spacing_mm).refine(heart.anatomy, heart.wanted_ml)

    ways: dict[str, Callable[[np.random.Generator, str, float], Anatomy]] = {
        "ours": ours,
        "not brought to volumes": lambda rng, group, _: prior.draw(rng, group, accept_all).anatomy,
        "poses left in": lambda rng, group, _: as_they_lie.draw(rng, group, accept_all).anatomy,
        "authors' follow-up": lambda rng, group, _: draw_as_authors(as_they_lie, rng, group),
        "independent slices": lambda rng, group, _: draw_independent_slices(prior, rng, group),
    }
    groups = sorted(set(prior.pathologies.tolist()))
    cohorts = {"real": real}
    for name, draw in ways.items():
        rng, hearts = np.random.default_rng(0), Hearts()
        for k in range(num_hearts):
            spacing_mm = float(rng.choice(prior.slice_spacing_mm))
            anatomy = draw(rng, groups[k % len(groups)], spacing_mm)
            stacks = anatomy.decode(decoder, spacing_mm)
            hearts.add(stacks, spacing_mm, decoder.label_ids)
        cohorts[name] = hearts
    print_cohorts(cohorts)
    print_remodelled(models, prior, cohort)


def accept_all(volumes_ml: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.full(len(volumes_ml), True)


def print_cohorts(cohorts: dict[str, Hearts]) -> None:
    print_row("", *cohorts)
    print_row("---", *["---"] * len(cohorts))
    for label, share in (("as decoded", "valid_as_decoded"), ("repaired", "valid")):
        print_row(
            f"valid stacks, {label}",
            *[f"{np.mean(getattr(hearts, share)):.0%}" for hearts in cohorts.values()],
        )
    measured = {name: hearts.measures() for name, hearts in cohorts.items()}
    for name, real in measured["real"].items():
        print_row(name, *[summary(values[name], real) for values in measured.values()])
        if "solidity" in name or "axis" in name:
            limit = np.percentile(real, 1)
            print_row(
                f"{name} below {limit:.2f}",
                *[f"{(values[name] < limit).mean():.1%}" for values in measured.values()],
            )


def summary(values: NDArray[np.float64], real: NDArray[np.float64]) -> str:
    distance = stats.ks_2samp(values, real).statistic
    digits = 1 if real.mean() > 3 else 3
    return f"{values.mean():.{digits}f} +- {values.std():.{digits}f} ({distance:.2f})"


def print_remodelled(models: Models, prior: AnatomyPrior, cohort: PreparedCohort) -> None:
    """Held-out subjects, changed in one step; errors of what should change and of what should not."""
    print("\nremodelled")
    print_row(
        "change",
        "refused",
        "subjects",
        "wanted within 5 %",
        "error, %",
        "others within 5 %",
        "error, %",
        "valid",
        "s",
    )
    print_row(*["---"] * 9)
    for name, change in CHANGES.items():
        wanted_off, others_off, valid, seconds, refused = [], [], [], [], 0
        for code in cohort.codes("validation"):
            subject = cohort[code]
            if subject.pathology == change.towards:
                continue
            targets = {k: factor * quantity_of(subject, k) for k, factor in change.targets.items()}
            start = time.perf_counter()
            try:
                result = remodel(models, prior, subject, replace(change, targets=targets), 1)
            except CmrtfError:
                refused += 1
                continue
            seconds.append(time.perf_counter() - start)
            off = 100.0 * np.abs(result.measured_ml / result.wanted_ml - 1.0)
            changes = ~np.isclose(result.wanted_ml, result.before_ml)
            wanted_off.append(off[changes].max())
            others_off.append(off[~changes].max(initial=0.0))
            last = result.subjects[-1]
            valid += [check_stack(stack.label_ids).is_plausible for stack in last.stacks.values()]
        print_row(
            name,
            refused,
            len(seconds),
            *(cell for off in (wanted_off, others_off) for cell in (within(off), f"{np.mean(off):.1f}")),
            f"{np.mean(valid):.0%}",
            f"{np.mean(seconds):.1f}",
        )


def labels_of(subject: Subject) -> Stacks:
    return {phase: subject.stacks[phase].label_ids for phase in PHASES}


def quantity_of(subject: Subject, name: str) -> float:
    _, measure = QUANTITIES[name]
    return float(measure(measure_volumes_ml(labels_of(subject), subject.ed.slice_spacing_mm)))


def within(percent_off: Sequence[float]) -> str:
    return f"{np.mean(np.array(percent_off) < 5.0):.0%}"


def print_row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 60)
