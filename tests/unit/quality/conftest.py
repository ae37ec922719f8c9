import pytest

from raw_patient import RawPatient


@pytest.fixture
def patient(tmp_path):
    return RawPatient(tmp_path / "raw")
