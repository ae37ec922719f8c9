"""What images of a subject look like.

An appearance is a style code at each of a few places along the heart, for both phases: what surrounds a
heart changes from below the apex to above the base. The shape of the heart is not in it: any appearance goes
with any anatomy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import Geometry
from cmrtf.core.nifti import NiftiVolume
from cmrtf.core.preparation import crop_geometry, prepare_image
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.quality.image_files import read_image
from cmrtf.shape.orientation import OrderEvidence
from cmrtf.synthesis.heart_axis import interpolated
from cmrtf.synthesis.protocols import Models

PLACES = np.linspace(-0.25, 1.25, 13)
"""Where along the heart an appearance is known, 0 the apical labelled slice and 1 the basal one."""


@dataclass(frozen=True)
class Appearance:
    """What all images of a subject look like.

    Args:
        style: `(places, style_dim)`, evenly from the first of `PLACES` to the last; one place of a bundle of
            earlier versions, for all slices.
        intensity_window: source values of -1 and 1.
        vendor: whose scanners make such images, `""` when unknown.
        centre: where they are made, `""` when unknown.
    """

    style: NDArray[np.float32]
    intensity_window: tuple[float, float]
    vendor: str = ""
    centre: str = ""

    @classmethod
    def of(
        cls,
        codes: Mapping[str, NDArray[np.float32]],
        label_ids: Mapping[str, NDArray[np.uint8]],
        intensity_window: tuple[float, float],
        vendor: str = "",
        centre: str = "",
    ) -> "Appearance":
        """The appearance of a subject, the mean over its phases.

        Args:
            codes: by phase, `(slices, style_dim)`, of its images.
            label_ids: by phase, `(slices, size, size)`, on the same slices.
            intensity_window: see the class.
            vendor: see the class.
            centre: see the class.
        """
        of_slices = np.stack(list(codes.values())).mean(axis=0)
        style = interpolated(PLACES, along_heart(list(label_ids.values())), of_slices)
        return cls(style, intensity_window, vendor, centre)

    @classmethod
    def of_subject(
        cls, encode_style: Callable[[NDArray[np.float32]], NDArray[np.float32]], subject: Subject
    ) -> "Appearance":
        """The appearance of a prepared subject.

        Args:
            encode_style: `(slices, size, size)` images in [-1, 1] to style means `(slices, style_dim)`.
            subject: with images and labels of every phase.
        """
        low, high = np.mean([stack.intensity_window for stack in subject.stacks.values()], axis=0)
        return cls.of(
            {phase: encode_style(stack.image) for phase, stack in subject.stacks.items()},
            {phase: stack.label_ids for phase, stack in subject.stacks.items()},
            (float(low), float(high)),
            subject.vendor,
            subject.centre,
        )

    def styles_of(self, label_ids: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Style codes `(slices, style_dim)` of slices, by where they lie: see `along_heart`."""
        places = np.linspace(PLACES[0], PLACES[-1], len(self.style))
        return interpolated(along_heart(label_ids), places, self.style)

    def synthesize(
        self, models: Models, label_ids: Mapping[str, NDArray[np.uint8]]
    ) -> dict[str, NDArray[np.float32]]:
        """Images of label maps; what surrounds the heart is that of the slice, in every phase.

        Args:
            models: a bundle's.
            label_ids: by phase, `(slices, size, size)`, on the same slices.

        Returns:
            by phase, images in [-1, 1], of the same shape.
        """
        styles = self.styles_of(list(label_ids.values()))
        return {phase: models.synthesize(labels, styles) for phase, labels in label_ids.items()}

    def synthesize_stacks(self, models: Models, stacks: Mapping[str, Stack]) -> dict[str, Stack]:
        """The same stacks, on the same slices, with images of their labels."""
        images = self.synthesize(models, {phase: stack.label_ids for phase, stack in stacks.items()})
        return {
            phase: stack.with_image(images[phase], self.intensity_window) for phase, stack in stacks.items()
        }


