import dataclasses
import datetime
import subprocess
import sys

import pytest
import yaml

from cmrtf.errors import CmrtfError
from cmrtf.models.loss_weights import LossWeights
from cmrtf.training.config import GANConfig, VAEConfig, load_config, preset_names
from cmrtf.training.config_values import config_from_dict

VAE = {
    "latent_dim": 3,
    "widths": [4, 8],
    "depth": 1,
    "batch_size": 2,
    "steps": 10,
    "interval_steps": 5,
    "learning_rate": 1,
    "kl_weight": 0.5,
    "kl_warmup_steps": 2,
}


def load(folder, asked=None, **changes):
    """The VAE section of a preset file with some entries changed."""
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"vae": VAE | changes}))
    return load_config(path, VAEConfig, asked)


def test_the_presets_that_ship():
    assert preset_names() == ["cpu", "demo", "gpu", "paper"]


@pytest.mark.parametrize("config_class", [VAEConfig, GANConfig])
@pytest.mark.parametrize("preset", ["cpu", "demo", "gpu", "paper"])
def test_every_shipped_preset_loads(preset, config_class):
    config = load_config(preset, config_class)
    assert config.steps % config.interval_steps == 0
    assert config.batch_size >= 1


def test_entries_are_converted_and_the_rest_is_default(tmp_path):
    config = load(tmp_path, augmentation={"rotation_degrees": 5})
    assert config.widths == (4, 8)
    assert (config.learning_rate, type(config.learning_rate)) == (1.0, float)
    assert config.precision == "float32"
    assert config.augmentation.rotation_degrees == 5.0
    assert config.augmentation.elastic_px == 0.0


@pytest.mark.parametrize(
    ("asked", "steps", "interval"), [(None, 10, 5), (10, 10, 5), (11, 15, 5), (3, 3, 3), (1, 1, 1)]
)
def test_steps_are_rounded_up_to_whole_intervals(tmp_path, asked, steps, interval):
    config = load(tmp_path, asked)
    assert (config.steps, config.interval_steps) == (steps, interval)


def test_a_config_survives_plain_form():
    config = load_config("paper", GANConfig)
    plain = yaml.safe_load(yaml.safe_dump(dataclasses.asdict(config)))
    assert config_from_dict(GANConfig, plain, "plain") == config


