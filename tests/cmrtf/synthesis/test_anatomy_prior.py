from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize

from cmrtf.errors import CmrtfError
from cmrtf.synthesis.anatomy import PLACES, Anatomy
from cmrtf.synthesis.anatomy_prior import PARENTS, VOLUMES, AnatomyPrior, measure_volumes_ml
from heart_double import SLICE_SPACING_MM, RingModels, heart_source

MODELS = RingModels()


@pytest.fixture(scope="module")
def prior():
    return heart_source().prior


def measured_ml(anatomy, spacing_mm=SLICE_SPACING_MM):
    return measure_volumes_ml(anatomy.decode(MODELS, spacing_mm), spacing_mm)


def percent_off(found_ml, wanted_ml):
    return 100.0 * np.abs(found_ml / wanted_ml - 1.0).max()


def one_of(prior, number):
    return Anatomy(prior.codes[number], prior.ends_mm[number], prior.poses[number])


def accept_all(volumes_ml):
    return np.full(len(volumes_ml), True)


def known_by_volumes(log_ml):
    """Hearts of NOR of which volumes alone are known."""
    count = len(log_ml)
    return AnatomyPrior(
        np.zeros((count, 2, PLACES, 1), np.float32),
        np.zeros((count, 2, 2), np.float32),
        np.zeros((count, 3), np.float32),
        np.exp(log_ml),
        np.full(count, 10.0),
        np.full(count, "NOR"),
        np.zeros((2, 2)),
    )


def test_volumes_are_pixels_times_their_size():
    stacks = {phase: np.zeros((2, 4, 4), np.uint8) for phase in ("ED", "ES")}
    stacks["ED"][0, :3, 0], stacks["ED"][1, 0, :2], stacks["ES"][0, 0, 0] = 1, 2, 3
    expected = 1.5 * 1.5 * 8.0 / 1000.0 * np.array([3, 1, 0, 0, 0, 1])
    stacks["ED"][1, 0, 0] = 0
    np.testing.assert_allclose(measure_volumes_ml(stacks, 8.0), expected)


@pytest.mark.parametrize("pathology", ["NOR", "DCM"])
def test_a_drawn_heart_lies_between_known_ones_of_its_pathology(prior, pathology):
    rng = np.random.default_rng(0)
    poses = rng.normal(size=prior.poses.shape).astype(np.float32)
    prior = replace(prior, poses=poses, ends_mm=prior.ends_mm + rng.uniform(0, 9, prior.ends_mm.shape))
    drawn = prior.draw(rng, pathology, accept_all)
    parents, weights = list(drawn.parents), np.array(list(drawn.parents.values()))
    assert len(parents) == PARENTS
    assert set(prior.pathologies[parents]) == {pathology}
    assert weights.min() > 0.0
    assert weights.sum() == pytest.approx(1.0)
    for found, known in (
        (drawn.anatomy.codes, prior.codes),
        (drawn.anatomy.ends_mm, prior.ends_mm),
        (drawn.anatomy.pose, prior.poses),
    ):
        np.testing.assert_allclose(found, np.einsum("p,p...->...", weights, known[parents]), atol=1e-4)
    log_ml = np.log(prior.volumes_ml)
    mean = log_ml[prior.pathologies == pathology].mean(axis=0)
    wanted = mean + (weights @ log_ml[parents] - mean) / np.sqrt(weights @ weights)
    np.testing.assert_allclose(np.log(drawn.wanted_ml), wanted)


def test_volumes_of_drawn_hearts_spread_as_those_of_known_ones_do():
    """Their means and covariances, of many more hearts than lie between each two."""
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(200, len(VOLUMES))) @ rng.normal(0.0, 0.03, (len(VOLUMES), len(VOLUMES)))
    known = spread + np.log([150.0, 100.0, 160.0, 50.0, 100.0, 60.0])
    candidates = []

    def accept(volumes_ml):
        candidates.append(np.log(volumes_ml))
        return accept_all(volumes_ml)

    known_by_volumes(known).draw(rng, "NOR", accept)
    deviations = known.std(axis=0)
    np.testing.assert_allclose(candidates[0].mean(axis=0), known.mean(axis=0), atol=0.03 * deviations.max())
    expected = np.cov(known.T) / np.outer(deviations, deviations)
    found = np.cov(candidates[0].T) / np.outer(deviations, deviations)
    np.testing.assert_allclose(found, expected, atol=0.06)


