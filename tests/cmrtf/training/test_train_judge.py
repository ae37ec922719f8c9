import json

import pytest

from cmrtf.data.cohort import PreparedCohort
from cmrtf.errors import CmrtfError
from cmrtf.training.train_judge import load_judge


@pytest.fixture(scope="module")
def cohort(tiny_cohort):
    return PreparedCohort.open(tiny_cohort)


@pytest.mark.parametrize("text", [None, "{", "[]", "{}"])
def test_what_is_no_judge_is_refused(cohort, tmp_path, text):
    if text is not None:
        (tmp_path / "judge.json").write_text(text)
    with pytest.raises(CmrtfError, match=r"expected the judge of an earlier evaluation, with a judge\.json"):
        load_judge(tmp_path, cohort)


def test_a_judge_of_another_cohort_is_refused(cohort, tmp_path):
    (tmp_path / "judge.json").write_text(json.dumps({"data_hash": "other", "steps": 1, "seed": 0}))
    with pytest.raises(CmrtfError, match=r"Received: one of data hash other, who may know the held-out"):
        load_judge(tmp_path, cohort)
