"""Label maps of one's own: read from files and brought onto the prepared grid, for images to be made of."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cmrtf.core.files import is_folder
from cmrtf.core.geometry import Geometry, spacing_mm
from cmrtf.core.issues import WARNING, raise_errors, raise_problems
from cmrtf.core.label_values import label_to_schema
from cmrtf.core.preparation import SIZE, SPACING_MM, prepare_labels, to_nifti_order
from cmrtf.core.stack import Stack
from cmrtf.errors import CmrtfError
from cmrtf.quality.label_files import check_label_file, label_files
from cmrtf.synthesis.sources import require_labels

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelMaps:
    """The label maps of one file, all on the same voxels.

    Args:
        name: of the file, below its folder, without its suffix.
        stacks: prepared, and dark everywhere: of a 3D file one that is called `""`, of a 4D file one for each
            labelled frame, such as `"frame07"` (counted from 0).
    """

    name: str
    stacks: Mapping[str, Stack]


def read_label_maps(path: Path, label_values: Mapping[str, int] | None = None) -> list[LabelMaps]:
    """Read and check a label file or all those under a folder; warnings are logged.

    What is checked is what `cmrtf prepare` checks of labels. A file that is on the prepared grid already,
    like the labels that cmrtf writes, is taken as it is.

    Args:
        path: 3D or 4D NIfTI, or a folder of such files.
        label_values: structure to its value in the files; None for those of `SCHEMA`.

    Raises:
        CmrtfError: a file is no label map of a heart, or its labels are in another order; all such files are
            named.
    """
    values = label_to_schema(label_values)
    files = label_files(path) if is_folder(path) else [path]
    folder = path if is_folder(path) else path.parent
    maps: list[LabelMaps] = []
    problems: list[str] = []
    sources: dict[str, Path] = {}
    for file in files:
        try:
            stacks = _read(file, values)
        except CmrtfError as error:
            problems.append(str(error))
        else:
            name = re.sub(r"\.nii(\.gz)?$", "", file.relative_to(folder).as_posix(), flags=re.IGNORECASE)
            for image in (f"{name}{frame and f'_{frame}'}" for frame in stacks):
                if (other := sources.setdefault(image, file)) != file:
                    problems.append(
                        f"{file}: expected a file whose image no other has. Received: one whose image would "
                        f"be {image}.nii.gz, as that of {other}. Rename one."
                    )
            maps.append(LabelMaps(name, stacks))
    raise_problems(problems, len(files), "label files", hint="")
    return maps


def label_map_of(labels: Stack | Path | str, label_values: Mapping[str, int] | None = None) -> Stack:
    """A prepared stack as it is, or one 3D label file, read; both are checked.

    Raises:
        CmrtfError: `cmrtf prepare` would not make such a stack, or as of `read_label_map`.
    """
    if not isinstance(labels, Stack):
        return read_label_map(Path(labels), label_values)
    require_labels(labels)
    return labels


def read_label_map(path: Path, label_values: Mapping[str, int] | None = None) -> Stack:
    """Read, check and prepare one 3D label file, as `read_label_maps` does.

    Raises:
        CmrtfError: as there, or it is a folder or a 4D file.
    """
    if is_folder(path):
        raise CmrtfError(f"{path}: expected a 3D label file, for one image. Received: a folder.")
    stacks = _read(path, label_to_schema(label_values))
    if "" not in stacks:
        raise CmrtfError(f"{path}: expected a 3D label file, for one image. Received: a 4D file.")
    return stacks[""]


def _read(path: Path, values: Mapping[int, int]) -> dict[str, Stack]:
    checked = check_label_file(path, values)
    raise_errors(checked.issues)
    for issue in checked.issues:
        if issue.level == WARNING:
            logger.warning("%s", issue)
    assert checked.geometry, "the last check sets it"
    geometry = _as_it_is(checked.geometry)
    stacks = {}
    for name, raw in checked.stacks.items():
        label_ids = prepare_labels(to_nifti_order(raw.label_ids), geometry)
        dark = np.broadcast_to(np.float32(-1.0), label_ids.shape)
        stacks[name] = Stack(dark, label_ids, geometry)
    return stacks


def _as_it_is(around_heart: Geometry) -> Geometry:
    """The voxels of the source themselves where they are a prepared grid, in the order of the slices."""
    x, y, _ = around_heart.source_shape
    spacing = spacing_mm(around_heart.source_affine)[:2]
    if (x, y) != (SIZE, SIZE) or not np.allclose(spacing, SPACING_MM, atol=1e-3):
        return around_heart
    to_source = around_heart.to_source.copy()
    to_source[:2] = np.eye(4)[:2]
    return Geometry(around_heart.source_shape, around_heart.source_affine, around_heart.shape, to_source)
