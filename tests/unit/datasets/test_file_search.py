from cmrtf.datasets.file_search import visible_files


def test_linked_folders_are_followed_once_and_hidden_files_are_not(tmp_path):
    for name in ("a/deep/x.txt", "b/y.txt", "b/._y.txt", ".hidden/z.txt"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "w.txt").touch()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")
    assert [path.name for path in visible_files(tmp_path / "data")] == ["x.txt", "y.txt", "w.txt"]
