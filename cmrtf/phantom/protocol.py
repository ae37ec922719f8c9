"""Imaging protocols: the settings of the vendors' scanners, and the plan of the slices."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmrtf.phantom.bssfp import tissue_signals
from cmrtf.phantom.heart import Heart
from cmrtf.phantom.raster import FloatArray
from cmrtf.phantom.tissues import TISSUES

Range = tuple[float, float]


@dataclass(frozen=True)
class Vendor:
    """How one vendor's cine bSSFP looks; ranges are between subjects.

    Args:
        letter: M&Ms code.
        name: M&Ms vendor name.
        centres: M&Ms centre numbers.
        tr_ms: repetition time; the echo is at half of it.
        flip_angle_deg: flip angle.
        pixel_mm: reconstructed in-plane pixel.
        field_of_view_mm: longer side of the image.
        phase_field_of_view: shorter side over longer side.
        thickness_mm: slice thickness; what is missing to the spacing is gap.
        acquired: share of the image's k-space that is measured along y and x; the rest is zero-filled.
        blood_level: stored intensity of LV blood.
        blood_snr: signal of LV blood over the noise's standard deviation.
        coil_shading: how much brighter than the middle the chest wall is received.
    """

    letter: str
    name: str
    centres: tuple[int, ...]
    tr_ms: Range
    flip_angle_deg: Range
    pixel_mm: Range
    field_of_view_mm: Range
    phase_field_of_view: Range
    thickness_mm: Range
    acquired: tuple[Range, Range]
    blood_level: Range
    blood_snr: Range
    coil_shading: Range


VENDORS = (
    Vendor(
        letter="A",
        name="Siemens",
        centres=(1,),
        tr_ms=(2.8, 3.2),
        flip_angle_deg=(55, 70),
        pixel_mm=(1.2, 1.6),
        field_of_view_mm=(270, 310),
        phase_field_of_view=(0.8, 0.9),
        thickness_mm=(7.5, 8.0),
        acquired=((0.70, 0.85), (0.80, 0.95)),
        blood_level=(180, 380),
        blood_snr=(22, 34),
        coil_shading=(0.9, 1.7),
    ),
    Vendor(
        letter="B",
        name="Philips",
        centres=(2, 3),
        tr_ms=(2.9, 3.6),
        flip_angle_deg=(45, 60),
        pixel_mm=(1.1, 1.45),
        field_of_view_mm=(250, 300),
        phase_field_of_view=(0.95, 1.0),
        thickness_mm=(8.0, 10.0),
        acquired=((0.55, 0.70), (0.62, 0.75)),
        blood_level=(600, 1300),
        blood_snr=(30, 46),
        coil_shading=(0.3, 0.8),
    ),
)
"""The two vendors of M&Ms' labelled training set, both at 1.5 T (Campello et al., IEEE TMI 2021;40:3543).

