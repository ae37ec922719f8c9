import numpy as np
import pytest

from cmrtf.core.geometry import Geometry
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.metrics.overlap import dice
from cmrtf.shape.pose import landmarks, move, pose_between
from cmrtf.shape.signed_distance import signed_distances
from cmrtf.synthesis.encoded_stack import encode_ends
from cmrtf.synthesis.stack_between import decode_labels_between

SIZE, SLICES = 64, 3
AWAY = np.array([80.0, 6.0, -5.0])


class DistanceModels:
    """Codes are signed distances to the contours, so codes between two hearts are as bad as pixels are."""

    def encode(self, label_ids):
        return np.stack([signed_distances(one).ravel() for one in label_ids])

    def decode(self, codes):
        return codes.reshape(-1, 4, SIZE, SIZE).argmax(axis=1).astype(np.uint8)

    def encode_style(self, image):
        return image.mean((1, 2))[:, None]


class HastyModels(DistanceModels):
    """Decodes with a corner of each heart missing."""

    def decode(self, codes):
        label_ids = super().decode(codes)
        label_ids[:, SIZE // 2 + 6 :] = 0
        return label_ids


def heart(pose=None, with_rv=True):
    """A round LV in its wall, an RV beside it; wider towards the base."""
    rows, columns = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    label_ids = []
    for radius in np.linspace(6.0, 8.0, SLICES):
        from_lv, from_rv = np.hypot(rows, columns), np.hypot(rows, columns + radius + 4)
        label_ids.append(np.select([from_lv < radius, from_lv < radius + 4, from_rv < radius], [1, 2, 3], 0))
    upright = np.stack(label_ids).astype(np.uint8)
    upright[upright == (9 if with_rv else 3)] = 0
    return upright if pose is None else move(upright, pose)


def subject(name, label_ids):
    geometry = Geometry.of(np.diag([1.5, 1.5, 8.0, 1.0]), (SIZE, SIZE, SLICES))
    return Subject(name, "source", {"ED": Stack(np.zeros(label_ids.shape, np.float32), label_ids, geometry)})


def between(models, first, second, weight, exact_ends=False):
    ends = subject("A", first), subject("B", second)
    return decode_labels_between(
        models, *encode_ends(models, ends, "ED", exact_ends), weight, SLICES, repaired=False
    )


@pytest.mark.parametrize("weight", [0.25, 0.5, 0.75])
def test_between_a_heart_and_itself_turned_is_the_same_heart_turned_less(weight):
    label_ids = between(DistanceModels(), heart(), heart(AWAY), weight)
    start, end = landmarks(heart()), landmarks(heart(AWAY))
    turn = pose_between(start, landmarks(label_ids))[0]
    assert turn == pytest.approx(weight * pose_between(start, end)[0], abs=2.0)
    expected = move(heart(), pose_between(start, landmarks(label_ids)))
    assert min(dice(label_ids, expected).values()) > 0.9


@pytest.mark.parametrize(("weight", "pose"), [(0.0, None), (1.0, AWAY)])
@pytest.mark.parametrize("models", [DistanceModels(), HastyModels()])
def test_exact_ends_are_exact_however_both_lie(models, weight, pose):
    label_ids = between(models, heart(), heart(AWAY), weight, exact_ends=True)
    np.testing.assert_array_equal(label_ids, heart(pose))


def test_what_the_decoder_misses_moves_with_the_heart():
    """The corner is missing in the pose half way; what is missing of A and of B are then other corners."""
    half_way = between(HastyModels(), heart(), heart(AWAY), 0.5, exact_ends=True)
    true = between(DistanceModels(), heart(), heart(AWAY), 0.5)
    assert min(dice(half_way, true).values()) > 0.9


def test_a_single_end_is_encoded_as_it_lies():
    (encoded,) = encode_ends(DistanceModels(), [subject("A", heart(AWAY))], "ED")
    np.testing.assert_array_equal(encoded.label_codes, DistanceModels().encode(heart(AWAY)))


def test_hearts_of_which_one_has_no_rv_are_not_moved():
    moved = heart(AWAY)
    first, second = encode_ends(
        DistanceModels(), [subject("A", heart(with_rv=False)), subject("B", moved)], "ED"
    )
    np.testing.assert_array_equal(second.label_codes, DistanceModels().encode(moved))
    assert not first.pose_at(second.landmarks).any()
