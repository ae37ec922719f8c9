"""`provenance.json`: what the outputs were made from, with what, and the hash of each of them."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

from cmrtf.core.labels import LabelSchema
from cmrtf.version import __version__

PROVENANCE = "provenance"
"""Folder of a generated cohort that holds `<CODE>.json` for each subject, `cohort.json` and `report.html`."""


def complete_provenance(provenance: Mapping[str, Any], schema: LabelSchema) -> dict[str, Any]:
    """The caller's facts, and those that hold for every run.

    Args:
        provenance: sources, model, walk and settings, ready for JSON (paths are welcome). An
            absolute path is cut down to its last part: the folders above it may name a person.
        schema: the order of the written labels.
    """
    return {
        "synthetic": True,
        "intended_use": "research only, not for diagnosis",
        "cmrtf_version": __version__,
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "label_order": dict(enumerate(schema.structures)),
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
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file != path
    }
    text = json.dumps({**provenance, "outputs_sha256": outputs}, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def _without_folders(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_folders(item) for item in value]
    if isinstance(value, PurePath) or (isinstance(value, str) and PurePath(value).is_absolute()):
        return PurePath(value).name if PurePath(value).is_absolute() else str(value)
    return value
