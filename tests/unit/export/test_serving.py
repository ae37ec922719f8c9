"""What is in `cmrtf_export/serving/` fits the bundle, the server's own formats, and each other."""

import re
import runpy
import sys
from pathlib import Path

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from cmrtf.bundle.contents import VERSION
from cmrtf.bundle.grpc_transport import GrpcTransport
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN

SOURCE = Path(__file__).resolve().parents[3] / "export" / "cmrtf_export" / "serving"


@pytest.fixture(scope="module")
def serving(story):
    return story.bundle / "serving"


def test_a_bundle_carries_all_of_them(serving):
    names = {path.name for path in SOURCE.iterdir() if path.is_file()} - {"__init__.py"}
    assert {path.name for path in serving.iterdir()} == names
    assert {"models.config", "batching.config", "compose.yaml", "kubernetes.yaml", "client.py"} <= names


def test_the_server_finds_both_models(story, serving):
    config = text_format.Parse(
        (serving / "models.config").read_text(), model_server_config_pb2.ModelServerConfig()
    )
    models = {model.name: model for model in config.model_config_list.config}
    assert set(models) == {LABEL_VAE, SPADE_GAN}
    for model in models.values():
        base = story.bundle / Path(model.base_path).relative_to("/models")
        assert (base / str(VERSION) / "saved_model.pb").is_file()
        assert list(model.model_version_policy.specific.versions) == [VERSION]
        assert dict(model.version_labels) == {"stable": VERSION}


def test_a_request_of_the_client_fits_into_a_batch(serving):
    # The protocol buffer of this file is not in the package: at least no field is misspelt.
    text = (serving / "batching.config").read_text()
    values = dict(re.findall(r"^(\w+) \{ value: (\d+) \}$", text, re.MULTILINE))
    assert set(values) == {
        "max_batch_size",
        "batch_timeout_micros",
        "num_batch_threads",
        "max_enqueued_batches",
    }
    assert int(values["max_batch_size"]) >= GrpcTransport.rows_per_call


@pytest.fixture(scope="module")
def containers(serving):
    """Flags, limits and mounts of both ways to run the image."""
    compose = yaml.safe_load((serving / "compose.yaml").read_text())["services"]["cmrtf"]
    deployment, service = yaml.safe_load_all((serving / "kubernetes.yaml").read_text())
    (pod,) = deployment["spec"]["template"]["spec"]["containers"]
    return compose, deployment, pod, service


def test_both_ways_run_the_same_server(containers):
    compose, _, pod, _ = containers
    assert compose["image"] == pod["image"]
    assert compose["command"] == pod["args"]


def test_the_flags_name_files_that_are_there(containers, serving):
    _, _, pod, _ = containers
    named = [flag.split("=/config/")[1] for flag in pod["args"] if "=/config/" in flag]
    assert len(named) == 2
    assert all((serving / name).is_file() for name in named)


def test_resources_health_and_metrics_are_set(containers, serving):
    compose, deployment, pod, service = containers
    assert {"cpu", "memory"} <= set(pod["resources"]["limits"])
    assert {"cpus", "memory"} <= set(compose["deploy"]["resources"]["limits"])
    assert compose["healthcheck"]["test"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(pod)
    metrics = deployment["spec"]["template"]["metadata"]["annotations"]["prometheus.io/path"]
    assert f'path: "{metrics}"' in (serving / "monitoring.config").read_text()
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == labels


def test_the_example_client_gets_a_walk(serving, addresses, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["client.py", addresses["grpc"].removeprefix("grpc://")])
    runpy.run_path(str(serving / "client.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert len(re.findall(r"^weight [\d.]+: LV cavity +[\d.]+ cm2, mean intensity", said, re.M)) == 8
