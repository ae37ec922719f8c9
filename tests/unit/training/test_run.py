import dataclasses
import json
import subprocess
import sys

import pytest

from cmrtf.core.json_files import with_checksum
from cmrtf.errors import CmrtfError
from cmrtf.training.run import RECIPES, RunDirectory

HOLD = """\
import sys, pathlib
from cmrtf.training.run import RunDirectory
with RunDirectory(pathlib.Path(sys.argv[1]), "label_vae", None, 0, "").lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def vae_run(path, config):
    return RunDirectory(path, "label_vae", config, 5, "abc")


@pytest.fixture
def run(tmp_path, vae_config):
    run = vae_run(tmp_path / "runs" / "vae", vae_config)
    run.start(resume=False)
    return run


def test_a_run_that_is_started_can_be_opened(run):
    assert RunDirectory.open(run.path, "label_vae") == run


def test_the_record_holds_settings_and_versions_and_no_folder(run):
    text = (run.path / "run.json").read_text()
    record = json.loads(text)
    assert record["config"]["widths"] == [4, 4]
    assert record["config"]["augmentation"]["rotation_degrees"] == 0.0
    assert (record["seed"], record["data_hash"]) == (5, "abc")
    assert {"cmrtf", "python", "tensorflow", "keras", "numpy"} <= set(record["versions"])
    assert str(run.path.parent) not in text


def test_a_run_may_start_in_an_empty_folder(tmp_path, gan_config):
    RunDirectory(tmp_path, "spade_gan", gan_config, 0, "abc").start(resume=False)
    assert (tmp_path / "run.json").is_file()


def test_a_folder_that_holds_something_is_refused(run, vae_config):
    with pytest.raises(CmrtfError, match=r"vae: expected a new or empty folder for the run\. .*--resume"):
        run.start(resume=False)
    with pytest.raises(CmrtfError, match="expected a new or empty folder"):
        vae_run(run.path / "run.json", vae_config).start(resume=False)


def test_a_folder_must_be_writable(tmp_path, vae_config):
    (tmp_path / "file").write_text("")
    with pytest.raises(CmrtfError, match=r"file/run: expected a folder that can be written"):
        vae_run(tmp_path / "file" / "run", vae_config).start(resume=False)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(CmrtfError, match=r"expected a training run, but it holds no run\.json"):
        RunDirectory.open(tmp_path, "label_vae")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"kind": "label_vae"}'])
def test_a_damaged_record_is_refused(run, text):
    (run.path / "run.json").write_text(text)
    with pytest.raises(CmrtfError, match=r"run\.json: expected the record of a training run"):
        RunDirectory.open(run.path, "label_vae")


def test_a_record_with_a_foreign_entry_is_refused(run):
    record = json.loads((run.path / "run.json").read_text())
    record["config"]["colour"] = "red"
    (run.path / "run.json").write_text(json.dumps(with_checksum(record)))
    with pytest.raises(CmrtfError, match=r"run\.json: expected entries among .*Received: 'colour'"):
        RunDirectory.open(run.path, "label_vae")


def test_a_run_of_another_kind_is_refused(run):
    with pytest.raises(CmrtfError, match=r"expected a run of kind spade_gan\. Received: label_vae"):
        RunDirectory.open(run.path, "spade_gan")


def test_a_run_is_resumed_with_its_own_settings_and_left_as_it_is(run, vae_config):
    before = (run.path / "run.json").stat()
    vae_run(run.path, vae_config).start(resume=True)
    assert (run.path / "run.json").stat() == before


def test_resuming_where_there_is_none_starts_one(tmp_path, vae_config):
    vae_run(tmp_path / "new", vae_config).start(resume=True)
    assert (tmp_path / "new" / "run.json").is_file()


def test_a_run_that_was_stopped_before_its_record_was_written_can_be_started(
    tmp_path, vae_config, monkeypatch
):
    def stop(run):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunDirectory, "_write", stop)
        with pytest.raises(KeyboardInterrupt):
            vae_run(tmp_path / "new", vae_config).start(resume=False)
    (tmp_path / "new" / "run.lock").touch()
    (tmp_path / "new" / ".partial-run.json").write_text("{")
    vae_run(tmp_path / "new", vae_config).start(resume=True)


def test_a_run_that_was_trained_otherwise_can_be_read_but_not_continued(run, monkeypatch):
    run.start(resume=True)
    monkeypatch.setitem(RECIPES, "label_vae", 2)
    assert RunDirectory.open(run.path, "label_vae") == run
    with pytest.raises(CmrtfError, match=r"run\.json: expected a run that this version trains on"):
        run.start(resume=True)


def test_a_run_of_other_networks_is_refused(tmp_path, gan_config):
    RunDirectory(tmp_path, "spade_gan", gan_config, 0, "abc").start(resume=False)
    record = json.loads((tmp_path / "run.json").read_text())
    del record["recipe"], record["checksum"]  # as before there was one
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(CmrtfError, match=r"run\.json: expected a run whose networks this version has"):
        RunDirectory.open(tmp_path, "spade_gan")


def test_settings_that_differ_are_named(run, vae_config):
    augmentation = dataclasses.replace(vae_config.augmentation, scaling=0.5)
    other = dataclasses.replace(vae_config, latent_dim=9, augmentation=augmentation)
    with pytest.raises(CmrtfError) as error:
        RunDirectory(run.path, "label_vae", other, 6, "abd").start(resume=True)
    text = str(error.value)
    assert "expected the settings that the run was started with" in text
    for difference in (
        "config.augmentation.scaling: started with 0.0, asked for 0.5",
        "config.latent_dim: started with 3, asked for 9",
        "data_hash: started with abc, asked for abd",
        "seed: started with 5, asked for 6",
    ):
        assert difference in text
    assert "depth" not in text


def test_last_metrics_are_the_last_row_of_the_log(run):
    assert run.last_metrics() == {}
    run.log.write_text("step,loss,kl\n")
    assert run.last_metrics() == {}
    run.log.write_text("step,loss,kl\n2,5.5,1\n4,4.5,2\n")
    assert run.last_metrics() == {"loss": 4.5, "kl": 2.0}


def test_a_run_is_held_by_one_process_until_it_ends_however_it_ends(tmp_path):
    run = vae_run(tmp_path / "run", None)
    command = [sys.executable, "-c", HOLD, run.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        message = r"run: expected a run that no other process trains\. Received: one that another process is "
        with pytest.raises(CmrtfError, match=message), run.lock():
            pass
        other.kill()
        other.wait()
        with run.lock():
            pass


def test_a_run_cannot_be_held_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CmrtfError, match="file/run"), vae_run(tmp_path / "file" / "run", None).lock():
        pass
