import errno
import json

import numpy as np
import pytest

from cmrtf.core.nifti import read_nifti
from cmrtf.errors import CmrtfError
from cmrtf.report import outputs as writing
from cmrtf.report.outputs import write_outputs


@pytest.fixture(scope="module")
def written(make_walk, tmp_path_factory):
    out = tmp_path_factory.mktemp("walk") / "nested" / "out"
    subjects, references = make_walk()
    write_outputs(out, subjects, references, {"seed": 0})
    return out, subjects


def test_all_outputs_are_there_and_nothing_else(written) -> None:
    out, subjects = written
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    volumes = {f"{s.folder}/{kind}.nii.gz" for s in subjects for kind in ("image", "label")}
    assert files == volumes | {"measures.csv", "figure.png", "report.html", "provenance.json"}
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    listed = json.loads((out / "provenance.json").read_text())["outputs_sha256"]
    assert set(listed) == files - {"provenance.json"}


def test_volumes_lie_on_the_source_in_its_units(written) -> None:
    out, subjects = written
    for subject in subjects:
        label = read_nifti(out / subject.folder / "label.nii.gz")
        image = read_nifti(out / subject.folder / "image.nii.gz")
        assert label.data.dtype == np.uint8
        assert image.data.dtype == np.float32
        assert np.array_equal(label.data.transpose(2, 1, 0), subject.label_ids)
        np.testing.assert_allclose(image.data.transpose(2, 1, 0), 110 + 100 * subject.image, atol=1e-3)
        np.testing.assert_allclose(label.affine, subject.affine, atol=1e-5)
        np.testing.assert_allclose(image.affine, subject.affine, atol=1e-5)


def test_an_empty_folder_is_used(make_walk, tmp_path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    write_outputs(out, *make_walk(code_b=None, phases=("ED",)), {})
    assert (out / "intra_P001_ED" / "image.nii.gz").is_file()


def test_an_existing_result_is_kept(make_walk, tmp_path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(
        CmrtfError, match=r"expected a folder that does not exist yet, or an empty one.*taken"
    ):
        write_outputs(tmp_path, *make_walk(), {})
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_is_no_folder(make_walk, tmp_path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(CmrtfError, match=r"out: expected a folder that does not exist yet.*taken"):
        write_outputs(tmp_path / "out", *make_walk(), {})


def test_a_full_disk_leaves_nothing_behind(make_walk, tmp_path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing, "write_report", full)
    with pytest.raises(CmrtfError, match=r"out: expected to be able to write here. Received: No space left"):
        write_outputs(tmp_path / "out", *make_walk(code_b=None, phases=("ED",)), {})
    assert list(tmp_path.iterdir()) == []


def test_a_bug_leaves_nothing_behind_and_shows_itself(make_walk, tmp_path, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(writing, "write_figure", broken)
    with pytest.raises(ZeroDivisionError):
        write_outputs(tmp_path / "out", *make_walk(code_b=None, phases=("ED",)), {})
    assert list(tmp_path.iterdir()) == []
