"""The same subjects and weights give the same pixels on every way to the models."""

import nibabel as nib
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import cmrtf
from cmrtf.bundle.models import LoadedModels
from cmrtf.bundle.server import ServedModels
from cmrtf.synthesis.interpolate import interpolate_subjects
from cmrtf_cli.main import cli

SLICES, SUBJECTS = 3, 1


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
def ends(story):
    cohort = cmrtf.open_cohort(story.prepared)
    return [cohort[code] for code in (cohort.codes()[0], cohort.codes()[-1])]


def interpolate(models, ends):
    """Stacks by the subject's id."""
    subjects = interpolate_subjects(models, ends, ["ED"], SLICES, SUBJECTS)
    return {subject.id: subject.ed for subject in subjects}


@pytest.fixture(scope="module")
def expected(ends, keras_models):
    return interpolate(KerasModels(*keras_models), ends)


@pytest.mark.parametrize(
    ("way", "rows"), [("bundle", 1), ("bundle", 32), ("grpc", 1), ("grpc", 32), ("rest", 2)]
)
def test_the_models_agree_however_slices_are_batched(
    ends, expected, bundle, addresses, monkeypatch, way, rows
):
    models = bundle.models if way == "bundle" else ServedModels.connect(addresses[way])
    owner = LoadedModels if way == "bundle" else type(models.transport)
    monkeypatch.setattr(owner, "rows_per_call", rows)
    stacks = interpolate(models, ends)
    assert set(stacks) == set(expected)
    for name, stack in stacks.items():
        np.testing.assert_array_equal(stack.label_ids, expected[name].label_ids)
        np.testing.assert_allclose(stack.image, expected[name].image, atol=1e-5)


@pytest.mark.parametrize("way", ["bundle", "grpc"])
def test_the_command_line_agrees(story, ends, expected, addresses, tmp_path, way):
    models = ["--model", story.bundle] if way == "bundle" else ["--server", addresses[way]]
    codes = [end.name for end in ends]
    arguments = ["--data", story.prepared, "--out", tmp_path / "walk", "--subject-a", codes[0], "--subject-b"]
    settings = [codes[1], "--phase", "ED", "--slices", SLICES, "--subjects", SUBJECTS, "--no-exact-ends"]
    result = CliRunner().invoke(
        cli, ["interpolate", *map(str, [*models, *arguments, *settings])], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    assert len(expected) == 3
    for name, stack in expected.items():
        image, labels = (
            np.asanyarray(nib.load(tmp_path / "walk" / f"{name}_ED" / f"{kind}.nii.gz").dataobj).transpose(
                2, 1, 0
            )
            for kind in ("image", "label")
        )
        low, high = stack.intensity_window
        np.testing.assert_array_equal(labels, stack.label_ids)
        np.testing.assert_allclose((image - low) / (high - low) * 2 - 1, stack.image, atol=1e-5)
