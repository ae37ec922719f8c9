from pathlib import Path

import pytest

from cmrtf.datasets.base import (
    PhaseFiles,
    RawSubject,
    SkippedSubject,
    gather,
    require_partner,
    visible_files,
    volume_file,
)
from cmrtf.errors import FileError


def test_linked_folders_are_followed_once_and_hidden_files_are_not(tmp_path):
    for name in ("a/deep/x.txt", "b/y.txt", "b/._y.txt", ".hidden/z.txt"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "w.txt").touch()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")
    assert [path.name for path in visible_files(tmp_path / "data")] == ["x.txt", "y.txt", "w.txt"]


def test_a_volume_is_compressed_unless_only_the_other_is_there(tmp_path):
    assert volume_file(tmp_path, "a").name == "a.nii.gz"
    (tmp_path / "a.nii").touch()
    assert volume_file(tmp_path, "a").name == "a.nii"
    (tmp_path / "a.nii.gz").touch()
    assert volume_file(tmp_path, "a").name == "a.nii.gz"


def test_the_missing_file_of_a_pair_is_named(tmp_path):
    image, label = tmp_path / "image.nii", tmp_path / "label.nii"
    image.touch()
    with pytest.raises(FileError, match=r"image\.nii: expected the label label\.nii beside it"):
        require_partner(image, label)
    label.touch()
    require_partner(image, label)
    image.unlink()
    with pytest.raises(FileError, match=r"label\.nii: expected the image image\.nii beside it"):
        require_partner(image, label)


def test_subjects_that_cannot_be_read_do_not_stop_the_others():
    def read_one(code, what):
        if what == "bad":
            raise FileError(Path(f"{code}.txt"), "expected good. Received: bad.")
        return SkippedSubject(code, what) if what == "no labels" else RawSubject(code, "A", "", {})

    cohort = gather("test", [("s1", "good"), ("s2", "bad"), ("s3", "no labels")], read_one)
    assert [raw.subject for raw in cohort.subjects] == ["s1"]
    assert cohort.skipped == (SkippedSubject("s3", "no labels"),)
    (problem,) = cohort.problems
    assert (problem.subject, str(problem)) == ("s2", "s2.txt: expected good. Received: bad.")


def test_files_go_by_their_roles():
    files = PhaseFiles(Path("cine.nii"), Path("labels.nii"), frame=0, is_cine=True)
    raw = RawSubject("s1", "", "", {"ED": files})
    assert raw.files == {"ED image": Path("cine.nii"), "ED label": Path("labels.nii")}
    assert raw.label_to_schema == {0: 0, 1: 1, 2: 2, 3: 3}
