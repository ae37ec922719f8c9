"""Builds a prepared cohort from a raw data set: read, prepare, split, write."""

import hashlib
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from cmrtf.data.cohort import (
    FORMAT_NAME,
    FORMAT_VERSION,
    MANIFEST_NAME,
    SUBJECTS_FOLDER,
    VOXELS,
    PreparedCohort,
    SubjectRecord,
    subject_file,
)
from cmrtf.data.examination import duplicate_findings, examine
from cmrtf.data.findings import raise_problems
from cmrtf.data.preparation import SIZE, SPACING_MM, PreparedSubject, prepare_subject
from cmrtf.data.raw_subject import RawCohort, RawSubject, SkippedSubject
from cmrtf.data.readers import AUTO, read_raw
from cmrtf.data.schema import SCHEMA
from cmrtf.data.split import split_subjects
from cmrtf.errors import CmrtfError
from cmrtf.folders import new_folder
from cmrtf.version import __version__


@dataclass(frozen=True)
class SubjectWarning:
    """Something to look at in a subject that was prepared all the same."""

    subject: str
    warning: str


@dataclass(frozen=True)
class BuiltCohort:
    """What `build_cohort` made.

    Args:
        cohort: the prepared cohort, in its final place.
        data_format: the reader that was used.
        skipped: subjects left out on purpose.
        warnings: what to look at.
    """

    cohort: PreparedCohort
    data_format: str
    skipped: tuple[SkippedSubject, ...]
    warnings: tuple[SubjectWarning, ...]


def build_cohort(
    raw: Path,
    out: Path,
    data_format: str = AUTO,
    validation_fraction: float = 0.2,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = False,
) -> BuiltCohort:
    """Prepare a raw data set; `out` appears when all of it is done, or not at all.

    Args:
        raw: folder of the raw data set.
        out: folder to make; it may exist when it is empty.
        data_format: a reader's name, or `"auto"`.
        validation_fraction: share of subjects to hold out for validation.
        seed: of the split.
        workers: subjects prepared at the same time; default: one per processor.
        progress: whether to show a progress bar.

    Raises:
        CmrtfError: `out` is taken or cannot be written, or subjects cannot be used (all of them are named).
    """
    with new_folder(out) as folder:
        found = read_raw(raw, data_format)
        strata = {subject.subject: (subject.vendor, subject.pathology) for subject in found.subjects}
        splits = split_subjects(strata, validation_fraction, seed)
        (folder / SUBJECTS_FOLDER).mkdir()

        def prepare(subject: RawSubject) -> tuple[SubjectRecord, tuple[str, ...]] | CmrtfError:
            try:
                return _prepare_one(subject, splits[subject.subject], folder)
            except CmrtfError as error:
                return error

        # Threads do: unzipping and matrix products run outside the interpreter lock.
        with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
            results = pool.map(prepare, found.subjects)
            bar = tqdm(results, "prepare", len(found.subjects), unit="subject", disable=not progress)
            prepared = list(bar)
        failures = [str(result) for result in prepared if isinstance(result, CmrtfError)]
        done = [result for result in prepared if not isinstance(result, CmrtfError)]
        of_code = {subject.subject: subject for subject in found.subjects}
        duplicates = duplicate_findings(
            (of_code[record.subject], record.source_sha256[VOXELS]) for record, _ in done
        )
        problems = [*map(str, found.problems), *failures, *map(str, duplicates)]
        raise_problems(problems, len(found.subjects) + len(found.problems))
        records = tuple(record for record, _ in done)
        warnings = tuple(SubjectWarning(record.subject, text) for record, texts in done for text in texts)
        _write_manifest(folder, found, records, warnings, validation_fraction, seed)
    return BuiltCohort(PreparedCohort(out, records), found.format, found.skipped, warnings)


def _prepare_one(raw: RawSubject, split: str, folder: Path) -> tuple[SubjectRecord, tuple[str, ...]]:
    """Prepare and write one subject; its record and its warnings."""
    examination = examine(raw)
    raw = examination.subject
    prepared = prepare_subject(examination.usable_volumes())
    content = _npz(prepared)
    subject_file(folder, raw.subject).write_bytes(content)
    record = SubjectRecord(
        subject=raw.subject,
        vendor=raw.vendor,
        pathology=raw.pathology,
        split=split,
        phases=tuple(raw.phases),
        frames={phase: files.frame for phase, files in raw.phases.items() if files.frame is not None},
        num_slices=prepared.geometry.prepared_shape[2],
        stack_flipped=prepared.stack_flipped,
        geometry=prepared.geometry,
        intensity_window=prepared.intensity_window,
        source_sha256=_source_sha256(raw) | {VOXELS: examination.voxels_sha256},
        file_sha256=_sha256(content),
    )
    return record, examination.warnings


def _source_sha256(raw: RawSubject) -> dict[str, str]:
    """Role of each file to its SHA-256; names of files may name patients."""
    of_path = {path: _sha256(path.read_bytes()) for path in set(raw.files.values())}
    return {role: of_path[path] for role, path in raw.files.items()}


def _npz(prepared: PreparedSubject) -> bytes:
    """A subject's stacks as an npz, not compressed so that equal data have equal bytes everywhere."""
    arrays: dict[str, Any] = {}
    for phase, volume in prepared.volumes.items():
        arrays[f"{phase}_image"] = volume.image.astype(np.float16)
        arrays[f"{phase}_label"] = volume.label_ids
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _write_manifest(
    folder: Path,
    found: RawCohort,
    records: tuple[SubjectRecord, ...],
    warnings: tuple[SubjectWarning, ...],
    validation_fraction: float,
    seed: int,
) -> None:
    """Write down what was made and how; no folder of the source, no header text."""
    manifest = {
        "format": FORMAT_NAME,
        "version": FORMAT_VERSION,
        "cmrtf_version": __version__,
        "source_format": found.format,
        "label_schema": SCHEMA.to_dict(),
        "spacing_mm": SPACING_MM,
        "size": SIZE,
        "validation_fraction": validation_fraction,
        "seed": seed,
        "subjects": [record.to_dict() for record in records],
        "skipped": [asdict(skipped) for skipped in found.skipped],
        "warnings": [asdict(warning) for warning in warnings],
    }
    (folder / MANIFEST_NAME).write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _sha256(content: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(content).hexdigest()
