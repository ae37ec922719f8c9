"""One heart beat of a subject: a stack for each frame."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.arguments import is_number, require_whole
from cmrtf.core.stack import SLICE_SUMMATION, Stack
from cmrtf.errors import CmrtfError

MIN_FRAMES: Final = 2
"""End diastole and end systole."""


@dataclass(frozen=True, eq=False, repr=False)
class Cine:
    """A heart beat from end diastole to the frame before the next one: played in a loop, it is periodic.

    Args:
        frames: a stack each, on the same slices; frame 0 is end diastole.
        es_frame: which frame is end systole, from 1.
        frame_s: time from frame to frame.

    Raises:
        CmrtfError: there are fewer than two frames, they lie on different voxels, no such frame is end
            systole, or it takes no time from frame to frame.
    """

    frames: tuple[Stack, ...]
    es_frame: int
    frame_s: float

    def __post_init__(self) -> None:
        if len(self.frames) < MIN_FRAMES:
            raise CmrtfError(f"frames: expected {MIN_FRAMES} or more. Received: {len(self.frames)}.")
        first = self.frames[0]
        for number, stack in enumerate(self.frames):
            if not stack.lies_on(first):
                raise CmrtfError(
                    f"frames: expected stacks on the same voxels. Received: frame {number}, {stack!r}, "
                    f"beside frame 0, {first!r}."
                )
        require_whole("es_frame", self.es_frame, 1, len(self.frames) - 1)
        if not (is_number(self.frame_s) and 0.0 < self.frame_s < math.inf):
            raise CmrtfError(f"frame_s: expected seconds, more than 0. Received: {self.frame_s!r}.")

    @property
    def stacks(self) -> dict[str, Stack]:
        """End diastole and end systole."""
        return {"ED": self.frames[0], "ES": self.frames[self.es_frame]}

    @property
    def facts(self) -> dict[str, Any]:
        """What its files do not say, as plain values for JSON."""
        return {"es_frame": self.es_frame, "frame_s": self.frame_s}

    def volumes_ml(self, structure: str, method: str = SLICE_SUMMATION) -> NDArray[np.float64]:
        """Volume of one structure in each frame, `(frames,)`.

        Args:
            structure: such as `"LV"`.
            method: as of `Stack.volume_ml`.
        """
        return np.array([stack.volume_ml(structure, method) for stack in self.frames])

    def write(self, image: Path, labels: Path) -> None:
        """Write two 4D files, whose folders exist: the image in the units of the source, and the labels."""
        from cmrtf.core.nifti import write_nifti
        from cmrtf.core.stack_files import image_on_file, labels_on_file

        affine = self.frames[0].affine
        images, label_maps = map(image_on_file, self.frames), map(labels_on_file, self.frames)
        write_nifti(image, np.stack(list(images), axis=-1), affine, self.frame_s)
        write_nifti(labels, np.stack(list(label_maps), axis=-1), affine, self.frame_s)

    def __repr__(self) -> str:
        return f"Cine({len(self.frames)} frames of {self.frames[0]!r}, ES frame {self.es_frame})"
