"""The site builds without a warning, and examples in docstrings are right."""

import doctest
import importlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cmrtf_cli.main import COMMANDS
from documents import ROOT, text_of


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built as `make site` does: a warning fails."""
    for package in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(package, reason="`make test` installs it")
    out = tmp_path_factory.mktemp("site")
    recipe = re.search(r"^site:.*\n\t\$\(BIN\)/sphinx-build (.*)$", text_of("Makefile"), re.MULTILINE)[1]
    arguments = shlex.split(recipe.replace("build/", f"{out}/"))
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert built.returncode == 0, built.stderr
    return out / "site"


def test_the_site_has_every_command(site):
    page = (site / "docs/reference/commands.html").read_text()
    assert not [name for name in COMMANDS if f"Usage: cmrtf {name} " not in page]


def test_the_site_has_every_module(site):
    pages = "".join(path.read_text() for path in (site / "docs/reference/api").rglob("*.html"))
    modules = [*(ROOT / "cmrtf").rglob("*.py"), *(ROOT / "export/cmrtf_export").rglob("*.py")]
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removeprefix("export.") for path in modules
    ]
    assert not [name for name in names if f'id="module-{name.removesuffix(".__init__")}"' not in pages]


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
