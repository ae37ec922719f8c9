from dataclasses import replace

import numpy as np
import pytest

from cmrtf.core.measures import VOLUMES, measure_volumes_ml
from cmrtf.synthesis.volume_matching import VolumeMatching
from heart_double import SLICE_SPACING_MM, RingModels, heart_source


@pytest.fixture(scope="module")
def matching():
    return VolumeMatching(RingModels(), heart_source().prior, SLICE_SPACING_MM)


def measured(anatomy):
    return measure_volumes_ml(anatomy.decode(RingModels(), SLICE_SPACING_MM), SLICE_SPACING_MM)


def training_anatomy(prior, number):
    return replace(
        prior.mean(), codes=prior.codes[number], ends_mm=prior.ends_mm[number], pose=prior.poses[number]
    )


@pytest.mark.parametrize("volume", VOLUMES)
@pytest.mark.parametrize("factor", [0.9, 1.15])
def test_one_volume_is_reached_and_the_others_stay(matching, volume, factor):
    start = matching.prior.mean("NOR")
    wanted_ml = measured(start) * np.where(np.array(VOLUMES) == volume, factor, 1.0)
    reached = matching.refine(start, wanted_ml)
    np.testing.assert_allclose(measured(reached), wanted_ml, rtol=0.05)
    np.testing.assert_array_equal(reached.ends_mm, start.ends_mm)


def test_volumes_are_reached_in_any_pose(matching):
    start = replace(matching.prior.mean("NOR"), pose=np.array([25.0, 3.0, -4.0], np.float32))
    wanted_ml = measured(start) * [1.2, 1.1, 1.2, 1.3, 1.1, 1.3]
    reached = matching.refine(start, wanted_ml)
    np.testing.assert_allclose(measured(replace(reached, pose=np.zeros(3))), wanted_ml, rtol=0.05)
    np.testing.assert_array_equal(reached.pose, start.pose)


def test_a_heart_that_has_its_volumes_stays(matching):
    start = matching.prior.mean("DCM")
    for bring in (matching.refine, matching.initial_match):
        brought = bring(start, measured(start))
        np.testing.assert_array_equal(brought.codes, start.codes)
        np.testing.assert_array_equal(brought.ends_mm, start.ends_mm)


def test_the_initial_match_lies_between_training_anatomies_in_the_pose_of_the_first(matching):
    prior = matching.prior
    start = replace(training_anatomy(prior, 0), pose=np.array([25.0, 3.0, -4.0], np.float32))
    wanted_ml = prior.volumes_ml[2]
    assert (prior.pathologies[0], prior.pathologies[2]) == ("NOR", "DCM")
    near = matching.initial_match(start, wanted_ml)
    before, after = (np.abs(np.log(measured(heart) / wanted_ml)).max() for heart in (start, near))
    assert after < 0.25 * before
    np.testing.assert_array_equal(near.pose, start.pose)
    assert np.all(near.codes < prior.codes.max(axis=0) + 1e-3)
    assert np.all(near.codes > prior.codes.min(axis=0) - 1e-3)
