"""Training as a whole, on 16 x 16 pixels: what it leaves behind, and that it can be stopped at any time."""

import csv
import dataclasses
import json
import os
import resource
import shutil
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.core.stopping import Stopped
from cmrtf.errors import CmrtfError
from cmrtf.training import loop
from cmrtf.training.checkpoints import restore_for_inference
from cmrtf.training.curves import PANELS
from cmrtf.training.distributed import step_function
from cmrtf.training.reporting import Progress
from cmrtf.training.run import RunDirectory
from cmrtf.training.train import train_gan, train_vae
from cmrtf.training.train_gan import build_spade_gan
from cmrtf.training.train_vae import build_label_vae
from graphs import without_graphs
from prepared_cohort import write_cohort


def train(kind, *arguments, **settings):
    """Train the VAE in graphs, and the GAN without, which take ten times as long as these few steps.

    tests/integration/test_processes.py kills and resumes a GAN that trains in graphs.
    """
    if kind == "label_vae":
        train_vae(*arguments, **settings)
    else:
        with without_graphs():
            train_gan(*arguments, **settings)


@pytest.fixture(scope="module", params=["label_vae", "spade_gan"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def config(kind, vae_config, gan_config):
    return {"label_vae": vae_config, "spade_gan": gan_config}[kind]


@pytest.fixture(scope="module")
def whole(kind, config, tiny_cohort, tmp_path_factory):
    """A run of all steps in one go."""
    path = tmp_path_factory.mktemp(kind) / "run"
    train(kind, tiny_cohort, path, config, seed=3)
    return RunDirectory.open(path, kind)


def _saved(run):
    """Every value of the last checkpoint, by name."""
    last = max(run.checkpoints.glob("*.index"), key=lambda file: int(file.stem.split("-")[1]))
    reader = tf.train.load_checkpoint(str(last.with_suffix("")))
    names = sorted(reader.get_variable_to_shape_map())
    return {name: reader.get_tensor(name) for name in names if not name.startswith("_CHECKPOINTABLE")}


def _log(run):
    with run.log.open(newline="") as file:
        return list(csv.DictReader(file))


def _assert_same(run, expected):
    """Figures, and every weight, average, statistic and optimizer slot to the last bit."""
    assert _log(run) == _log(expected)
    saved, wanted = _saved(run), _saved(expected)
    assert saved.keys() == wanted.keys()
    assert len(saved) > 50
    for name, values in wanted.items():
        np.testing.assert_array_equal(saved[name], values, err_msg=name)


@pytest.fixture
def no_curves(monkeypatch):
    """Runs that nobody looks at: drawing takes as long as all else."""
    monkeypatch.setattr(loop, "draw_curves", lambda *_: None)


@pytest.mark.usefixtures("no_curves")
def test_resuming_is_exact(kind, config, whole, tiny_cohort, tmp_path):
    """Where the last checkpoint is damaged its interval is trained again, with the same result."""
    run = dataclasses.replace(whole, path=shutil.copytree(whole.path, tmp_path / "run"))
    damaged = run.checkpoints / "ckpt-4.index"
    damaged.write_bytes(damaged.read_bytes()[:100])
    train(kind, tiny_cohort, run.path, config, seed=3, resume=True)
    _assert_same(run, whole)


def _at(monkeypatch, step, act):
    """Have `act` called as soon as a step is done."""

    class ActingProgress(Progress):
        def advance(self):
            super().advance()
            if self.bar.n == step:
                act()

    monkeypatch.setattr(loop, "Progress", ActingProgress)


@pytest.mark.usefixtures("no_curves")
@pytest.mark.parametrize("kind", ["label_vae"], indirect=True)
def test_sigterm_within_an_interval_saves_and_the_run_goes_on_as_if_it_had_not_come(
    kind, config, whole, tiny_cohort, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        _at(patch, 3, lambda: os.kill(os.getpid(), signal.SIGTERM))
        with pytest.raises(Stopped) as stop:
            train(kind, tiny_cohort, tmp_path / "run", config, seed=3)
    assert stop.value.code == 143
    assert str(stop.value) == "Stopped by SIGTERM, saved after step 3."
    run = RunDirectory.open(tmp_path / "run", kind)
    assert [row["step"] for row in _log(run)] == ["2"]
    train(kind, tiny_cohort, run.path, config, seed=3, resume=True)
    _assert_same(run, whole)


@pytest.mark.usefixtures("no_curves")
@pytest.mark.parametrize("kind", ["label_vae"], indirect=True)
def test_a_step_that_is_not_finite_ends_the_run_and_leaves_the_checkpoint_before(
    kind, config, tiny_cohort, tmp_path, monkeypatch
):
    model = []

    def keep(trained, batches):
        model.append(trained)
        return step_function(trained, batches)

    monkeypatch.setattr(loop, "step_function", keep)
    # As a gradient that is not finite would.
    _at(monkeypatch, 3, lambda: model[0].decoder.weights[0].assign(model[0].decoder.weights[0] * np.nan))
    message = r"run: expected finite numbers in step 4\. .* first in the loss cross_entropy\. The same"
    with pytest.raises(CmrtfError, match=message), without_graphs():
        train(kind, tiny_cohort, tmp_path / "run", config, seed=3)
    run = RunDirectory.open(tmp_path / "run", kind)
    assert [row["step"] for row in _log(run)] == ["2"]
    assert all(np.isfinite(values).all() for values in _saved(run).values())


@pytest.mark.usefixtures("no_curves")
@pytest.mark.parametrize("kind", ["label_vae"], indirect=True)
def test_a_full_disk_ends_the_run_and_leaves_the_checkpoint_before(
    kind, config, tiny_cohort, tmp_path, monkeypatch
):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = (40_000, limits[1])  # bytes of any file: fewer than a checkpoint has, more than a sample
    _at(monkeypatch, 3, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    try:
        message = r"to save the checkpoint of step 4, but: .*1 saved before"
        with pytest.raises(CmrtfError, match=message), without_graphs():
            train(kind, tiny_cohort, tmp_path / "run", config, seed=3)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    run = RunDirectory.open(tmp_path / "run", kind)
    assert restore_for_inference(build_label_vae(config, 16), run.checkpoints) == 2
    assert {path.name.split(".")[0] for path in run.checkpoints.iterdir()} == {"ckpt-2"}


def test_training_moves_every_weight(kind, config, whole):
    build = {"label_vae": build_label_vae, "spade_gan": build_spade_gan}[kind]
    keras.utils.set_random_seed(3)
    fresh, trained = build(config, 16), build(config, 16)
    assert restore_for_inference(trained, whole.checkpoints) == 4
    for before, after in zip(fresh.weights, trained.weights, strict=True):
        assert np.isfinite(after).all(), after.path
        if after.path.endswith(("fields", "frequencies")):  # of noise, which are what they are
            np.testing.assert_array_equal(before, after)
            continue
        # As long as all logits lie within the margins of the hinge, their bias has no gradient.
        if not after.path.endswith("to_logits/bias") or kind == "label_vae":
            assert not np.array_equal(before, after), after.path


def test_every_interval_leaves_a_row_a_picture_and_a_checkpoint(kind, whole):
    names = {
        "label_vae": {
            "loss",
            "cross_entropy",
            "kl",
            "between",
            "dice_LV",
            "dice_MYO",
            "dice_RV",
            "active_dims",
        },
        "spade_gan": {
            "g_hinge",
            "d_hinge",
            "feature_matching",
            "reconstruction",
            "kl",
            "d_real",
            "context",
            "d_fake",
            "val_l1",
        },
    }[kind]
    rows = _log(whole)
    assert [row["step"] for row in rows] == ["2", "4"]
    for row in rows:
        assert names <= set(row)
        assert np.isfinite([float(row[name]) for name in names]).all()
    assert sorted(path.name for path in whole.samples.iterdir()) == ["step_000002.png", "step_000004.png"]
    assert {"ckpt-2.index", "ckpt-4.index"} <= {path.name for path in whole.checkpoints.iterdir()}
    assert any(path.name.startswith("events") for path in whole.tensorboard.rglob("*"))
    assert whole.curves.exists()
    drawn = {name for panel in PANELS[kind].values() for name in panel}
    assert rows[0].keys() - {"step"} <= drawn


def test_a_finished_run_is_left_as_it_is(kind, config, whole, tiny_cohort):
    before = whole.log.read_bytes()
    train(kind, tiny_cohort, whole.path, config, seed=3, resume=True)
    assert whole.log.read_bytes() == before


def test_a_run_is_not_continued_on_other_data(kind, config, whole, tmp_path):
    other = write_cohort(tmp_path / "other", vendors="AAB")
    with pytest.raises(CmrtfError, match=r"data_hash: started with \w+, asked for \w+"):
        train(kind, other, whole.path, config, seed=3, resume=True)


def test_the_gan_leaves_the_styles_of_its_training_subjects(kind, whole):
    if kind == "label_vae":
        assert not (whole.path / "style_bank.json").exists()
    else:
        bank = json.loads((whole.path / "style_bank.json").read_text())
        assert list(bank["subjects"]) == ["S1", "S2", "S3"]
        assert list(bank["vendors"]) == ["A", "B"]
        assert np.shape(bank["vendors"]["B"]["style"]) == (13, 3)
