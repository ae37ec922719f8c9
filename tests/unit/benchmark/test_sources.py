import numpy as np
import pytest

from cmrtf.benchmark.arms import OURS, RANDOMISED, REAL
from cmrtf.benchmark.sources import Sources
from evaluation_doubles import ExactModels


@pytest.fixture(scope="module")
def sources(training):
    return Sources(ExactModels, training, num_interpolated=3, seed=0)


def test_real_subjects_need_no_models(training):
    def no_models():
        raise AssertionError("asked for")

    sources = Sources(no_models, training, num_interpolated=1, seed=0)
    assert sources[REAL] == training
    assert len(sources[RANDOMISED]) == 7


def test_ours_are_real_label_maps_and_interpolated_ones(sources, training):
    ours = sources[OURS]
    assert len(ours) == 6 + 3
    for subject, real in zip(ours[:6], training, strict=True):
        np.testing.assert_array_equal(subject.ed.label_ids, real.ed.label_ids)
        assert not np.array_equal(subject.ed.image, real.ed.image)
    assert [subject.kind for subject in ours[6:]] == ["intersubject"] * 3


def test_randomised_ones_are_as_many_with_real_labels_and_a_contrast_each(sources, training):
    randomised = sources[RANDOMISED]
    assert len(randomised) == len(sources[OURS])
    np.testing.assert_array_equal(randomised[6].ed.label_ids, training[0].ed.label_ids)
    assert not np.array_equal(randomised[6].ed.image, randomised[0].ed.image)


def test_they_are_a_function_of_the_seed(sources, training):
    again, other = (Sources(ExactModels, training, 3, seed) for seed in (0, 1))
    for name in (OURS, RANDOMISED):
        np.testing.assert_array_equal(again[name][8].ed.image, sources[name][8].ed.image)
        assert not np.array_equal(other[name][8].ed.image, sources[name][8].ed.image)
