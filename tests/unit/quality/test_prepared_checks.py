import copy
from dataclasses import replace

import numpy as np
import pytest

from cmrtf.core.geometry import Geometry
from cmrtf.core.stack import Stack
from cmrtf.errors import CmrtfError
from cmrtf.quality.prepared_checks import require_prepared
from heart_double import RingModels

ACDC = np.array([0, 3, 2, 1], np.uint8)


def stack(*outer_px):
    """A ring of LV and myocardium in each slice, the RV beside it."""
    codes = np.array([[outer, 0.7 * outer, 0.8 * outer] for outer in outer_px], np.float32)
    label_ids = RingModels().decode(codes)
    image = label_ids / np.float32(3) * 2 - 1
    return Stack(image, label_ids, Geometry.of(np.diag([1.5, 1.5, 10.0, 1.0]), label_ids.shape[::-1]))


def overwritten(stack, **values):
    """A copy whose arrays were written to, which no stack can prevent."""
    copied = copy.deepcopy(stack)
    for name, value in values.items():
        getattr(copied, name)[:] = value
    return copied


ED, ES = stack(10, 16, 20, 22), stack(8, 12, 15, 17)


def test_a_prepared_heart_is_let_through():
    require_prepared("subject S1", {"ED": ED, "ES": ES})
    require_prepared("the stack", {"": ED})


def test_what_rounding_leaves_beyond_the_range_is_let_through():
    require_prepared("subject S1", {"ED": ED.with_image(ED.image * 1.0001)})


@pytest.mark.parametrize(
    ("stacks", "message"),
    [
        ({"ED": ED.with_labels(ACDC[ED.label_ids])}, r"S1, ED: expected LV \(1\) within myocardium"),
        (
            {"ED": ED, "ES": overwritten(ES, label_ids=6)},
            "S1, ES: expected label values within",
        ),
        ({"ED": ED.with_labels(ED.label_ids * 0)}, "S1, ED: .* Received: an empty mask"),
        ({"ES": ES.with_labels(ES.label_ids * (ES.label_ids > 1))}, "S1, ES: expected a label of LV"),
        (
            {"ED": overwritten(ED, image=np.nan)},
            r"S1, ED: expected image values within .* Received: nan to nan",
        ),
        ({"ED": ED.with_image(ED.image * 2)}, r"S1, ED: expected image values within \[-1, 1\].*: -2 to 2"),
        ({"ED": ED, "ES": ED}, "S1, ES: .* Received: the same voxels"),
        (
            {"ED": replace(ED, geometry=Geometry.of(np.diag([1.4, 1.4, 9.0, 1.0]), (128, 128, 4)))},
            "expected a prepared stack, 128 x 128 pixels of 1.5 mm. Received: 128 x 128 of 1.4 x 1.4 mm",
        ),
        (
            {"ED": Stack(ED.image[:, 1:], ED.label_ids[:, 1:], Geometry.of(ED.affine, (128, 127, 4)))},
            "Received: 128 x 127 of",
        ),
    ],
    ids=["order", "values", "empty", "no LV", "NaN", "units", "ED is ES", "spacing", "size"],
)
def test_what_prepare_would_not_make_is_refused(stacks, message):
    with pytest.raises(CmrtfError, match=f"S1.*{message}" if "S1" not in message else message):
        require_prepared("subject S1", stacks)
