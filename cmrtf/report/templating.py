"""HTML from the templates of this folder, in files that need no other file and no network.

Whatever a user can name is escaped where it is put into a page (Jinja2's autoescape), or travels as JSON.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_TEMPLATES = Environment(
    loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
)


def render_template(name: str, **values: Any) -> str:
    """Fill in a template.

    Args:
        name: of a file in `templates/`.
        values: by the names that the template uses; all is escaped that it does not mark as `safe`.
    """
    return _TEMPLATES.get_template(name).render(values)


def resource(name: str) -> bytes:
    """A file in `templates/` as it is."""
    return files(__package__).joinpath("templates", name).read_bytes()


def embedded_json(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the `<script>` element it stands in; a template marks it as `safe`."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")
