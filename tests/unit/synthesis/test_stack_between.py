import numpy as np
import pytest

from area_double import A, AreaModels, B, area_subject
from cmrtf.synthesis.encoded_stack import encode_ends
from cmrtf.synthesis.stack_between import (
    decode_labels_between,
    geometry_between,
    stack_between,
    styles_between,
    synthesize_between,
)


def _ends():
    return [encode_ends(AreaModels(), [end], "ED")[0] for end in (A, B)]


def test_codes_of_labels_and_styles_are_mixed_by_the_weight():
    labels = decode_labels_between(AreaModels(), *_ends(), 0.25, 3, repaired=False)
    areas = 0.75 * np.array([10, 25, 40]) + 0.25 * np.array([40, 50, 60])
    np.testing.assert_allclose(labels.sum((1, 2)), areas, atol=0.5)
    styles = styles_between(*_ends(), 0.25, 3)
    expected = 0.75 * np.array([-1.0, -0.25, 0.5]) + 0.25 * np.array([0.0, 0.5, 1.0])
    np.testing.assert_allclose(styles[:, 0], expected, atol=1e-6)


class LenientModels(AreaModels):
    """Decodes codes of empty slices, too."""

    def decode(self, codes):
        return super().decode(np.minimum(codes, 100))


def test_of_two_slices_both_may_miss_the_heart():
    """Of ends that are exact too: there is nothing to add what the decoder misses to."""
    subject = area_subject("C3", [0, 10, 20, 30, 0], [0.0] * 5)
    (end,) = encode_ends(LenientModels(), [subject], "ED", exact_ends=True)
    assert not decode_labels_between(LenientModels(), end, end, 0.0, 2).any()


def test_images_have_the_styles_of_their_place():
    labels = np.zeros((3, 10, 10), np.uint8)
    images = synthesize_between(AreaModels(), *_ends(), 0.5, labels)
    np.testing.assert_allclose(images[:, 0, 0], styles_between(*_ends(), 0.5, 3)[:, 0])


def test_a_stack_has_labels_and_the_image_of_them():
    stack = stack_between(AreaModels(), *_ends(), 0.5, 3, repaired=False)
    np.testing.assert_array_equal(
        stack.label_ids, decode_labels_between(AreaModels(), *_ends(), 0.5, 3, repaired=False)
    )
    np.testing.assert_allclose(stack.image[:, 0, 0], styles_between(*_ends(), 0.5, 3)[:, 0])
    assert stack.intensity_window == pytest.approx((5.0, 200.0))


def test_a_stack_between_stands_where_the_first_stands_with_a_spacing_between():
    """A's 3 gaps of 10 mm and B's 2 of 8 mm, over 3 new gaps."""
    middle = geometry_between(A.ed.geometry, B.ed.geometry, 0.5, 4)
    assert middle.spacing_mm == pytest.approx((1.5, 1.5, (30 + 16) / 3 / 2))
    source = A.ed.affine
    np.testing.assert_allclose(middle.affine @ [2, 7, 1.5, 1], source @ [2, 7, 1.5, 1], atol=1e-9)
    np.testing.assert_allclose(middle.affine[:3, :2], source[:3, :2], atol=1e-12)
    np.testing.assert_allclose(np.cross(middle.affine[:3, 2], source[:3, 2]), 0, atol=1e-9)
