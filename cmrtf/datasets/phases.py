"""Which of two labelled frames is ED where no file says so: the one with the larger LV."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from cmrtf.core.labels import SCHEMA, whole_numbers
from cmrtf.core.nifti import read_nifti
from cmrtf.errors import FileError


def lv_sizes(labels: Mapping[str, Path], label_to_schema: Mapping[int, int]) -> dict[str, int]:
    """Voxels of the LV in some frames, the largest first. The first frame wins a tie.

    Args:
        labels: name of each frame to its label file.
        label_to_schema: label value in the files to label id in `SCHEMA`.

    Raises:
        FileError: a label cannot be read, or has no LV to go by.
    """
    (lv,) = (value for value, label_id in label_to_schema.items() if label_id == SCHEMA.id_of("LV"))
    sizes = {name: _count(path, lv) for name, path in labels.items()}
    for name, size in sizes.items():
        if not size:
            problem = f"expected LV ({lv}), since the frame with the larger one is ED. Received: none."
            raise FileError(labels[name], problem)
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def _count(path: Path, value: int) -> int:
    """Voxels that have a value, as far as a slope in the header lets them have it."""
    return int(np.count_nonzero(whole_numbers(read_nifti(path).data) == value))
