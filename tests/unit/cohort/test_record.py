import json

import numpy as np
import pytest

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.record import SubjectRecord


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
    arrays = {
        phase: (np.zeros((6, 8, 8), np.float32), np.zeros((6, 8, 8), np.uint8)) for phase in ("ED", "ES")
    }
    subject = record.subject_of(arrays)
    assert (subject.name, subject.kind, subject.phases) == ("patient001", "source", ("ED", "ES"))
    assert subject.es.intensity_window == record.intensity_window["ES"]
    assert subject.ed.geometry is record.geometry
