"""Generated cohorts in the hands of those that read them."""

import csv
import importlib.util
import json
import shutil
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest

from cmrtf.cohort.build import build_cohort
from cmrtf.core.labels import PHASES
from cmrtf.core.nifti import read_nifti
from cmrtf.core.preparation import restore_intensity
from cmrtf.datasets.formats import FORMATS
from cmrtf.errors import CmrtfError
from cmrtf.report.generated_cohort import Request, generate_cohort
from heart_double import heart_source

CODES = ("SYN00001", "SYN00002")
FOLDERS = {"mnms": "generated", "nnunet": "Dataset501_Hearts", "bids": "generated"}


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """The same cohort in each layout, written when it is asked for."""
    source, written = heart_source(), {}

    def write_once(name):
        if name not in written:
            written[name] = tmp_path_factory.mktemp(name) / FOLDERS[name]
            generate_cohort(source, Request(subjects=2, seed=3), FORMATS[name], written[name])
        return written[name]

    return write_once


def test_mnms_is_read_back_with_the_same_labels(write, tmp_path):
    raw = write("mnms")
    built = build_cohort(raw, tmp_path / "prepared", "mnms", 0.5, seed=0, workers=1)
    assert not built.warnings
    for record in built.cohort.records:
        provenance = json.loads((raw / "provenance" / f"{record.subject}.json").read_text())
        assert (record.vendor, record.pathology) == (provenance["vendor"], provenance["pathology"])
        assert not record.stack_flipped
        written = read_nifti(raw / record.subject / f"{record.subject}_sa_gt.nii.gz").data
        prepared = built.cohort.load(record.subject)
        np.testing.assert_array_equal(record.geometry.to_source[:3, :3], np.eye(3))
        x, y, _ = -record.geometry.to_source[:3, 3].astype(int)
        for frame, phase in enumerate(PHASES):
            expected = np.roll(written[..., frame], (x, y), axis=(0, 1)).transpose(2, 1, 0)
            np.testing.assert_array_equal(prepared[phase].label_ids, expected)
            assert set(np.unique(expected)) == {0, 1, 2, 3}


def test_files_of_mnms_are_cines_of_two_frames_that_say_what_they_are(write):
    for code in CODES:
        image, labels = (nib.load(write("mnms") / code / f"{code}_{kind}.nii.gz") for kind in ("sa", "sa_gt"))
        assert image.shape == labels.shape == (128, 128, image.shape[2], 2)
        assert image.header.get_zooms() == pytest.approx((1.5, 1.5, 20.0, 0.3))
        assert bytes(image.header["descrip"]).rstrip(b"\0") == b"synthetic, cmrtf"
        assert (image.get_data_dtype(), labels.get_data_dtype()) == (np.float32, np.uint8)


@pytest.mark.parametrize(
    ("name", "image", "labels"),
    [
        ("nnunet", "imagesTr/{code}_{phase}_0000.nii.gz", "labelsTr/{code}_{phase}.nii.gz"),
        (
            "bids",
            "sub-{code}/anat/sub-{code}_desc-{phase}_T2w.nii.gz",
            "sub-{code}/anat/sub-{code}_desc-{phase}_dseg.nii.gz",
        ),
    ],
)
def test_the_other_layouts_hold_the_same_subjects(write, name, image, labels):
    for code in CODES:
        for frame, phase in enumerate(PHASES):
            for cine, file in (("sa", image), ("sa_gt", labels)):
                expected = read_nifti(write("mnms") / code / f"{code}_{cine}.nii.gz")
                received = read_nifti(write(name) / file.format(code=code, phase=phase))
                np.testing.assert_array_equal(received.data, expected.data[..., frame])
                np.testing.assert_array_equal(received.affine, expected.affine)


@pytest.mark.parametrize("name", FOLDERS)
def test_each_layout_is_read_back(write, name):
    code = CODES[0]
    window = json.loads((write(name) / "provenance" / f"{code}.json").read_text())["intensity_window"]
    read = FORMATS[name].read_subject(write(name), code, window)
    image, labels = (read_nifti(write("mnms") / code / f"{code}_{kind}.nii.gz") for kind in ("sa", "sa_gt"))
    assert list(read) == list(PHASES)
    for frame, stack in enumerate(read.values()):
        np.testing.assert_array_equal(stack.label_ids, labels.data[..., frame].T)
        np.testing.assert_array_equal(stack.affine, image.affine)
        restored = restore_intensity(stack.image, window)
        np.testing.assert_allclose(restored, image.data[..., frame].T, rtol=1e-5, atol=1e-3)
        assert -1.0 - 1e-5 <= stack.image.min() < stack.image.max() <= 1.0 + 1e-5


def test_nnunet_finds_what_it_is_told(write):
    dataset = json.loads((write("nnunet") / "dataset.json").read_text())
    assert dataset["numTraining"] == len(list((write("nnunet") / "imagesTr").iterdir())) == 4
    assert dataset["labels"] == {"background": 0, "LV": 1, "MYO": 2, "RV": 3}
    assert dataset["channel_names"] == {"0": "cineMRI"}


def test_nnunet_wants_a_number_in_the_name(tmp_path):
    with pytest.raises(CmrtfError, match=r"hearts: expected .*such as Dataset501_Hearts. Received: hearts"):
        FORMATS["nnunet"].check_folder(tmp_path / "hearts")


@pytest.mark.skipif(not importlib.util.find_spec("nnunetv2"), reason="nnunetv2 is not installed")
def test_the_integrity_check_of_nnunet_passes(write):
    code = (
        "import sys\n"
        "from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity\n"
        "verify_dataset_integrity(sys.argv[1], num_processes=1)\n"
    )
    command = [sys.executable, "-c", code, str(write("nnunet"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "verify_dataset_integrity Done" in done.stdout
    assert "Error" not in done.stdout
    assert "mismatch" not in done.stdout


def test_bids_has_a_table_of_participants(write):
    with (write("bids") / "participants.tsv").open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert [row["participant_id"] for row in rows] == [f"sub-{code}" for code in CODES]
    described = json.loads((write("bids") / "participants.json").read_text())
    assert set(rows[0]) == {"participant_id", *described}
    for row in rows:
        code = row["participant_id"].removeprefix("sub-")
        provenance = json.loads((write("bids") / "provenance" / f"{code}.json").read_text())
        assert float(row["LV_EDV_ml"]) == pytest.approx(provenance["measures"]["LV_EDV_ml"], abs=0.01)


@pytest.mark.skipif(not shutil.which("bids-validator-deno"), reason="bids-validator-deno is not installed")
def test_the_validator_of_bids_passes(write):
    command = ["bids-validator-deno", "--format", "json", str(write("bids"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    assert not [issue for issue in issues if issue["severity"] == "error"]
    assert done.returncode == 0
