import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmrtf.metrics.privacy import auc, auc_alone, nearest, nearest_neighbour_pairs

samples = st.lists(st.integers(0, 5), min_size=1, max_size=6)


def normal(count, dim=4, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)


def test_nearest_equals_the_smallest_of_all_distances():
    queries, references = normal(7), normal(9, seed=1)
    between = np.linalg.norm(queries[:, None].astype(float) - references, axis=-1)
    neighbours = nearest(queries, references)
    np.testing.assert_array_equal(neighbours.indices, between.argmin(axis=1))
    np.testing.assert_allclose(neighbours.distances, between.min(axis=1))


def test_a_copy_is_at_distance_zero():
    references = normal(9, dim=1000) + 100.0
    neighbours = nearest(references[[4, 2]], references)
    assert neighbours.indices.tolist() == [4, 2]
    assert neighbours.distances.tolist() == [0.0, 0.0]


@given(samples, samples)
@settings(max_examples=20)
def test_auc_equals_counting_pairs_with_ties_by_half(first, second):
    pairs = [(a < b) + 0.5 * (a == b) for a in first for b in second]
    area = auc(first, second)
    assert area.mean == pytest.approx(np.mean(pairs))
    assert area.n == len(first) + len(second)
    if min(len(first), len(second)) > 1:
        assert 0.0 <= area.low <= area.high <= 1.0
    else:
        assert np.isnan([area.low, area.high]).all()


def test_the_auc_alone_is_that_with_its_interval():
    first, second = np.array([1.0, 2.0, 2.0]), np.array([2.0, 3.0])
    assert auc_alone(first, second) == auc(first, second).mean == 5 / 6


def test_auc_is_1_or_0_where_samples_do_not_overlap():
    below = auc([1.0, 2.0], [3.0, 4.0])
    above = auc([3.0, 4.0], [1.0, 2.0])
    assert (below.mean, below.low, below.high) == (1.0, 1.0, 1.0)
    assert (above.mean, above.low, above.high) == (0.0, 0.0, 0.0)


def test_interval_of_the_auc_is_that_of_theory():
    """Of two equal distributions the variance is (n + m + 1) / (12 n m)."""
    values = np.random.default_rng(0).random(200)
    area = auc(values[:80], values[80:])
    expected = 2 * 1.96 * np.sqrt(201 / (12 * 80 * 120))
    assert area.high - area.low == pytest.approx(expected, rel=0.15)
    assert area == auc(values[:80], values[80:]), "the same twice"


def auc_of_nearest(first, second, references):
    """AUC of the distances to the nearest reference."""
    return auc(nearest(first, references).distances, nearest(second, references).distances)


def test_auc_tells_copies_of_training_images_from_new_images():
    training, held_out = normal(40), normal(40, seed=1)
    new, copies = normal(40, seed=2), training[::2] + 0.01 * normal(20, seed=3)
    assert auc_of_nearest(copies, held_out, training).low > 0.95
    area = auc_of_nearest(new, held_out, training)
    assert area.low < 0.5 < area.high


def test_auc_tells_members_only_where_a_synthetic_set_is_close_to_them():
    members, others = normal(40), normal(40, seed=1)
    leak = auc_of_nearest(members, others, members[:30] + 0.01 * normal(30, seed=3))
    assert leak.low > 0.7
    none = auc_of_nearest(members, others, normal(40, seed=2))
    assert none.low < 0.5 < none.high
    assert auc_of_nearest(others, members, members).mean == 0.0


def test_nearest_neighbour_pairs_come_closest_first():
    training = normal(5)
    synthetic = training[[3, 1, 0]] + np.array([[0.3], [0.1], [0.2]], np.float32)
    assert nearest_neighbour_pairs(synthetic, training, 2).tolist() == [[1, 1], [2, 0]]
    assert nearest_neighbour_pairs(synthetic, training, 3).shape == (3, 2)
