from dataclasses import replace

import numpy as np
import pytest

from cmrtf.adaptation.predicted_labels import MOST_REPAIRED, labels_on_source, predict_labels
from cmrtf.core.preparation import crop_geometry, prepare_labels
from cmrtf.metrics.overlap import dice
from cmrtf.quality.image_files import read_image


def _predicted(segmenter, path):
    return predict_labels(segmenter.segment, read_image(path), path)


def test_labels_lie_on_the_voxels_of_the_image(segmenter, unlabelled, hearts):
    (stack,) = _predicted(segmenter, unlabelled / "P1/P1_sa.nii.gz").values()
    assert stack.label_ids.shape == hearts["ED"].shape
    assert all(value > 0.98 for value in dice(stack.label_ids, hearts["ED"]).values())
    assert stack.lv_ml == pytest.approx(np.sum(hearts["ED"] == 1) * 1.5 * 1.5 * 10 / 1000, rel=0.01)
    assert stack.problem is None


def test_ed_and_es_are_the_frames_with_the_largest_and_the_smallest_lv(segmenter, unlabelled):
    predicted = _predicted(segmenter, unlabelled / "deep/P2/P2.nii.gz")
    assert {phase: stack.frame for phase, stack in predicted.items()} == {"ED": 1, "ES": 2}
    assert predicted["ES"].lv_ml < 0.5 * predicted["ED"].lv_ml
    assert "expected implausible labels in 8 %" in predicted["ES"].problem


def test_what_looks_like_no_heart_is_not_believed(segmenter, unlabelled):
    (stack,) = _predicted(segmenter, unlabelled / "P3/P3.nii").values()
    assert stack.problem


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"lv_ml": 900.0}, "10 to 600 ml. Received: 900 ml"), ({"repaired_share": 0.2}, "8 % .*in 20 %")],
)
def test_labels_are_believed_within_limits(segmenter, unlabelled, change, problem):
    (stack,) = _predicted(segmenter, unlabelled / "P1/P1_sa.nii.gz").values()
    assert stack.repaired_share < MOST_REPAIRED
    with pytest.raises(AssertionError, match=problem):
        assert not replace(stack, **change).problem, replace(stack, **change).problem


def test_nothing_to_see_is_no_obstacle(unlabelled):
    (stack,) = predict_labels(
        lambda images: np.zeros(images.shape, np.uint8),
        read_image(unlabelled / "P1/P1_sa.nii.gz"),
        unlabelled,
    ).values()
    assert stack.problem


@pytest.mark.parametrize("spacing", [1.0, 1.5, 2.2])
def test_preparing_labels_on_their_source_gives_the_labels_again(hearts, spacing):
    affine = np.diag([-spacing, -spacing, 10.0, 1.0])
    geometry = crop_geometry(hearts["ED"] > 0, affine, stack_flipped=False)
    prepared = prepare_labels(hearts["ED"], geometry)
    again = prepare_labels(labels_on_source(prepared, geometry), geometry)
    assert all(value > 0.999 for value in dice(again, prepared).values())
