"""A raw data set of predicted labels, to be looked at, corrected and prepared as any other."""

import csv
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from cmrtf.adaptation.predicted_labels import PredictedStack, Segment, predict_labels
from cmrtf.adaptation.unlabelled import UnlabelledImage
from cmrtf.core.files import new_folder, write_text
from cmrtf.core.issues import listed
from cmrtf.core.labels import SCHEMA
from cmrtf.core.nifti import write_nifti
from cmrtf.core.progress import progress_bar
from cmrtf.datasets.folder import DESCRIPTION_NAME
from cmrtf.errors import CmrtfError
from cmrtf.quality.image_files import read_image

PREDICTED: Final = "cmrtf adapt, labels predicted"
"""Field `descrip` of the headers: the images are real ones."""

LEFT_OUT: Final = "left-out.csv"
"""Which images are not used, and why."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LeftOut:
    """An image that is not used.

    Args:
        code: of its subject.
        reason: why.
    """

    code: str
    reason: str


def write_predicted_set(
    out: Path, images: Sequence[UnlabelledImage], segment: Segment, vendor: str, progress: bool = False
) -> list[LeftOut]:
    """Predict labels of images and write those that can be believed, as a folder of pairs.

    Args:
        out: a folder that does not exist yet or is empty.
        images: without labels.
        segment: a segmenter of prepared images.
        vendor: of the scanners, `"A"` to `"D"`, or `""` when unknown.
        progress: whether to show a bar.

    Returns:
        images that are left out: no label can be predicted that looks like a heart, or they are no images.

    Raises:
        CmrtfError: none is left, or the folder is taken or cannot be written.
    """
    left_out: list[LeftOut] = []
    with new_folder(out) as folder:
        for name in ("images", "labels"):
            (folder / name).mkdir()
        for image in progress_bar(images, "predicted labels", unit="image", disable=not progress):
            try:
                volume = read_image(image.path)
                stacks = predict_labels(segment, volume, image.path)
            except CmrtfError as error:
                left_out.append(LeftOut(image.code, str(error)))
                continue
            problems = [f"{phase}: {stack.problem}." for phase, stack in stacks.items() if stack.problem]
            if problems:
                left_out.append(LeftOut(image.code, " ".join(problems)))
                continue
            for phase, stack in stacks.items():
                _write(folder, f"{image.code}_{phase}", stack, volume.affine)
        if len(left_out) == len(images):
            raise CmrtfError(
                "expected labels that look like hearts, of one image or more. Received: none of "
                f"{len(images)}: {listed([f'{one.code} ({one.reason})' for one in left_out], 3)}."
            )
        write_text(folder / LEFT_OUT, _table(left_out))
        write_text(folder / DESCRIPTION_NAME, _description(vendor))
    if left_out:
        is_one = len(images) - len(left_out) == 1
        one = "; each patient is copied once, to look like the one that is left" if is_one else ""
        logger.warning("Left out %d of %d images, see %s%s.", len(left_out), len(images), out / LEFT_OUT, one)
    return left_out


def read_left_out(folder: Path) -> list[LeftOut]:
    """What `write_predicted_set` left out.

    Raises:
        CmrtfError: the table is not there or not as it was written.
    """
    try:
        rows = list(csv.reader(io.StringIO((folder / LEFT_OUT).read_text(encoding="utf-8"))))
        return [LeftOut(code, reason) for code, reason in rows[1:]]
    except (OSError, ValueError, csv.Error) as error:
        raise CmrtfError(f"{folder / LEFT_OUT}: expected codes and reasons. Received: {error}.") from error


def _write(folder: Path, name: str, stack: PredictedStack, affine: Any) -> None:
    for kind, voxels in (("images", stack.image), ("labels", stack.label_ids)):
        write_nifti(folder / kind / f"{name}.nii.gz", voxels, affine, description=PREDICTED)


def _table(left_out: Sequence[LeftOut]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([("code", "reason"), *((one.code, one.reason) for one in left_out)])
    return buffer.getvalue()


def _description(vendor: str) -> str:
    entries: dict[str, Any] = {
        "images": "images/{subject}_{phase}.nii.gz",
        "labels": "labels/{subject}_{phase}.nii.gz",
        "label_values": {structure: SCHEMA.id_of(structure) for structure in SCHEMA.foreground},
    }
    return yaml.safe_dump(entries | ({"vendor": vendor} if vendor else {}), sort_keys=False)
