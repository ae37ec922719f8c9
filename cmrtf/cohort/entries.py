"""What the JSON of a prepared cohort holds, as types for `cmrtf.core.json_files`."""

import math
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from cmrtf.core.json_files import Affine, Code, Count, IntensityWindow, Sha256, Text
from cmrtf.core.nifti import MAX_FRAME_VOXELS

Phase = Literal["ED", "ES"]

Structure = Literal["LV", "MYO", "RV"]

SliceNumber = Annotated[int, Meta(ge=0)]

NumStacks = Annotated[int, Meta(ge=0)]

ShardName = Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]


class GeometryEntry(Struct):
    """See `cmrtf.core.geometry.Geometry`."""

    source_shape: tuple[Count, Count, Count]
    source_affine: Affine
    prepared_shape: tuple[Count, Count, Count]
    prepared_to_source: Affine

    def __post_init__(self) -> None:
        """Refuse what is larger than any volume that can be read."""
        for shape in (self.source_shape, self.prepared_shape):
            if math.prod(shape) > MAX_FRAME_VOXELS:
                raise ValueError(f"Expected {MAX_FRAME_VOXELS:,} voxels at most, got a shape of {shape}")


class RecordEntry(Struct):
    """See `cmrtf.cohort.record.SubjectRecord`."""

    subject: Code
    vendor: Text
    pathology: Text
    split: Literal["train", "validation", ""]
    phases: Annotated[list[Phase], Meta(min_length=1, max_length=2)]
    frames: dict[Phase, int]
    num_slices: Count
    stack_flipped: bool
    geometry: GeometryEntry
    intensity_window: dict[Phase, IntensityWindow]
    source_sha256: dict[Text, Sha256]
    file_sha256: Sha256
    centre: Text = ""
    unknown: dict[Phase, dict[Structure, list[SliceNumber]]] = {}

    def __post_init__(self) -> None:
        """Refuse entries that contradict each other."""
        if sorted(self.phases) != sorted(self.intensity_window):
            raise ValueError(f"Expected an intensity window for each of {', '.join(self.phases)}")
        if self.num_slices != self.geometry.prepared_shape[2]:
            raise ValueError(
                f"Expected {self.num_slices} slices, got a geometry of {self.geometry.prepared_shape[2]}"
            )
        for structures in self.unknown.values():
            for numbers in structures.values():
                if max(numbers, default=0) >= self.num_slices:
                    raise ValueError(
                        f"Expected numbers of slices below {self.num_slices}, got {max(numbers)}"
                    )


class SkippedEntry(Struct):
    """See `cmrtf.datasets.base.SkippedSubject`."""

    subject: Text
    reason: Text


class ManifestEntry(Struct):
    """Records of a cohort, or the names of its shards; how it was split, and who was left out."""

    subjects: list[RecordEntry] = []
    shards: list[ShardName] = []
    validation: list[Code] = []
    size: Count = 1
    seed: int = 0
    validation_fraction: Annotated[float, Meta(ge=0.0, le=1.0)] = 0.0
    skipped: list[SkippedEntry] = []
    other_orders: dict[Code, tuple[NumStacks, NumStacks]] = {}


class NamedEntry(Struct):
    """Of a record of an earlier version, who it is of."""

    subject: Code


class EarlierManifestEntry(Struct):
    """What must be known of a cohort of an earlier version to prepare it again."""

    subjects: list[NamedEntry] = []


class ShardLine(Struct):
    """One subject of a shard."""

    record: RecordEntry
    hearts: Annotated[str, Meta(pattern=r"\A[01]+\Z")]
    warnings: list[str]
    in_doubt: bool = False

    def __post_init__(self) -> None:
        """Refuse a number of flags that is not that of the slices."""
        if len(self.hearts) != len(self.record.phases) * self.record.num_slices:
            raise ValueError(f"Expected a flag for each slice, got {len(self.hearts)}")


class NoteEntry(Struct):
    """What a later run of `cmrtf prepare` needs to know of a subject that is prepared."""

    inputs: Any
    warnings: list[str]
    in_doubt: bool
    record: RecordEntry


class ReportEntry(Struct):
    """How the making of one shard ended."""

    name: Annotated[str, Meta(pattern=r"\A([0-9a-f]{16})?\Z")]
    unchanged: bool
    problems: dict[Text, str]
