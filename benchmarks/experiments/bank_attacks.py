"""Who was in a bank? What a bundle draws from, attacked: `python bank_attacks.py RUN_VAE [RUN_GAN]`.

Banks are made of four fifths of a run's training subjects; the others are those who were not in it. Every
subject is in turn in and not in it, of five folds cut at random four times, pathologies evenly over folds.
The models have seen all of them, so what is found is of the banks alone.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from cmrtf.synthesis import group_statistics
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance_bank import AppearanceBank
from cmrtf.synthesis.group_statistics import CodeStatistics, GroupNormal
from cmrtf.synthesis.protocols import ANATOMY_BANK, STYLE_BANK

FOLDS, CUTS, ENTRIES, RESAMPLES = 5, 4, 160, 500

Codes = NDArray[np.float32]
"""`(subjects, tracks, places, code_dim)`."""
Rows = NDArray[np.float64]
Bank = Callable[[Codes, NDArray[np.str_], np.random.Generator], Codes]
Attack = Callable[[Rows, Rows], NDArray[np.float64]]
"""Entries of a bank and codes in question, as rows, to a score that is larger for members."""


def patients(codes: Codes, groups: NDArray[np.str_], rng: np.random.Generator) -> Codes:
    """Their codes as they are."""
    return codes


def means(noise: float) -> Bank:
    """Weighted means within a group, no weight above a fifth, and smooth noise of so many deviations."""

    def bank(codes: Codes, groups: NDArray[np.str_], rng: np.random.Generator) -> Codes:
        names, counts = np.unique(groups, return_counts=True)
        mixed = []
        for name in names[counts >= 5]:
            group = codes[groups == name]
            weights = _capped(rng.dirichlet(np.full(len(group), 0.5), ENTRIES // len(names)))
            mixed.append(np.tensordot(weights, group, 1))
        entries = np.concatenate(mixed)
        if noise:
            statistics = CodeStatistics.of(codes)
            zero = np.zeros(len(statistics.modes))
            scale = noise / group_statistics.NOISE
            entries += [scale * (statistics.draw(zero, rng) - statistics.mean) for _ in entries]
        return entries.astype(np.float32)

    return bank


def statistics(num_modes: int) -> Bank:
    """What `cmrtf export` does, with so many modes."""

    def bank(codes: Codes, groups: NDArray[np.str_], rng: np.random.Generator) -> Codes:
        kept, group_statistics.NUM_MODES = group_statistics.NUM_MODES, num_modes
        try:
            of_codes = CodeStatistics.of(codes)
        finally:
            group_statistics.NUM_MODES = kept
        normal = GroupNormal.of(of_codes.scores(codes), groups.tolist())
        drawn = rng.choice(groups, ENTRIES).tolist()
        return np.stack([of_codes.draw(normal.draw(group, rng), rng) for group in drawn])

    return bank


BANKS = {
    "codes of patients": patients,
    "means, no weight above a fifth": means(0.0),
    "the same and .6 deviations of noise": means(0.6),
    "mean, four modes and noise": statistics(4),
    "mean, two modes and noise": statistics(2),
    "mean, one mode and noise": statistics(1),
}


def share_in_span(num_directions: int | None) -> Attack:
    """Of a deviation from the bank's mean, in the span of its entries or of their first components."""

    def attack(entries: Rows, codes: Rows) -> NDArray[np.float64]:
        mean = entries.mean(axis=0)
        inside = (codes - mean) @ _components(entries - mean)[0][:num_directions].T
        return np.square(inside).sum(axis=1) / np.square(codes - mean).sum(axis=1)

    return attack


def closeness(entries: Rows, codes: Rows) -> NDArray[np.float64]:
    """To the nearest entry."""
    squares = np.square(codes).sum(axis=1)[:, None] - 2.0 * codes @ entries.T + np.square(entries).sum(axis=1)
    return -squares.min(axis=1)


def likelihood(entries: Rows, codes: Rows) -> NDArray[np.float64]:
    """Of a normal distribution with the entries' covariance, and their median variance elsewhere."""
    mean = entries.mean(axis=0)
    components, variances = _components(entries - mean)
    elsewhere = max(float(np.median(variances)), 1e-3 * float(variances[0]))
    squares = np.square((codes - mean) @ components.T)
    outside = np.square(codes - mean).sum(axis=1) - squares.sum(axis=1)
    return -(squares / (variances + elsewhere)).sum(axis=1) - outside / elsewhere


