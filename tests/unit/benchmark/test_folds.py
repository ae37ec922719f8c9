import pytest

from cmrtf.benchmark.folds import make_folds
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.errors import CmrtfError
from prepared_cohort import write_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds") / "cohort"
    return PreparedCohort.open(write_cohort(folder, vendors="ABABABABAB", num_validation=3))


def test_the_first_fold_is_the_cohorts_own(cohort):
    (fold,) = make_folds(cohort, 1)
    assert fold.test == cohort.codes("validation")
    assert set(fold.training) == set(cohort.codes("train"))


def test_every_fold_tests_others_and_trains_on_the_rest(cohort):
    folds = make_folds(cohort, 3)
    tested = [code for fold in folds for code in fold.test]
    assert len(tested) == len(set(tested)) == 9
    for fold in folds:
        assert set(fold.training) | set(fold.test) == set(cohort.codes())
        assert not set(fold.training) & set(fold.test)


def test_few_patients_are_among_many_and_none_is_tested(cohort):
    for fold in make_folds(cohort, 2):
        few, many = fold.splits(2), fold.splits(5)
        assert few.items() <= many.items()
        assert sorted(few.values()) == ["train"] * 2 + ["validation"] * 3


def test_divisions_are_the_same_each_time(cohort):
    assert make_folds(cohort, 3) == make_folds(cohort, 3)
    assert make_folds(cohort, 3)[:2] == make_folds(cohort, 2)


def test_more_folds_than_there_are_others_to_test_are_refused(cohort):
    with pytest.raises(CmrtfError, match=r"folds: expected 3 or fewer.*Received: 4"):
        make_folds(cohort, 4)


def test_a_cohort_without_patients_to_test_is_refused(tmp_path):
    cohort = PreparedCohort.open(write_cohort(tmp_path / "cohort", num_validation=0))
    with pytest.raises(CmrtfError, match="to train on and to test"):
        make_folds(cohort, 1)
