import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmrtf.metrics.privacy import chance_closer, nearest, nearest_twins

distances = st.lists(st.integers(0, 5), min_size=1, max_size=6)


def normal(count, dim=4, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def test_nearest_against_all_pairs():
    queries, references = normal(7), normal(9, seed=1)
    between = np.linalg.norm(queries[:, None].astype(float) - references, axis=-1)
    found = nearest(queries, references)
    np.testing.assert_array_equal(found.indices, between.argmin(axis=1))
    np.testing.assert_allclose(found.distances, between.min(axis=1))


def test_a_copy_is_at_distance_zero():
    references = normal(9, dim=1000) + 100.0
    found = nearest(references[[4, 2]], references)
    assert found.indices.tolist() == [4, 2]
    assert found.distances.tolist() == [0.0, 0.0]


@given(distances, distances)
@settings(max_examples=20)
def test_chance_against_counting_pairs(first, second):
    pairs = [(a < b) + 0.5 * (a == b) for a in first for b in second]
    chance = chance_closer(first, second)
    assert chance.mean == pytest.approx(np.mean(pairs))
    assert chance.n == len(first) + len(second)
    if min(len(first), len(second)) > 1:
        assert 0.0 <= chance.low <= chance.high <= 1.0
    else:
        assert np.isnan([chance.low, chance.high]).all()


def test_chance_of_separate_distances():
    below = chance_closer([1.0, 2.0], [3.0, 4.0])
    above = chance_closer([3.0, 4.0], [1.0, 2.0])
    assert (below.mean, below.low, below.high) == (1.0, 1.0, 1.0)
    assert (above.mean, above.low, above.high) == (0.0, 0.0, 0.0)


def test_interval_of_the_chance_is_that_of_theory():
    """Of two equal distributions the variance is (n + m + 1) / (12 n m)."""
    values = np.random.default_rng(0).random(200)
    chance = chance_closer(values[:80], values[80:])
    expected = 2 * 1.96 * np.sqrt(201 / (12 * 80 * 120))
    assert chance.high - chance.low == pytest.approx(expected, rel=0.15)
    assert chance == chance_closer(values[:80], values[80:]), "the same twice"


def closer(first, second, references):
    """Chance that the first lie closer to the references than the second."""
    return chance_closer(nearest(first, references).distances, nearest(second, references).distances)


def test_copies_are_found_and_new_images_are_not():
    training, held_out = normal(40), normal(40, seed=1)
    new, copies = normal(40, seed=2), training[::2] + 0.01 * normal(20, seed=3)
    assert closer(copies, held_out, training).low > 0.95
    chance = closer(new, held_out, training)
    assert chance.low < 0.5 < chance.high


def test_membership():
    members, others = normal(40), normal(40, seed=1)
    leak = closer(members, others, members[:30] + 0.01 * normal(30, seed=3))
    assert leak.low > 0.7
    none = closer(members, others, normal(40, seed=2))
    assert none.low < 0.5 < none.high
    assert closer(others, members, members).mean == 0.0


def test_twins_come_closest_first():
    training = normal(5)
    synthetic = training[[3, 1, 0]] + np.array([[0.3], [0.1], [0.2]], np.float32)
    assert nearest_twins(synthetic, training, 2).tolist() == [[1, 1], [2, 0]]
    assert nearest_twins(synthetic, training, 3).shape == (3, 2)