def along_heart(label_ids: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Where along the heart slices lie: 0 the apical one that is labelled in any phase, 1 the basal one.

    Fewer than two labelled slices say nothing of that; the stack is taken for the heart then.

    Args:
        label_ids: of each phase, `(slices, size, size)`, on the same slices, apex first.
    """
    slices = np.arange(len(label_ids[0]))
    labelled = np.flatnonzero(np.any([stack.any(axis=(1, 2)) for stack in label_ids], axis=0))
    first, last = (labelled[0], labelled[-1]) if len(labelled) > 1 else (0, max(len(slices) - 1, 1))
    return (slices - first) / (last - first)


Group = tuple[Appearance, ...]
"""Of subjects that have something in common."""


def average(known: Sequence[Appearance]) -> Appearance:
    """The mean of some; of vendor and centre, what all have in common."""
    low, high = np.mean([appearance.intensity_window for appearance in known], axis=0)
    vendors, centres = (
        {appearance.vendor for appearance in known},
        {appearance.centre for appearance in known},
    )
    return Appearance(
        np.mean([appearance.style for appearance in known], axis=0, dtype=np.float32),
        (float(low), float(high)),
        vendors.pop() if len(vendors) == 1 else "",
        centres.pop() if len(centres) == 1 else "",
    )


def draw_appearance(known: Sequence[Appearance], rng: np.random.Generator) -> Appearance:
    """Draw an appearance from the normal distribution that has mean and covariance of known ones.

    It is their mean plus a random combination of all deviations from it, so it is no patient's, nor half of
    two. (The prior of the style encoder would do if its posterior filled it, which is never quite so: see
    docs/experiments.md.)

    Args:
        known: of at least one subject; of one alone it is its own.
        rng: draws.
    """
    if len(known) == 1:
        return known[0]
    mean = average(known)
    deviations = np.stack([appearance.style for appearance in known]) - mean.style
    weights = rng.standard_normal(len(known)) / np.sqrt(len(known) - 1)
    style = (mean.style + np.tensordot(weights, deviations, axes=1)).astype(np.float32)
    return Appearance(style, mean.intensity_window, mean.vendor, mean.centre)


def appearance_of_file(models: Models, path: Path, geometry: Geometry | None = None) -> Appearance:
    """The appearance of an image file or a DICOM series, of a cine in one frame.

    Of a cine it is the first frame, which is next to the R wave in most. The first slice stands for the apex
    and the last for the base where a geometry or the affine says which is which; otherwise the mean of all
    stands for each.

    What the models see is 192 mm wide. It is cut out around the heart where a geometry says where that is,
    and about the middle of the image otherwise.

    Args:
        models: encode the image.
        path: NIfTI file, or a DICOM series, a folder or a multi-frame file.
        geometry: of a label file; it counts if both lie on the same grid.

    Raises:
        CmrtfError: it is no image of a stack of slices.
    """
    volume = read_image(path)
    if volume.data.ndim == 4:
        volume = replace(volume, data=volume.data[..., 0])
    is_on_labels = geometry is not None and _on_same_grid(volume, geometry)
    order = OrderEvidence.of_affine(volume.affine)
    if geometry is None or not is_on_labels:
        middle = np.zeros(volume.data.shape, np.bool_)
        middle[tuple(size // 2 for size in volume.data.shape)] = True
        geometry = crop_geometry(middle, volume.affine, stack_flipped=order.is_base_first())
    image, window = prepare_image(volume.data.astype(np.float32), geometry, path)
    codes = models.encode_style(image)
    if not (is_on_labels or order.is_certain):
        return Appearance(codes.mean(axis=0, keepdims=True), window)
    unlabelled = np.zeros(image.shape, np.uint8)
    return Appearance.of({"": codes}, {"": unlabelled}, window)


def _on_same_grid(volume: NiftiVolume, geometry: Geometry) -> bool:
    return volume.data.shape == geometry.source_shape and np.allclose(
        volume.affine, geometry.source_affine, atol=1e-3
    )
