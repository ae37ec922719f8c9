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
    """All models, trained in one process on two devices, as `cmrtf demo` does."""
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


@pytest.mark.parametrize(("name", "kind"), [("vae", "label_vae"), ("gan", "spade_gan")])
def test_both_models_train_one_after_the_other_on_two_devices(out, name, kind):
    run = RunDirectory.open(out / name, kind)
    assert (run.checkpoints / "ckpt-4.index").is_file()
    assert np.isfinite(list(run.last_metrics().values())).all()


def test_a_segmenter_trains_after_them(out):
    features = TrainedSegmenter.load(out / "segmenter").features(np.zeros((1, 16, 16), np.float32))
    assert np.isfinite(features).all()


def test_a_batch_that_cannot_be_shared_out_is_refused_before_anything_is_written(out):
    refused = json.loads((out / "refused.json").read_text())
    for name in ("vae", "gan"):
        assert "batch_size=3 on 2 devices" in refused[name]
