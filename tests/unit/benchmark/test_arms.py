import pytest

from cmrtf.benchmark.arms import ARMS, BASELINE, OURS, RANDOMISED, REAL, STRONG


def test_the_baseline_has_real_subjects_alone_and_is_strongly_augmented():
    assert (ARMS[BASELINE].sources, ARMS[BASELINE].augmentation) == ((REAL,), STRONG)


@pytest.mark.parametrize("name", ARMS)
def test_networks_are_needed_where_ours_are_trained_on(name):
    arm = ARMS[name]
    assert arm.needs_networks == (OURS in arm.sources + arm.first)
    assert set(arm.sources + arm.first) <= {REAL, OURS, RANDOMISED}


def test_arms_without_synthetic_data():
    assert [name for name, arm in ARMS.items() if arm.is_real] == ["real", "strong", "warped"]


def test_titles_tell_arms_apart():
    assert len({arm.title for arm in ARMS.values()}) == len(ARMS)
