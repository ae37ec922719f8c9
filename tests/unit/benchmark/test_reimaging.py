import numpy as np

from cmrtf.benchmark.reimaging import reimage


def test_labels_stay_and_images_are_others_in_the_same_range(held_out):
    for before, after in zip(held_out, reimage(held_out), strict=True):
        for phase, stack in after.stacks.items():
            np.testing.assert_array_equal(stack.label_ids, before.stacks[phase].label_ids)
            assert stack.image.min() == -1.0
            assert stack.image.max() == 1.0
            difference = np.abs(stack.image - before.stacks[phase].image).mean()
            assert difference > 0.05


def test_the_recipe_is_fixed_and_each_patient_has_its_own(held_out):
    first, again = reimage(held_out), reimage(held_out)
    np.testing.assert_array_equal(first[1].ed.image, again[1].ed.image)
    same = reimage([held_out[0], held_out[0]])
    assert not np.array_equal(same[0].ed.image, same[1].ed.image)


def test_tissues_stay_as_bright_as_each_other(held_out):
    """Contrast changes, but no tissue becomes another's: blood stays brighter than myocardium."""
    for subject in reimage(held_out):
        for stack in subject.stacks.values():
            assert stack.image[stack.label_ids == 1].mean() > stack.image[stack.label_ids == 2].mean() + 0.2
