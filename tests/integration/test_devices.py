import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from cmrtf.training.run import RunDirectory
from cmrtf.training.train_segmenter import TrainedSegmenter


@pytest.fixture(scope="module")
def out(tiny_cohort, vae_config, gan_config, tmp_path_factory):
    """The VAE and a segmenter, trained in one process on two devices, one after the other."""
    folder = tmp_path_factory.mktemp("devices")
    configs = {"vae": vae_config, "gan": gan_config}
    plain = {name: dataclasses.asdict(config) for name, config in configs.items()}
    plain["vae"]["widths"] = list(vae_config.widths)
    (folder / "preset.yaml").write_text(yaml.safe_dump(plain))
    script = Path(__file__).with_name("train_on_devices.py")
    done = subprocess.run(
        [sys.executable, script, tiny_cohort, folder / "preset.yaml", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def test_a_run_trains_on_two_devices(out):
    """The GAN's steps on two devices are those of tests/unit/models/test_replicas.py."""
    run = RunDirectory.open(out / "vae", "label_vae")
    assert (run.checkpoints / "ckpt-4.index").is_file()
    assert np.isfinite(list(run.last_metrics().values())).all()


def test_a_segmenter_trains_after_it(out):
    features = TrainedSegmenter.load(out / "segmenter").features(np.zeros((1, 16, 16), np.float32))
    assert np.isfinite(features).all()


def test_a_batch_that_cannot_be_shared_out_is_refused_before_anything_is_written(out):
    refused = json.loads((out / "refused.json").read_text())
    for name in ("vae", "gan"):
        assert "batch_size=3 on 2 devices" in refused[name]
