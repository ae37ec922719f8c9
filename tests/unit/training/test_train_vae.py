import logging
import re

import numpy as np
import pytest
import tensorflow as tf

from cmrtf.metrics.overlap import dice
from cmrtf.networks.gaussian import Gaussian
from cmrtf.training.train_vae import ReconstructionReport


class FakeVAE:
    """Codes a map as the areas of its labels, or as nothing; decodes the LV's square from its area."""

    def __init__(self, collapsed=False):
        self.collapsed = collapsed

    def encode(self, label_ids):
        areas = tf.reduce_mean(tf.one_hot(tf.cast(label_ids, tf.int32), 4), axis=[1, 2])
        mean = areas * (0.01 if self.collapsed else 10.0)
        return Gaussian(mean, tf.zeros_like(mean))

    def decode(self, code):
        square = tf.cast(tf.reduce_max(code[:, 1:2], -1) > -1, tf.int32)[:, None, None] * _square(8)
        return tf.one_hot(square, 4)


def _square(size):
    label_ids = np.zeros((1, size, size), np.int32)
    label_ids[:, 2:6, 2:6] = 1
    return label_ids


@pytest.fixture
def stacks():
    """LV areas of 0, 8 and 16 pixels beside one of myocardium and one of RV."""
    stack = np.zeros((3, 8, 8), np.uint8)
    stack[:, 0, :2] = 2, 3
    stack[1, 2:4, 2:6] = 1
    stack[2, 2:6, 2:6] = 1
    return [(stack, None), (np.ascontiguousarray(stack[::-1]), None)]


def test_reconstructions_are_scored_per_stack_and_drawn(stacks, tmp_path):
    metrics = ReconstructionReport(FakeVAE(), stacks, tmp_path)(30)
    reconstruction = np.repeat(_square(8), 3, axis=0)
    assert metrics["dice_LV"] == pytest.approx(dice(stacks[0][0], reconstruction)["LV"])
    assert metrics["active_dims"] == 2  # background and LV vary, the others do not
    assert [path.name for path in tmp_path.iterdir()] == ["step_000030.png"]


def test_slices_in_which_a_structure_is_unknown_are_not_scored(stacks, tmp_path):
    """The first slice has the LV as the decoder draws it; the LV of the two others is unknown."""
    unknown = np.zeros((3, 4), np.bool_)
    unknown[1:, 1] = True
    label_ids, _ = stacks[1]
    metrics = ReconstructionReport(FakeVAE(), [(label_ids, unknown)], tmp_path)(30)
    reconstruction = np.repeat(_square(8), 3, axis=0)
    assert metrics["dice_LV"] == pytest.approx(dice(label_ids[:1], reconstruction[:1])["LV"])
    assert metrics["dice_LV"] != pytest.approx(dice(label_ids, reconstruction)["LV"])


def test_a_collapsed_posterior_is_warned_of(stacks, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "cmrtf"):
        metrics = ReconstructionReport(FakeVAE(collapsed=True), stacks, tmp_path)(30)
    assert metrics["active_dims"] == 0
    assert re.search(
        "step 30: the posterior has collapsed.*Lower kl_weight or lengthen kl_warmup", caplog.text
    )


def test_a_posterior_in_use_is_not_warned_of(stacks, tmp_path, caplog):
    ReconstructionReport(FakeVAE(), stacks, tmp_path)(30)
    assert "collapsed" not in caplog.text


def test_without_validation_stacks_nothing_is_reported(tmp_path):
    assert ReconstructionReport(FakeVAE(), [], tmp_path)(30) == {}
    assert not list(tmp_path.iterdir())
