"""Shared by the tests of documents."""

import importlib
import sys

import pytest

from documents import ROOT


@pytest.fixture
def script(monkeypatch):
    """Imports `docs/<name>.py`, as if it were run there."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    yield importlib.import_module
    for name in ("cli_help", "figures", "panels"):
        sys.modules.pop(name, None)
