"""A prepared cohort of tiny patients, and real ones."""

from pathlib import Path

import pytest

from cmrtf.cohort.build import prepare
from raw_data import write_acdc


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A prepared cohort of three patients, to read only."""
    folder = tmp_path_factory.mktemp("cohort")
    for patient in ("patient001", "patient002", "patient003"):
        write_acdc(folder / "raw", patient)
    prepare(folder / "raw", folder / "prepared")
    return folder / "prepared"


@pytest.fixture(scope="session")
def real_acdc():
    """Real patients beside the repository, where there are any."""
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "acdc"
    if not folder.is_dir():
        pytest.skip("no real ACDC patients beside the repository")
    return folder
