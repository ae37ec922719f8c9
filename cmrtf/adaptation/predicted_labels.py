"""Labels that a segmenter predicts, on the voxels of the image, and whether they can be believed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import Geometry
from cmrtf.core.labels import SCHEMA
from cmrtf.core.nifti import NiftiVolume
from cmrtf.core.preparation import crop_geometry, place_on_source, prepare_image
from cmrtf.quality.image_files import frames_of
from cmrtf.shape.plausibility import repair

Segment = Callable[[NDArray[np.float32]], NDArray[np.uint8]]
"""`(slices, size, size)` images in [-1, 1] to label ids."""

LOOKS: Final = 3
"""How often the image is cut out around the heart that was seen in it, at first around its middle."""

MOST_REPAIRED: Final = 0.08
"""Pixels that were repaired, as a share of those of the heart. A segmenter that is wrong contradicts itself:
of 12 stacks of ACDC and 10 of Sunnybrook the better half needed .2 to 2 %, the others up to 9 %."""

LEAST_SLICES: Final = 4
"""With an LV in them, one beside the other."""

LV_ML: Final = (10.0, 600.0)


@dataclass(frozen=True)
class PredictedStack:
    """The labels of one phase.

    Args:
        frame: of the cine, 0 of an image that is none.
        image: `(x, y, z)` of that frame.
        label_ids: `(x, y, z)`, repaired.
        repaired_share: pixels that were repaired, as a share of those of the heart as predicted.
        lv_ml: volume of the LV.
    """

    frame: int
    image: NDArray[Any]
    label_ids: NDArray[np.uint8]
    repaired_share: float
    lv_ml: float

    @property
    def problem(self) -> str | None:
        """Why these labels are not believed; None where they are."""
        slices = (self.label_ids == SCHEMA.id_of("LV")).any(axis=(0, 1))
        if _longest_run(slices) < LEAST_SLICES:
            return f"expected an LV in {LEAST_SLICES} slices or more, one beside the other. Received: fewer"
        low, high = LV_ML
        if not low <= self.lv_ml <= high:
            return f"expected an LV of {low:g} to {high:g} ml. Received: {self.lv_ml:.0f} ml"
        if self.repaired_share > MOST_REPAIRED:
            return (
                f"expected implausible labels in {100 * MOST_REPAIRED:.0f} % of the heart or less. "
                f"Received: in {100 * self.repaired_share:.0f} %"
            )
        return None


def predict_labels(segment: Segment, volume: NiftiVolume, path: Path) -> dict[str, PredictedStack]:
    """Labels at ED and ES of a cine, and of an image that is none, taken for ED.

    ED is the frame with the largest LV, ES that with the smallest.

    Args:
        segment: a segmenter of prepared images.
        volume: that was read by `read_image`.
        path: of it, for messages.

    Raises:
        CmrtfError: the image has no contrast.
    """
    frames = frames_of(volume)
    geometry = _geometry_around_heart(segment, frames[0], volume, path)
    predicted = [_predict(segment, frame, number, geometry, path) for number, frame in enumerate(frames)]
    volumes_ml = [stack.lv_ml for stack in predicted]
    ed = predicted[int(np.argmax(volumes_ml))]
    return {"ED": ed} if len(predicted) == 1 else {"ED": ed, "ES": predicted[int(np.argmin(volumes_ml))]}


def labels_on_source(label_ids: NDArray[np.uint8], geometry: Geometry) -> NDArray[np.uint8]:
    """Prepared labels `(slices, size, size)` on the voxels of their source, `(x, y, z)`.

    Each class is interpolated by itself and the largest wins; beyond the prepared grid is background.
    """
    shares = [
        place_on_source(np.where(label_ids == label_id, 1.0, -1.0).astype(np.float32), geometry)
        for label_id in range(SCHEMA.num_classes)
    ]
    return np.argmax(shares, axis=0).astype(np.uint8)


def _geometry_around_heart(
    segment: Segment, frame: NDArray[Any], volume: NiftiVolume, path: Path
) -> Geometry:
    seen = np.zeros(frame.shape, np.bool_)
    seen[tuple(size // 2 for size in frame.shape)] = True
    for _ in range(LOOKS):
        geometry = crop_geometry(seen, volume.affine, stack_flipped=False)
        image, _window = prepare_image(frame.astype(np.float32), geometry, path)
        label_ids = repair(segment(image))
        if not label_ids.any():
            break
        seen = labels_on_source(label_ids, geometry) > 0
    return geometry


def _predict(
    segment: Segment, frame: NDArray[Any], number: int, geometry: Geometry, path: Path
) -> PredictedStack:
    image, _window = prepare_image(frame.astype(np.float32), geometry, path)
    raw = segment(image)
    repaired = repair(raw)
    label_ids = labels_on_source(repaired, geometry)
    lv_ml = np.count_nonzero(label_ids == SCHEMA.id_of("LV")) * _voxel_ml(geometry)
    repaired_share = float(np.sum(raw != repaired) / max(1, int(np.sum(raw > 0))))
    return PredictedStack(number, frame, label_ids, repaired_share, lv_ml)


def _voxel_ml(geometry: Geometry) -> float:
    """Of the source."""
    return float(abs(np.linalg.det(geometry.source_affine[:3, :3])) / 1000.0)


def _longest_run(there: Sequence[bool] | NDArray[np.bool_]) -> int:
    longest = run = 0
    for is_there in there:
        run = run + 1 if is_there else 0
        longest = max(longest, run)
    return longest
