"""Reads ACDC (Bernard et al., IEEE TMI 2018): one folder per patient, one file per labelled frame.

`patientNNN/` holds `Info.cfg`, `patientNNN_frameYY.nii.gz` and `patientNNN_frameYY_gt.nii.gz`, with or
without `training` and `testing` above it. Frames count from 1 and labels are 1 RV, 2 MYO, 3 LV.
"""

import re
from pathlib import Path

from cmrtf.data.file_search import visible_files
from cmrtf.data.raw_subject import PhaseFiles, RawCohort, RawSubject, Reader, SkippedSubject
from cmrtf.data.schema import ACDC_TO_SCHEMA
from cmrtf.errors import CmrtfError

NAME = "acdc"
INFO_NAME = "Info.cfg"
FRAME_NAME = re.compile(r"patient\d+_frame\d+(_gt)?\.nii\.gz")
VENDOR = "A"
"""All of ACDC was acquired on Siemens scanners, vendor A of M&Ms."""


def read(root: Path) -> RawCohort:
    """All ACDC patients under a folder."""
    subjects: list[RawSubject] = []
    skipped: list[SkippedSubject] = []
    problems: list[str] = []
    for folder in _patient_folders(root):
        try:
            if folder.parent.name == "testing" and not any(folder.glob("*_gt.nii.gz")):
                skipped.append(SkippedSubject(folder.name, "test patient without labels"))
            else:
                subjects.append(_subject(folder))
        except CmrtfError as error:
            problems.append(str(error))
    return RawCohort(NAME, tuple(subjects), tuple(skipped), tuple(problems))


def recognises(root: Path) -> bool:
    """Whether there is any ACDC patient under a folder."""
    return bool(_patient_folders(root))


READER = Reader(NAME, "patientNNN/Info.cfg with patientNNN_frameYY[_gt].nii.gz", recognises, read)


def _patient_folders(root: Path) -> list[Path]:
    """Folders with ACDC files, by patient."""
    files = (
        path for path in visible_files(root) if path.name == INFO_NAME or FRAME_NAME.fullmatch(path.name)
    )
    return sorted({path.parent for path in files}, key=lambda folder: folder.name)


def _subject(folder: Path) -> RawSubject:
    """One patient from its folder."""
    info = _read_info(folder / INFO_NAME)
    phases = {phase: _phase_files(folder, info, phase) for phase in ("ED", "ES")}
    return RawSubject(folder.name, VENDOR, info.get("group", ""), phases, ACDC_TO_SCHEMA)


def _phase_files(folder: Path, info: dict[str, str], phase: str) -> PhaseFiles:
    """Image and label of the frame that `Info.cfg` names."""
    text = info.get(phase.lower(), "nothing")
    last = info.get("nbframe", "")
    if not text.isdecimal() or not 1 <= int(text) <= int(last if last.isdecimal() else text):
        raise CmrtfError(
            f"{folder / INFO_NAME}: expected the frame of {phase}, from 1 to {last or 'the last'}. "
            f"Received: {text}."
        )
    stem = f"{folder.name}_frame{int(text):02d}"
    image, label = folder / f"{stem}.nii.gz", folder / f"{stem}_gt.nii.gz"
    for path in (image, label):
        if not path.is_file():
            raise CmrtfError(f"{path}: expected this file, as Info.cfg says {phase}: {text}. Received: none.")
    return PhaseFiles(image, label, int(text) - 1, is_cine=False)


def _read_info(path: Path) -> dict[str, str]:
    """`Info.cfg` as lower-case names to values; height, weight and frame count may be missing."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise CmrtfError(
            f"{path}: expected ACDC's lines ED, ES and Group. Received: {error.strerror}."
        ) from error
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
