import numpy as np
import pytest

from cmrtf.metrics.overlap import dice
from cmrtf.shape.plausibility import check_stack
from cmrtf.synthesis.anatomy import PLACES, Anatomy
from heart_double import RingModels

UPRIGHT = np.zeros(3, np.float32)
TURNED = np.array([40.0, 6.0, -9.0], np.float32)
ED, ES = (18.0, 12.0, 16.0), (17.0, 8.0, 13.0)


def heart(ends_mm=((0.0, 80.0), (0.0, 60.0)), pose=UPRIGHT):
    """Rings that grow from apex to base."""
    taper = np.linspace(0.5, 1.0, PLACES)[:, None]
    codes = np.stack([taper * ED, taper * ES]).astype(np.float32)
    return Anatomy(codes, np.array(ends_mm, np.float32), pose)


def radii(label_ids):
    """What `RingModels` decodes, read off again: areas of the LV, and the height of the RV."""
    left = [np.sqrt((label_ids == 1).sum(axis=(1, 2)) / np.pi)]
    outer = [np.sqrt(np.isin(label_ids, (1, 2)).sum(axis=(1, 2)) / np.pi)]
    right = [(label_ids == 3).any(axis=2).sum(axis=1) / 2.0]
    return np.stack(outer + left + right, axis=1).astype(np.float32)


def labelled(stack):
    return np.flatnonzero(stack.any(axis=(1, 2)))


@pytest.mark.parametrize("pose", [UPRIGHT, TURNED])
def test_what_was_decoded_is_encoded_as_it_was_and_without_its_pose(pose):
    known = heart(pose=pose)
    found = Anatomy.encode(radii, known.decode(RingModels(), 20.0), 20.0, pose)
    np.testing.assert_array_equal(found.ends_mm, known.ends_mm)
    np.testing.assert_array_equal(found.pose, pose)
    np.testing.assert_allclose(found.codes, known.codes, atol=0.6)


def test_places_lie_evenly_between_the_labelled_slices():
    """Codes count pixels; a slice between others that is not labelled has no code."""
    stack = np.zeros((8, 4, 4), np.uint8)
    for k, pixels in ((2, 1), (3, 2), (4, 5), (6, 9)):
        stack[k].flat[:pixels] = 2

    def count(label_ids):
        return (label_ids > 0).sum(axis=(1, 2), dtype=np.float32)[:, None]

    found = Anatomy.encode(count, {"ED": stack, "ES": stack[1:]}, 10.0, UPRIGHT)
    expected = np.interp(np.linspace(2.0, 6.0, PLACES), [2.0, 3.0, 4.0, 6.0], [1.0, 2.0, 5.0, 9.0])
    np.testing.assert_allclose(found.codes, np.stack([expected, expected])[..., None], rtol=1e-6)
    np.testing.assert_array_equal(found.ends_mm, [[0.0, 40.0], [-10.0, 30.0]])


def test_slices_are_those_closest_to_the_ends_with_a_margin():
    ends, on_slices = heart(((0.0, 83.0), (-6.0, 66.0))).slices(10.0)
    np.testing.assert_array_equal(ends, [[0, 8], [-1, 7]])
    assert on_slices == range(-2, 10)


def test_a_heart_shorter_than_a_slice_has_two():
    ends, _ = heart(((0.0, 80.0), (20.0, 24.0))).slices(10.0)
    np.testing.assert_array_equal(ends, [[0, 8], [2, 3]])


@pytest.mark.parametrize("slice_spacing_mm", [4.0, 10.0, 20.0])
def test_a_heart_is_as_long_and_as_large_on_any_spacing(slice_spacing_mm):
    stacks = heart().decode(RingModels(), slice_spacing_mm)
    for phase, length_mm, (outer, cavity, _) in (("ED", 80.0, ED), ("ES", 60.0, ES)):
        (first, *_, last) = shown = labelled(stacks[phase])
        assert first == 1
        assert (last - first) * slice_spacing_mm == pytest.approx(length_mm)
        assert len(shown) == last - first + 1
        apex, base = stacks[phase][first], stacks[phase][last]
        assert (base == 1).sum() == pytest.approx(np.pi * cavity**2, rel=0.05)
        assert (apex > 0).sum() < (base > 0).sum()
        assert (base == 2).sum() == pytest.approx(np.pi * (outer**2 - cavity**2), rel=0.05)
    assert len(stacks["ED"]) == len(stacks["ES"]) == 80 / slice_spacing_mm + 3


def test_a_decoded_heart_lies_in_its_pose():
    pose = np.array([90.0, 6.0, -9.0], np.float32)
    upright, moved = (heart(pose=p).decode(RingModels(), 40.0)["ED"] for p in (UPRIGHT, pose))
    expected = np.roll(np.rot90(upright, axes=(1, 2)), (6, -9), (1, 2))
    assert min(dice(moved, expected).values()) > 0.999


def test_what_is_decoded_is_repaired():
    class Specked(RingModels):
        def decode(self, codes):
            label_ids = super().decode(codes)
            label_ids[:, 2, 2] = 3
            return label_ids

    assert not check_stack(Specked().decode(np.array([ED]))).is_plausible
    decoded, clean = (heart().decode(models, 20.0)["ES"] for models in (Specked(), RingModels()))
    np.testing.assert_array_equal(decoded, clean)


def test_codes_between_two_hearts_decode_to_a_heart_between():
    small, large = heart(), heart()
    large = Anatomy(large.codes + np.float32(6.0), large.ends_mm + np.float32([0.0, 20.0]), UPRIGHT)
    middle = Anatomy((small.codes + large.codes) / 2, (small.ends_mm + large.ends_mm) / 2, UPRIGHT)
    stack = middle.decode(RingModels(), 10.0)["ED"]
    assert len(labelled(stack)) == 10
    base = stack[labelled(stack)[-1]]
    assert (base == 1).sum() == pytest.approx(np.pi * (ED[1] + 3.0) ** 2, rel=0.05)
