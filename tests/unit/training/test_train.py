import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cmrtf.core.json_files import with_checksum
from cmrtf.errors import CmrtfError
from cmrtf.training.config import GANConfig, VAEConfig, load_config
from cmrtf.training.precision import resolved
from cmrtf.training.run import RunDirectory
from cmrtf.training.train import plan_run, train_gan, train_vae
from prepared_cohort import write_cohort

KINDS = {"label_vae": (train_vae, VAEConfig), "spade_gan": (train_gan, GANConfig)}


@pytest.fixture
def cohort(tmp_path):
    return write_cohort(tmp_path / "data" / "prepared")


@pytest.fixture
def started(cohort, tmp_path, vae_config):
    """A run of four steps in intervals of two that has left its banks."""
    planned, _ = plan_run("label_vae", cohort, tmp_path / "runs" / "vae", vae_config, seed=3)
    planned.start(resume=False)
    for bank in ("anatomy_bank.npz", "style_bank.json"):
        (planned.path / bank).touch()
    return planned


def resumed(started, **asked):
    planned, _ = plan_run("label_vae", asked.pop("prepared", None), started.path, resume=True, **asked)
    planned.start(resume=True)
    return planned


@pytest.mark.parametrize("kind", KINDS)
def test_paths_may_be_text_and_a_preset_is_refused_before_anything_is_written(kind, cohort, tmp_path):
    train, _ = KINDS[kind]
    with pytest.raises(CmrtfError, match=r"nope: expected a preset"):
        train(str(cohort), str(tmp_path / "run"), "nope")
    with pytest.raises(CmrtfError, match=r"steps: expected a whole number .*Received: 0"):
        train(str(cohort), str(tmp_path / "run"), steps=0)
    with pytest.raises(CmrtfError, match=r"settings, precision: expected auto or float32 or"):
        train(str(cohort), str(tmp_path / "run"), settings={"precision": 8})
    assert not (tmp_path / "run").exists()


