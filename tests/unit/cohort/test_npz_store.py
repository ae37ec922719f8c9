import shutil

import numpy as np
import pytest

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.npz_store import subject_file, to_npz
from cmrtf.core.files import sha256
from cmrtf.errors import CmrtfError


@pytest.fixture
def cohort(prepared, tmp_path):
    """A cohort of three patients that a test may damage."""
    return PreparedCohort.open(shutil.copytree(prepared, tmp_path / "prepared"))


def test_equal_stacks_have_equal_bytes(cohort):
    record = cohort.record("patient001")
    assert subject_file(cohort.path, record).name == f"patient001.{record.file_sha256[:12]}.npz"
    assert sha256(to_npz(cohort["patient001"].stacks)) == record.file_sha256


def test_a_missing_file_is_named(cohort):
    subject_file(cohort.path, cohort.record("patient001")).unlink()
    with pytest.raises(
        CmrtfError, match=r"patient001\.\w{12}\.npz: expected the prepared stacks ED, ES of patient001"
    ):
        cohort["patient001"]


@pytest.mark.parametrize("keep", [0, 100, 50_000])
def test_a_damaged_file_is_named(cohort, keep):
    path = subject_file(cohort.path, cohort.record("patient001"))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CmrtfError, match=r"patient001\.\w{12}\.npz: expected the prepared stacks"):
        cohort["patient001"]


def test_a_file_of_another_shape_is_named(cohort):
    short = {
        f"{phase}_{kind}": np.zeros((5, 128, 128), dtype)
        for phase in ("ED", "ES")
        for kind, dtype in (("image", np.float16), ("label", np.uint8))
    }
    np.savez(subject_file(cohort.path, cohort.record("patient001")), **short)
    with pytest.raises(
        CmrtfError,
        match=r"patient001\.\w{12}\.npz: .*ED_image of shape \(5, 128, 128\), expected \(6, 128, 128\)",
    ):
        cohort["patient001"]


def test_slices_follow_one_another_subject_by_subject(cohort):
    images, labels, stacks = cohort.slices("train")
    first = cohort[cohort.codes("train")[0]]
    np.testing.assert_array_equal(images[:6], first.ed.image)
    np.testing.assert_array_equal(labels[6:12], first.es.label_ids)
    assert stacks.tolist() == [number for number in range(4) for _ in range(6)]
