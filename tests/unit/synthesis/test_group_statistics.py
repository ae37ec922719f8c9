import numpy as np
import pytest

from cmrtf.synthesis.group_statistics import NOISE, NUM_MODES, CodeStatistics, GroupNormal

PATIENTS, TRACKS, PLACES, CODE_DIM = 12, 2, 6, 8


def _codes(patients=PATIENTS, seed=0):
    """One strong direction, and smooth differences of another size in each entry."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(TRACKS, PLACES, CODE_DIM))
    direction /= np.linalg.norm(direction)
    noise = rng.normal(size=(patients, TRACKS, 1, CODE_DIM)) + 0.3 * rng.normal(
        size=(patients, TRACKS, PLACES, CODE_DIM)
    )
    scores = 40.0 * rng.normal(size=(patients, 1, 1, 1))
    return (5.0 + scores * direction + noise * np.linspace(0.5, 2.0, CODE_DIM)).astype(np.float32), direction


def _drawn(statistics, count, score=0.0):
    rng = np.random.default_rng(1)
    return np.stack([statistics.draw(np.full(NUM_MODES, score), rng) for _ in range(count)])


def test_the_first_mode_is_the_direction_in_which_patients_differ_most():
    codes, direction = _codes()
    statistics = CodeStatistics.of(codes)
    assert abs((statistics.modes[0] * direction).sum()) > 0.97
    products = np.einsum("mtpd,ntpd->mn", statistics.modes, statistics.modes)
    np.testing.assert_allclose(products, np.eye(NUM_MODES), atol=1e-6)


def test_scores_are_those_of_which_draws_are_made():
    codes, _ = _codes()
    statistics = CodeStatistics.of(codes)
    assert statistics.scores(codes).mean(axis=0) == pytest.approx(0.0, abs=1e-3)
    np.testing.assert_allclose(statistics.scores(_drawn(statistics, 4, 17.0)), 17.0, rtol=1e-4)


def test_draws_differ_by_a_share_of_what_patients_differ_by_in_each_entry():
    codes, _ = _codes(200)
    statistics = CodeStatistics.of(codes)
    drawn = _drawn(statistics, 400)
    np.testing.assert_allclose(drawn.mean(axis=0), statistics.mean, atol=0.3)
    residuals = codes - np.tensordot(statistics.scores(codes), statistics.modes, 1)
    np.testing.assert_allclose(
        drawn.std(axis=0).mean(axis=(0, 1)), NOISE * residuals.std(axis=0).mean(axis=(0, 1)), rtol=0.1
    )


def test_draws_are_as_smooth_along_the_heart_as_patients_and_phases_as_correlated():
    codes, _ = _codes(200)
    statistics = CodeStatistics.of(codes)
    deviations = [values - values.mean(axis=0) for values in (codes, _drawn(statistics, 400))]
    deviations[0] -= np.tensordot(statistics.scores(codes), statistics.modes, 1)
    for first, second in (
        (
            [values[:, :, :-1] for values in deviations],
            [values[:, :, 1:] for values in deviations],
        ),
        ([values[:, 0] for values in deviations], [values[:, 1] for values in deviations]),
    ):
        real, ours = (np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, second, strict=True))
        assert ours == pytest.approx(real, abs=0.05)


def test_who_was_in_a_group_is_not_told_by_the_span_of_what_is_drawn():
    """As it is by the span of means of five and more; see docs/decisions/what-a-bundle-gives-away.md."""
    codes, _ = _codes(40, seed=3)
    members, others = codes[:20], codes[20:]
    rng = np.random.default_rng(0)
    means = np.stack([members[rng.permutation(20)[:5]].mean(axis=0) for _ in range(60)])
    drawn = _drawn(CodeStatistics.of(members), 60)

    def share_inside(entries, who):
        rows = (entries - entries.mean(axis=0)).reshape(len(entries), -1)
        _, lengths, directions = np.linalg.svd(rows, full_matrices=False)
        kept = directions[lengths > 1e-4 * lengths[0]]
        deviations = (who - entries.mean(axis=0)).reshape(len(who), -1)
        return np.square(deviations @ kept.T).sum(axis=1) / np.square(deviations).sum(axis=1)

    assert share_inside(means, members).min() > share_inside(means, others).max()
    inside, outside = share_inside(drawn, members), share_inside(drawn, others)
    assert inside.min() < outside.max()


def test_measures_are_drawn_about_the_mean_of_their_group():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(10.0, 1.0, (50, 2)), rng.normal(-10.0, 1.0, (50, 2))])
    normal = GroupNormal.of(values, ["DCM"] * 50 + ["NOR"] * 50)
    drawn = np.stack([normal.draw("NOR", rng) for _ in range(200)])
    np.testing.assert_allclose(drawn.mean(axis=0), -10.0, atol=0.5)
    np.testing.assert_allclose(drawn.std(axis=0), 1.0, atol=0.25)


def test_a_measure_that_is_the_same_in_all_patients_stays():
    values = np.column_stack([np.arange(6.0), np.full(6, 3.0)])
    normal = GroupNormal.of(values, ["DCM"] * 6)
    assert normal.draw("DCM", np.random.default_rng(0))[1] == pytest.approx(3.0)