Typical cine settings and stored intensities, recalled: Siemens stores hundreds, Philips about a thousand;
Philips reconstructs on a finer grid and evens out the coils (CLEAR). Which centre has which vendor: recalled.
"""

SLICE_SPACINGS_MM = (8.0, 9.0, 9.6, 10.0)
"""Usual spacings of short-axis stacks; one that needs 8 to 12 slices is drawn."""


@dataclass(frozen=True)
class Protocol:
    """One examination.

    Args:
        vendor: vendor of the scanner.
        centre: M&Ms centre number.
        tr_ms: repetition time; the echo is at half of it.
        flip_angle_deg: flip angle.
        pixel_mm: in-plane pixel, x and y alike.
        matrix: `(x, y)` pixels.
        thickness_mm: slice thickness.
        slice_heights_mm: `(slices,)`, apex first, along the LV axis from the endocardial apex.
        axes: `(3, 3)`, rows: image x, image y, apex to base, as LPS unit vectors.
        centre_mm: `(2,)`, image centre along image x and y, from the LV axis.
        isocentre_mm: `(3,)`, LPS position of the LV apex in the scanner.
        heart_angle_rad: angle from image x to the heart's lateral direction.
        base_first: whether the stack is stored from base to apex.
        breath_mm: `(slices, 2)`, how much the body lies off in each slice's breath hold.
        axis_drift: `(2,)`, in-plane drift of the LV axis per mm of height.
    """

    vendor: Vendor
    centre: int
    tr_ms: float
    flip_angle_deg: float
    pixel_mm: float
    matrix: tuple[int, int]
    thickness_mm: float
    slice_heights_mm: FloatArray
    axes: NDArray[np.float64]
    centre_mm: NDArray[np.float64]
    isocentre_mm: NDArray[np.float64]
    heart_angle_rad: float
    base_first: bool
    breath_mm: NDArray[np.float64]
    axis_drift: NDArray[np.float64]

    @property
    def affine(self) -> NDArray[np.float64]:
        """`(4, 4)`, voxel index (x, y, z) of the stored stack to scanner millimetres, RAS+."""
        heights = self.slice_heights_mm[::-1] if self.base_first else self.slice_heights_mm
        corner = self.centre_mm - (np.array(self.matrix) - 1) / 2 * self.pixel_mm
        affine = np.eye(4)
        affine[:3, :3] = self.axes.T * [self.pixel_mm, self.pixel_mm, heights[1] - heights[0]]
        affine[:3, 3] = self.isocentre_mm + np.array([*corner, heights[0]]) @ self.axes
        return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine

    @property
    def signals(self) -> dict[str, float]:
        """Signal by tissue name, relative to LV blood."""
        signals = tissue_signals(TISSUES, self.tr_ms, self.tr_ms / 2, self.flip_angle_deg)
        return {name: value / signals["arterial_blood"] for name, value in signals.items()}

    def pixels_mm(self, axis: int) -> FloatArray:
        """Pixel centres along image x (0) or y (1), from the LV axis."""
        index = np.arange(self.matrix[axis]) - (self.matrix[axis] - 1) / 2
        return (self.centre_mm[axis] + index * self.pixel_mm).astype(np.float32)


def heart_axes(azimuth_rad: float, elevation_rad: float) -> NDArray[np.float64]:
    """Axes of the short-axis plane in LPS coordinates.

    Args:
        azimuth_rad: angle of the apex from straight ahead towards the left.
        elevation_rad: angle of the apex below the horizontal.

    Returns:
        `(3, 3)`, rows: to the lateral wall (left and back, horizontal), to the inferior wall, apex to base.
    """
    level = np.array([np.sin(azimuth_rad), -np.cos(azimuth_rad), 0.0])
    to_apex = level * np.cos(elevation_rad) - [0.0, 0.0, np.sin(elevation_rad)]
    lateral = np.array([-level[1], level[0], 0.0])
    return np.stack([lateral, np.cross(lateral, to_apex), -to_apex])


def plan_protocol(rng: np.random.Generator, vendor: Vendor, heart: Heart) -> Protocol:
    """Plan a short-axis stack that covers the heart in 8 to 12 slices.

    The LV axis points about 45 degrees to the left and 25 degrees down (recalled; varies widely in health).
    Shown with image x to the right and y down, the RV is on the left and the diaphragm below, as radiologists
    have it.
    """
    lateral, inferior, basal = heart_axes(
        np.deg2rad(rng.normal(48, 6)), np.deg2rad(np.clip(rng.normal(26, 6), 16, 40))
    )
    roll, camera = np.deg2rad(rng.normal(-6, 11)), np.deg2rad(rng.normal(0, 10))
    image_x = np.cos(camera) * lateral + np.sin(camera) * inferior
    image_y = -np.sin(camera) * lateral + np.cos(camera) * inferior

    heights = _plan_slices(rng, heart)
    spacing = float(heights[1] - heights[0])
    pixel = float(rng.uniform(*vendor.pixel_mm))
    field_of_view = rng.uniform(*vendor.field_of_view_mm) * np.array(
        [1.0, rng.uniform(*vendor.phase_field_of_view)]
    )
    sides = [int(np.clip(16 * round(side / pixel / 16), 160, 224)) for side in field_of_view]
    return Protocol(
        vendor=vendor,
        centre=int(rng.choice(vendor.centres)),
        tr_ms=rng.uniform(*vendor.tr_ms),
        flip_angle_deg=rng.uniform(*vendor.flip_angle_deg),
        pixel_mm=pixel,
        matrix=(sides[0], sides[1]) if rng.random() < 0.5 else (sides[1], sides[0]),
        thickness_mm=min(rng.uniform(*vendor.thickness_mm), spacing),
        slice_heights_mm=heights,
        axes=np.stack([image_x, image_y, basal]),
        centre_mm=rng.normal([-8, 2], 8),
        isocentre_mm=rng.normal([45, -60, -25], 15),
        heart_angle_rad=float(roll - camera),
        base_first=bool(rng.random() < 0.5),
        breath_mm=rng.normal(0, [0.6, 1.1], (len(heights), 2)),
        axis_drift=rng.normal(0, 0.04, 2),
    )


def _plan_slices(rng: np.random.Generator, heart: Heart) -> FloatArray:
    """Slice heights, apex first.

    As technicians do it: the last slice of the ventricles lies about half a spacing under the valves at end
    diastole; from there to the apex and, mostly, a little beyond at both ends.
    """
    rest = heart.end_diastole
    share, beyond_apex_mm, beyond_base = rng.uniform(0.35, 0.65), rng.uniform(-3, 8), int(rng.integers(0, 3))
    num_steps = {
        spacing: int((rest.base_mm - share * spacing + rest.cap_mm + beyond_apex_mm) / spacing)
        for spacing in SLICE_SPACINGS_MM
    }
    fitting = [spacing for spacing, steps in num_steps.items() if 7 <= steps <= 11] or [SLICE_SPACINGS_MM[-1]]
    spacing = fitting[rng.integers(len(fitting))]
    below = int(np.clip(num_steps[spacing], 7, 11))
    steps = np.arange(-below, min(beyond_base, 11 - below) + 1)
    return (rest.base_mm + spacing * (steps - share)).astype(np.float32)
