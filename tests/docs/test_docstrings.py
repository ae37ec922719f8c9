"""Examples in docstrings are right."""

import doctest
import importlib

import pytest

from documents import ROOT


def modules_with_examples() -> list[str]:
    return [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for root in (ROOT, ROOT / "export", ROOT / "cli")
        for path in sorted(root.glob("cmrtf*/**/*.py"))
        if ">>> " in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("module", modules_with_examples())
def test_examples_in_docstrings(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


def test_the_modules_that_should_have_examples_do():
    expected = {
        "cmrtf.core.labels",
        "cmrtf.metrics.overlap",
        "cmrtf.layers.label_neighbourhoods",
        "cmrtf.synthesis.criteria",
        "cmrtf.synthesis.heart_axis",
    }
    assert expected <= set(modules_with_examples())
