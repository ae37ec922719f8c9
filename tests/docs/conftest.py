"""Shared by the tests of documents."""

import importlib
import sys

import pytest

from cmrtf.bundle.bundle import Bundle
from documents import ROOT
from heart_double import heart_bundle


@pytest.fixture
def hearts_given(monkeypatch):
    """Every bundle generates and remodels as `heart_bundle` does: two steps of training make no heart."""

    def hand_over(method):
        return lambda _, *args, **kwargs: method(heart_bundle(), *args, **kwargs)

    for name in ("generate", "remodel"):
        monkeypatch.setattr(Bundle, name, hand_over(getattr(Bundle, name)))


@pytest.fixture
def script(monkeypatch):
    """Imports `docs/<name>.py`, as if it were run there."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    yield importlib.import_module
    for name in ("cli_help", "figures", "panels", "signatures"):
        sys.modules.pop(name, None)
