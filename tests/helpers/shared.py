"""What the processes of one test run share."""

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

Value = TypeVar("Value")


def built_once(tmp_path_factory: pytest.TempPathFactory, name: str, build: Callable[[Path], Value]) -> Value:
    """What `build` returns for a new folder; the first process that asks builds, the others wait for it.

    Args:
        tmp_path_factory: of the session. Each process of pytest-xdist has its folder in one of the run.
        name: of the folder.
        build: fills the folder; what it returns is pickled.
    """
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, returned = base / name, base / f"{name}.pickle"
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not returned.exists():
            folder.mkdir()
            returned.write_bytes(pickle.dumps(build(folder)))
        return pickle.loads(returned.read_bytes())
