import pytest

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.pairs import dissimilar_pair
from prepared_cohort import write_cohort


@pytest.fixture
def pair_of(tmp_path):
    """The pair of a cohort whose LV volumes grow from S1 to the last."""

    def pair_of(**settings):
        return dissimilar_pair(PreparedCohort.open(write_cohort(tmp_path / "cohort", size=64, **settings)))

    return pair_of


def test_held_out_subjects_come_first(pair_of):
    assert pair_of(vendors="AAAAA", num_validation=3) == ("S3", "S5")


def test_different_vendors_go_before_different_volumes(pair_of):
    """S1 and S5 differ most in volume, but they are of one vendor; S3 and S5 differ more than S1 and S3."""
    assert pair_of(vendors="AABAA", num_validation=5) == ("S3", "S5")


@pytest.mark.parametrize("num_validation", [0, 1])
def test_with_fewer_than_two_held_out_all_are_candidates(pair_of, num_validation):
    assert pair_of(vendors="AAA", num_validation=num_validation) == ("S1", "S3")


def test_the_two_need_a_phase_in_common(pair_of):
    phases = {"S1": ("ED",), "S3": ("ES",)}
    assert "S2" in pair_of(vendors="AAA", num_validation=3, phases=phases)


@pytest.mark.parametrize(
    "settings", [{"vendors": "A"}, {"vendors": "AA", "phases": {"S1": ("ED",), "S2": ("ES",)}}]
)
def test_without_such_a_pair_it_says_so(pair_of, settings):
    with pytest.raises(CmrtfError, match="expected two subjects with a phase in common"):
        pair_of(**settings)
