from dataclasses import fields, replace

import numpy as np
import pytest

from cmrtf.core.measures import VOLUMES
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.anatomy import PLACES
from cmrtf.synthesis.anatomy_prior import LARGEST_WEIGHT, PARENTS, AnatomyPrior
from heart_double import heart_source

LV_ED, RV_ED, LV_ES, RV_ES = (VOLUMES.index(name) for name in ("LV_ED", "RV_ED", "LV_ES", "RV_ES"))


def anything(volumes_ml):
    return np.full(len(volumes_ml), True)


def random_prior(volumes_ml):
    """Hearts of one pathology that have nothing in common."""
    rng, num_hearts = np.random.default_rng(0), len(volumes_ml)
    return AnatomyPrior(
        rng.normal(size=(num_hearts, 2, PLACES, 3)).astype(np.float32),
        rng.normal(size=(num_hearts, 2, 2)).astype(np.float32),
        rng.normal(size=(num_hearts, 3)).astype(np.float32),
        volumes_ml,
        np.full(num_hearts, 10.0),
        np.full(num_hearts, "HCM"),
        np.zeros((2, 2)),
    )


@pytest.fixture(scope="module")
def prior():
    return heart_source().prior


@pytest.fixture(scope="module")
def barely_ejecting():
    """LV and RV that are as large in ES as in ED, give or take a third."""
    volumes_ml = 100.0 * np.exp(np.random.default_rng(1).normal(0.0, 0.3, (12, 6)))
    return random_prior(volumes_ml)


@pytest.mark.parametrize("pathology", ["NOR", "DCM"])
def test_a_new_heart_lies_between_hearts_of_its_pathology(prior, pathology):
    lying = replace(prior, poses=np.random.default_rng(0).normal(size=prior.poses.shape))
    for seed in range(5):
        drawn = lying.draw(np.random.default_rng(seed), pathology, anything)
        parents, weights = list(drawn.parents), np.array(list(drawn.parents.values()))
        assert len(parents) == PARENTS
        assert set(prior.pathologies[parents]) == {pathology}
        assert 0.0 < weights.min() < weights.max() <= LARGEST_WEIGHT
        assert weights.sum() == pytest.approx(1.0)
        for part, known in (("codes", lying.codes), ("ends_mm", lying.ends_mm), ("pose", lying.poses)):
            expected = np.einsum("i,i...->...", weights, known[parents])
            np.testing.assert_allclose(getattr(drawn.anatomy, part), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("num_hearts", "least"), [(8, 0.5), (40, 0.85), (400, 0.96)])
def test_volumes_spread_as_those_of_many_known_hearts_and_less_where_there_are_few(num_hearts, least):
    """Mean and variance of logarithms, without regard to ejection."""
    rng, mixing = np.random.default_rng(2), np.random.default_rng(3).normal(size=(6, 6))
    log_ml = np.log(100.0) + 0.1 * rng.normal(size=(num_hearts, 6)) @ mixing
    candidates = random_prior(np.exp(log_ml)).candidates(np.random.default_rng(0), "HCM")
    drawn = np.log(candidates.volumes_ml)
    shifts = (drawn.mean(axis=0) - log_ml.mean(axis=0)) / log_ml.std(axis=0)
    np.testing.assert_allclose(shifts, 0.0, atol=0.03)
    ratios = drawn.var(axis=0) / log_ml.var(axis=0, ddof=1)
    assert least < ratios.min() < ratios.max() < 1.04


def test_new_hearts_differ_with_the_seed_alone(prior):
    first, again, other = (prior.draw(np.random.default_rng(seed), "NOR", anything) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.anatomy.codes, again.anatomy.codes)
    assert first.parents == again.parents
    assert first.parents != other.parents


def test_new_hearts_eject(barely_ejecting):
    offered = []
    for seed in range(20):
        drawn = barely_ejecting.draw(
            np.random.default_rng(seed), "HCM", lambda volumes: offered.append(volumes) or anything(volumes)
        )
        assert drawn.wanted_ml[LV_ES] < drawn.wanted_ml[LV_ED]
        assert drawn.wanted_ml[RV_ES] < drawn.wanted_ml[RV_ED]
    volumes_ml = np.concatenate(offered)
    assert np.mean(volumes_ml[:, LV_ES] >= volumes_ml[:, LV_ED]) > 0.2
    assert np.mean(volumes_ml[:, RV_ES] >= volumes_ml[:, RV_ED]) > 0.2


