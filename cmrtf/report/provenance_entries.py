"""What `cmrtf generate` noted of a cohort and of its subjects, read again to go on and to sum up."""

from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from cmrtf.core.arguments import MAX_CINE_FRAMES
from cmrtf.core.json_files import Code, Count, IntensityWindow, Seed, Text, read_json
from cmrtf.core.measures import MEASURES
from cmrtf.errors import FileError


class SettingsEntry(Struct):
    """What a cohort was begun with, beside what names its bundle."""

    subjects: Count
    seed: Seed


class ProvenanceEntry(Struct):
    """What tables and pages are made of."""

    subject: Code
    vendor: Text
    centre: Text
    pathology: Text
    phases: list[Literal["ED", "ES"]]
    intensity_window: IntensityWindow
    measures: dict[str, Annotated[float, Meta(ge=-1e6, le=1e6)]]
    frames: Annotated[int, Meta(ge=2, le=MAX_CINE_FRAMES)] | None = None
    es_frame: Annotated[int, Meta(ge=1)] | None = None
    frame_s: Annotated[float, Meta(gt=0, le=10)] | None = None

    def __post_init__(self) -> None:
        """Refuse what lacks a measure, or what reads its beat."""
        if missing := set(MEASURES) - set(self.measures):
            raise ValueError(f"Expected all measures, got none of {', '.join(sorted(missing))}")
        beat = (self.frames, self.es_frame, self.frame_s)
        if None in beat and beat != (None, None, None):
            raise ValueError("Expected frames, es_frame and frame_s of a beat, or none of them")
        if self.frames and self.es_frame and self.es_frame >= self.frames:
            raise ValueError(f"Expected an es_frame below {self.frames}, got {self.es_frame}")


def read_settings(file: Path) -> dict[str, Any]:
    """What a cohort was begun with.

    Raises:
        FileError: the file is missing or holds something else.
    """
    return read_json(file, SettingsEntry, "the settings of a generated cohort")


def read_provenance(file: Path, code: str) -> dict[str, Any]:
    """What was noted of a subject.

    Raises:
        FileError: the file is missing or holds something else, or is of another subject.
    """
    provenance = read_json(file, ProvenanceEntry, "the provenance of a generated subject")
    if provenance["subject"] != code:
        raise FileError(file, f"expected subject {code}. Received: {provenance['subject']}.")
    return provenance
