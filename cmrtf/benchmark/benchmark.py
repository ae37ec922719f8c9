"""The benchmark: segmenters trained with and without synthetic data, on the same few patients."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cmrtf.benchmark.arms import ARMS
from cmrtf.benchmark.clock import Clock
from cmrtf.benchmark.domains import require_not_trained_on, unseen_domains
from cmrtf.benchmark.folds import make_folds
from cmrtf.benchmark.page import benchmark_page
from cmrtf.benchmark.results import SETTINGS, Result, ResultsFolder
from cmrtf.bundle.networks import Networks
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.arguments import MAX_SUBJECTS, require_flags, require_whole
from cmrtf.core.files import real_path
from cmrtf.core.locks import lock
from cmrtf.errors import CmrtfError
from cmrtf.evaluation.report import Evaluation
from cmrtf.tensorflow_start import start_tensorflow
from cmrtf.training.config import MAX_STEPS

if TYPE_CHECKING:
    from cmrtf.benchmark.trials import SeededTrial

AMOUNTS: Final = (5, 10, 20)
"""Patients to train on, besides all that there are."""

LEAST_PATIENTS: Final = 2
"""To interpolate between, and to draw appearances from."""


def benchmark(
    prepared: PreparedCohort | Path | str,
    out: Path | str,
    networks: Networks,
    *,
    patients: Sequence[int] | None = None,
    folds: int = 2,
    seeds: int = 3,
    arms: Sequence[str] = tuple(ARMS),
    unseen: Sequence[Path | str] = (),
    training_steps: int = 1200,
    num_synthetic: int = 40,
    progress: bool = False,
) -> Evaluation:
    """Train segmenters with and without synthetic data and test them on patients whom nothing has seen.

    Label VAE and GAN, too, are trained on the same few patients only, once for each number of patients in
    each fold. All segmenters have the same network and as many steps. A benchmark that was stopped goes on,
    and may be asked for more folds, seeds, arms, numbers of patients and unseen cohorts later.

    Args:
        prepared: the cohort, opened or its folder. Its validation subjects are tested in the first fold.
        out: a new folder, or that of this benchmark.
        networks: trains label VAE and GAN.
        patients: how many to train on; None for 5, 10, 20 and all.
        folds: divisions into patients to train on and to test.
        seeds: trainings of each segmenter, and draws of each set of synthetic data.
        arms: what to train on, see `cmrtf.benchmark.arms`.
        unseen: prepared cohorts of other scanners to test on. What they do not label is not scored.
        training_steps: of every segmenter.
        num_synthetic: subjects to interpolate for each arm that has ours.
        progress: whether to show progress bars.

    Returns:
        all tables; they are also in `out`, as `report.html` and `results.json`.

    Raises:
        CmrtfError: an argument is impossible, `out` holds something else or is being worked on, or a cohort
            is not one, is too small or has patients that another has too.

    Example:
        `cmrtf.benchmark("prepared", "benchmark", cmrtf_export.BundleTrainer("cpu"))`
    """
    require_flags(progress=progress)
    for name, value, highest in (
        ("folds", folds, MAX_SUBJECTS),
        ("seeds", seeds, MAX_SUBJECTS),
        ("training_steps", training_steps, MAX_STEPS),
        ("num_synthetic", num_synthetic, MAX_SUBJECTS),
    ):
        require_whole(name, value, 1, highest)
    known_arms = _known(arms)
    cohort = prepared if isinstance(prepared, PreparedCohort) else PreparedCohort.open(prepared)
    others = _open_unseen(cohort, unseen)
    all_folds = make_folds(cohort, folds)
    amounts = _amounts(patients, min(len(fold.training) for fold in all_folds))
    folder = ResultsFolder(Path(out))
    facts = {
        "data_hash": cohort.data_hash,
        "training_steps": training_steps,
        "num_synthetic": num_synthetic,
        "networks": networks.recipe,
    }
    folder.start(facts)
    refusal = f"{out}: expected a folder that no other process uses. Received: one that a benchmark works in."
    with lock(folder.path / SETTINGS, refusal), cohort.held():
        start_tensorflow()
        from cmrtf.benchmark.trials import Job, SeededTrial

        job = Job(
            cohort,
            folder,
            networks,
            unseen_domains(others),
            known_arms,
            training_steps,
            num_synthetic,
            progress,
        )
        # A seed after another: after the first there is a table with all arms.
        trials = [
            SeededTrial(job, fold, amount, seed)
            for seed, fold, amount in product(range(seeds), all_folds, amounts)
        ]
        return _run(trials, folder, facts)


def _run(trials: Sequence["SeededTrial"], folder: ResultsFolder, facts: Mapping[str, Any]) -> Evaluation:
    """Train and score what is not there yet; the page is written anew whenever a trial is done."""
    networks_left = {trial.trial for trial in trials if trial.lacks_networks}
    clock = Clock(len(networks_left), sum(len(trial.missing) for trial in trials))
    results: list[Result] = []
    for trial in trials:
        results += trial.results(clock)
        page = benchmark_page(results, facts)
        folder.write_page(page.to_html(), page.to_dict())
    return page


def _known(arms: Sequence[str]) -> list[str]:
    """Arms in their usual order."""
    unknown = [str(arm) for arm in arms if arm not in ARMS]
    if unknown or not arms:
        raise CmrtfError(
            f"arms: expected some of {', '.join(ARMS)}. Received: {', '.join(unknown) or 'none'}."
        )
    return [arm for arm in ARMS if arm in arms]


def _amounts(patients: Sequence[int] | None, most: int) -> list[int]:
    """Numbers of patients, rising."""
    if patients is None:
        return [*(amount for amount in AMOUNTS if amount < most), most]
    for amount in patients:
        require_whole("patients", amount, LEAST_PATIENTS, most)
    return sorted(set(patients))


def _open_unseen(cohort: PreparedCohort, folders: Sequence[Path | str]) -> dict[str, PreparedCohort]:
    """Cohorts of other patients, by the names of their folders."""
    names = [real_path(folder).name for folder in folders]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise CmrtfError(
            f"unseen: expected folders of different names. Received: {', '.join(repeated)} twice."
        )
    others = {name: PreparedCohort.open(folder) for name, folder in zip(names, folders, strict=True)}
    require_not_trained_on(cohort, others)
    return others
