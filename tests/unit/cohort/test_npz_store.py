import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.npz_store import subject_file, to_npz
from cmrtf.core.files import sha256
from cmrtf.core.geometry import Geometry
from cmrtf.core.json_files import with_checksum
from cmrtf.core.stack import Stack
from cmrtf.errors import CmrtfError


@pytest.fixture
def cohort(prepared, tmp_path):
    """A cohort of three patients that a test may damage."""
    return PreparedCohort.open(shutil.copytree(prepared, tmp_path / "prepared"))


def test_equal_stacks_have_equal_bytes(cohort):
    record = cohort.record("patient001")
    assert subject_file(cohort.path, record).name == f"patient001.{record.file_sha256[:12]}.npz"
    assert sha256(to_npz(cohort["patient001"].stacks)) == record.file_sha256


def test_stacks_have_the_bytes_that_they_always_had():
    """In every version of NumPy: the hash of subjects in shards is computed anew when they are read."""
    image, label_ids = np.full((2, 4, 4), 0.25, np.float32), np.ones((2, 4, 4), np.uint8)
    stack = Stack(image, label_ids, Geometry.of(np.eye(4), (4, 4, 2)))
    assert sha256(to_npz({"ED": stack})).startswith("2d0b9c7d6c8d0f16ca02e941730507ca5ebe6")


def test_a_missing_file_is_named(cohort):
    subject_file(cohort.path, cohort.record("patient001")).unlink()
    with pytest.raises(CmrtfError, match=r"patient001\.\w{12}\.npz: expected to be able to read it"):
        cohort["patient001"]


@pytest.mark.parametrize("keep", [0, 100, 50_000])
def test_a_damaged_file_is_named(cohort, keep):
    path = subject_file(cohort.path, cohort.record("patient001"))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CmrtfError, match=r"patient001\.\w{12}\.npz: expected the prepared stacks ED, ES of"):
        cohort["patient001"]


def test_files_that_were_exchanged_are_named(cohort):
    """Or a subject that was held out would be trained on."""
    (trained, _), (held_out,) = cohort.codes("train"), cohort.codes("validation")
    one, other = (subject_file(cohort.path, cohort.record(code)) for code in (trained, held_out))
    one_content = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(one_content)
    for split, code in (("train", trained), ("validation", held_out)):
        message = (
            rf"{code}\.\w+\.npz: expected the prepared stacks ED, ES of {code}.*changed, damaged or exch"
        )
        with pytest.raises(CmrtfError, match=message):
            cohort.slices(split)


def test_a_file_that_holds_something_else_is_named_whatever_the_manifest_says(cohort, tmp_path):
    content = to_npz({"ED": cohort["patient001"].ed})
    record = replace(cohort.record("patient001"), file_sha256=sha256(content))
    subject_file(cohort.path, record).write_bytes(content)
    with pytest.raises(CmrtfError, match=r"expected the prepared stacks ED, ES of patient001\. .*ES_image"):
        cohort.storage.load(record)


def test_a_subject_that_is_there_twice_is_refused(cohort):
    path = cohort.path / "manifest.json"
    manifest = json.loads(path.read_text())
    twice = manifest | {"subjects": manifest["subjects"] + manifest["subjects"][:1]}
    path.write_text(json.dumps(with_checksum(twice)))
    with pytest.raises(CmrtfError, match=r"manifest\.json: expected .*a subject twice"):
        PreparedCohort.open(cohort.path)


def test_slices_follow_one_another_subject_by_subject(cohort):
    images, labels, stacks = cohort.slices("train")
    first = cohort[cohort.codes("train")[0]]
    np.testing.assert_array_equal(images[:6], first.ed.image)
    np.testing.assert_array_equal(labels[6:12], first.es.label_ids)
    assert stacks.tolist() == [number for number in range(4) for _ in range(6)]
