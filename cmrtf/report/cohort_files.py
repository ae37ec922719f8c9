"""The folder of a generated cohort: who may write there, and what it holds so far.

A subject is there when its provenance is, which is written last.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cmrtf.core.files import exists, is_file, is_folder, is_free, require_new_folder, write_json, writing_to
from cmrtf.core.json_files import with_checksum
from cmrtf.core.locks import lock
from cmrtf.core.subject import Subject
from cmrtf.datasets.base import Layout
from cmrtf.errors import CmrtfError
from cmrtf.report.provenance import complete_provenance
from cmrtf.report.provenance_entries import read_provenance, read_settings
from cmrtf.report.provenance_files import ProvenanceFiles
from cmrtf.synthesis.randomised_contrast import SYNTHETIC

LOCK_NAME = ".generating"
"""The file that is held in the folder of a cohort in the making."""


def missing_numbers(files: ProvenanceFiles, subjects: int) -> list[int]:
    """Numbers of the subjects that are not complete yet."""
    return [number for number in range(1, subjects + 1) if not exists(files.of_subject(number))]


def write_subject(
    files: ProvenanceFiles, layout: Layout, settings: Mapping[str, Any], number: int, subject: Subject
) -> None:
    """Write one subject, and then that it is complete."""
    files.folder.mkdir(parents=True, exist_ok=True)
    write_json(files.settings, with_checksum(settings))
    layout.write_subject(files.root, subject)
    write_json(files.of_subject(number), with_checksum(_provenance(subject, settings)))


def provenances_of(files: ProvenanceFiles, subjects: int) -> Iterator[Mapping[str, Any]]:
    """What was noted of each subject of a cohort whose subjects are all there."""
    for number in range(1, subjects + 1):
        yield read_provenance(files.of_subject(number), files.code(number))


@contextlib.contextmanager
def alone_in(files: ProvenanceFiles, layout: Layout, settings: Mapping[str, Any]) -> Iterator[None]:
    """Hold a folder that is new, or has a cohort to go on with: no other process writes there.

    Raises:
        CmrtfError: there is something else, another process writes there, or it cannot be written.
    """
    _require_new_or_same(files, layout, settings)  # before anything is put there
    out = files.root
    refusal = (
        f"{out}: expected a folder that no other process writes to. Received: one that another "
        f"cmrtf generate is writing to. Wait for it or name another folder."
    )
    with writing_to(out):
        is_new = not exists(out)
        out.mkdir(parents=True, exist_ok=True)
        with lock(out / LOCK_NAME, refusal):
            _require_new_or_same(files, layout, settings)
            try:
                yield
            finally:
                (out / LOCK_NAME).unlink()
                if is_new:
                    with contextlib.suppress(OSError):  # unless a subject is in it
                        out.rmdir()


def _require_new_or_same(files: ProvenanceFiles, layout: Layout, settings: Mapping[str, Any]) -> None:
    """Check that a folder is new, can be added to, or has the same cohort, or the first subjects of it."""
    out = files.root
    if not is_file(files.settings):
        if files.prefix and layout.check_addable and is_folder(out) and not is_free(out):
            layout.check_addable(out, files.prefix)
        else:
            require_new_folder(out)
        return
    before_choices = {"images": SYNTHETIC, "frames": None}
    begun = before_choices | read_settings(files.settings)
    others = differing(settings, begun)
    if others == ["subjects"] and begun["subjects"] < settings["subjects"]:
        return
    if others:
        raise CmrtfError(
            f"{out}: expected what this cohort was begun with, to go on with it: "
            f"{listed_values(others, begun)}. Received: {listed_values(others, settings)}. "
            "Name another folder, or remove this one first."
        )


def differing(settings: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    """Names of the settings of a cohort that others lack or have otherwise."""
    return [name for name in settings if others.get(name) != settings[name]]


def listed_values(names: Sequence[str], settings: Mapping[str, Any]) -> str:
    """Some settings, for messages."""
    return ", ".join(f"{name} {settings.get(name)}" for name in names)


def _provenance(subject: Subject, settings: Mapping[str, Any]) -> dict[str, Any]:
    stack = next(iter(subject.stacks.values()))
    return complete_provenance(
        {
            **settings,
            "subject": subject.name,
            "subject_seed": subject.origin["subject_seed"],
            "vendor": subject.vendor,
            "centre": subject.centre,
            "pathology": subject.pathology,
            "parents": subject.origin["parents"],
            "phases": list(subject.phases),
            **(subject.cine.facts if subject.cine else {}),
            "intensity_window": list(map(float, stack.intensity_window)),
            "measures": subject.measures(),
        }
    )
