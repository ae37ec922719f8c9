"""`provenance.json`: what the outputs were made from, with what, and the hash of each of them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any, Final

from cmrtf.core.files import is_file, sha256_of, write_json
from cmrtf.core.labels import SCHEMA
from cmrtf.errors import CmrtfError
from cmrtf.version import __version__

OUTPUTS: Final = "outputs_sha256"
"""Entry with the hashes of all outputs."""

OF_THE_CALLER: Final = ("data_hash", "seed")
"""Settings that only the caller may know."""


def with_facts(provenance: Mapping[str, Any], facts: Any) -> dict[str, Any]:
    """A job's provenance and what the caller adds, checked before anything is computed.

    Args:
        provenance: model and settings.
        facts: by name, ready for JSON (paths are welcome, as of `complete_provenance`). None has the name of
            what cmrtf says itself, but for `data_hash` and `seed`.

    Raises:
        CmrtfError: they are not by name or not ready for JSON, or one is not the caller's to say.
    """
    if not (isinstance(facts, Mapping) and all(isinstance(name, str) for name in facts)):
        raise CmrtfError(f"facts: expected values by name, as in a dict. Received: {facts!r}.")
    ours = {*provenance, *_of_every_run(), OUTPUTS} - {*OF_THE_CALLER}
    if taken := sorted(ours & set(facts)):
        raise CmrtfError(
            f"facts: expected other names than those that cmrtf uses itself. Received: {', '.join(taken)}."
        )
    try:
        text = json.dumps(_without_folders(facts), ensure_ascii=False, allow_nan=False)
        plain: dict[str, Any] = json.loads(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise CmrtfError(
            "facts: expected what JSON can hold: text, finite numbers, true, false, null, lists and objects. "
            f"Received: {error}."
        ) from error
    return {**provenance, **plain}


def complete_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The caller's facts, and those that hold for every run.

    Args:
        provenance: sources, model and settings, ready for JSON (paths are welcome). An
            absolute path is cut down to its last part: the folders above it may name a person.
    """
    return {**_of_every_run(), **_without_folders(dict(provenance))}


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
        if is_file(file) and file != path
    }
    write_json(path, {**provenance, OUTPUTS: outputs})


def _of_every_run() -> dict[str, Any]:
    return {
        "synthetic": True,
        "intended_use": "research only, not for diagnosis",
        "cmrtf_version": __version__,
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "label_order": dict(enumerate(SCHEMA.structures)),
    }


def _without_folders(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_folders(item) for item in value]
    if isinstance(value, PurePath) or (isinstance(value, str) and PurePath(value).is_absolute()):
        return PurePath(value).name if PurePath(value).is_absolute() else str(value)
    return value
