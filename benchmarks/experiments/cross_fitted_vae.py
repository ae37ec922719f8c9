"""Does a label VAE tell who was in its training? Cross-fitted: every patient is a member and a stranger.

Run: `python benchmarks/experiments/cross_fitted_vae.py runs/prepared folder`. The cohort is divided into
folds; as many VAEs see all but one of them each. An attacker has a patient's label maps and the VAE, and
scores how well it gives them back: Dice, and how many pixels it changes. A score means little by itself,
since some hearts are easier than others; so it is compared with that of the other VAEs for the same patient.
All scores of patients whom a VAE did not see are held against all of patients whom it did. The control
divides members by chance as the others are divided, and must not tell them apart. What is trained already is
kept.
"""

from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

import cmrtf
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.part import write_part
from cmrtf.cohort.record import TRAIN, VALIDATION
from cmrtf.core.files import exists
from cmrtf.core.preparation import SIZE
from cmrtf.metrics.bootstrap import paired_difference
from cmrtf.metrics.overlap import dice
from cmrtf.metrics.privacy import auc, auc_alone
from cmrtf.synthesis.protocols import LABEL_VAE
from cmrtf.training.checkpoints import restore_for_inference
from cmrtf.training.run import RunDirectory
from cmrtf.training.train_vae import build_label_vae

CONTROLS = 200

Scores = NDArray[np.float64]
"""`(folds, patients)`."""


def cross_fitted(
    cohort: PreparedCohort, out: Path, folds: int, steps: int | None
) -> tuple[dict[str, Scores], NDArray[np.bool_]]:
    """How well each VAE gives back each patient, by score, and who was in whose training."""
    codes = cohort.codes()
    fold_of = np.random.default_rng(0).permutation(len(codes)) % folds
    scores: dict[str, list[list[float]]] = {}
    members = []
    for fold in range(folds):
        part, run = out / f"prepared{fold}", out / f"vae{fold}"
        splits = {
            code: VALIDATION if own == fold else TRAIN for code, own in zip(codes, fold_of, strict=True)
        }
        if not exists(part):
            write_part(cohort, part, splits)
        cmrtf.train_vae(part, run, steps=steps, resume=True)
        members.append([splits[code] == TRAIN for code in codes])
        for name, values in _scores_of(RunDirectory.open(run, LABEL_VAE), cohort).items():
            scores.setdefault(name, []).append(values)
    return {name: np.array(values) for name, values in scores.items()}, np.array(members)


def _scores_of(run: RunDirectory, cohort: PreparedCohort) -> dict[str, list[float]]:
    """Of all patients, larger for those who come back better."""
    vae = build_label_vae(run.config, SIZE)
    restore_for_inference(vae, run.checkpoints, run.origin)
    scores: dict[str, list[float]] = {"Dice": [], "pixels that stay": []}
    for code in cohort.codes():
        stacks = cohort[code].stacks.values()
        label_ids = np.concatenate([stack.label_ids[stack.has_heart] for stack in stacks])
        again = vae(label_ids).numpy().astype(np.uint8)
        scores["Dice"].append(float(np.mean(list(dice(label_ids, again).values()))))
        scores["pixels that stay"].append(float(-np.sum(label_ids != again) / np.sum(label_ids > 0)))
    return scores


def report(scores: Scores, members: NDArray[np.bool_]) -> str:
    """What an attacker gets of it."""
    # Less what the other VAEs make of the same patient.
    calibrated = scores - (scores.sum(axis=0) - scores) / (len(scores) - 1)
    known, strangers = calibrated[members], calibrated[~members]
    attack, plain = auc(-known, -strangers), auc(-scores[members], -scores[~members])
    rng = np.random.default_rng(0)
    controls = [_control(calibrated, members, rng) for _ in range(CONTROLS)]
    as_member = [scores[members[:, k], k].mean() for k in range(scores.shape[1])]
    as_stranger = [scores[~members[:, k], k].mean() for k in range(scores.shape[1])]
    gain = paired_difference(as_member, as_stranger)
    caught = {rate: np.mean(known > np.quantile(strangers, 1 - rate)) for rate in (0.01, 0.1)}
    return (
        f"AUC {attack.mean:.3f} [{attack.low:.3f}, {attack.high:.3f}], of the scores as they are "
        f"{plain.mean:.3f} [{plain.low:.3f}, {plain.high:.3f}] (control, members alone "
        f"{np.mean(controls):.3f} [{np.quantile(controls, 0.025):.3f}, {np.quantile(controls, 0.975):.3f}]); "
        f"of members caught at 1 and 10 % of strangers: {caught[0.01]:.2f}, {caught[0.1]:.2f}; "
        f"member less stranger {gain.mean:.4f} [{gain.low:.4f}, {gain.high:.4f}], n {gain.n}"
    )


def _control(calibrated: Scores, members: NDArray[np.bool_], rng: np.random.Generator) -> float:
    """The same between members that chance divides, as strangers are divided, or in halves."""
    chosen = np.zeros_like(members)
    for fold, own in enumerate(members):
        picked = rng.choice(np.flatnonzero(own), min(int((~own).sum()), int(own.sum()) // 2), replace=False)
        chosen[fold, picked] = True
    return auc_alone(-calibrated[members & ~chosen], -calibrated[chosen])


@click.command()
@click.argument("prepared", type=click.Path(path_type=Path))
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--folds", default=5, show_default=True, help="Two need the fewest trainings.")
@click.option("--steps", type=int, help="Of each VAE; those of preset cpu otherwise.")
def main(prepared: Path, out: Path, folds: int, steps: int | None) -> None:
    """Print what each score tells."""
    found, members = cross_fitted(cmrtf.open_cohort(prepared), out, folds, steps)
    np.savez(out / "scores.npz", members=members, **found)
    for name, scores in found.items():
        click.echo(f"{name}: {report(scores, members)}")


if __name__ == "__main__":
    main()
