import importlib.util
import json
import subprocess
import sys

import pytest

from cmrtf.datasets.nnunet_writing import LAYOUT
from folders import names
from generated_subjects import write_subjects


@pytest.fixture
def root(tmp_path):
    write_subjects(LAYOUT, tmp_path / "Dataset501_Hearts")
    return tmp_path / "Dataset501_Hearts"


def test_each_phase_is_a_case(root):
    cases = [f"SYN0000{number}_{phase}" for number in (1, 2) for phase in ("ED", "ES")]
    assert names(root / "imagesTr") == [f"{case}_0000.nii.gz" for case in cases]
    assert names(root / "labelsTr") == [f"{case}.nii.gz" for case in cases]


def test_nnunet_finds_what_it_is_told(root):
    dataset = json.loads((root / "dataset.json").read_text())
    assert dataset["name"] == "Dataset501_Hearts"
    assert dataset["numTraining"] == 4
    assert dataset["labels"] == {"background": 0, "LV": 1, "MYO": 2, "RV": 3}
    assert dataset["channel_names"] == {"0": "cineMRI"}


@pytest.mark.skipif(not importlib.util.find_spec("nnunetv2"), reason="nnunetv2 is not installed")
def test_the_integrity_check_of_nnunet_passes(root):
    code = (
        "import sys\n"
        "from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity\n"
        "verify_dataset_integrity(sys.argv[1], num_processes=1)\n"
    )
    command = [sys.executable, "-c", code, str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "verify_dataset_integrity Done" in done.stdout
    assert "Error" not in done.stdout
    assert "mismatch" not in done.stdout
