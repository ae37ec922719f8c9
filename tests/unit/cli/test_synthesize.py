import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

import cmrtf
from cmrtf.errors import CmrtfError
from cmrtf_cli.commands.synthesize import command
from heart_double import RingModels, heart_bundle

ACDC = np.array([0, 3, 2, 1], np.uint8)


@pytest.fixture
def synthesize(monkeypatch, tmp_path):
    """Runs the command in a folder with one label file in the order of ACDC, and one of three frames."""
    monkeypatch.setattr(cmrtf, "load_bundle", lambda path: heart_bundle())
    monkeypatch.chdir(tmp_path)
    label_ids = RingModels().decode(np.array([[8, 5, 6], [14, 10, 11], [18, 13, 15]], np.float32))
    labels = ACDC[label_ids.T]
    affine = np.diag([1.5, 1.5, 10.0, 1.0])
    (tmp_path / "labels").mkdir()
    nib.save(nib.Nifti1Image(labels, affine), tmp_path / "labels" / "one.nii.gz")
    cine = np.stack([labels, labels * 0, labels], -1)
    nib.save(nib.Nifti1Image(cine, affine), tmp_path / "labels" / "cine.nii.gz")

    def run(labels, out, values="LV=3, MYO=2, RV=1"):
        arguments = ["--model", "bundle", labels, "--out", out, "--label-values", values, "--style", "A"]
        return CliRunner().invoke(command, arguments)

    return run


def test_one_file_becomes_one_image_on_its_voxels(synthesize, tmp_path):
    result = synthesize("labels/one.nii.gz", "image.nii.gz")
    assert result.exit_code == 0, result.output
    assert nib.load(tmp_path / "image.nii.gz").shape == (128, 128, 3)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ("labels", ["cine_frame00.nii.gz", "cine_frame02.nii.gz", "one.nii.gz"]),
        ("labels/cine.nii.gz", ["cine_frame00.nii.gz", "cine_frame02.nii.gz"]),
    ],
)
def test_many_label_maps_become_a_folder_of_images(synthesize, tmp_path, labels, names):
    result = synthesize(labels, "images")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "images").iterdir()) == names


@pytest.mark.parametrize(
    ("labels", "out", "values", "message"),
    [
        ("labels/one.nii.gz", "out.nii.gz", "LV=1, MYO=2, RV=3", "in the order of another data set"),
        ("labels", "out", "LV=1, MYO=2, RV=3", "2 of 2 label files cannot be used"),
        ("labels/cine.nii.gz", "out.nii.gz", "LV=3, MYO=2, RV=1", "Received: a 4D file"),
        ("labels", "out.nii.gz", "LV=3, MYO=2, RV=1", "Received: a folder"),
    ],
)
def test_what_cannot_be_done_is_said_and_writes_nothing(synthesize, tmp_path, labels, out, values, message):
    result = synthesize(labels, out, values)
    assert isinstance(result.exception, CmrtfError)
    assert message in str(result.exception)
    assert not (tmp_path / out).exists()


@pytest.mark.parametrize(("out", "values"), [("out.png", "LV=3, MYO=2, RV=1"), ("out.nii.gz", "LV=3")])
def test_wrong_usage(synthesize, out, values):
    assert synthesize("labels/one.nii.gz", out, values).exit_code == 2
