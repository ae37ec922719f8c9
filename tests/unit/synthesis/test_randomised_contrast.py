import numpy as np
import pytest

from cmrtf.core.labels import SCHEMA
from cmrtf.synthesis.randomised_contrast import NUM_TISSUES, randomise_contrast, tissue_maps
from evaluation_doubles import real_subjects

SUBJECT = real_subjects()[0][0]


def test_labels_stay_and_images_are_prepared_ones():
    changed = randomise_contrast(SUBJECT, np.random.default_rng(0))
    assert (changed.name, changed.phases) == (SUBJECT.name, SUBJECT.phases)
    for phase, stack in changed.stacks.items():
        np.testing.assert_array_equal(stack.label_ids, SUBJECT.stacks[phase].label_ids)
        assert stack.image.dtype == np.float32
        assert stack.image.min() == -1.0
        assert stack.image.max() == 1.0


def test_a_contrast_is_a_function_of_the_generator():
    first, same, other = (randomise_contrast(SUBJECT, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.ed.image, same.ed.image)
    assert not np.array_equal(first.ed.image, other.ed.image)


def test_blood_is_brighter_than_myocardium_as_often_as_darker():
    brighter = 0
    for seed in range(40):
        stack = randomise_contrast(SUBJECT, np.random.default_rng(seed)).ed
        blood, myocardium = (stack.image[stack.label_ids == label].mean() for label in (1, 2))
        brighter += blood > myocardium
    assert 10 <= brighter <= 30


def test_both_phases_have_one_contrast():
    for seed in range(5):
        stacks = randomise_contrast(SUBJECT, np.random.default_rng(seed)).stacks.values()
        ed, es = (stack.image[stack.label_ids == 1].mean() for stack in stacks)
        assert ed == pytest.approx(es, abs=0.3)


def test_the_background_is_cut_by_brightness_and_the_heart_by_labels():
    stack = SUBJECT.ed
    image = np.where(np.arange(stack.image.shape[2]) < 48, -0.9, 0.6) + 0 * stack.image
    subject = SUBJECT.with_stacks({"ED": stack.with_image(image.astype(np.float32))})
    classes = tissue_maps(subject.stacks)["ED"]
    heart = stack.label_ids > 0
    np.testing.assert_array_equal(classes[heart], stack.label_ids[heart])
    dark, bright = classes[:, :, :40][~heart[:, :, :40]], classes[:, :, 56:][~heart[:, :, 56:]]
    assert dark.max() < bright.min()
    assert dark.min() >= SCHEMA.num_classes
    assert bright.max() < SCHEMA.num_classes + NUM_TISSUES


@pytest.mark.parametrize("grey", [-1.0, 0.3])
def test_an_image_without_contrast_is_no_obstacle(grey):
    stack = SUBJECT.ed.with_image(np.full(SUBJECT.ed.image.shape, grey, np.float32))
    changed = randomise_contrast(SUBJECT.with_stacks({"ED": stack}), np.random.default_rng(0))
    assert np.isfinite(changed.ed.image).all()
