import numpy as np
import pytest
from scipy.linalg import sqrtm

from cmrtf.metrics.distributions import (
    Features,
    compare_with_baseline,
    frechet_distance,
    kernel_distance,
)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def alone(features):
    """Each slice of a subject of its own."""
    return Features(features, np.arange(len(features)))


def cohort(num_subjects, slices=5, dim=3, seed=0, shift=0.0):
    """Features of subjects that differ more than their slices do."""
    centres = np.repeat(normal(num_subjects, dim, seed=seed), slices, axis=0)
    features = centres + 0.1 * normal(num_subjects * slices, dim, seed=seed + 100) + shift
    return Features(features, np.repeat(np.arange(num_subjects), slices) + 1000 * seed)


# Fréchet distance


def test_frechet_equals_its_closed_form_in_one_dimension():
    first, second = normal(50, 1), 5.0 + 3.0 * normal(70, 1, seed=1)
    expected = (first.mean() - second.mean()) ** 2 + (first.std(ddof=1) - second.std(ddof=1)) ** 2
    assert frechet_distance(alone(first), alone(second)) == pytest.approx(expected)


def test_frechet_equals_the_formula_with_matrix_roots():
    first, second = normal(40, 5), normal(30, 5, seed=1) @ normal(5, 5, seed=2) + 1.0
    s1, s2 = np.cov(first.T), np.cov(second.T)
    root = sqrtm(s1)
    middle = sqrtm(root @ s2 @ root)
    expected = np.sum((first.mean(0) - second.mean(0)) ** 2) + np.trace(s1 + s2 - 2 * middle)
    assert frechet_distance(alone(first), alone(second)) == pytest.approx(expected.real)


def test_frechet_allows_fewer_features_than_dimensions():
    """Padding with constant dimensions and turning the space change nothing."""
    first, second = normal(6, 3), 2.0 * normal(5, 3, seed=1)
    turn, _ = np.linalg.qr(normal(20, 20, seed=2))
    in_many = [alone(np.pad(features, ((0, 0), (0, 17))) @ turn) for features in (first, second)]
    assert frechet_distance(*in_many) == pytest.approx(frechet_distance(alone(first), alone(second)))


def test_frechet_of_a_shift_is_its_squared_length():
    features = normal(10, 30).astype(np.float32)
    assert frechet_distance(alone(features), alone(features)) == pytest.approx(0.0, abs=1e-9)
    assert frechet_distance(alone(features), alone(features + 2.0)) == pytest.approx(4.0 * 30, rel=1e-5)


def test_frechet_is_biased_upwards_for_few():
    few, many = (frechet_distance(alone(normal(n, 8)), alone(normal(n, 8, seed=1))) for n in (20, 2000))
    assert few > 10 * many


# Kernel distance


def test_kernel_distance_equals_loops_over_pairs():
    first, second = normal(5, 3), normal(4, 3, seed=1)

    def mean_kernel(a, b, skip_same):
        pairs = [(i, j) for i in range(len(a)) for j in range(len(b)) if not (skip_same and i == j)]
        return np.mean([(a[i] @ b[j] / 3 + 1) ** 3 for i, j in pairs])

    expected = (
        mean_kernel(first, first, True)
        + mean_kernel(second, second, True)
        - 2 * mean_kernel(first, second, False)
    )
    assert kernel_distance(alone(first), alone(second)) == pytest.approx(expected)


def test_kernel_distance_is_unbiased():
    values = [
        kernel_distance(alone(normal(6, 4, seed=2 * i)), alone(normal(9, 4, seed=2 * i + 1)))
        for i in range(600)
    ]
    assert np.mean(values) == pytest.approx(0.0, abs=3 * np.std(values) / np.sqrt(600))
    assert min(values) < 0.0
    assert kernel_distance(alone(normal(20, 4)), alone(normal(20, 4, seed=1) + 2.0)) > 1.0


def test_kernel_distance_of_equal_distributions_is_0_though_slices_of_a_subject_are_alike():
    values = [kernel_distance(cohort(5, seed=2 * i), cohort(8, seed=2 * i + 1)) for i in range(600)]
    assert np.mean(values) == pytest.approx(0.0, abs=3 * np.std(values) / np.sqrt(600))
    each_alone = [
        kernel_distance(alone(cohort(5, seed=2 * i)[0]), alone(cohort(8, seed=2 * i + 1)[0]))
        for i in range(600)
    ]
    assert np.mean(each_alone) > 10 * np.std(each_alone) / np.sqrt(600), "with pairs of one subject it is not"


def test_kernel_distance_of_a_single_subject_is_unknown():
    assert np.isnan(kernel_distance(cohort(1), cohort(3, seed=1)))


# Comparison


@pytest.mark.parametrize("distance", [frechet_distance, kernel_distance])
def test_new_patients_lie_at_the_baseline_and_others_above(distance):
    reference = cohort(30, seed=2)
    same = compare_with_baseline(reference, cohort(60), cohort(60, seed=1), distance)
    other = compare_with_baseline(reference, cohort(60), cohort(60, seed=1, shift=1.5), distance)
    assert same.n == other.n == 150
    assert abs(same.distances.mean() - same.baselines.mean()) < 0.3 * other.distances.mean()
    assert other.distances.mean() > 3 * max(other.baselines.mean(), 0.1)


def test_copies_of_real_images_lie_at_the_baseline():
    real = cohort(40)
    comparison = compare_with_baseline(cohort(20, seed=1), real, real, frechet_distance)
    assert comparison.distances.mean() == pytest.approx(comparison.baselines.mean(), rel=0.1)


def test_sides_have_equal_numbers_and_are_drawn_by_subject():
    calls = []

    def spy(first, second):
        assert len(first.features) == len(second.features) == 6
        calls.append(first.features.ravel().tolist())
        return 0.0

    subjects = np.repeat([0, 1, 2, 3], 3)
    real = Features(subjects[:, None], subjects)
    compare_with_baseline(alone(np.full((6, 1), 9)), real, real, spy)
    assert all(len(set(call)) == 2 for call in calls), "two subjects of three slices each"
    assert len({tuple(call) for call in calls}) > 3, "draws differ"


def test_equal_seeds_draw_alike():
    reference, real, synthetic = cohort(4, seed=2), cohort(6), cohort(5, seed=1)
    first, second, other = (
        compare_with_baseline(reference, real, synthetic, frechet_distance, seed=seed).distances
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
