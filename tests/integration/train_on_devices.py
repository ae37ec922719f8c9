"""Not a test: trains the VAE and then a segmenter on two logical CPUs, for `train_in_processes.py`."""

import dataclasses
import json

import tensorflow as tf

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.errors import CmrtfError
from cmrtf.training.config import GANConfig, VAEConfig, load_config
from cmrtf.training.input_pipeline import Slices
from cmrtf.training.train import train_gan, train_vae
from cmrtf.training.train_segmenter import SegmenterConfig, train_segmenter


def main(cohort, preset, out):
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    jobs = (("vae", train_vae, VAEConfig), ("gan", train_gan, GANConfig))
    refused = {}
    for name, train, config_class in jobs:
        config = load_config(preset, config_class)
        try:
            train(cohort, out / name, dataclasses.replace(config, batch_size=3))
        except CmrtfError as error:
            refused[name] = str(error)
        assert not (out / name).exists()
    train_vae(cohort, out / "vae", load_config(preset, VAEConfig, steps=4))
    tiny = SegmenterConfig(widths=(4, 4), batch_size=2)
    training = Slices.of_split(PreparedCohort.open(cohort), "train")
    trained = train_segmenter(training.image, training.label_ids, steps=2, progress=False, config=tiny)
    trained.save(out / "segmenter")
    (out / "refused.json").write_text(json.dumps(refused))
