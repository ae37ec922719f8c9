import json

import numpy as np
import pytest

from cmrtf.cohort.cohort import MANIFEST_NAME, PreparedCohort
from cmrtf.cohort.part import join_cohorts, write_part
from cmrtf.errors import CmrtfError
from prepared_cohort import write_cohort

SPLITS = {"S2": "train", "S4": "train", "S1": "validation"}


@pytest.fixture
def cohort(tmp_path):
    return PreparedCohort.open(write_cohort(tmp_path / "cohort", unknown={"S2": {"ED": {"RV": [0]}}}))


def test_a_part_has_the_stacks_of_its_subjects_and_a_split_of_its_own(cohort, tmp_path):
    part = write_part(cohort, tmp_path / "part", SPLITS)
    assert part.codes("train") == ("S2", "S4")
    assert part.codes("validation") == ("S1",)
    for code in SPLITS:
        np.testing.assert_array_equal(part[code].ed.image, cohort[code].ed.image)
    assert not part["S2"].ed.knows("RV") or part["S2"].ed.unknown.any()
    assert len(list((tmp_path / "part/subjects").iterdir())) == 3


def test_a_part_is_other_data(cohort, tmp_path):
    part = write_part(cohort, tmp_path / "part", SPLITS)
    same = write_part(cohort, tmp_path / "same", dict(reversed(SPLITS.items())))
    other = write_part(cohort, tmp_path / "other", SPLITS | {"S1": "train"})
    assert part.data_hash == same.data_hash
    assert len({cohort.data_hash, part.data_hash, other.data_hash}) == 3


def test_how_the_cohort_was_made_and_warnings_of_its_subjects_are_kept(cohort, tmp_path):
    path = cohort.path / MANIFEST_NAME
    manifest = json.loads(path.read_text())
    warnings = [{"subject": code, "warning": "look at it"} for code in ("S2", "S3")]
    path.write_text(json.dumps(manifest | {"warnings": warnings, "source_format": "acdc"}))
    write_part(PreparedCohort.open(cohort.path), tmp_path / "part", SPLITS)
    part = json.loads((tmp_path / "part" / MANIFEST_NAME).read_text())
    assert part["warnings"] == warnings[:1]
    assert part["source_format"] == "acdc"
    assert "checksum" in part


def test_an_unknown_subject_is_refused_and_nothing_is_written(cohort, tmp_path):
    with pytest.raises(CmrtfError, match="'S9'"):
        write_part(cohort, tmp_path / "part", {"S9": "train"})
    assert not (tmp_path / "part").exists()


def test_a_taken_folder_is_refused(cohort):
    with pytest.raises(CmrtfError, match="cohort"):
        write_part(cohort, cohort.path, SPLITS)


def test_a_cohort_in_shards_is_refused(cohort, tmp_path):
    with pytest.raises(CmrtfError, match="without --beam"):
        write_part(PreparedCohort(cohort.path, object()), tmp_path / "part", SPLITS)


def test_two_cohorts_become_one_and_every_subject_keeps_its_split(cohort, tmp_path):
    rest = {"S3": "train"}
    parts = [write_part(cohort, tmp_path / str(k), splits) for k, splits in enumerate((SPLITS, rest))]
    both = join_cohorts(*parts, tmp_path / "both")
    assert both.codes("train") == ("S2", "S3", "S4")
    assert both.codes("validation") == ("S1",)
    np.testing.assert_array_equal(both["S3"].es.label_ids, cohort["S3"].es.label_ids)


def test_a_code_of_both_is_refused(cohort, tmp_path):
    part = write_part(cohort, tmp_path / "part", SPLITS)
    with pytest.raises(CmrtfError, match="S1, S2, S4 of both"):
        join_cohorts(cohort, part, tmp_path / "both")
    assert not (tmp_path / "both").exists()
