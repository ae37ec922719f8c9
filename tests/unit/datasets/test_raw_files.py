import os
from pathlib import Path

import pytest

from cmrtf.datasets.raw_files import is_there, list_files, require_partner, visible_files, volume_file
from cmrtf.errors import FileError


def _problems(root):
    return {issue.subject: issue.problem for issue in list_files(root).issues}


def test_linked_folders_are_followed_once_and_hidden_files_are_not(tmp_path):
    for name in ("a/deep/x.txt", "b/y.txt", "b/._y.txt", ".hidden/z.txt"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "w.txt").touch()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")
    assert [path.name for path in visible_files(tmp_path / "data")] == ["x.txt", "y.txt", "w.txt"]
    assert not list_files(tmp_path / "data").issues


@pytest.mark.parametrize("call", ["scandir", "access"])
def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch, call):
    """Superusers read all: the system's answer is made up."""
    (tmp_path / "closed").mkdir()
    (tmp_path / "open").mkdir()
    original = getattr(os, call)

    def refuse(path, *arguments):
        if os.path.basename(path) != "closed":
            return original(path, *arguments)
        if call == "access":
            return False
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, call, refuse)
    assert _problems(tmp_path) == {
        "closed": "expected to be able to read this folder. Received: Permission denied."
    }


def test_a_link_that_leads_nowhere_is_named_unless_its_reader_knows_whether_it_is_needed(tmp_path):
    for name in ("patient001", "cine.nii.gz", ".hidden"):
        (tmp_path / name).symlink_to("gone")
    assert _problems(tmp_path) == {"patient001": "expected what this link leads to. Received: nothing."}
    assert [path.name for path in visible_files(tmp_path)] == ["cine.nii.gz", "patient001"]


def test_folders_and_volumes_whose_names_are_not_utf8_are_named(tmp_path):
    for name in (b"a\xe9.nii.gz", b"b\xe9.txt"):
        os.close(os.open(os.fsencode(tmp_path) + b"/" + name, os.O_CREAT))
    os.mkdir(os.fsencode(tmp_path) + b"/patient\xfc03")
    assert _problems(tmp_path) == {
        r"patient\xfc03": r"expected a name in UTF-8. Received: patient\xfc03. Rename it.",
        r"a\xe9": r"expected a name in UTF-8. Received: a\xe9.nii.gz. Rename it.",
    }
    assert not visible_files(tmp_path)


def test_a_volume_is_compressed_unless_only_the_other_is_there(tmp_path):
    assert volume_file(tmp_path, "a").name == "a.nii.gz"
    (tmp_path / "a.nii").touch()
    assert volume_file(tmp_path, "a").name == "a.nii"


def test_a_volume_that_is_there_twice_is_no_guess(tmp_path):
    (tmp_path / "a.nii").touch()
    (tmp_path / "a.nii.gz").touch()
    with pytest.raises(FileError, match=r"a\.nii: expected it or a\.nii\.gz. Received: both"):
        volume_file(tmp_path, "a")


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


def test_a_file_of_a_pair_that_is_none_is_named(tmp_path):
    image, label = tmp_path / "image.nii", tmp_path / "label.nii"
    image.touch()
    label.symlink_to("gone")
    assert is_there(label)
    with pytest.raises(
        FileError, match=r"label\.nii: expected a NIfTI file. Received: a link that leads nowh"
    ):
        require_partner(image, label)
    label.unlink()
    os.mkfifo(label)
    with pytest.raises(FileError, match=r"label\.nii: expected a NIfTI file. Received: what is not a file"):
        require_partner(image, label)


def test_the_folder_itself_may_be_the_one_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    (issue,) = list_files(Path()).issues
    assert str(issue) == ".: expected to be able to read this folder. Received: Permission denied."
