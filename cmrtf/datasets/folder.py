"""Reads a plain folder of image and label pairs that `cmrtf.yaml` in its root describes.

    images: "Vendor_{vendor}/Image/{subject}_{phase}.nii.gz"
    labels: "Vendor_{vendor}/Mask/{subject}_{phase}.nii.gz"
    label_values: {LV: 1, MYO: 2, RV: 3}

`images` and `labels` are paths below the root; `{subject}`, `{phase}` and `{vendor}` stand for the part of
a file's or folder's name that says so. Two lines more say what paths do not:

    phase: {ED: frame01, ES: frame12}   # what names call the phases, or the one phase of all files: ED
    vendor: B                           # of all files, A to D

An image and its label agree in all three. Files are 3D, one phase each.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmrtf.core.files import is_file
from cmrtf.core.issues import Issue
from cmrtf.core.label_values import EXPECTED, are_label_values, label_to_schema
from cmrtf.core.labels import PHASES, VENDORS
from cmrtf.core.yaml_files import read_yaml, shown
from cmrtf.datasets.base import (
    PhaseFiles,
    RawCohort,
    RawSubject,
    Reader,
    SkippedSubject,
    gather,
)
from cmrtf.datasets.raw_files import is_there, require_partner, stranger_issues, visible_files
from cmrtf.datasets.tables import known_vendor
from cmrtf.errors import FileError

NAME = "folder"
DESCRIPTION_NAME = "cmrtf.yaml"

KEYS = ("images", "labels", "label_values", "phase", "vendor")
PLACEHOLDER = re.compile(r"\{(subject|phase|vendor)\}")


@dataclass(frozen=True)
class Description:
    """What a `cmrtf.yaml` says, checked.

    Args:
        file: where it was read.
        images: pattern of the images' paths.
        labels: pattern of the labels' paths.
        label_to_schema: label value in the files to label id in `SCHEMA`.
        phase_words: what names call each phase; `{phase: ""}` when no name says it.
        vendor: of all files, `""` when unknown, None when their paths say it.
    """

    file: Path
    images: str
    labels: str
    label_to_schema: dict[int, int]
    phase_words: dict[str, str]
    vendor: str | None


@dataclass(frozen=True)
class Parts:
    """What a path says of its file."""

    subject: str
    phase: str
    vendor: str


def read(root: Path) -> RawCohort:
    """All pairs that the description fits.

    Raises:
        CmrtfError: the description is none.
    """
    description = read_description(root / DESCRIPTION_NAME)
    # A name may fit both patterns ("p1_gt" is a subject too): the one with more text of its own decides.
    patterns = sorted((description.images, description.labels), key=_num_literals, reverse=True)
    expressions = [_expression(pattern, description.phase_words) for pattern in patterns]
    phases = {word: phase for phase, word in description.phase_words.items()}
    files: dict[str, set[Parts]] = {}
    described: set[Path] = set()
    for path in visible_files(root):
        name = path.relative_to(root).as_posix()
        matches = (expression.fullmatch(name) for expression in expressions)
        if match := next(filter(None, matches), None):
            words = match.groupdict()
            parts = Parts(words["subject"], phases[words.get("phase", "")], words.get("vendor", ""))
            files.setdefault(parts.subject, set()).add(parts)
            described.add(path)

    def read_one(subject: str, parts: set[Parts]) -> RawSubject | SkippedSubject:
        return _read_one(root, description, subject, parts)

    strangers = stranger_issues(root, f"those that {DESCRIPTION_NAME} describes", described.__contains__)
    return gather(NAME, sorted(files.items()), read_one, strangers)


def recognises(root: Path) -> bool:
    """Whether a folder describes itself."""
    return is_file(root / DESCRIPTION_NAME)


READER = Reader(NAME, f"image and label pairs that {DESCRIPTION_NAME} describes", recognises, read)


def read_description(path: Path) -> Description:
    """Read and check a `cmrtf.yaml`.

    Raises:
        FileError: what is missing or wrong, and what was expected.
    """
    values = read_yaml(path)
    if not isinstance(values, dict):
        raise FileError(path, f"expected the keys {', '.join(KEYS)}. Received: {shown(values)}.")
    if unknown := [key for key in values if key not in KEYS]:
        raise FileError(path, f"expected the keys {', '.join(KEYS)}. Received: {shown(unknown[0])}.")
    patterns = [values.get(key) for key in ("images", "labels")]
    for key, pattern in zip(("images", "labels"), patterns, strict=True):
        if not isinstance(pattern, str) or "{subject}" not in pattern:
            raise FileError(
                path, f"expected {key}: a path with {{subject}} in it. Received: {shown(pattern)}."
            )
    images, labels = map(str, patterns)
    if images == labels or {*PLACEHOLDER.findall(images)} != {*PLACEHOLDER.findall(labels)}:
        problem = "expected images and labels to be two patterns with the same parts in braces"
        raise FileError(path, f"{problem}. Received: {shown(images)} and {shown(labels)}.")
    return Description(
        path,
        images,
        labels,
        _label_to_schema(path, values.get("label_values")),
        _phase_words(path, values.get("phase"), in_path="{phase}" in images),
        _constant_vendor(path, values.get("vendor"), in_path="{vendor}" in images),
    )


def _label_to_schema(path: Path, values: Any) -> dict[int, int]:
    """Label value to label id; the background is 0. A structure without a value is unknown."""
    if not are_label_values(values, complete=False):
        raise FileError(
            path,
            f"expected label_values: {EXPECTED}, or for those that are labelled, the LV among them. "
            f"Received: {shown(values)}.",
        )
    return label_to_schema(values, complete=False)


def _phase_words(path: Path, value: Any, in_path: bool) -> dict[str, str]:
    """Phase to the word that stands for it in names."""
    if not in_path and value in PHASES:
        return {value: ""}
    words = dict(zip(PHASES, PHASES, strict=True)) if value is None else value
    if (
        not in_path
        or not isinstance(words, dict)
        or not words
        or not set(words) <= set(PHASES)
        or not all(isinstance(word, str) and word for word in words.values())
        or len(set(words.values())) < len(words)
    ):
        expected = "what {phase} is in names, such as {ED: frame01, ES: frame12}" if in_path else "ED or ES"
        raise FileError(path, f"expected phase: {expected}. Received: {shown(value)}.")
    return words


def _constant_vendor(path: Path, value: Any, in_path: bool) -> str | None:
    """The vendor of all files, `""` when unknown, None when their paths say it."""
    if in_path and value is None:
        return None
    if in_path or value not in (None, *VENDORS):
        expected = "no vendor, since paths say it" if in_path else "vendor: a letter from A to D"
        raise FileError(path, f"expected {expected}. Received: {shown(value)}.")
    return value or ""


def _expression(pattern: str, phase_words: Mapping[str, str]) -> re.Pattern[str]:
    """What a path below the root must look like; a part that comes twice is the same twice."""
    groups = {"subject": "[^/]+", "vendor": "[^/]+", "phase": "|".join(map(re.escape, phase_words.values()))}
    expression = ""
    # Split at its placeholders, a pattern is literal text and names of parts by turns.
    for index, text in enumerate(PLACEHOLDER.split(pattern)):
        if index % 2 == 0:
            expression += re.escape(text)
        elif f"(?P<{text}>" in expression:
            expression += f"(?P={text})"
        else:
            expression += f"(?P<{text}>{groups[text]})"
    return re.compile(expression)


def _num_literals(pattern: str) -> int:
    """Letters of a pattern that stand for themselves."""
    return len(PLACEHOLDER.sub("", pattern))


def _read_one(
    root: Path, description: Description, subject: str, files: set[Parts]
) -> RawSubject | SkippedSubject:
    """One subject from what its paths say."""
    phases: dict[str, PhaseFiles] = {}
    vendors = sorted({parts.vendor for parts in files})
    if len(vendors) > 1:
        problem = (
            f"expected one vendor of subject {subject}, in its paths. Received: {' and '.join(vendors)}."
        )
        raise FileError(description.file, problem)
    for parts in sorted(files, key=lambda parts: PHASES.index(parts.phase)):
        image, label = (
            _path(root, pattern, parts, description) for pattern in (description.images, description.labels)
        )
        phases[parts.phase] = PhaseFiles(image, label, frame=None, is_cine=False)
    if not any(is_there(paths.label) for paths in phases.values()):
        return SkippedSubject(subject, "no labels")
    for paths in phases.values():
        require_partner(paths.image, paths.label)
    vendor = description.vendor
    issues: tuple[Issue, ...] = ()
    if vendor is None:
        vendor, issues = known_vendor(vendors[0], description.file)
    return RawSubject(subject, vendor, "", phases, description.label_to_schema, issues)


def _path(root: Path, pattern: str, parts: Parts, description: Description) -> Path:
    """The file of a subject's phase."""
    words: Mapping[str, str] = {
        "subject": parts.subject,
        "phase": description.phase_words[parts.phase],
        "vendor": parts.vendor,
    }
    return root / PLACEHOLDER.sub(lambda match: words[match[1]], pattern)
