import numpy as np

from cmrtf.synthesis.styles import draw_styles


def test_drawn_styles_have_the_mean_and_covariance_of_known_ones():
    rng = np.random.default_rng(0)
    known = (rng.normal(size=(30, 3)) @ np.array([[1, 2, 0], [0, 1, 0], [0, 0, 0.1]]) + 5).astype(np.float32)
    drawn = draw_styles(known, 20_000, rng)
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn.mean(axis=0), known.mean(axis=0), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(known.T), rtol=0.05, atol=0.02)


def test_drawn_styles_lie_on_no_known_one_nor_half_way():
    known = np.eye(4, dtype=np.float32)
    drawn = draw_styles(known, 100, np.random.default_rng(0))
    halves = np.concatenate([known, (known[:, None] + known[None]).reshape(-1, 4) / 2])
    assert np.linalg.norm(drawn[:, None] - halves, axis=-1).min() > 0.05
