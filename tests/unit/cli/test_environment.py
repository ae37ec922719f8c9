import os
import tempfile

import pytest

from cmrtf.errors import CmrtfError
from cmrtf_cli import environment
from cmrtf_cli.environment import settle_environment


@pytest.fixture(autouse=True)
def restored(monkeypatch):
    """The variables of before, afterwards."""
    before = dict(os.environ)
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_settings_of_keras_and_matplotlib_do_not_get_through(monkeypatch):
    for name in ("KERAS_BACKEND", "KERAS_HOME", "KERAS_MAX_EPOCHS", "MPLBACKEND"):
        monkeypatch.setenv(name, "theirs")
    settle_environment()
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    assert "theirs" not in os.environ.values()


def test_where_there_is_no_temporary_folder_it_is_in_memory(monkeypatch):
    usual = tempfile._get_default_tempdir

    def without_tmp():
        if "TMPDIR" in os.environ:
            return usual()
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "_get_default_tempdir", without_tmp)
    settle_environment()
    assert tempfile.gettempdir() == "/dev/shm"


def test_no_place_at_all_is_one_message(monkeypatch):
    def nowhere():
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "_get_default_tempdir", nowhere)
    with pytest.raises(CmrtfError, match="TMPDIR: expected a folder for temporary files"):
        settle_environment()
    assert os.environ["TMPDIR"] == environment.SHARED_MEMORY
