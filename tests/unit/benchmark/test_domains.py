import json

import numpy as np
import pytest

from cmrtf.benchmark.domains import (
    HELD_OUT,
    REIMAGED,
    domains_of_fold,
    require_not_trained_on,
    unseen_domains,
)
from cmrtf.cohort.cohort import MANIFEST_NAME, PreparedCohort
from cmrtf.errors import CmrtfError
from prepared_cohort import write_cohort


@pytest.fixture
def cohort(tmp_path):
    return PreparedCohort.open(write_cohort(tmp_path / "cohort", size=32))


def test_held_out_patients_are_tested_as_they_are_and_reimaged(cohort):
    plain, reimaged = domains_of_fold(cohort, cohort.codes("validation"))
    assert (plain.name, reimaged.name) == (HELD_OUT, REIMAGED)
    assert plain.names == reimaged.names == ["S4"]
    np.testing.assert_array_equal(plain.subjects[0].ed.image, cohort["S4"].ed.image)
    assert plain.identity != reimaged.identity


def test_all_patients_of_an_unseen_cohort_are_tested(cohort):
    (domain,) = unseen_domains({"elsewhere": cohort})
    assert (domain.name, domain.identity) == ("elsewhere", cohort.data_hash)
    assert domain.names == ["S1", "S2", "S3", "S4"]


def test_a_name_of_another_domain_is_refused(cohort):
    with pytest.raises(CmrtfError, match="held-out"):
        unseen_domains({HELD_OUT: cohort})


def _with_hash(folder, code, value):
    path = folder / MANIFEST_NAME
    manifest = json.loads(path.read_text())
    for record in manifest["subjects"]:
        if record["subject"] == code:
            record["source_sha256"] = {"ED image voxels": value}
    path.write_text(json.dumps(manifest))
    return PreparedCohort.open(folder)


def test_a_patient_who_is_trained_on_is_not_unseen(tmp_path):
    """Told by what the images show, under any name."""
    ours = _with_hash(write_cohort(tmp_path / "ours"), "S1", "a" * 64)
    other = _with_hash(write_cohort(tmp_path / "other"), "S3", "b" * 64)
    require_not_trained_on(ours, {"other": other})
    same = _with_hash(write_cohort(tmp_path / "same"), "S3", "a" * 64)
    with pytest.raises(CmrtfError, match="S3, who are in both"):
        require_not_trained_on(ours, {"same": same})
