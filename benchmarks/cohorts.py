"""New hearts beside real ones: `python benchmarks/cohorts.py BUNDLE PREPARED [HEARTS]` prints tables.

PREPARED is the cohort that the bundle was trained on. Hearts (default 60) are drawn from its pathologies in
turn, on slice spacings of its training subjects.
"""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from heart_baselines import draw_as_authors, draw_independent_slices
from heart_shapes import Stacks, along_the_heart, clinical, slice_shapes
from numpy.typing import NDArray
from scipy import stats

from cmrtf.data.cohort import PreparedCohort
from cmrtf.data.label_validity import volume_faults
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.anatomy_prior import VOLUMES, AnatomyPrior, measure_volumes_ml
from cmrtf_export.bundle import Bundle

MOVED_HEARTS, REACHED_HEARTS = 8, 20
CHANGES = {"EDV (same EF)": ("LV_ED", "LV_ES"), "ESV (EF)": ("LV_ES",), "mass": ("MYO_ED", "MYO_ES")}
CHANGE = (0.8, 1.25)


@dataclass
class Models:
    """Those of a bundle; remembers what was decoded last in ED and ES, and counts slices."""

    bundle: Bundle
    decoded: list[NDArray[np.uint8]] = field(default_factory=list)
    num_slices: int = 0

    def encode(self, label_ids: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.bundle.encode(label_ids)

    def decode(self, codes: NDArray[np.float32]) -> NDArray[np.uint8]:
        self.decoded = [*self.decoded[-1:], self.bundle.decode(codes)]
        self.num_slices += len(codes)
        return self.decoded[-1]


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
        self.valid_as_decoded += [volume_faults(stack).is_valid for stack in decoded]
        self.valid += [volume_faults(stack).is_valid for stack in stacks.values()]

    def measures(self) -> dict[str, NDArray[np.float64]]:
        of_slices = {name: np.concatenate(values) for name, values in self.values.items()}
        return of_slices | clinical(np.array(self.volumes_ml))


def main(bundle: Path, prepared: Path, num_hearts: int) -> None:
    models, cohort = Models(Bundle.open(bundle)), PreparedCohort.open(prepared)
    prior = models.bundle.anatomy_prior()
    real, unposed = Hearts(), []
    for subject in cohort.subjects("train"):
        stacks = {phase: volume.label_ids for phase, volume in cohort.load(subject).items()}
        spacing_mm = cohort.record(subject).geometry.spacing_mm[2]
        real.add(stacks, spacing_mm, stacks.values())
        unposed.append(Anatomy.encode(models.encode, stacks, spacing_mm, np.zeros(3)))
    as_they_lie = AnatomyPrior.of(
        unposed, prior.volumes_ml, prior.slice_spacing_mm, prior.pathologies, prior.usual_landmarks
    )

    def ours(rng: np.random.Generator, pathology: str, spacing_mm: float) -> Anatomy:
        heart = prior.draw(rng, pathology, accept_all)
        return prior.reach(models, heart.anatomy, heart.wanted_ml, spacing_mm)

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
            stacks = anatomy.decode(models, spacing_mm)
            hearts.add(stacks, spacing_mm, models.decoded)
        cohorts[name] = hearts
    print_cohorts(cohorts)
    print_reach(models, prior, groups)
    print_moves(models, prior)


def accept_all(volumes_ml: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.full(len(volumes_ml), True)


def print_cohorts(cohorts: dict[str, Hearts]) -> None:
    print_row("", *cohorts)
    print_row("---", *["---"] * len(cohorts))
    for label, share in (("as decoded", "valid_as_decoded"), ("repaired", "valid")):
        print_row(
            f"valid stacks, {label}", *[f"{np.mean(getattr(each, share)):.0%}" for each in cohorts.values()]
        )
    measured = {name: hearts.measures() for name, hearts in cohorts.items()}
    for name, real in measured["real"].items():
        print_row(name, *[summary(each[name], real) for each in measured.values()])
        if "solidity" in name or "axis" in name:
            limit = np.percentile(real, 1)
            print_row(
                f"{name} below {limit:.2f}",
                *[f"{(each[name] < limit).mean():.1%}" for each in measured.values()],
            )


def summary(values: NDArray[np.float64], real: NDArray[np.float64]) -> str:
    distance = stats.ks_2samp(values, real).statistic
    digits = 1 if real.mean() > 3 else 3
    return f"{values.mean():.{digits}f} +- {values.std():.{digits}f} ({distance:.2f})"


def print_reach(models: Models, prior: AnatomyPrior, groups: Sequence[str]) -> None:
    """Wanted volumes times a random factor, the others as they are."""
    print("\nreach")
    print_row(
        "changed", "within 5 %", "error, %", "largest, %", "others, %", "slices decoded", "s", "MYO ES / ED"
    )
    print_row(*["---"] * 8)
    for name, changed in CHANGES.items():
        rng, errors, others, costs, ratios = np.random.default_rng(1), [], [], [], []
        for k in range(REACHED_HEARTS):
            anatomy = prior.draw(rng, groups[k % len(groups)], accept_all).anatomy
            spacing_mm = float(rng.choice(prior.slice_spacing_mm))
            before = measure_volumes_ml(anatomy.decode(models, spacing_mm), spacing_mm)
            is_changed = np.isin(VOLUMES, changed)
            wanted = before * np.where(is_changed, rng.uniform(*CHANGE), 1.0)
            start, slices = time.perf_counter(), models.num_slices
            reached = prior.reach(models, anatomy, wanted, spacing_mm)
            costs.append((models.num_slices - slices, time.perf_counter() - start))
            after = measure_volumes_ml(reached.decode(models, spacing_mm), spacing_mm)
            off = 100.0 * np.abs(after / wanted - 1.0)
            errors.append(off[is_changed].max())
            others.append(off[~is_changed].max())
            ratios.append(after[4] / after[1])
        decoded, seconds = np.mean(costs, axis=0)
        print_row(
            name,
            f"{np.mean(np.array(errors) < 5.0):.0%}",
            f"{np.mean(errors):.1f}",
            f"{np.max(errors):.1f}",
            f"{np.mean(others):.1f}",
            f"{decoded:.0f}",
            f"{seconds:.1f}",
            f"{np.mean(ratios):.2f} +- {np.std(ratios):.2f}",
        )


def print_moves(models: Models, prior: AnatomyPrior) -> None:
    """Hearts of one group moved towards another, and what they measure then."""
    print("\ntowards")
    print_row("move", "amount", "EDV, ml", "EF, %", "mass, g")
    print_row(*["---"] * 5)
    spacing_mm = float(np.median(prior.slice_spacing_mm))
    for other in ("DCM", "HCM", "RV"):
        for start, end in (("NOR", other), (other, "NOR")):
            rng = np.random.default_rng(2)
            anatomies = [prior.draw(rng, start, accept_all).anatomy for _ in range(MOVED_HEARTS)]
            for amount in (0.0, 0.5, 1.0):
                moved = [prior.towards(each, start, end, amount) for each in anatomies]
                measured = [measure_volumes_ml(each.decode(models, spacing_mm), spacing_mm) for each in moved]
                print_row(f"{start} to {end}", amount, *means(np.array(measured)))
            print_row(f"real {end}", "", *means(prior.volumes_ml[prior.pathologies == end]))


def means(volumes_ml: NDArray[np.float64]) -> list[str]:
    values = clinical(volumes_ml)
    return [f"{values[name].mean():.0f}" for name in ("EDV, ml", "EF, %", "MASS, g")]


def print_row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 60)
