"""Raw patients, where they are prepared, and shards without Beam."""

import shutil

import pytest

from cmrtf.cohort import build, build_beam
from raw_data import write_acdc


@pytest.fixture(scope="session")
def raw_once(tmp_path_factory):
    """Three patients; all but the last are stored base first: to read only."""
    folder = tmp_path_factory.mktemp("raw_once") / "raw"
    for number in range(1, 4):
        write_acdc(folder, f"patient{number:03d}", apex_first=number == 3)
    return folder


@pytest.fixture
def raw(raw_once, tmp_path):
    """A copy of them that a test may change."""
    return shutil.copytree(raw_once, tmp_path / "raw")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out" / "prepared"


@pytest.fixture(scope="module")
def one_process():
    """In place of Beam, which may not be installed: shards of two subjects, one after another."""
    run = build_beam.run_on_beam
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_beam, "SUBJECTS_PER_SHARD", 2)
        patch.setattr(build, "require_beam", lambda: None)
        patch.setattr(build_beam, "run_on_beam", lambda work, tasks, *_: list(map(work, tasks)))
        yield run