def test_a_preset_must_exist(tmp_path):
    with pytest.raises(CmrtfError, match=r"nope: expected a preset \(cpu, demo, gpu, paper\) or a YAML file"):
        load_config("nope", VAEConfig)
    with pytest.raises(CmrtfError, match="expected a preset"):
        load_config(str(tmp_path), VAEConfig)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("vae: {", r"mine\.yaml: expected a small YAML file\. Received: "),
        ("- vae", r"mine\.yaml: expected a section 'vae'"),
        ("gan: {}", r"mine\.yaml: expected a section 'vae'"),
        ("", r"mine\.yaml: expected a section 'vae'"),
        ("vae: {3: 4}", r"mine\.yaml, section vae: expected entries among .*Received: 3\."),
        ("vae: 3", r"mine\.yaml, section vae: expected a mapping\. Received: 3\."),
    ],
)
def test_a_file_must_be_yaml_with_the_section(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(CmrtfError, match=message):
        load_config(str(path), VAEConfig)


def test_a_file_must_be_text(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(CmrtfError, match=r"mine\.yaml: expected"):
        load_config(str(path), VAEConfig)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent_dims": 3}, r"section vae: expected entries among latent_dim, .*Received: 'latent_dims'\."),
        (
            {"latent_dim": "3"},
            r"section vae, latent_dim: expected a whole number from 1 to 4,096\. Received: '3'",
        ),
        ({"latent_dim": True}, r"latent_dim: expected a whole number from 1 to 4,096\. Received: True"),
        ({"latent_dim": 3.0}, r"latent_dim: expected a whole number from 1 to 4,096\. Received: 3\.0"),
        ({"widths": 4}, r"widths: expected a list of 1 to 6 numbers, each .*Received: 4"),
        ({"widths": [4, 8.0]}, r"widths: expected a list of 1 to 6 numbers, each .*Received: \[4, 8\.0\]"),
        (
            {"learning_rate": "0.001"},
            r"learning_rate: expected a number from 1e-12 to 10\. Received: '0\.001'",
        ),
        (
            {"learning_rate": datetime.date(2020, 1, 1)},
            r"learning_rate: expected .*Received: datetime\.date\(2020",
        ),
        ({"linear_path": 1}, r"linear_path: expected true or false\. Received: 1"),
        ({"precision": None}, r"precision: expected auto or float32 or mixed_bfloat16\. Received: nothing"),
        ({"augmentation": 3}, r"section vae, augmentation: expected a mapping\. Received: 3"),
        ({"augmentation": {"spin": 3}}, r"augmentation: expected entries among flip.*Received: 'spin'"),
        ({"steps": 7}, r"section vae: expected steps to be a multiple of interval_steps\. Received: 7 and 5"),
    ],
)
def test_entries_must_be_known_and_of_the_right_type(tmp_path, changes, message):
    with pytest.raises(CmrtfError, match=message):
        load(tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"interval_steps": 0},
            r"section vae, interval_steps: expected a whole number from 1 to 1,000,000,000\. Received: 0",
        ),
        (
            {"learning_rate": -0.5},
            r"section vae, learning_rate: expected a number from 1e-12 to 10\. Received: -0\.5",
        ),
        ({"learning_rate": float("nan")}, r"learning_rate: expected a number .*Received: nan"),
        ({"learning_rate": float("inf")}, r"learning_rate: expected a number .*Received: inf"),
        ({"widths": [4, 0]}, r"widths: .*each a whole number from 1 to 4,096\. Received: \[4, 0\]"),
        (
            {"augmentation": {"gamma": -1.0}},
            r"augmentation\.gamma: expected a number from 0 to 8\. Received: -1",
        ),
        (
            {"augmentation": {"flip_probability": 3.0}},
            r"augmentation\.flip_probability: .* from 0 to 1\. Rec",
        ),
        (
            {"augmentation": {"rotation_degrees": float("nan")}},
            r"augmentation\.rotation_degrees: .* Received: nan",
        ),
        ({"steps": 10**30}, r"section vae, steps: expected .*Received: 10{30}\."),
        (
            {"kl_weight": 10**400},
            r"section vae, kl_weight: expected a number from 0 to 1,000,000\. Received: 1",
        ),
        (
            {"precision": "float99"},
            r"precision: expected auto or float32 or mixed_bfloat16\. Received: 'float99'",
        ),
        ({"widths": []}, r"section vae, widths: expected a list of 1 to 6 .*Received: \[\]"),
        ({"widths": [4] * 7}, r"section vae, widths: expected a list of 1 to 6 .*Received: \[4, 4"),
    ],
)
def test_values_that_cannot_be_are_refused(tmp_path, changes, message):
    with pytest.raises(CmrtfError, match=message):
        load(tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"average_decay": 1.0}, r"average_decay: expected a number from 0 to 0\.99999\. Received: 1\.0"),
        (
            {"loss_weights": LossWeights(kl=-1.0)},
            r"loss_weights\.kl: expected a number from 0 to 1,000,000\. Received: -1",
        ),
    ],
)
def test_values_of_a_gan_that_cannot_be_are_refused(changes, message):
    config = dataclasses.replace(load_config("cpu", GANConfig), **changes)
    with pytest.raises(CmrtfError, match=message):
        load_config(config, GANConfig)


def test_kl_may_be_left_out(tmp_path):
    config = load(tmp_path, kl_weight=0, kl_warmup_steps=0)
    assert (config.kl_weight, config.kl_warmup_steps) == (0.0, 0)