def test_what_cannot_be_trained_is_refused_without_tensorflow(tmp_path):
    code = """
import sys, cmrtf
try:
    cmrtf.train_vae("nowhere", sys.argv[1])
except cmrtf.CmrtfError as error:
    assert "manifest.json" in str(error), error
sys.exit("tensorflow" in sys.modules or "keras" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "run"], check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_preset_a_new_run_has_that_of_the_processor(kind, cohort, tmp_path):
    planned, opened = plan_run(kind, cohort, tmp_path / "run")
    config = load_config("cpu", KINDS[kind][1])
    assert planned.config == dataclasses.replace(config, precision=resolved(config.precision))
    assert (planned.seed, planned.data_hash) == (0, opened.data_hash)


def test_a_run_knows_its_cohort_and_settings_when_it_is_continued(started, cohort):
    planned = resumed(started)
    assert planned == started
    assert planned.config == started.config
    assert planned.seed == 3
    assert json.loads((started.path / "run.json").read_text())["prepared"] == "../../data/prepared"


def test_run_and_cohort_may_be_moved_together(started, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for name in ("data", "runs"):
        shutil.move(tmp_path / name, tmp_path / "elsewhere" / name)
    moved = dataclasses.replace(started, path=tmp_path / "elsewhere" / "runs" / "vae")
    assert resumed(moved).data_hash == started.data_hash


def test_a_run_whose_cohort_is_gone_says_where_it_was_and_takes_another_place(started, cohort, tmp_path):
    shutil.move(cohort, tmp_path / "moved")
    with pytest.raises(
        CmrtfError, match=r"run\.json: expected its prepared cohort at .*data/prepared, where it"
    ):
        resumed(started)
    assert resumed(started, prepared=tmp_path / "moved").prepared == "../../moved"
    assert resumed(started).prepared == "../../moved"


def test_a_cohort_with_a_name_that_no_file_has_is_none(started):
    record = json.loads((started.path / "run.json").read_text()) | {"prepared": "a" * 5000}
    (started.path / "run.json").write_text(json.dumps(with_checksum(record)))
    with pytest.raises(CmrtfError, match=r"run\.json: expected its prepared cohort at .*aaa, where it was"):
        resumed(started)


def test_a_run_of_before_is_continued_with_its_cohort_named(started, cohort):
    record = json.loads((started.path / "run.json").read_text())
    for name in ("prepared", "earlier_steps"):
        del record[name]
    record["versions"] = {"cmrtf": "0.1.0"}
    (started.path / "run.json").write_text(json.dumps(with_checksum(record)))
    with pytest.raises(
        CmrtfError, match=r"run\.json: expected its prepared cohort named in it\. Received: none"
    ):
        resumed(started)
    resumed(started, prepared=cohort)
    added = {"prepared": "../../data/prepared", "earlier_steps": []}
    assert json.loads((started.path / "run.json").read_text()) == with_checksum(record | added)


def test_a_new_run_needs_a_cohort(tmp_path):
    with pytest.raises(CmrtfError, match=r"run: expected a prepared cohort, or a run to continue"):
        plan_run("label_vae", None, tmp_path / "run", resume=True)


def test_a_run_is_not_continued_on_another_cohort(started, tmp_path):
    other = write_cohort(tmp_path / "other", vendors="AAB")
    with pytest.raises(CmrtfError, match=r"data_hash: started with \w+, asked for \w+"):
        resumed(started, prepared=other)


@pytest.mark.parametrize("asked", [{"steps": 7}, {"settings": {"steps": 8}}])
def test_a_run_is_made_longer_and_what_it_left_for_its_bundle_goes(started, asked):
    planned = resumed(started, **asked)
    assert planned.config == dataclasses.replace(started.config, steps=8)
    on_disk = RunDirectory.open(started.path, "label_vae")
    assert (on_disk.config.steps, on_disk.earlier_steps) == (8, (4,))
    assert not list(started.path.glob("*bank*"))
    assert resumed(started).config.steps == 8
    assert resumed(started, steps=10).earlier_steps == (4, 8)


@pytest.mark.parametrize(
    ("asked", "difference"),
    [
        ({"steps": 2}, "config.steps: started with 4, asked for 2"),
        ({"settings": {"learning_rate": 0.5}}, "config.learning_rate: started with 0.01, asked for 0.5"),
        ({"settings": {"latent_dim": 5, "steps": 8}}, "config.latent_dim: started with 3, asked for 5"),
        ({"seed": 4}, "seed: started with 3, asked for 4"),
    ],
)
def test_nothing_but_more_steps_may_be_changed(started, asked, difference):
    before = (started.path / "run.json").read_bytes()
    with pytest.raises(CmrtfError, match=difference):
        resumed(started, **asked)
    assert (started.path / "run.json").read_bytes() == before


def test_a_preset_that_has_more_steps_does_not_make_a_run_longer_by_itself(started, vae_config):
    with pytest.raises(CmrtfError, match=r"config\.steps: started with 4, asked for 40"):
        resumed(started, preset=dataclasses.replace(vae_config, steps=40))


def test_a_folder_that_is_taken_is_refused_before_anything_is_read(started, cohort):
    with pytest.raises(CmrtfError, match="expected a new or empty folder for the run"):
        plan_run("label_vae", cohort, started.path)


def test_of_several_machines_the_chief_checks_the_folder(started, cohort, monkeypatch):
    """The others may see it made already."""
    monkeypatch.setitem(os.environ, "TF_CONFIG", "{}")
    plan_run("label_vae", cohort, started.path)


def test_how_a_run_names_its_cohort_holds_for_links_too(cohort, tmp_path):
    (tmp_path / "link").symlink_to(cohort)
    planned, _ = plan_run("label_vae", tmp_path / "link", Path(tmp_path / "runs" / "new"))
    assert planned.prepared == "../../data/prepared"


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_run_keeps_its_precision_on_another_processor(cohort, tmp_path, policy):
    """`auto` means what the run was started with, whatever this processor would take."""
    settings = {"precision": policy}
    started, _ = plan_run("label_vae", cohort, tmp_path / "run", settings=settings)
    started.start(resume=False)
    planned, _ = plan_run("label_vae", cohort, tmp_path / "run", settings={"precision": "auto"}, resume=True)
    assert planned.config.precision == policy