def test_a_new_heart_is_one_that_was_accepted(prior):
    limit_ml = np.quantile(prior.volumes_ml[prior.pathologies == "NOR", LV_ED], 0.9)
    for seed in range(5):
        drawn = prior.draw(np.random.default_rng(seed), "NOR", lambda volumes: volumes[:, LV_ED] > limit_ml)
        assert drawn.wanted_ml[LV_ED] > limit_ml


def test_conditions_that_nobody_fulfils_end_the_search(prior):
    with pytest.raises(CmrtfError, match=r"conditions that one in 20,000 hearts fulfils. Received: none"):
        prior.draw(np.random.default_rng(0), "NOR", lambda volumes: ~anything(volumes))


def test_hearts_are_drawn_of_pathologies_with_enough_of_them(prior):
    assert prior.drawable() == ["DCM", "NOR"]


def test_too_few_hearts_of_any_pathology_are_no_distribution(barely_ejecting):
    few = replace(barely_ejecting, pathologies=np.array(["NOR", "DCM", "HCM", "RV"] * 3))
    with pytest.raises(CmrtfError, match=r"4 training subjects or more .* Received: 3 at most"):
        few.drawable()


def test_the_mean_is_of_one_pathology_or_all(prior):
    for pathology, chosen in ((None, slice(None)), ("DCM", prior.pathologies == "DCM")):
        mean = prior.mean(pathology)
        np.testing.assert_allclose(mean.codes, prior.codes[chosen].mean(axis=0))
        np.testing.assert_allclose(mean.ends_mm, prior.ends_mm[chosen].mean(axis=0))


@pytest.mark.parametrize("start", ["NOR", None])
def test_the_way_towards_a_pathology_leads_from_mean_to_mean(prior, start):
    longer = replace(
        prior, ends_mm=prior.ends_mm * np.where(prior.pathologies == "DCM", 1.2, 1.0)[:, None, None]
    )
    pose = np.array([10.0, 2.0, 3.0], np.float32)
    mean, end = replace(longer.mean(start), pose=pose), longer.mean("DCM")
    for amount in (0.0, 0.5, 1.0):
        moved = longer.towards(mean, start, "DCM", amount)
        np.testing.assert_allclose(moved.codes, mean.codes + amount * (end.codes - mean.codes), rtol=1e-5)
        np.testing.assert_allclose(
            moved.ends_mm, mean.ends_mm + amount * (end.ends_mm - mean.ends_mm), rtol=1e-5
        )
        np.testing.assert_array_equal(moved.pose, pose)


def test_volumes_move_by_ratios_and_hearts_go_on_ejecting(prior):
    before = prior.volumes_ml[0]
    after = prior.move_volumes(before, "NOR", "DCM", 1.0)
    nor, dcm = (prior.volumes_ml[prior.pathologies == name] for name in ("NOR", "DCM"))
    ratio = dcm.prod(axis=0) ** (1 / len(dcm)) / nor.prod(axis=0) ** (1 / len(nor))
    not_ventricles_in_es = [0, 1, 2, 4]
    np.testing.assert_allclose((after / before)[not_ventricles_in_es], ratio[not_ventricles_in_es])
    np.testing.assert_allclose(prior.move_volumes(after, "DCM", "NOR", 1.0), before)
    np.testing.assert_allclose(prior.move_volumes(before, None, "DCM", 0.0), before)
    far = prior.move_volumes(before, "NOR", "DCM", 5.0)
    assert far[3] < far[0]
    assert far[5] < far[2]


def test_a_pathology_that_nobody_has_is_named(prior):
    with pytest.raises(CmrtfError, match=r"one of the pathologies DCM, HCM, NOR. Received: 'MINF'"):
        prior.towards(prior.mean(), None, "MINF", 1.0)


def test_a_prior_is_read_as_it_was_written(prior, tmp_path):
    prior.save(tmp_path / "bank.npz")
    loaded = AnatomyPrior.load(tmp_path / "bank.npz")
    for field in fields(AnatomyPrior):
        np.testing.assert_array_equal(getattr(loaded, field.name), getattr(prior, field.name))


def missing(path):
    pass


def text(path):
    path.write_text("no archive")


def cut(path):
    path.write_bytes(path.with_name("whole.npz").read_bytes()[:-100])


def other_arrays(path):
    np.savez(path, codes=np.zeros(3))


@pytest.mark.parametrize("write", [missing, text, cut, other_arrays])
def test_what_is_no_prior_is_named(prior, tmp_path, write):
    prior.save(tmp_path / "whole.npz")
    write(tmp_path / "bank.npz")
    with pytest.raises(CmrtfError, match=r"bank\.npz: expected the anatomies of a bundle. Received: "):
        AnatomyPrior.load(tmp_path / "bank.npz")
