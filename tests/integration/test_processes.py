"""Runs that are killed, spread over two processes or devices, or to give the same bits.

All in processes of their own, forked from one that has imported TensorFlow.
"""

import csv
import dataclasses
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml

from cmrtf.training.run import RunDirectory
from cmrtf.training.train import train_vae
from cmrtf.training.train_segmenter import TrainedSegmenter
from graphs import as_traced


@pytest.fixture(scope="module")
def config(vae_config):
    """Without interpolations, which would double what every process traces."""
    return dataclasses.replace(vae_config, steps=8, interval_steps=4, between_weight=0.0)


@pytest.fixture(scope="module")
def undisturbed(tiny_cohort, config, tmp_path_factory):
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    with as_traced():
        train_vae(tiny_cohort, run, config)
    return run


@pytest.fixture(scope="module")
def out(tiny_cohort, config, gan_config, tmp_path_factory):
    """The folder in which `train_in_processes.py` trained."""
    folder = tmp_path_factory.mktemp("processes")
    plain = {"vae": dataclasses.asdict(config), "gan": dataclasses.asdict(gan_config)}
    plain["vae"]["widths"] = list(config.widths)
    (folder / "preset.yaml").write_text(yaml.safe_dump(plain))
    script = Path(__file__).with_name("train_in_processes.py")
    delays = [str(random.uniform(0.0, 0.5)) for _ in range(2)]  # other moments each time
    done = subprocess.run(
        [sys.executable, script, tiny_cohort, folder / "preset.yaml", folder, *delays],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def _codes(out, name):
    return json.loads((out / "codes.json").read_text())[name]


def _log(run):
    with (run / "log.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def _saved(run):
    last = max((run / "checkpoints").glob("*.index"), key=lambda file: int(file.stem.split("-")[1]))
    reader = tf.train.load_checkpoint(str(last.with_suffix("")))
    names = [name for name in reader.get_variable_to_shape_map() if not name.startswith("_CHECKPOINTABLE")]
    return {name: reader.get_tensor(name) for name in names}


def _assert_same_bits(run, expected):
    assert (run / "log.csv").read_bytes() == (expected / "log.csv").read_bytes()
    saved, wanted = _saved(run), _saved(expected)
    assert saved.keys() == wanted.keys()
    for name, values in wanted.items():
        np.testing.assert_array_equal(saved[name], values, err_msg=name)


def test_a_run_that_is_killed_again_and_again_ends_as_if_it_had_not_been(
    out, undisturbed, tiny_cohort, config
):
    assert -9 in _codes(out, "killed")
    with as_traced():
        train_vae(tiny_cohort, out / "killed", config, resume=True)
    _assert_same_bits(out / "killed", undisturbed)


def test_where_one_of_two_processes_dies_the_other_says_so(out):
    assert _codes(out, "one dies") == [1, -9]
    said = " ".join((out / "dies-0.txt").read_text().split())
    assert "expected all machines of TF_CONFIG to take every step. Received: one that is gone" in said
    assert "Start the same command with --resume on all of them." in said


def test_where_one_of_two_processes_is_stopped_both_stop_at_the_same_step_and_it_is_saved(out):
    assert _codes(out, "one is stopped") == [143, 143]
    said = (out / "stopped-0.txt").read_text()
    assert "Stopped by SIGTERM, saved after step" in said
    assert "To go on: the same command with --resume." in said


def test_two_processes_train_as_one(out, undisturbed):
    """Also after one of them died and returned: the same weights on both, and those of one process."""
    assert _codes(out, "both return") == [0, 0]
    chief, other = (np.load(out / f"weights-{index}.npz") for index in (0, 1))
    saved = _saved(undisturbed)
    assert len(chief.files) > 20
    for number, name in enumerate(chief.files):
        np.testing.assert_array_equal(chief[name], other[name])
        alone = saved[f"weights/{number}/.ATTRIBUTES/VARIABLE_VALUE"]
        np.testing.assert_allclose(chief[name], alone, atol=1e-3)
    for row, alone in zip(_log(out / "machines"), _log(undisturbed), strict=True):
        assert row == pytest.approx(alone, rel=0.01)


def test_deterministic_runs_have_the_same_bits_though_one_is_killed_and_resumed(out):
    assert _codes(out, "same bits") == [0, -9, 0]
    _assert_same_bits(out / "same-1", out / "same-2")


def test_a_run_trains_on_two_devices(out):
    """The GAN's steps on two devices are those of tests/unit/models/test_replicas.py."""
    assert _codes(out, "devices") == [0]
    run = RunDirectory.open(out / "devices" / "vae", "label_vae")
    assert (run.checkpoints / "ckpt-4.index").is_file()
    assert np.isfinite(list(run.last_metrics().values())).all()


def test_a_segmenter_trains_on_two_devices_after_it(out):
    trained = TrainedSegmenter.load(out / "devices" / "segmenter")
    assert np.isfinite(trained.features(np.zeros((1, 16, 16), np.float32))).all()


def test_a_batch_that_two_devices_cannot_share_is_refused_before_anything_is_written(out):
    refused = json.loads((out / "devices" / "refused.json").read_text())
    for name in ("vae", "gan"):
        assert "batch_size=3 on 2 devices" in refused[name]
