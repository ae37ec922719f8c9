"""`provenance.json`: what the outputs were made from, with what, and the hash of each of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

from cmrtf.core.files import sha256_of, write_json
from cmrtf.core.labels import SCHEMA
from cmrtf.version import __version__


def complete_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's facts, and those that hold for every run.

    Args:
        provenance: sources, model and settings, ready for JSON (paths are welcome). An
            absolute path is cut down to its last part: the folders above it may name a person.
    """
    return {
        "synthetic": True,
        "intended_use": "research only, not for diagnosis",
        "cmrtf_version": __version__,
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "label_order": dict(enumerate(SCHEMA.structures)),
        **_without_folders(dict(provenance)),
    }


def write_provenance(path: Path, provenance: Mapping[str, Any], folder: Path) -> None:
    """Write the file that lists all other files in `folder` with their SHA-256.

    Args:
        path: of the JSON file.
        provenance: as `complete_provenance` gives it.
        folder: the root of all outputs, complete but for this file.
    """
    outputs = {
        file.relative_to(folder).as_posix(): sha256_of(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file != path
    }
    write_json(path, {**provenance, "outputs_sha256": outputs})


def _without_folders(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_folders(item) for item in value]
    if isinstance(value, PurePath) or (isinstance(value, str) and PurePath(value).is_absolute()):
        return PurePath(value).name if PurePath(value).is_absolute() else str(value)
    return value
