import dataclasses

import numpy as np
import pytest
from PIL import Image

from cmrtf.training.curves import PANELS, draw_curves
from cmrtf.training.run import RunDirectory


@pytest.fixture
def run(tmp_path, vae_config):
    return RunDirectory(tmp_path, "label_vae", vae_config, 0, "abc")


def test_the_picture_has_a_panel_for_what_is_measured_alike_and_has_been_logged(run):
    draw_curves(run, [(2, {"loss": 3.0, "kl": 1.0})])
    one = Image.open(run.curves)
    draw_curves(run, [(2, {"loss": 3.0}), (4, {"loss": 2.0, "dice_LV": 0.5, "active_dims": 3.0})])
    three = Image.open(run.curves)
    assert three.width == pytest.approx(3 * one.width, abs=2)


def test_every_interval_shows(run):
    draw_curves(run, [(2, {"loss": 3.0}), (4, {"loss": 2.0})])
    straight = np.asarray(Image.open(run.curves))
    draw_curves(run, [(2, {"loss": 3.0}), (3, {"loss": 3.0}), (4, {"loss": 2.0})])
    assert not np.array_equal(np.asarray(Image.open(run.curves)), straight)


def test_a_gan_has_other_panels(run, gan_config):
    gan = dataclasses.replace(run, kind="spade_gan", config=gan_config)
    draw_curves(
        gan, [(2, dict.fromkeys((name for names in PANELS["spade_gan"].values() for name in names), 1.0))]
    )
    assert Image.open(run.curves).width == pytest.approx(5 * 288, abs=8)
