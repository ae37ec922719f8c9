"""A DICOM cine series as one volume: its frames in order of their place along the stack and of their time.

Positions and trigger times make the order, names of files never do. The volume keeps DICOM's axes: x along
rows, y along columns, slices along the normal that makes the three right-handed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.dicom import MAX_PIXELS, is_dicom, read_frames, read_pixels
from cmrtf.core.dicom_frames import Frame, by_time
from cmrtf.core.files import is_folder, require_new_file, writing_to
from cmrtf.core.issues import listed
from cmrtf.core.nifti import NiftiVolume, read_nifti, require_nifti_name, write_nifti
from cmrtf.errors import FileError

SAME_PLACE_MM = 0.1
"""Headers round positions; slices that are told apart lie millimetres apart."""

SAME_DIRECTION = 1e-3
"""Difference of two unit vectors; headers round these too."""

MISSING_GAP = 1.5
"""A gap of so many times the usual one is that of a slice that is missing."""

CONVERTED = "cmrtf convert"
"""Field `descrip` of the headers of converted series, which are no synthetic images."""

Slices = tuple[tuple[Frame, ...], ...]
"""Frames by slice, then by time."""


@dataclass(frozen=True, eq=False)
class CineSeries:
    """The frames of one series in order, their pixels not yet read.

    Args:
        path: the folder, or the multi-frame file.
        slices: as many frames of each slice, slices along the normal of x and y.
        affine: `(4, 4)`, voxel index to scanner millimetres (RAS+).
        time_step_s: mean time between two frames, 0 where the headers do not say it.
    """

    path: Path
    slices: Slices
    affine: NDArray[np.float64]
    time_step_s: float

    @classmethod
    def open(cls, path: Path) -> "CineSeries":
        """Read the headers of a series and put its frames in order.

        Args:
            path: a folder that holds one series, or one multi-frame file.

        Raises:
            CmrtfError: pydicom is not installed.
            FileError: a file cannot be read, there are several series, frames do not lie in one stack, or
                slices or times are missing.
        """
        frames = read_frames(path)
        _require_one_series(path, frames)
        _require_one_grid(frames)
        slices = _in_order(frames)
        return cls(path, slices, _affine(slices), _time_step_s(slices))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """`(x, y, z, t)`."""
        return (*self.slices[0][0].shape, len(self.slices), len(self.slices[0]))

    def places(self) -> dict[int, tuple[int, int]]:
        """InstanceNumber of each file to its slice and its frame, both from 0.

        Raises:
            FileError: two files have the same.
        """
        places: dict[int, tuple[int, int]] = {}
        for z, in_slice in enumerate(self.slices):
            for t, frame in enumerate(in_slice):
                if frame.instance in places:
                    other_z, other_t = places[frame.instance]
                    problem = (
                        f"expected an InstanceNumber of its own. Received: {frame.instance}, which "
                        f"{self.slices[other_z][other_t].file.name} has too."
                    )
                    raise FileError(frame.file, problem)
                if frame.instance is not None:
                    places[frame.instance] = z, t
        return places

    def read(self) -> NiftiVolume:
        """The volume, `(x, y, z, t)` or, of one time, `(x, y, z)`: whole numbers as stored, or scaled values.

        Raises:
            FileError: pixels cannot be decoded, or are not all of one type.
        """
        frames = [frame for in_slice in self.slices for frame in in_slice]
        is_scaled = any((frame.slope, frame.intercept) != (1.0, 0.0) for frame in frames)
        pixels: dict[Path, NDArray[Any]] = {}
        data: NDArray[Any] | None = None
        for z, in_slice in enumerate(self.slices):
            for t, frame in enumerate(in_slice):
                if frame.file not in pixels:
                    pixels = {frame.file: read_pixels(frame.file)}  # of one file at a time
                image = pixels[frame.file][frame.number].T
                if image.shape != frame.shape:
                    raise FileError(
                        frame.file, f"expected {frame.shape} pixels. Received: {image.shape} of them."
                    )
                if data is None:
                    data = np.empty(self.shape, np.float32 if is_scaled else image.dtype)
                if not is_scaled and image.dtype != data.dtype:
                    problem = f"expected pixels of type {data.dtype}, as of {frames[0].file.name}"
                    raise FileError(frame.file, f"{problem}. Received: {image.dtype}.")
                data[..., z, t] = frame.slope * image + frame.intercept if is_scaled else image
        assert data is not None, "a series has a frame"
        return NiftiVolume.of(data[..., 0] if data.shape[3] == 1 else data, self.affine)


def read_volume(path: Path) -> NiftiVolume:
    """A NIfTI file, or a DICOM series: a folder or a multi-frame file.

    Raises:
        CmrtfError: it is neither, or cannot be read.
    """
    return CineSeries.open(path).read() if is_folder(path) or is_dicom(path) else read_nifti(path)


def convert(series: Path | str, out: Path | str) -> CineSeries:
    """Write a DICOM cine series as one NIfTI file: pixels, place and time step, and nothing else of it.

    Args:
        series: a folder that holds one series, or one multi-frame file.
        out: ends in `.nii` or `.nii.gz`; its folder exists.

    Returns:
        the series that was read.

    Raises:
        CmrtfError: the series cannot be read, or there is such a file.
    """
    series, out = Path(series), Path(out)
    require_nifti_name(out)
    require_new_file(out)
    cine = CineSeries.open(series)
    volume = cine.read()
    with writing_to(out):
        write_nifti(out, volume.data, volume.affine, cine.time_step_s, CONVERTED)
    return cine


def _require_one_series(path: Path, frames: Sequence[Frame]) -> None:
    """Refuse a folder of several series, naming one file of each."""
    by_series: dict[str, list[Path]] = defaultdict(list)
    for frame in frames:
        by_series[frame.series].append(frame.file)
    if len(by_series) > 1:
        examples = [f"{files[0].name} and {len(files) - 1} more" for files in by_series.values()]
        raise FileError(
            path,
            f"expected one series. Received: {len(by_series)} ({listed(examples, limit=3)}). Give each a "
            f"folder of its own.",
        )


def _require_one_grid(frames: Sequence[Frame]) -> None:
    """Refuse frames of another orientation, size or pixel spacing than most."""
    grids = [(frame.shape, *np.round([*frame.pixel_mm, *frame.directions.ravel()], 2)) for frame in frames]
    first = frames[grids.index(Counter(grids).most_common(1)[0][0])]
    aspects: dict[str, tuple[Callable[[Frame], Any], float]] = {
        "orientation": (lambda frame: frame.directions, SAME_DIRECTION),
        "number of pixels": (lambda frame: frame.shape, 0.0),
        "pixel spacing": (lambda frame: frame.pixel_mm, SAME_DIRECTION),
    }
    for name, (of, tolerance) in aspects.items():
        for frame in frames:
            if np.abs(np.subtract(of(frame), of(first))).max() > tolerance:
                own, others = (np.round(of(f), 4).tolist() for f in (frame, first))
                raise FileError(
                    frame.file,
                    f"expected the {name} of {first.file.name}, {others}, since both are of one series. "
                    f"Received: {own}. Take out the images of the other kind, such as localizers.",
                )
    if len(frames) * first.shape[0] * first.shape[1] > MAX_PIXELS:
        raise FileError(
            first.file.parent, f"expected {MAX_PIXELS:,} pixels at most. Received: {len(frames):,} frames."
        )


def _in_order(frames: Sequence[Frame]) -> Slices:
    """Frames by slice and time.

    Raises:
        FileError: slices have different numbers of frames, or frames have the same place and time.
    """
    normal = np.cross(*frames[0].directions)
    along = np.array([frame.position_mm @ normal for frame in frames])
    slices: list[list[Frame]] = []
    place = -np.inf
    for number in np.argsort(along, kind="stable"):
        if along[number] - place > SAME_PLACE_MM:
            slices.append([])
            place = along[number]
        slices[-1].append(frames[number])
    ordered = by_time(slices)
    most = max(map(len, ordered))
    for in_slice in ordered:
        if len(in_slice) < most:
            raise FileError(
                in_slice[0].file,
                f"expected {most} frames of its slice, as of others. Received: {len(in_slice)}: files are "
                f"missing.",
            )
    return ordered


def _affine(slices: Slices) -> NDArray[np.float64]:
    """Voxel index to scanner millimetres.

    Raises:
        FileError: slices are missing, or do not lie on a line at equal distances.
    """
    first = slices[0][0]
    positions = np.stack([in_slice[0].position_mm for in_slice in slices])
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = (
        direction * mm for direction, mm in zip(first.directions, first.pixel_mm, strict=True)
    )
    affine[:3, 3] = positions[0]
    if len(positions) == 1:
        if not first.slice_mm:
            problem = "expected SpacingBetweenSlices or SliceThickness, since there is one slice"
            raise FileError(first.file, f"{problem}. Received: neither.")
        affine[:3, 2] = np.cross(*first.directions) * first.slice_mm
        return affine
    affine[:3, 2] = (positions[-1] - positions[0]) / (len(positions) - 1)
    on_a_line = positions[0] + np.arange(len(positions))[:, None] * affine[:3, 2]
    if np.linalg.norm(positions - on_a_line, axis=1).max() > min(first.pixel_mm) / 2:
        _refuse_gaps(slices, positions)
    return affine


def _refuse_gaps(slices: Slices, positions: NDArray[np.float64]) -> None:
    """Name the slices where a stack has no even spacing."""
    gaps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    usual = float(np.percentile(gaps, 50, method="lower"))
    largest = int(gaps.argmax())
    below, above = (slices[k][0].file for k in (largest, largest + 1))
    reason = "a slice is missing there" if gaps[largest] > MISSING_GAP * usual else "they do not form a stack"
    raise FileError(
        above,
        f"expected slices on one line, {usual:.1f} mm apart. Received: {gaps[largest]:.1f} mm to "
        f"{below.name}, the next one: {reason}.",
    )


def _time_step_s(slices: Slices) -> float:
    """Mean time between frames."""
    if len(slices[0]) == 1:
        return 0.0
    lengths = [
        last.trigger_ms - first.trigger_ms
        for first, *_, last in slices
        if first.trigger_ms is not None and last.trigger_ms is not None
    ]
    return float(np.mean(lengths)) / (len(slices[0]) - 1) / 1000.0 if lengths else 0.0
