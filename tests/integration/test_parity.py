"""The same subjects and weights give the same pixels on every way to the models."""

import functools

import nibabel as nib
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

from cmrtf.bundle.bundle import Bundle
from cmrtf.bundle.server import Server
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.synthesis.interpolate import interpolate_subjects
from cmrtf_cli.main import cli

SLICES, SUBJECTS = 5, 1


class KerasModels:
    """The trained models themselves, slice by slice."""

    def __init__(self, vae, gan):
        self.vae, self.gan = vae, gan

    def encode(self, label_ids):
        return self._each(lambda ids: self.vae.encode(ids).mean, label_ids)

    def decode(self, codes):
        return self._each(lambda code: tf.argmax(self.vae.decode(code), -1), codes).astype(np.uint8)

    def encode_style(self, image):
        return self._each(lambda one: self.gan.encode_style(one).mean, image[..., None].astype(np.float32))

    def synthesize(self, label_ids, styles):
        return self._each(self.gan.synthesize, label_ids.astype(np.int32), styles)[..., 0]

    @staticmethod
    def _each(function, *inputs):
        return np.concatenate(
            [function(*(values[i : i + 1] for values in inputs)) for i in range(len(inputs[0]))]
        )


@pytest.fixture(scope="module")
def subjects(story):
    cohort = PreparedCohort.open(story.prepared)
    return [(record, cohort.load(record.subject)) for record in (cohort.records[0], cohort.records[-1])]


@pytest.fixture(scope="module")
def walk(subjects):
    """Interpolate with some models."""
    return functools.partial(
        interpolate_subjects, ends=subjects, phases=["ED"], num_slices=SLICES, num_subjects=SUBJECTS
    )


@pytest.fixture(scope="module")
def expected(walk, keras_models):
    synthetic, _ = walk(KerasModels(*keras_models))
    return {subject.folder: subject for subject in synthetic}


@pytest.mark.parametrize(
    ("way", "rows"), [("bundle", 1), ("bundle", 32), ("grpc", 1), ("grpc", 32), ("rest", 3)]
)
def test_the_models_agree_however_slices_are_batched(
    walk, expected, bundle, addresses, monkeypatch, way, rows
):
    models = bundle if way == "bundle" else Server.connect(addresses[way])
    owner = Bundle if way == "bundle" else type(models.transport)
    monkeypatch.setattr(owner, "rows_per_call", rows)
    for subject in walk(models)[0]:
        np.testing.assert_array_equal(subject.label_ids, expected[subject.folder].label_ids)
        np.testing.assert_allclose(subject.image, expected[subject.folder].image, atol=1e-5)


@pytest.mark.parametrize("way", ["bundle", "grpc", "rest"])
def test_the_command_line_agrees(story, subjects, expected, addresses, tmp_path, way):
    models = ["--model", story.bundle] if way == "bundle" else ["--server", addresses[way]]
    codes = [record.subject for record, _ in subjects]
    arguments = ["--data", story.prepared, "--out", tmp_path / "walk", "--subject-a", codes[0], "--subject-b"]
    settings = [codes[1], "--phase", "ED", "--slices", SLICES, "--subjects", SUBJECTS]
    result = CliRunner().invoke(
        cli, ["interpolate", *map(str, [*models, *arguments, *settings])], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    assert len(expected) == 3
    for folder, subject in expected.items():
        image, labels = (
            np.asanyarray(nib.load(tmp_path / "walk" / folder / f"{name}.nii.gz").dataobj).transpose(2, 1, 0)
            for name in ("image", "label")
        )
        low, high = subject.intensity_window
        np.testing.assert_array_equal(labels, subject.label_ids)
        np.testing.assert_allclose((image - low) / (high - low) * 2 - 1, subject.image, atol=1e-5)
