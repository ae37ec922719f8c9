"""What a reader yields: light subjects that know their files and load them when asked.

A reader turns one data set's layout into `RawSubject` objects and is the only place that knows
that layout; everything after it sees label ids in `SCHEMA`'s order and 0-based frames.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.data import validation
from cmrtf.data.nifti import NiftiVolume, read_nifti
from cmrtf.data.schema import SCHEMA, LabelSchema
from cmrtf.errors import CmrtfError


@dataclass(frozen=True)
class PhaseFiles:
    """Where one phase of one subject is stored.

    Args:
        image: NIfTI file of the image.
        label: NIfTI file of the label.
        frame: 0-based frame of the cine.
        is_cine: whether the files hold the whole cine `(x, y, z, t)` or this frame alone.
    """

    image: Path
    label: Path
    frame: int
    is_cine: bool


@dataclass(frozen=True)
class RawVolume:
    """One phase as it is stored, checked, in NIfTI order.

    Args:
        image: `(x, y, z)` finite values in the source's units.
        label_ids: `(x, y, z)` uint8 in `SCHEMA`'s order.
        affine: `(4, 4)`, voxel index to scanner millimetres.
        source: the image's file, for messages.
    """

    image: NDArray[Any]
    label_ids: NDArray[np.uint8]
    affine: NDArray[np.float64]
    source: Path


@dataclass(frozen=True)
class RawSubject:
    """One labelled subject of a raw data set.

    Args:
        subject: the data set's code of the subject.
        vendor: `"A"` to `"D"`, or `""` when unknown.
        pathology: the data set's abbreviation, or `""` when unknown.
        phases: `"ED"` and `"ES"` to their files.
        label_to_schema: label id in the file to label id in `SCHEMA`.
    """

    subject: str
    vendor: str
    pathology: str
    phases: Mapping[str, PhaseFiles]
    label_to_schema: NDArray[np.uint8] = field(
        default_factory=lambda: np.arange(SCHEMA.num_classes, dtype=np.uint8)
    )

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file of the subject, once."""
        paths = [path for phase in self.phases.values() for path in (phase.image, phase.label)]
        return tuple(dict.fromkeys(paths))

    def load(self) -> dict[str, RawVolume]:
        """Read and check all phases; a cine that holds several is read once.

        Raises:
            CmrtfError: a file is missing, damaged, or holds what no labelled short-axis stack can.
        """
        volumes = {path: read_nifti(path) for path in self.files}
        loaded = {phase: self._load_phase(files, volumes) for phase, files in self.phases.items()}
        first, *others = self.phases
        for other in others:
            validation.check_same_grid(
                self.phases[first].image, loaded[first].image.shape, loaded[first].affine,
                self.phases[other].image, loaded[other].image.shape, loaded[other].affine,
            )  # fmt: skip
        return loaded

    def _load_phase(self, files: PhaseFiles, volumes: Mapping[Path, NiftiVolume]) -> RawVolume:
        """One phase out of the subject's files."""
        image, label = volumes[files.image], volumes[files.label]
        validation.check_spacing(files.image, image.affine)
        validation.check_same_grid(
            files.image, image.data.shape, image.affine, files.label, label.data.shape, label.affine
        )
        voxels = _frame(files.image, image.data, files)
        label_ids = _frame(files.label, label.data, files)
        validation.check_image(files.image, voxels)
        file_order = LabelSchema("file's", tuple(SCHEMA.structures[i] for i in self.label_to_schema))
        file_order.validate(label_ids, str(files.label))
        validation.check_heart(files.label, label_ids, files.frame)
        return RawVolume(voxels, self.label_to_schema[label_ids.astype(np.uint8)], image.affine, files.image)


@dataclass(frozen=True)
class SkippedSubject:
    """A subject that a reader left out on purpose.

    Args:
        subject: the data set's code of the subject.
        reason: why, without folder names.
    """

    subject: str
    reason: str


@dataclass(frozen=True)
class RawCohort:
    """What a reader found under a folder.

    Args:
        format: the reader's name.
        subjects: the labelled subjects in order of their codes.
        skipped: subjects without labels, which are no mistake.
        problems: one paragraph for each subject that is there but cannot be read.
    """

    format: str
    subjects: tuple[RawSubject, ...]
    skipped: tuple[SkippedSubject, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Reader:
    """One data set's layout.

    Args:
        name: what `--format` calls it.
        layout: the files it looks for, for messages.
        recognises: whether a folder holds such files.
        read: the subjects under a folder; raises `CmrtfError` when the data set as a whole is unusable.
    """

    name: str
    layout: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path], RawCohort]


def _frame(path: Path, data: NDArray[Any], files: PhaseFiles) -> NDArray[Any]:
    """The phase's `(x, y, z)` voxels of a file."""
    if not files.is_cine and data.ndim == 3:
        return data
    frame = files.frame if files.is_cine else 0
    frames = data.shape[3] if data.ndim == 4 else 1
    if not files.is_cine and frames > 1:
        raise CmrtfError(f"{path}: expected a single frame (x, y, z). Received: shape={data.shape}.")
    if not 0 <= frame < frames:
        raise CmrtfError(
            f"{path}: expected frame {frame} (counted from 0), as the subject's information says. "
            f"Received: a file of {frames} frames."
        )
    return data[..., frame] if data.ndim == 4 else data