def test_drawn_hearts_eject():
    """Of known ones that hardly do, so that every other candidate does not."""
    log_ml = np.log([[100.0, 100.0, 100.0, 99.9, 100.0, 99.9]]) + np.random.default_rng(0).normal(
        0.0, 0.2, (20, 6)
    )
    hearts, rng, ejecting = known_by_volumes(log_ml), np.random.default_rng(0), []

    def accept(volumes_ml):
        lv_edv, _, rv_edv, lv_esv, _, rv_esv = volumes_ml.T
        ejecting.append(((lv_esv < lv_edv) & (rv_esv < rv_edv)).mean())
        return accept_all(volumes_ml)

    for _ in range(8):
        wanted_ml = hearts.draw(rng, "NOR", accept).wanted_ml
        assert wanted_ml[3] < wanted_ml[0]
        assert wanted_ml[5] < wanted_ml[2]
    assert max(ejecting) < 0.6


def test_a_drawn_heart_is_one_that_will_do(prior):
    def accept(volumes_ml):
        return volumes_ml[:, 0] > np.quantile(volumes_ml[:, 0], 0.999)

    largest = prior.draw(np.random.default_rng(0), "NOR", accept).wanted_ml[0]
    assert largest > prior.volumes_ml[prior.pathologies == "NOR", 0].max()


def test_the_same_seed_draws_the_same_heart(prior):
    first, again, other = (prior.draw(np.random.default_rng(n), "NOR", accept_all) for n in (1, 1, 2))
    np.testing.assert_array_equal(first.anatomy.codes, again.anatomy.codes)
    assert first.parents == again.parents != other.parents


def test_conditions_that_none_fulfils_are_an_error(prior):
    with pytest.raises(CmrtfError, match=r"that one in 20,000 hearts fulfils. Received: none"):
        prior.draw(np.random.default_rng(0), "NOR", lambda volumes_ml: volumes_ml[:, 0] < 0.0)


def test_a_pathology_of_few_hearts_cannot_be_drawn(prior):
    assert prior.drawable() == ["DCM", "NOR"]
    few = replace(prior, pathologies=np.array(list("AAABBBCCCDDDE")))
    with pytest.raises(CmrtfError, match=r"expected 4 known hearts or more of one pathology. Received: 3 at"):
        few.drawable()


def test_a_pathology_of_nobody_is_named(prior):
    with pytest.raises(CmrtfError, match=r"expected one of the pathologies DCM, HCM, NOR. Received: 'MINF'"):
        prior.mean("MINF")


def test_the_whole_way_leads_from_mean_to_mean(prior):
    lengths_mm = np.linspace(60.0, 120.0, len(prior.ends_mm), dtype=np.float32)
    prior = replace(prior, ends_mm=np.multiply.outer(lengths_mm, np.array([[0, 1], [0.1, 0.9]], np.float32)))
    normal, dilated = (replace(prior.mean(name), pose=np.ones(3)) for name in ("NOR", "DCM"))
    moved = prior.towards(normal, "NOR", "DCM", 1.0)
    np.testing.assert_allclose(moved.codes, dilated.codes, atol=1e-5)
    np.testing.assert_allclose(moved.ends_mm, dilated.ends_mm, atol=1e-5)
    np.testing.assert_array_equal(moved.pose, normal.pose)


def test_half_the_way_leads_half_way_from_the_mean_of_all(prior):
    heart = one_of(prior, 0)
    moved = prior.towards(heart, None, "DCM", 0.5)
    expected = 0.5 * (prior.codes[prior.pathologies == "DCM"].mean(axis=0) - prior.codes.mean(axis=0))
    np.testing.assert_allclose(moved.codes - heart.codes, expected, atol=1e-5)


def test_volumes_change_by_the_ratio_of_their_geometric_means():
    hearts = known_by_volumes(np.log([[1.0] * 6, [4.0] * 6, [6.0] * 6, [6.0] * 6]))
    hearts = replace(hearts, pathologies=np.array(["NOR", "NOR", "DCM", "DCM"]))
    np.testing.assert_allclose(hearts.change("NOR", "DCM"), 3.0)
    np.testing.assert_allclose(hearts.change("DCM", "NOR"), 1.0 / 3.0)
    np.testing.assert_allclose(hearts.change(None, "DCM"), 6.0 / 12.0**0.5)


