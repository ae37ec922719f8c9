import functools
import os
import shutil

import keras
import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.models.label_vae import LabelVAE
from cmrtf.training.checkpoints import Checkpoints, restore_for_inference


@functools.cache
def _compiled(latent_dim):
    model = LabelVAE(4, 16, latent_dim, (4, 4), 1)
    model.compile(keras.optimizers.Adam(0.01), 1.0, 1)
    return model


def _model(latent_dim=3):
    """The same one each time, filled with ones: to build one takes longer than what is shown of it."""
    model = _compiled(latent_dim)
    _fill(model, 1)
    return model


def _fill(model, value):
    for variable in (*model.variables, *model.optimizer.variables):
        variable.assign(np.full(variable.shape, value))


def _values(model):
    variables = (*model.weights, *model.optimizer.variables)
    return {float(value) for variable in variables for value in np.unique(variable)}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Checkpoints of steps 2 and 4, filled with 2 and 4: to read only."""
    model, folder = _model(), tmp_path_factory.mktemp("written") / "checkpoints"
    checkpoints = Checkpoints(model, folder)
    for step in (2, 4):
        _fill(model, step)
        checkpoints.save(step)
    return folder


@pytest.fixture
def saved(written, tmp_path):
    """A copy of them that a test may damage."""
    return shutil.copytree(written, tmp_path / "checkpoints")


def test_without_a_checkpoint_the_step_is_0(tmp_path):
    assert Checkpoints(_model(), tmp_path / "checkpoints").restore() == 0


def test_weights_statistics_and_optimizer_come_back(saved):
    model = _model()
    assert Checkpoints(model, saved).restore() == 4
    assert _values(model) == {4.0}


def test_a_folder_whose_name_is_a_pattern_to_tensorflow_is_read_again(tmp_path):
    model, folder = _model(), tmp_path / "run[1]" / "checkpoints"
    folder.parent.mkdir()
    _fill(model, 2)
    Checkpoints(model, folder).save(2)
    _fill(model, 3)
    assert Checkpoints(model, folder).restore() == 2
    assert _values(model) == {2.0}


def test_the_last_two_are_kept(saved):
    model = _model()
    Checkpoints(model, saved).save(6)
    assert {path.stem.split(".")[0] for path in saved.glob("ckpt-*")} == {"ckpt-4", "ckpt-6"}


@pytest.mark.parametrize("part", ["ckpt-4.index", "ckpt-4.data-00000-of-00001"])
@pytest.mark.parametrize("damage", ["cut", "overwritten", "gone", "pipe"])
def test_where_the_last_is_damaged_the_one_before_is_used(saved, part, damage):
    file = saved / part
    content = file.read_bytes()
    if damage in ("gone", "pipe"):
        file.unlink()
        if damage == "pipe":
            os.mkfifo(file)
    else:
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"\0" * len(content))
    model = _model()
    assert Checkpoints(model, saved).restore() == 2
    assert _values(model) == {2.0}


def test_one_more_than_the_damaged_is_kept(saved):
    """A run that goes on from step 2 and stops at 3 must not lose 2 to the damaged 4."""
    (saved / "ckpt-4.index").write_bytes(b"")
    checkpoints = Checkpoints(_model(), saved)
    checkpoints.restore()
    checkpoints.save(3)
    assert checkpoints.steps() == [2, 3]


def test_what_a_killed_process_left_behind_goes_with_the_next_save(saved):
    (saved / "ckpt-6_temp").mkdir()
    (saved / "ckpt-6_temp" / "part-00000-of-00001").write_bytes(b"half")
    (saved / "ckpt-5.data-00000-of-00001.tempstate123").write_bytes(b"half")
    Checkpoints(_model(), saved).save(7)
    assert {path.name.split(".")[0] for path in saved.iterdir()} == {"ckpt-4", "ckpt-7"}


def test_what_the_user_put_beside_them_stays(saved):
    (saved / "notes.txt").write_text("mine")
    (saved / "ckpt-4.index.bak").write_text("mine")
    (saved / "ckpt-best").mkdir()
    Checkpoints(_model(), saved).save(7)
    Checkpoints(_model(), saved).save(8)
    left = {path.name for path in saved.iterdir() if not path.name.startswith(("ckpt-7.", "ckpt-8."))}
    assert left == {"notes.txt", "ckpt-4.index.bak", "ckpt-best"}


def test_a_checkpoint_of_another_run_is_refused(tmp_path, saved):
    Checkpoints(_model(), tmp_path / "other", "seed 1").save(4)
    assert Checkpoints(_model(), tmp_path / "other", "seed 1").restore() == 4
    with pytest.raises(
        CmrtfError, match=r"ckpt-4: expected .* this run, seed 0\. Received: one of .* seed 1"
    ):
        restore_for_inference(_model(), tmp_path / "other", "seed 0")
    assert Checkpoints(_model(), saved, "seed 0").restore() == 4, "earlier versions wrote no origin"


def test_what_metrics_have_summed_up_comes_back(tmp_path):
    model = _model()
    for loss in (1.0, 2.0):
        model.trackers["kl"].update_state([loss])
    Checkpoints(model, tmp_path).save(1)
    other = _model()
    Checkpoints(other, tmp_path).restore()
    other.trackers["kl"].update_state([6.0])
    assert float(other.trackers["kl"].result()) == 3.0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_not_saved(saved, value):
    model = _model()
    bad = model.optimizer.variables[5]
    bad.assign(np.full(bad.shape, value))
    message = f"expected finite numbers in step 6. Received: NaN or infinity, first in {bad.path}. The same"
    with pytest.raises(CmrtfError, match=message):
        Checkpoints(model, saved).save(6)
    assert Checkpoints(_model(), saved).restore() == 4


def test_after_a_damaged_one_training_can_go_on(saved):
    (saved / "ckpt-4.index").write_bytes(b"")
    model = _model()
    checkpoints = Checkpoints(model, saved)
    checkpoints.restore()
    _fill(model, 5)
    checkpoints.save(4)
    assert Checkpoints(_model(), saved).restore() == 4


def test_where_all_are_damaged_it_says_so(saved):
    for file in saved.glob("*.index"):
        file.write_bytes(b"")
    message = r"checkpoints: expected a checkpoint of this configuration\. Received: 2 that cannot be read"
    with pytest.raises(CmrtfError, match=message):
        Checkpoints(_model(), saved).restore()


def test_a_checkpoint_of_another_configuration_is_refused(saved):
    with pytest.raises(CmrtfError, match="expected a checkpoint of this configuration"):
        Checkpoints(_model(latent_dim=5), saved).restore()


def test_a_checkpoint_that_cannot_be_written_leaves_the_others(saved):
    model = _model()
    checkpoints = Checkpoints(model, saved)
    # Where its temporary file would be, there is a folder.
    (saved / "ckpt-6.data-00000-of-00001").mkdir()
    (saved / "ckpt-6.index").mkdir()
    with pytest.raises(CmrtfError, match=r"expected to save the checkpoint of step 6, but: .*--resume"):
        checkpoints.save(6)
    assert Checkpoints(_model(), saved).restore() == 4


def test_inference_needs_no_optimizer(saved):
    model = LabelVAE(4, 16, 3, (4, 4), 1)
    assert restore_for_inference(model, saved) == 4
    assert {float(value) for weight in model.weights for value in np.unique(weight)} == {4.0}


def test_inference_needs_a_checkpoint(tmp_path):
    message = r"checkpoints: expected a checkpoint of a trained model\. Received: none; train it first"
    with pytest.raises(CmrtfError, match=message):
        restore_for_inference(_model(), tmp_path / "checkpoints")


def test_for_inference_the_last_checkpoint_is_needed(saved):
    """An earlier one is not what the run says of itself."""
    (saved / "ckpt-4.index").write_bytes(b"")
    message = r"ckpt-4: expected the last checkpoint of the run\. Received: one that is damaged.*from step 2"
    with pytest.raises(CmrtfError, match=message):
        restore_for_inference(_model(), saved)


def test_a_damaged_checkpoint_that_is_passed_over_is_named(saved, caplog):
    (saved / "ckpt-4.index").write_bytes(b"")
    Checkpoints(_model(), saved).restore()
    assert "ckpt-4: expected a checkpoint of this configuration. Received: one that is damaged" in caplog.text


def test_other_files_are_no_checkpoints(saved):
    (saved / "ckpt-last.index").touch()
    assert Checkpoints(_model(), saved).steps() == [2, 4]


@pytest.mark.parametrize("suffix", [".index", ".data-00000-of-00001"])
def test_no_flipped_byte_comes_back_as_a_weight(saved, suffix):
    file = saved / f"ckpt-4{suffix}"
    content = file.read_bytes()
    for place in np.random.default_rng(0).integers(len(content), size=5):
        file.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        model = _model()
        _fill(model, 9)
        step = Checkpoints(model, saved).restore()
        assert (step, _values(model)) in [(2, {2.0}), (4, {4.0})]
