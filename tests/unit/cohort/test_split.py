from collections import Counter
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmrtf.cohort.split import split_subjects

STRATA = st.dictionaries(
    st.text("ABC0123", min_size=1, max_size=5),
    st.tuples(st.sampled_from("ABCD"), st.sampled_from(["NOR", "DCM", "HCM", ""])),
    min_size=2,
    max_size=60,
)


@given(STRATA, st.floats(0.05, 0.9), st.integers(0, 99))
def test_each_stratum_and_each_vendor_gives_its_share(strata, fraction, seed):
    splits = split_subjects(strata, fraction, seed)
    assert splits.keys() == strata.keys()
    held_out = [subject for subject, split in splits.items() if split == "validation"]
    n = len(strata)
    assert len(held_out) == min(max(round(fraction * n), 1), n - 1)
    for key in (lambda subject: strata[subject], lambda subject: strata[subject][0]):
        sizes, taken = Counter(map(key, strata)), Counter(map(key, held_out))
        for group, size in sizes.items():
            share = size * len(held_out) / n
            assert floor(share - 1e-9) <= taken[group] <= ceil(share + 1e-9)


def test_the_seed_decides_and_the_order_does_not():
    strata = {f"S{i:02d}": ("A", "NOR") for i in range(30)}
    first = split_subjects(strata, 0.2, 1)
    assert first == split_subjects(dict(reversed(strata.items())), 0.2, 1)
    assert first != split_subjects(strata, 0.2, 2)


@pytest.mark.parametrize(("n", "validation"), [(1, 0), (2, 1), (3, 1), (50, 10)])
def test_small_cohorts_keep_a_subject_on_each_side(n, validation):
    strata = {f"S{i}": ("A", "NOR") for i in range(n)}
    assert list(split_subjects(strata, 0.2, 0).values()).count("validation") == validation


@given(STRATA, STRATA, st.floats(0.05, 0.9))
def test_who_has_a_split_keeps_it_and_the_whole_gets_its_share(before, added, fraction):
    earlier = split_subjects(before, fraction, 0)
    strata = before | added
    splits = split_subjects(strata, fraction, 0, earlier)
    assert all(splits[subject] == split for subject, split in earlier.items())
    n = len(strata)
    assert list(splits.values()).count("validation") == min(max(round(fraction * n), 1), n - 1)


def test_earlier_splits_are_forgotten_where_nobody_would_be_left_to_validate():
    strata = {f"S{i}": ("A", "NOR") for i in range(4)}
    assert split_subjects(strata, 0.25, 0, dict.fromkeys(strata, "train")) == split_subjects(strata, 0.25, 0)
