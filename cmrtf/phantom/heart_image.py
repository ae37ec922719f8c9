"""The heart as the scanner sees it: tissue painted on planes across the LV axis."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmrtf.phantom.heart import HeartCut
from cmrtf.phantom.polar_surface import NUM_ANGLES
from cmrtf.phantom.raster import Canvas, FloatArray, ellipsoid_depth

PERICARDIUM_MM = 1.3
"""Thickness of the pericardium, normally 1 to 2 mm (recalled)."""

ATRIAL_WALL_MM = 0.9
"""Thickness of the walls of atria and great vessels as they show in a slice (by eye)."""


@dataclass(frozen=True)
class PolarPlane:
    """Pixels in the heart's own coordinates, each array `(height, width)`.

    Args:
        x: mm from the LV axis towards the lateral wall.
        y: mm towards the inferior wall.
        radius_mm: distance from the axis.
        angle_index: which of the `NUM_ANGLES` samples of a surface lies in this direction.
    """

    x: FloatArray
    y: FloatArray
    radius_mm: FloatArray
    angle_index: NDArray[np.intp]

    @classmethod
    def at(cls, x: FloatArray, y: FloatArray) -> "PolarPlane":
        """Polar coordinates of Cartesian ones."""
        turns = (np.arctan2(y, x) + np.float32(np.pi)) * np.float32(NUM_ANGLES / (2 * np.pi))
        return cls(x, y, np.hypot(x, y), turns.astype(np.intp) % NUM_ANGLES)

    def depth(self, surface: FloatArray) -> FloatArray:
        """Depth under a surface `(NUM_ANGLES,)` along the rays from the axis."""
        return surface[self.angle_index] - self.radius_mm


@dataclass(frozen=True)
class Blood:
    """Signal of the blood `(height, width)`: flow makes it uneven, and the right side has less oxygen."""

    arterial: FloatArray
    venous: FloatArray


def paint_heart(canvas: Canvas, plane: PolarPlane, cut: HeartCut, p: int, blood: Blood, size: float) -> None:
    """Paint plane `p` of a cut.

    Args:
        canvas: what lies round the heart.
        plane: the canvas' pixels in heart coordinates.
        cut: the heart, cut by planes.
        p: which plane.
        blood: signal of the blood.
        size: scale of atria and great vessels, 1 for an average adult.
    """
    sac = plane.depth(cut.fat[p])
    canvas.fill(sac + np.float32(PERICARDIUM_MM), "fibrous")
    canvas.fill(sac, "fat")
    if cut.above_base_mm[p] > 0:
        _paint_atria(canvas, plane, float(cut.above_base_mm[p]), sac, blood, size)
    else:
        _paint_ventricles(canvas, plane, cut, p, blood)


def _paint_ventricles(canvas: Canvas, plane: PolarPlane, cut: HeartCut, p: int, blood: Blood) -> None:
    canvas.fill(plane.depth(cut.rv_wall[p]), "myocardium")
    right = plane.depth(cut.rv_blood[p])
    canvas.fill(right, blood.venous)
    if cut.band[p]:
        sine, cosine = np.float32(np.sin(cut.band_angle_rad)), np.float32(np.cos(cut.band_angle_rad))
        band = 2 - np.abs(plane.x * sine - plane.y * cosine)
        canvas.fill(np.minimum(np.minimum(band, right + 1), -plane.x), "myocardium")
    canvas.fill(plane.depth(cut.septal_blood[p]), "myocardium")
    canvas.fill(plane.depth(cut.epi[p]), "myocardium")
    canvas.fill(plane.depth(cut.lv_blood[p]), blood.arterial)
    cavity = plane.depth(cut.endo[p])
    for x, y, radius in cut.papillary_muscles[:, :, p]:
        if radius > 0:
            canvas.fill(np.minimum(radius - np.hypot(plane.x - x, plane.y - y), cavity), "myocardium")


def _paint_atria(
    canvas: Canvas, plane: PolarPlane, above_mm: float, sac: FloatArray, blood: Blood, size: float
) -> None:
    """Atria, RV outflow tract and aortic root above the valves, inside the pericardial sac.

    The aortic root is wedged between both atria and the outflow tract. Positions in the heart's frame for an
    LV cavity of 26 mm radius; chosen by eye.
    """
    x, y, up = plane.x / np.float32(size), plane.y / np.float32(size), np.full_like(plane.x, above_mm / size)
    left_atrium = ellipsoid_depth((x - 9, y - 7, up - 14), (30, 27, 26))
    right_atrium = ellipsoid_depth((x + 40, y - 11, up - 8), (27, 30, 26))
    outflow = np.float32(16.5) - np.hypot(x + 32 - 0.5 * up, y + 26 + 0.2 * up)
    aorta = np.float32(13.5) - np.hypot(x + 10 + 0.25 * up, y + 14 + 0.2 * up)
    for chambers, pool in (
        ((left_atrium,), blood.arterial),
        ((right_atrium, outflow), blood.venous),
        ((aorta,), blood.arterial),
    ):
        inside = np.minimum(np.maximum.reduce(chambers) * np.float32(size), sac - 1)
        canvas.fill(inside + np.float32(ATRIAL_WALL_MM), "myocardium")
        canvas.fill(inside, pool)
