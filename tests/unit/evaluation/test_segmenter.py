from dataclasses import replace

import numpy as np

from cmrtf.core.unknown import from_slices
from cmrtf.evaluation.segmenter import dice_per_subject, segment_subjects
from evaluation_doubles import GREY, GreySegmenter, with_images, with_labels


def test_each_phase_of_each_subject_is_segmented(held_out):
    exact = [
        subject.with_stacks({p: s.with_image(GREY[s.label_ids]) for p, s in subject.stacks.items()})
        for subject in held_out
    ]
    segmentations = segment_subjects(GreySegmenter(), exact)
    assert [list(segmentation) for segmentation in segmentations] == [["ED", "ES"]] * 4
    np.testing.assert_array_equal(segmentations[1]["ES"], held_out[1].es.label_ids)
    assert dice_per_subject(exact, segmentations) == {name: [1.0] * 4 for name in ("LV", "MYO", "RV")}


def test_dice_is_averaged_over_the_stacks_of_a_subject(held_out):
    subject = held_out[0]
    segmentation = {"ED": subject.ed.label_ids, "ES": np.zeros_like(subject.es.label_ids)}
    assert dice_per_subject([subject], [segmentation])["LV"] == [0.5]


def test_a_structure_that_is_nowhere_has_no_dice(held_out):
    subject = with_labels(held_out[0], lambda label_ids: np.where(label_ids == 3, 0, label_ids))
    segmentation = {phase: stack.label_ids for phase, stack in subject.stacks.items()}
    assert np.isnan(dice_per_subject([subject], [segmentation])["RV"]).all()


def test_segmentations_are_of_the_images(held_out):
    dark = with_images(held_out[0], lambda image: np.full_like(image, GREY[2]))
    (segmentation,) = segment_subjects(GreySegmenter(), [dark])
    assert (segmentation["ED"] == 2).all()


def test_unknown_structures_have_no_dice(held_out):
    stack = next(iter(held_out[0].stacks.values()))
    unknown = from_slices({"RV": range(stack.num_slices)}, stack.num_slices)
    subject = held_out[0].with_stacks({"ED": replace(stack, unknown=unknown)})
    overlap = dice_per_subject([subject], [{"ED": stack.label_ids}])
    assert overlap["LV"] == [1.0]
    assert np.isnan(overlap["RV"]).all()