def test_additions_to_the_paper_may_be_left_out_and_preset_paper_has_none(tmp_path):
    config = load(tmp_path, between_weight=0, linear_path=False)
    assert (config.between_weight, config.linear_path) == (0.0, False)
    paper = load_config("paper", VAEConfig)
    assert (paper.between_weight, paper.linear_path) == (0.0, False)


def test_missing_entries_are_named():
    with pytest.raises(CmrtfError, match=r"here: expected an entry for depth, widths\. Received: none"):
        config_from_dict(VAEConfig, {k: v for k, v in VAE.items() if k not in ("depth", "widths")}, "here")


def test_nothing_is_a_value_only_where_it_may_be():
    gan = dataclasses.asdict(load_config("demo", GANConfig))
    assert config_from_dict(GANConfig, gan | {"perceptual_weights": None}, "here").perceptual_weights is None
    with pytest.raises(
        CmrtfError, match=r"perceptual_weights: expected the name of a file, or null\. Received: 3"
    ):
        config_from_dict(GANConfig, gan | {"perceptual_weights": 3}, "here")


def test_a_configuration_is_taken_as_it_is_and_checked(tmp_path):
    config = load(tmp_path)
    assert load_config(config, VAEConfig) == config
    assert load_config(config, VAEConfig, steps=12).steps == 15
    wrong = dataclasses.replace(config, latent_dim=0)
    with pytest.raises(CmrtfError, match=r"VAEConfig, latent_dim: expected a whole number .*Received: 0"):
        load_config(wrong, VAEConfig)


def test_settings_take_the_place_of_a_preset_s(tmp_path):
    settings = {"learning_rate": 2, "augmentation.scaling": 0.5, "widths": [3]}
    config = load_config("demo", VAEConfig, settings=settings)
    preset = load_config("demo", VAEConfig)
    augmentation = dataclasses.replace(preset.augmentation, scaling=0.5)
    assert config == dataclasses.replace(preset, learning_rate=2.0, augmentation=augmentation, widths=(3,))


@pytest.mark.parametrize(
    ("settings", "steps", "interval"),
    [
        ({"steps": 600}, 750, 250),
        ({"steps": 600, "interval_steps": 300}, 600, 300),
        ({"interval_steps": 500}, 1000, 500),
        ({"steps": 100}, 100, 100),
    ],
)
def test_steps_may_be_set_and_are_rounded_too(settings, steps, interval):
    config = load_config("demo", VAEConfig, settings=settings)
    assert (config.steps, config.interval_steps) == (steps, interval)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"latent_dims": 3}, "settings: expected entries among latent_dim, .*Received: 'latent_dims'"),
        ({"augmentation.spin": 3}, "settings, augmentation: expected entries among .*Received: 'spin'"),
        ({"steps.x": 3}, r"settings: expected entries among .*Received: 'steps\.x'"),
        (
            {"augmentation.scaling": 2},
            r"settings, augmentation\.scaling: expected a number from 0 to 0\.9\. Rec",
        ),
        ({"steps": "many"}, "steps: expected a whole number .*Received: 'many'"),
        ({"interval_steps": 300}, "settings: expected steps to be a multiple of interval_steps"),
    ],
)
def test_settings_are_checked_as_presets_are(settings, message):
    with pytest.raises(CmrtfError, match=message):
        load_config("demo", VAEConfig, settings=settings)


def test_a_preset_for_the_other_model_is_refused():
    with pytest.raises(
        CmrtfError, match=r"preset: expected a name, a file or a GANConfig\. Received: VAEConfig"
    ):
        load_config(load_config("demo", VAEConfig), GANConfig)


def test_a_run_must_have_steps(tmp_path):
    with pytest.raises(
        CmrtfError, match=r"steps: expected a whole number from 1 to 1,000,000,000\. Received: 0"
    ):
        load(tmp_path, asked=0)


def test_reading_a_preset_imports_no_tensorflow():
    code = (
        "import sys, cmrtf.training.config; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