def test_known_hearts_come_back_from_their_file(prior, tmp_path):
    prior.save(tmp_path / "hearts.npz")
    again = AnatomyPrior.load(tmp_path / "hearts.npz")
    for name in AnatomyPrior.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(prior, name))
        assert getattr(again, name).dtype == getattr(prior, name).dtype


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "text", "another"])
def test_a_file_of_something_else_is_one_message(prior, tmp_path, damage):
    path = tmp_path / "hearts.npz"
    if damage == "another":
        np.savez(path, codes=np.zeros(3))
    elif damage != "missing":
        prior.save(path)
        path.write_bytes({"empty": b"", "cut": path.read_bytes()[:2000], "text": b"hearts"}[damage])
    with pytest.raises(CmrtfError, match=r"hearts.npz: expected the known hearts of a bundle. Received: "):
        AnatomyPrior.load(path)


def test_the_nearest_mixture_is_near_and_lies_between_known_hearts(prior):
    """From a heart of NOR to volumes of DCM, in a pose that stays."""
    heart = replace(one_of(prior, 0), pose=np.array([20.0, 3.0, 0.0], np.float32))
    wanted_ml = prior.volumes_ml[prior.pathologies == "DCM"].mean(axis=0)
    near = prior.approach(MODELS, heart, wanted_ml, SLICE_SPACING_MM)
    assert percent_off(measured_ml(near), wanted_ml) < 10.0 < percent_off(measured_ml(heart), wanted_ml)
    np.testing.assert_array_equal(near.pose, heart.pose)
    # Weights that add up to 1 give it.
    known = np.concatenate([prior.codes.reshape(13, -1), heart.codes.reshape(1, -1)]).astype(np.float64)
    terms = np.concatenate([known, np.full((14, 1), 1e3)], axis=1).T
    _, residual = optimize.nnls(terms, np.append(near.codes.ravel(), 1e3))
    assert residual < 0.1 < np.linalg.norm(near.codes - heart.codes)


@pytest.mark.parametrize("seed", range(4))
def test_a_mixture_is_no_farther_off_than_its_start(prior, seed):
    """Neither towards volumes that are far from all hearts."""
    factors = np.exp(np.random.default_rng(seed).normal(0.0, 0.5, len(VOLUMES)))
    heart = one_of(prior, 0)
    wanted_ml = prior.volumes_ml[0] * factors
    near = prior.approach(MODELS, heart, wanted_ml, SLICE_SPACING_MM)
    off = [np.abs(np.log(measured_ml(each) / wanted_ml)).max() for each in (near, heart)]
    assert off[0] <= off[1]


def test_a_heart_stays_where_all_others_are_farther_off(prior):
    class Vanishing(RingModels):
        """Shows both phases of the heart once, and then none."""

        left = 2

        def decode(self, codes):
            self.left -= 1
            return super().decode(codes) * np.uint8(self.left >= 0)

    heart, wanted_ml = one_of(prior, 0), prior.volumes_ml[2]
    assert prior.approach(Vanishing(), heart, wanted_ml, SLICE_SPACING_MM) is heart
    reached = prior.reach(Vanishing(), heart, wanted_ml, SLICE_SPACING_MM)
    np.testing.assert_array_equal(reached.codes, heart.codes)


def test_a_heart_that_measures_what_it_should_stays(prior):
    heart, wanted_ml = one_of(prior, 2), prior.volumes_ml[2]
    assert prior.approach(MODELS, heart, wanted_ml, SLICE_SPACING_MM) is heart
    reached = prior.reach(MODELS, heart, wanted_ml, SLICE_SPACING_MM)
    np.testing.assert_array_equal(reached.codes, heart.codes)


@pytest.mark.parametrize("volume", VOLUMES)
@pytest.mark.parametrize("factor", [0.85, 1.15])
def test_one_volume_is_reached_and_the_others_stay(prior, volume, factor):
    """On other slices than those of the known hearts."""
    heart = prior.mean("NOR")
    wanted_ml = measured_ml(heart, 10.0)
    wanted_ml[VOLUMES.index(volume)] *= factor
    reached = prior.reach(MODELS, heart, wanted_ml, 10.0)
    assert percent_off(measured_ml(reached, 10.0), wanted_ml) < 5.0
    np.testing.assert_array_equal(reached.ends_mm, heart.ends_mm)


def test_volumes_of_another_pathology_are_reached(prior):
    heart, wanted_ml = one_of(prior, 1), prior.volumes_ml[2]
    near = prior.approach(MODELS, heart, wanted_ml, SLICE_SPACING_MM)
    reached = prior.reach(MODELS, near, wanted_ml, SLICE_SPACING_MM)
    assert percent_off(measured_ml(reached), wanted_ml) < 5.0
