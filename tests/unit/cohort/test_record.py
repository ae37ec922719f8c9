import json
from pathlib import Path

import numpy as np
import pytest

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.record import SubjectRecord
from cmrtf.errors import CmrtfError


@pytest.fixture
def record(prepared):
    return PreparedCohort.open(prepared).record("patient001")


def test_a_record_survives_json(record):
    back = SubjectRecord.from_dict(json.loads(json.dumps(record.to_dict())))
    assert (back.phases, back.frames, back.intensity_window) == (
        ("ED", "ES"),
        {"ED": 0, "ES": 2},
        record.intensity_window,
    )
    assert (back.stack_flipped, back.num_slices) == (True, 6)


def test_a_record_without_centre_has_none(record):
    values = record.to_dict()
    del values["centre"]
    assert SubjectRecord.from_dict(values).centre == ""


def test_stacks_lie_where_the_record_says(record):
    shape = (6, 128, 128)
    arrays = {phase: (np.zeros(shape, np.float32), np.zeros(shape, np.uint8)) for phase in ("ED", "ES")}
    subject = record.subject_of(arrays, Path("stacks.npz"))
    assert (subject.name, subject.kind, subject.phases) == ("patient001", "source", ("ED", "ES"))
    assert subject.es.intensity_window == record.intensity_window["ES"]
    assert subject.ed.geometry is record.geometry


@pytest.mark.parametrize(
    ("image", "label", "message"),
    [
        (np.nan, 0, r"stacks\.npz: expected ED image values within \[-1, 1\]\. Received: nan to nan"),
        (np.inf, 0, r"expected ED image values within \[-1, 1\]\. Received: 0 to inf"),
        (-1.5, 0, r"expected ED image values within \[-1, 1\]\. Received: -1\.5 to 0"),
        (0.5, 255, r"stacks\.npz, ED label: expected label values within .*Received: 255"),
    ],
)
def test_stacks_must_have_values_of_prepared_ones(record, image, label, message):
    shape = record.geometry.shape[::-1]
    images, labels = np.zeros(shape, np.float32), np.zeros(shape, np.uint8)
    images[3, 5, 7], labels[3, 5, 7] = image, label
    with pytest.raises(CmrtfError, match=message):
        record.subject_of({"ED": (images, labels)}, Path("stacks.npz"))


def test_stacks_must_have_the_shape_of_the_record(record):
    arrays = {"ED": (np.zeros((5, 128, 128), np.float32), np.zeros((5, 128, 128), np.uint8))}
    with pytest.raises(
        CmrtfError, match=r"stacks\.npz: expected ED image and label of shape \(6, 128, 128\)"
    ):
        record.subject_of(arrays, Path("stacks.npz"))
