import errno
import json

import numpy as np
import pytest

from cmrtf.core.nifti import read_nifti
from cmrtf.errors import CmrtfError
from cmrtf.report import outputs as writing
from cmrtf.report.outputs import SyntheticSubjects, write_outputs
from interpolated import beating, interpolated


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    out = tmp_path_factory.mktemp("outputs") / "nested" / "out"
    subjects = interpolated()
    write_outputs(out, subjects, {"seed": 0})
    return out, [subject for subject in subjects if subject.is_synthetic]


def test_all_outputs_are_there_and_nothing_else(written):
    out, subjects = written
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    folders = [f"{subject.id}_{phase}" for subject in subjects for phase in ("ED", "ES")]
    volumes = {f"{folder}/{name}.nii.gz" for folder in folders for name in ("image", "label")}
    assert files == volumes | {"measures.csv", "figure.png", "report.html", "provenance.json"}
    assert [path.name for path in out.parent.iterdir()] == ["out"]
    listed = json.loads((out / "provenance.json").read_text())["outputs_sha256"]
    assert set(listed) == files - {"provenance.json"}


def test_volumes_lie_on_the_source_in_its_units(written):
    out, subjects = written
    for folder, stack in [(f"{s.id}_{phase}", stack) for s in subjects for phase, stack in s.stacks.items()]:
        label = read_nifti(out / folder / "label.nii.gz")
        image = read_nifti(out / folder / "image.nii.gz")
        assert label.data.dtype == np.uint8
        assert image.data.dtype == np.float32
        assert np.array_equal(label.data.transpose(2, 1, 0), stack.label_ids)
        np.testing.assert_allclose(image.data.transpose(2, 1, 0), 110 + 100 * stack.image, atol=1e-3)
        np.testing.assert_allclose(label.affine, stack.affine, atol=1e-5)
        np.testing.assert_allclose(image.affine, stack.affine, atol=1e-5)


def test_a_beating_heart_is_a_cine_beside_its_phases(tmp_path):
    (subject,) = (one for one in interpolated(code_b=None) if one.is_synthetic)
    write_outputs(tmp_path / "out", [beating(subject)], {"seed": 0})
    image, labels = (
        read_nifti(tmp_path / "out" / f"{subject.id}_cine" / f"{name}.nii.gz") for name in ("image", "label")
    )
    assert image.data.shape == labels.data.shape == (*subject.ed.geometry.shape, 4)
    np.testing.assert_array_equal(labels.data[..., 1].T, subject.es.label_ids)
    assert (tmp_path / "out" / "cine.csv").is_file()
    provenance = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert (provenance["es_frame"], provenance["frame_s"]) == (1, 0.2)
    assert "cine.csv" in provenance["outputs_sha256"]


def test_an_empty_folder_is_used(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    write_outputs(out, interpolated(code_b=None, phases=("ED",)), {})
    assert (out / "intra_P001_ED" / "image.nii.gz").is_file()


def test_an_existing_result_is_kept(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CmrtfError, match=str(tmp_path)):
        write_outputs(tmp_path, interpolated(), {})
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(CmrtfError, match="out: "):
        write_outputs(tmp_path / "out", interpolated(), {})


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_: object):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing, "write_report", full)
    with pytest.raises(CmrtfError, match=r"out: .*No space left"):
        write_outputs(tmp_path / "out", interpolated(code_b=None, phases=("ED",)), {})
    assert list(tmp_path.iterdir()) == []


def test_a_bug_leaves_nothing_behind_and_shows_itself(tmp_path, monkeypatch):
    def broken(*_: object):
        raise ZeroDivisionError

    monkeypatch.setattr(writing, "write_figure", broken)
    with pytest.raises(ZeroDivisionError):
        write_outputs(tmp_path / "out", interpolated(code_b=None, phases=("ED",)), {})
    assert list(tmp_path.iterdir()) == []


def test_synthetic_subjects_are_a_sequence_of_them_without_the_sources():
    subjects = interpolated()
    sources = [subject for subject in subjects if not subject.is_synthetic]
    synthetic = [subject for subject in subjects if subject.is_synthetic]
    result = SyntheticSubjects(synthetic, sources, {})
    assert (len(result), list(result), result[1], result[:2]) == (5, synthetic, synthetic[1], synthetic[:2])
    assert repr(result) == "SyntheticSubjects(5: inter_03, inter_02, inter_01, intra_P002, intra_P001)"


def test_synthetic_subjects_save_all_outputs(tmp_path):
    subjects = interpolated(code_b=None, phases=("ED",))
    result = SyntheticSubjects(subjects[1:], subjects[:1], {"seed": 5})
    result.save(str(tmp_path / "out"))
    assert json.loads((tmp_path / "out" / "provenance.json").read_text())["seed"] == 5
    lines = (tmp_path / "out" / "measures.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["subject", "source_P001", "intra_P001"]


def test_a_notebook_shows_a_table_of_all_subjects():
    subjects = interpolated(code_a="<b>", code_b=None, phases=("ED",))
    page = SyntheticSubjects(subjects[1:], subjects[:1], {})._repr_html_()
    assert page.count("<tr>") == 3
    assert "source_&lt;b&gt;" in page
    edv_ml = subjects[0].measures()["LV_EDV_ml"]
    assert f"<td>0.00</td><td>{edv_ml:.1f}</td><td></td>" in page
