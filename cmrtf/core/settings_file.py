"""Settings of a job that goes on where it stopped: kept in its folder, and compared."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cmrtf.core.files import exists, require_new_folder, require_writable, write_json
from cmrtf.core.json_files import read_json
from cmrtf.errors import CmrtfError

MAX_SHOWN: Final = 80
"""Characters of a setting in a message."""


def keep_settings(file: Path, settings: Mapping[str, Any], job: str) -> None:
    """Make the folder of a job, or check that what is in it was made with the same settings.

    Args:
        file: with the settings, in the job's folder.
        settings: what JSON can hold; all that the results depend on.
        job: what it is, with its article.

    Raises:
        CmrtfError: the folder holds something else or a job of other settings, or cannot be written.
    """
    folder = file.parent
    require_writable(folder)
    wanted = json.loads(json.dumps(settings))
    if not exists(file):
        require_new_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(file, wanted)
    before = dict(_entries(read_json(file, dict[str, Any], f"the settings of {job}")))
    changed = [
        f"{name} {_shown(value)} in place of {_shown(before.get(name))}"
        for name, value in _entries(wanted)
        if before.get(name) != value
    ]
    if changed:
        raise CmrtfError(
            f"{file}: expected the settings that this folder was begun with. "
            f"Received: {'; '.join(changed)}. Name another folder for {job} of others."
        )


def _entries(settings: Mapping[str, Any], part: str = "") -> Iterator[tuple[str, Any]]:
    """Names and values, those of parts as `gan.steps`."""
    for name, value in settings.items():
        if isinstance(value, dict):
            yield from _entries(value, f"{part}{name}.")
        else:
            yield f"{part}{name}", value


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
