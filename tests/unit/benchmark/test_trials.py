import pytest

from cmrtf.benchmark.folds import Fold
from cmrtf.benchmark.results import ResultsFolder, Trial
from cmrtf.benchmark.trials import BUNDLE, Job, SeededTrial


@pytest.fixture
def trial(tmp_path):
    job = Job(None, ResultsFolder(tmp_path), None, [], ["real", "ours"], 5, 2, False)
    return SeededTrial(job, Fold(1, ("A", "B", "C"), ("D",)), 2, seed=4)


def _student(trial, arm):
    folder = trial.job.folder.student(trial.trial, arm, 4)
    folder.mkdir(parents=True)


def test_a_trial_is_named_by_fold_and_number_of_patients(trial):
    assert trial.trial == Trial(1, 2)


def test_students_are_missing_until_they_are_there(trial):
    assert trial.missing == ["real", "ours"]
    _student(trial, "ours")
    assert trial.missing == ["real"]


def test_networks_are_lacking_where_a_missing_student_needs_them(trial):
    assert trial.lacks_networks
    (trial.job.folder.networks(trial.trial) / BUNDLE).mkdir(parents=True)
    assert not trial.lacks_networks


def test_no_networks_are_lacking_where_their_students_are_trained(trial):
    _student(trial, "ours")
    assert not trial.lacks_networks
