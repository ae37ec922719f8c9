"""The site: Sphinx reads the Markdown files of the checkout where they lie, and the docstrings.

`make site` builds it into `build/site`; broken links, pictures and references fail. The source folder is that
of the checkout, so links between documents are the same here and in a repository's browser.
"""

import os
import re
import sys
from pathlib import Path
from typing import Any

from sphinx.util import inspect

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "cli"), str(ROOT / "export")]

from cmrtf.version import __version__  # noqa: E402

project = "cmrtf"
release = __version__
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "benchmarks/speed/*.md",
    "docs/**",
    "examples/*.md",
    "export/cmrtf_export/serving/*.md",
]
exclude_patterns = ["docs/reference/api/*/modules.rst"]

extensions = ["myst_parser", "sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3

# A page per package, written anew by each build; what has no docstring is not for others.
# An environment variable, since packages do not heed `automodule_options` (Sphinx 9.0).
os.environ["SPHINX_APIDOC_OPTIONS"] = "members,ignore-module-all"
apidoc_modules = [
    {
        "path": f"../{folder}",
        "destination": f"docs/reference/api/{Path(folder).name}",
        "module_first": True,
    }
    for folder in ("cmrtf", "export/cmrtf_export")
]
napoleon_use_ivar = True
napoleon_custom_sections = [("Call arguments", "params_style"), ("Returns (from `call`)", "returns_style")]
autodoc_inherit_docstrings = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# Docstrings write code in single backticks.
default_role = "code"

html_theme = "furo"
html_title = "cmrtf"
html_copy_source = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_extra_path = ["root"]  # an index.html that leads to that of docs/


def setup(app: Any) -> None:
    """What autodoc and napoleon read otherwise than it is meant."""
    written: dict[str, list[str]] = {}

    def keep(_app: Any, what: str, name: str, _object: Any, _options: Any, lines: list[str]) -> None:
        written[name] = list(lines)

    def restore(_app: Any, what: str, name: str, _object: Any, _options: Any, lines: list[str]) -> None:
        """Of constants and attributes: napoleon (at 500) takes what stands before a colon for a type."""
        if what in ("data", "attribute"):
            lines[:] = written[name]

    def plain(
        _app: Any,
        _what: str,
        _name: str,
        described: Any,
        _options: Any,
        arguments: str | None,
        returned: str | None,
    ) -> tuple[str | None, ...]:
        """Arrays as in the source, not what the alias stands for; the arguments of Keras' classes."""
        if arguments == "(*args, **kwargs)":
            of_init = inspect.signature(described.__init__, bound_method=True)
            arguments = inspect.stringify_signature(of_init, unqualified_typehints=True)
        array = r"ndarray\[tuple\[Any, \.\.\.\], dtype\[(.*?)\]\]"
        return tuple(text and re.sub(array, r"NDArray[\1]", text) for text in (arguments, returned))

    app.connect("autodoc-process-docstring", keep, priority=400)
    app.connect("autodoc-process-docstring", restore, priority=600)
    app.connect("autodoc-process-signature", plain)
