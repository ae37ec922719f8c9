"""Heart and appearance of a new subject are independent."""

import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.synthesis.generate import generate_subject
from heart_double import TISSUES, RingModels, heart_source

SOURCE = heart_source()


def generated(style="sample", pathology="NOR"):
    """The subject of seed 3."""
    return generate_subject(
        SOURCE.models, SOURCE.prior, SOURCE.bank.find(style), "ONE", seed=3, pathology=pathology
    )


def brightness(subject):
    """`RingModels` adds the style to the grey level of each tissue."""
    greys = np.concatenate([(s.image - TISSUES[s.label_ids]).ravel() for s in subject.stacks.values()])
    np.testing.assert_allclose(greys, greys[0], atol=1e-6)
    return greys[0]


@pytest.mark.parametrize("style", ["P1", "B", "centre:2"])
def test_another_style_has_the_same_heart(style):
    first, other = generated(), generated(style)
    for phase, stack in other.stacks.items():
        np.testing.assert_array_equal(stack.label_ids, first.stacks[phase].label_ids)
    assert brightness(other) != pytest.approx(brightness(first))


def test_another_heart_has_the_same_style_in_both_phases():
    first, other = generated(), generated(pathology="DCM")
    assert brightness(first) == pytest.approx(brightness(other))
    assert not np.array_equal(first.ed.label_ids, other.ed.label_ids)


def test_a_subject_says_whose_look_it_has_and_how_it_was_made():
    subject = generated("centre:2")
    assert (subject.name, subject.kind, subject.vendor, subject.centre) == ("ONE", "generated", "B", "2")
    assert subject.pathology == "NOR"
    assert subject.origin["subject_seed"] == 3
    assert sum(subject.origin["parents"].values()) == pytest.approx(1.0)


def test_a_heart_in_two_places_is_no_heart():
    """Slices that are plausible one by one; `check` would ask which of the two is the heart."""

    class Split(RingModels):
        def decode(self, codes):
            apex = codes[:, 0] < np.median(codes[:, 0])
            label_ids = super().decode(codes)
            label_ids[apex] = np.roll(label_ids[apex], 46, axis=1)
            return label_ids

    with pytest.raises(CmrtfError, match=r"expected a plausible NOR heart .* Received: none"):
        generate_subject(Split(), SOURCE.prior, SOURCE.bank.find("sample"), "ONE", seed=3, pathology="NOR")
