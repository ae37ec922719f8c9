"""The files that serve a bundle, copied into it."""

from importlib.resources import as_file, files
from pathlib import Path


def copy_serving_files(folder: Path) -> None:
    """Write everything in `export/serving/` into a new folder."""
    folder.mkdir()
    for entry in files("cmrtf_export.serving").iterdir():
        if entry.is_file() and entry.name != "__init__.py":
            with as_file(entry) as source:
                (folder / entry.name).write_bytes(source.read_bytes())
