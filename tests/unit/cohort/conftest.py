"""Raw patients, where they are prepared, and shards without Beam."""

import pytest

from cmrtf.cohort import build, build_beam, build_shard
from raw_data import write_acdc


@pytest.fixture
def raw(tmp_path):
    """Three patients; all but the last are stored base first."""
    for number in range(1, 4):
        write_acdc(tmp_path / "raw", f"patient{number:03d}", apex_first=number == 3)
    return tmp_path / "raw"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out" / "prepared"


@pytest.fixture(scope="module")
def one_process():
    """In place of Beam, which may not be installed: shards of two subjects, one after another."""
    run = build_beam._run
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_beam, "SUBJECTS_PER_SHARD", 2)
        patch.setattr(build, "require_beam", lambda: None)
        patch.setattr(build_beam, "_run", lambda tasks, _: list(map(build_shard.build_shard, tasks)))
        yield run