ATTACKS = {
    "span": share_in_span(None),
    "8 components": share_in_span(8),
    "2 components": share_in_span(2),
    "nearest": closeness,
    "likelihood": likelihood,
}


def attack_all(codes: Codes, groups: NDArray[np.str_], bank: Bank) -> dict[str, tuple[float, float, float]]:
    """AUC and 95 % interval, by resampling subjects, of each attack."""
    scores: dict[str, list[tuple[int, bool, float]]] = {name: [] for name in ATTACKS}
    for cut in range(CUTS):
        rng = np.random.default_rng(cut)
        order = rng.permutation(len(codes))
        order = order[np.argsort(groups[order], kind="stable")]
        folds = np.empty(len(codes), int)
        folds[order] = np.arange(len(codes)) % FOLDS
        for fold in range(FOLDS):
            is_member = folds != fold
            entries = _rows(bank(codes[is_member], groups[is_member], rng))
            for name, attack in ATTACKS.items():
                found = attack(entries, _rows(codes))
                scores[name] += zip(range(len(codes)), is_member.tolist(), found.tolist(), strict=True)
    return {name: _auc_with_interval(values, len(codes)) for name, values in scores.items()}


def _auc_with_interval(values: list[tuple[int, bool, float]], count: int) -> tuple[float, float, float]:
    subjects, members, scores = (np.array(column) for column in zip(*values, strict=True))
    rng = np.random.default_rng(0)
    rows = [np.flatnonzero(subjects == subject) for subject in range(count)]
    resampled = []
    for _ in range(RESAMPLES):
        chosen = np.concatenate([rows[subject] for subject in rng.integers(0, count, count)])
        resampled.append(_auc(scores[chosen], members[chosen]))
    low, high = np.quantile(resampled, [0.025, 0.975])
    return _auc(scores, members), float(low), float(high)


def _auc(scores: NDArray[np.float64], members: NDArray[np.bool_]) -> float:
    inside, outside = np.count_nonzero(members), np.count_nonzero(~members)
    return float((rankdata(scores)[members].sum() - inside * (inside + 1) / 2) / (inside * outside))


def _components(deviations: Rows) -> tuple[Rows, NDArray[np.float64]]:
    """Principal components of rows, the strongest first, and their variances."""
    squares, vectors = np.linalg.eigh(deviations @ deviations.T)
    kept = squares > 1e-9 * squares[-1]
    squares, vectors = squares[kept][::-1], vectors[:, kept][:, ::-1]
    return (vectors / np.sqrt(squares)).T @ deviations, squares / len(deviations)


def _rows(codes: Codes) -> Rows:
    return codes.reshape(len(codes), -1).astype(np.float64)


def _capped(weights: Rows, largest: float = 0.2) -> Rows:
    """Rows that add up to one, none above `largest`: what is too much goes to the others."""
    for _ in range(60):
        weights = np.minimum(weights, largest)
        free = weights < largest - 1e-12
        missing = 1.0 - weights.sum(axis=1, keepdims=True)
        share = np.maximum((weights * free).sum(axis=1, keepdims=True), 1e-12)
        weights = np.where(free, weights * (1.0 + missing / share), weights)
    return weights


def main(vae_run: str, gan_run: str | None = None) -> None:
    hearts = AnatomyPrior.load(Path(vae_run) / ANATOMY_BANK)
    kinds: dict[str, tuple[Codes, NDArray[np.str_]]] = {"hearts": (hearts.codes, hearts.pathologies)}
    if gan_run:
        known = list(AppearanceBank.load(Path(gan_run) / STYLE_BANK).subjects.values())
        styles = np.stack([appearance.style for appearance in known])[:, None]
        kinds["appearances"] = (styles, np.array([appearance.vendor for appearance in known]))
    for kind, (codes, groups) in kinds.items():
        print(
            f"\n| {kind}, {len(codes)} subjects: AUC | {' | '.join(ATTACKS)} |\n|---|{'---|' * len(ATTACKS)}"
        )
        for name, bank in BANKS.items():
            cells = attack_all(codes, groups, bank).values()
            print(f"| {name} | {' | '.join(_cell(*cell) for cell in cells)} |", flush=True)


def _cell(auc: float, low: float, high: float) -> str:
    return f"{auc:.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main(*sys.argv[1:])
