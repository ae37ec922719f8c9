import pytest
import tensorflow as tf

from cmrtf.errors import CmrtfError
from cmrtf.training.loop import opened_run
from cmrtf.training.run import RunDirectory


@pytest.fixture
def run(tmp_path, vae_config):
    return RunDirectory(tmp_path / "run", "label_vae", vae_config, 0, "abc")


def test_an_opened_run_is_on_disk_and_held(run):
    with opened_run(run, resume=False):
        assert RunDirectory.open(run.path, "label_vae") == run
        with pytest.raises(CmrtfError, match="no other process trains"), run.lock():
            pass
    with opened_run(run, resume=True):
        pass


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "No space left on device"), "run: expected to be able to write, but: .*No space left"),
        (tf.errors.UnavailableError(None, None, "gone"), "run: expected all machines of TF_CONFIG"),
    ],
)
def test_what_the_system_refuses_is_said_with_how_to_go_on(run, error, message):
    with pytest.raises(CmrtfError, match=f"{message}.*--resume"), opened_run(run, resume=False):
        raise error
