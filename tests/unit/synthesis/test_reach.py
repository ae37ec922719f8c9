import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.synthesis.reach import require_heart, require_reached

WANTED_ML = np.array([150.0, 100.0, 160.0, 60.0, 110.0, 80.0])


def test_what_is_near_was_reached():
    require_reached("S1", WANTED_ML, WANTED_ML * 1.09)


def test_what_was_missed_is_named_with_what_was_reached():
    reached_ml = WANTED_ML * [0.8, 1.0, 1.0, 0.8, 1.0, 1.0]
    with pytest.raises(CmrtfError) as error:
        require_reached("subject S1, step 2 of 2", WANTED_ML, reached_ml)
    assert str(error.value).startswith(
        "subject S1, step 2 of 2: expected EDV 150.0 ml, ESV 60.0 ml. Received: EDV 120.0 ml, ESV 48.0 ml, "
    )


@pytest.mark.parametrize(("torn", "is_heart"), [(1, True), (2, False)])
def test_a_heart_is_none_when_more_than_a_fifth_of_its_slices_are_deformed(torn, is_heart):
    slices = np.zeros((5, 32, 32), np.uint8)
    slices[:, 8:24, 8:24], slices[:, 12:20, 12:20], slices[:, 8:24, 3:8] = 2, 1, 3
    slices[:torn, :, 6:8] = 0
    labels = {"ED": slices[:2], "ES": slices[2:]}
    if is_heart:
        require_heart("S1", labels)
        return
    with pytest.raises(
        CmrtfError, match=r"S1: expected a heart\. Received: 2 of 5 slices deformed \(RV apart"
    ):
        require_heart("S1", labels)
