"""One frame of a DICOM series: where it lies in the scanner, and when it was acquired.

A header is not believed: numbers that no scanner writes are refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.errors import FileError

POSSIBLE = {
    "ImagePositionPatient": (-10_000.0, 10_000.0),
    "PixelSpacing": (0.01, 100.0),
    "the distance of slices": (0.0, 1_000.0),
    "the trigger time": (-1e6, 1e6),
    "RescaleSlope": (1e-9, 1e9),
    "RescaleIntercept": (-1e9, 1e9),
}
"""Least and largest value, in millimetres and milliseconds: others are damage, and NaN is none of them."""

LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])
"""DICOM's axes point left, posterior and superior (PS3.3 C.7.6.2.1.1), NIfTI's right, anterior, superior."""


@dataclass(frozen=True, eq=False)
class Frame:
    """Where and when one frame was acquired, and where its pixels are.

    Args:
        file: that holds it.
        number: its number in the file, from 0.
        instance: the file's InstanceNumber, None where it has none.
        series: tells series apart; it is an identifier, so it is never shown.
        shape: `(x, y)` pixels.
        position_mm: `(3,)` centre of the first pixel, in scanner millimetres (RAS+).
        directions: `(2, 3)` unit vectors along x and y.
        pixel_mm: distance of pixel centres along x and y.
        slice_mm: distance of slices that the header gives, 0 where it gives none; positions count first.
        trigger_ms: time after the R wave, None where the header does not give it.
        temporal_position: its place in time, counted, None where the header does not give it.
        slope: scale of the stored pixels.
        intercept: what is added to them then.
    """

    file: Path
    number: int
    instance: int | None
    series: str = field(repr=False)
    shape: tuple[int, int]
    position_mm: NDArray[np.float64]
    directions: NDArray[np.float64]
    pixel_mm: tuple[float, float]
    slice_mm: float
    trigger_ms: float | None
    temporal_position: int | None
    slope: float
    intercept: float


def frame_of(file: Path, header: Any, number: int, count: int) -> Frame:
    """One frame of a file, from its functional groups or from the header itself (PS3.3 C.7.6.16).

    Args:
        file: that holds it.
        header: as pydicom reads it.
        number: of the frame, from 0.
        count: how many frames the file holds.

    Raises:
        FileError: a number is none that a scanner writes.
        Exception: any, of a header that lacks something or is damaged.
    """

    def value(group: str, name: str) -> Any:
        return _grouped(header, number, group, name) if count > 1 else header.get(name)

    position, orientation, spacing = (
        np.array(value(group, name), np.float64).reshape(size)
        for group, name, size in (
            ("PlanePositionSequence", "ImagePositionPatient", (3,)),
            ("PlaneOrientationSequence", "ImageOrientationPatient", (2, 3)),
            ("PixelMeasuresSequence", "PixelSpacing", (2,)),
        )
    )
    directions = orientation * LPS_TO_RAS
    if not np.allclose(directions @ directions.T, np.eye(2), atol=1e-3):
        raise ValueError("no place in the scanner")
    slice_mm = value("PixelMeasuresSequence", "SpacingBetweenSlices") or value(
        "PixelMeasuresSequence", "SliceThickness"
    )
    trigger_ms = _first(
        value("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"), header.get("TriggerTime")
    )
    temporal_position = _first(
        value("FrameContentSequence", "TemporalPositionIndex"), header.get("TemporalPositionIdentifier")
    )
    slope = _first(value("PixelValueTransformationSequence", "RescaleSlope"), 1.0)
    intercept = _first(value("PixelValueTransformationSequence", "RescaleIntercept"), 0.0)
    numbers = (position, spacing, slice_mm or 0.0, trigger_ms or 0.0, slope, intercept)
    for name, number_or_more in zip(POSSIBLE, numbers, strict=True):
        _require_possible(file, name, np.array(number_or_more, np.float64))
    instance = header.get("InstanceNumber")
    return Frame(
        file=file,
        number=number,
        instance=None if instance in (None, "") else int(instance),
        series=str(header.SeriesInstanceUID),
        shape=(int(header.Columns), int(header.Rows)),
        position_mm=position * LPS_TO_RAS,
        directions=directions,
        pixel_mm=(float(spacing[1]), float(spacing[0])),  # the header has the distance of rows first
        slice_mm=float(slice_mm or 0.0),
        trigger_ms=None if trigger_ms is None else float(trigger_ms),
        temporal_position=None if temporal_position is None else int(temporal_position),
        slope=float(slope),
        intercept=float(intercept),
    )


def by_time(slices: Sequence[Sequence[Frame]]) -> tuple[tuple[Frame, ...], ...]:
    """The frames of each slice by trigger time, else by temporal position, else by number of file and frame.

    A time that all headers give counts, unless no slice has two.

    Raises:
        FileError: two frames of a slice have the same, or only some have a trigger time.
    """
    for in_slice in slices:
        _require_all_or_no_trigger(in_slice)
    times: tuple[Callable[[Frame], Any], ...] = (
        lambda frame: frame.trigger_ms,
        lambda frame: frame.temporal_position,
        lambda frame: (frame.instance or 0, frame.number),
    )
    for time in times:
        given = [[time(frame) for frame in in_slice] for in_slice in slices]
        is_given = not any(None in of_slice for of_slice in given)
        if is_given and (any(len(set(of_slice)) > 1 for of_slice in given) or time is times[-1]):
            break
    return tuple(tuple(_ordered(in_slice, time)) for in_slice in slices)


def _ordered(frames: Sequence[Frame], time: Callable[[Frame], Any]) -> list[Frame]:
    """Frames of one slice, each at a time of its own."""
    ordered = sorted(frames, key=time)
    for before, after in pairwise(ordered):
        if time(before) == time(after):
            raise FileError(
                after.file,
                f"expected one frame at each place and time. Received: another one, {before.file.name}. A "
                f"file may be there twice, or the series show more than the heart's motion, such as flow.",
            )
    return ordered


def _require_all_or_no_trigger(frames: Sequence[Frame]) -> None:
    timed = [frame.trigger_ms is not None for frame in frames]
    if any(timed) and not all(timed):
        raise FileError(
            frames[timed.index(False)].file,
            f"expected a trigger time, as {sum(timed)} of the {len(frames)} frames of its slice have. "
            f"Received: none.",
        )


def _require_possible(file: Path, name: str, values: NDArray[np.float64]) -> None:
    """Refuse numbers that no scanner writes."""
    low, high = POSSIBLE[name]
    if not ((values >= low) & (values <= high)).all():  # False of NaN too
        raise FileError(file, f"expected {name} from {low:g} to {high:g}. Received: {values.tolist()}.")


def _grouped(header: Any, number: int, group: str, name: str) -> Any:
    """A value of one frame's functional groups, or of those that all frames share; None if in neither."""
    for groups in (
        header.PerFrameFunctionalGroupsSequence[number],
        *header.get("SharedFunctionalGroupsSequence", ()),
    ):
        for item in groups.get(group, ()):
            if item.get(name) is not None:
                return item.get(name)
    return None


def _first(*values: Any) -> Any:
    """The first value that there is; an empty element has none."""
    return next((value for value in values if value not in (None, "")), None)
