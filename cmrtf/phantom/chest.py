"""The chest round the heart, as continuous tissue in patient coordinates.

Coordinates are LPS+ in mm (x to the patient's left, y to the back, z to the head) with the origin at the
apex of the heart. The chest is built to fit the heart: the breastbone lies a few mm in front of it and the
diaphragm touches it from below. Sizes are those of an adult, recalled, and chosen by eye against public
short-axis cine images.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cmrtf.phantom.raster import Canvas, FloatArray, ellipsoid_depth

RIB_SPACING_MM = 27.0
"""From rib to rib; also from vertebra to vertebra."""


@dataclass(frozen=True)
class Texture:
    """Noise fields of unit deviation `(height, width)` that make organs uneven.

    Args:
        coarse: gives fat and bowel uneven contours.
        fine: its peaks are vessels of the lung seen end on.
    """

    coarse: FloatArray
    fine: FloatArray


@dataclass(frozen=True)
class _Points:
    """Points of one plane, each `(height, width)`: position relative to the chest's axis, and depths.

    Args:
        x: mm to the left of the middle.
        y: mm behind the middle.
        z: mm above the apex of the heart.
        depth: under the skin.
        fat: thickness of the fat under the skin there.
        under: depth under the diaphragm.
    """

    x: FloatArray
    y: FloatArray
    z: FloatArray
    depth: FloatArray
    fat: FloatArray
    under: FloatArray


class Chest:
    """One subject's chest.

    Args:
        rng: draws what differs between chests.
        body_mass_index: kg/m2; sets girth and fat.
        heart_mm: `(points, 3)`, the heart's outer surface.
        heart_axis: `(3,)`, unit vector from apex to base.
        base_mm: `(3,)`, the middle of the heart's base, above which the great vessels rise.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        body_mass_index: float,
        heart_mm: NDArray[np.float64],
        heart_axis: NDArray[np.float64],
        base_mm: NDArray[np.float64],
    ) -> None:
        surplus = body_mass_index - 25
        self._half_width_mm = rng.normal(158, 6) + 2.2 * surplus
        self._half_depth_mm = rng.normal(108, 4) + 1.8 * surplus
        self._squareness = rng.uniform(0.75, 0.9)
        self._fat_mm = max(5.0, rng.normal(13, 3) + 1.5 * surplus)
        self._muscle_mm = rng.normal(15, 2)
        self._rib_phase, self._rib_slope = rng.uniform(0, 1), rng.uniform(0.45, 0.7)
        self._stomach_mm = rng.normal([58, 8, -42], 7)
        self._stomach_radii_mm = rng.uniform([34, 36, 24], [48, 52, 36])
        self._gas_share = rng.uniform(0.05, 0.75)
        self._spleen_mm = rng.normal([98, 48, -46], 6)
        self._liver_edge_mm = rng.normal(38, 12)
        self._aorta_radius_mm = rng.uniform(10.5, 13.5)
        self._dome_mm = rng.uniform(4, 16)

        self._heart_x, self._heart_y, _ = heart_mm.mean(axis=0)
        self._x = self._heart_x - rng.normal(30, 5)
        self._y = self._behind(heart_mm, clearance_mm=rng.uniform(2, 7))
        self._base_mm = base_mm - [self._x, self._y, 0]
        self._ahead = -heart_axis[:2] / np.linalg.norm(heart_axis[:2])
        self._fit_diaphragm(heart_mm, embedding_mm=rng.uniform(0, 4))

    @property
    def _wall_mm(self) -> float:
        return self._fat_mm + self._muscle_mm

    @property
    def _back_mm(self) -> float:
        """The y of the chest cavity's back, relative to the chest's axis."""
        return self._half_depth_mm - self._wall_mm

    def _behind(self, heart_mm: NDArray[np.float64], clearance_mm: float) -> float:
        """The y of the chest's axis that puts the front wall in front of all points of the heart."""
        across = np.clip((heart_mm[:, 0] - self._x) / (self._half_width_mm - self._wall_mm), -0.95, 0.95)
        front = self._back_mm * np.sqrt((1 - across**2) / (1 - (self._squareness * across) ** 2))
        return float(np.min(heart_mm[:, 1] + front)) - clearance_mm

    def _fit_diaphragm(self, heart_mm: NDArray[np.float64], embedding_mm: float) -> None:
        """Of some planes that touch the heart from below, take the one that leaves least room under it."""
        from_middle = heart_mm[:, :2] - [self._heart_x, self._heart_y]
        lower = heart_mm[:, 2] < np.median(heart_mm[:, 2])
        best = np.inf
        for along in np.linspace(-0.7, 0.0, 8):
            for across in np.linspace(-0.3, 0.3, 7):
                slope = along * self._ahead + across * np.array([self._ahead[1], -self._ahead[0]])
                height = heart_mm[:, 2] - from_middle @ slope
                room = float(np.mean(height[lower]) - height.min())
                if room < best:
                    best, self._slope, self._diaphragm_mm = room, slope, float(height.min()) + embedding_mm

    def render(
        self,
        lps_mm: tuple[FloatArray, FloatArray, FloatArray],
        texture: Texture,
        signals: Mapping[str, float],
        pixel_mm: float,
    ) -> FloatArray:
        """Signal on one plane.

        Args:
            lps_mm: x, y and z of its points, each `(height, width)`.
            texture: noise on the same points.
            signals: signal by tissue name.
            pixel_mm: pixel size.
        """
        points = self._place(*lps_mm, texture)
        canvas = Canvas(np.full(points.x.shape, signals["lung"], dtype=np.float32), signals, pixel_mm)
        hilum = np.hypot(points.x - 25, points.y - 20)
        canvas.blend(0.8 * np.clip(1.5 * (texture.fine - 1.5 - hilum / 150), 0, 1), "arterial_blood")
        self._paint_mediastinum(canvas, points, texture)
        canvas.fill(points.under, self._abdomen(points, texture, signals, pixel_mm))
        canvas.fill(1.2 - np.abs(points.under - 1), "muscle")
        self._paint_spine(canvas, points)
        self._paint_wall(canvas, points, texture)
        canvas.fill(-points.depth, "air")
        return canvas.values

    def coil_distance_mm(self, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Distance to the front and to the back of the chest, where the receive coils lie.

        Args:
            y: LPS coordinate in mm.
        """
        y = y - np.float32(self._y)
        return np.abs(self._half_depth_mm + y), np.abs(self._half_depth_mm - y)

    def _place(self, x: FloatArray, y: FloatArray, z: FloatArray, texture: Texture) -> _Points:
        x, y = x - np.float32(self._x), y - np.float32(self._y)
        depth = self._depth(x, y)
        sides = 1 + 0.5 * np.clip(np.abs(x) / 100 - 0.3, -0.3, 1)
        fat = np.float32(self._fat_mm) * (1 + 0.1 * texture.coarse) * sides
        return _Points(x, y, z, depth, fat, self._under_diaphragm(x, y, z, depth))

    def _depth(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Depth under the skin along the ray to the chest's axis.

        The contour is a squircle (Fernandez Guasti 1992), an ellipse with fuller corners: with X = x / a and
        Y = y / b it is `X^2 + Y^2 - s^2 X^2 Y^2 = 1`, which a ray meets at the root of a quadratic.
        """
        u, v = (x / np.float32(self._half_width_mm)) ** 2, (y / np.float32(self._half_depth_mm)) ** 2
        total = u + v
        root = np.sqrt(np.maximum(total * total - np.float32(4 * self._squareness**2) * u * v, 0))
        return np.hypot(x, y) * (np.sqrt(2 / np.maximum(total + root, np.float32(1e-6))) - 1)

    def _under_diaphragm(self, x: FloatArray, y: FloatArray, z: FloatArray, depth: FloatArray) -> FloatArray:
        """A slope under the heart, a dome on the right, steep where it meets the ribs."""
        from_x, from_y = x + np.float32(self._x - self._heart_x), y + np.float32(self._y - self._heart_y)
        slope_x, slope_y = (np.float32(value) for value in self._slope)
        height = np.float32(self._diaphragm_mm) + slope_x * from_x + slope_y * from_y
        sag = np.float32(0.0015) * np.maximum(np.hypot(from_x, from_y) - 35, 0) ** 2
        dome = np.float32(self._dome_mm) * np.clip((10 - x) / 40, 0, 1)
        ribs = np.float32(0.012) * np.clip(60 + np.float32(self._wall_mm) - depth, 0, 60) ** 2 * (y > -20)
        return height + dome - sag - ribs - z

    def _paint_mediastinum(self, canvas: Canvas, points: _Points, texture: Texture) -> None:
        """Fat in the middle, behind the breastbone and under the heart; vessels and oesophagus."""
        x, y, z, coarse = points.x, points.y, points.z, texture.coarse
        middle = 12 - np.hypot(x - 2, y * np.float32(0.1)) + 2 * coarse
        front = np.float32(self._wall_mm + 7) - points.depth + 4 * coarse
        front = np.where((y < 0) & (np.abs(x - 10) < 55), front, np.float32(-9))
        angle = points.under + 6 + 3 * coarse - 0.12 * np.abs(x + np.float32(self._x - self._heart_x))
        canvas.fill(np.maximum(np.maximum(middle, front), angle), "fat")

        base_x, base_y, base_z = (np.float32(value) for value in self._base_mm)
        for right, back, radius, blood in ((-14, -4, 15, "arterial_blood"), (14, -16, 13.5, "venous_blood")):
            great = np.float32(radius) - np.hypot(x - base_x - right, y - base_y - back)
            self._paint_vessel(canvas, np.minimum(great, z - base_z - 18), blood)
        descending = np.float32(self._aorta_radius_mm) - np.hypot(x - 20, y - np.float32(self._back_mm - 32))
        self._paint_vessel(canvas, descending, "arterial_blood")
        canvas.fill(6 - np.hypot((x - 6) / 1.4, y - np.float32(self._back_mm - 48)), "muscle")

    @staticmethod
    def _paint_vessel(canvas: Canvas, depth: FloatArray, blood: str) -> None:
        canvas.fill(depth + np.float32(1.5), "muscle")
        canvas.fill(depth, blood)

    def _abdomen(
        self, points: _Points, texture: Texture, signals: Mapping[str, float], pixel_mm: float
    ) -> FloatArray:
        """Liver on the right and under the heart, stomach and spleen on the left, bowel and fat between."""
        coarse, fine = texture.coarse, texture.fine
        canvas = Canvas(np.float32(signals["fat"]) * (0.8 + 0.06 * fine), signals, pixel_mm)
        if points.under.max() < 0:
            return canvas.values
        loop = 8 * (coarse - np.float32(0.3))
        canvas.fill(loop, "muscle")
        canvas.fill(loop - 3, np.full_like(coarse, 0.35 * signals["fluid"]))

        offsets = self._from(points, self._stomach_mm)
        stomach = ellipsoid_depth(offsets, tuple(self._stomach_radii_mm)) + 3 * coarse
        canvas.fill(stomach, "muscle")
        # The patient lies on the back, so gas floats to the front of the stomach.
        wet = offsets[1] > np.float32(self._stomach_radii_mm[1] * (2 * self._gas_share - 1))
        canvas.fill(stomach - 4, np.where(wet, 0.45 * signals["fluid"] * (1 + 0.25 * coarse), 0))
        canvas.fill(ellipsoid_depth(self._from(points, self._spleen_mm), (32, 42, 46)), "spleen")

        left_edge = np.float32(0.7) * (np.float32(self._liver_edge_mm) - points.x) + 6 * coarse
        lower_edge = 34 + np.float32(0.9) * np.clip(30 - points.x, 0, 200) + 4 * coarse - points.under
        liver = np.minimum(np.minimum(left_edge, lower_edge), points.under - 1)
        canvas.fill(liver, "liver")
        canvas.blend(np.clip(1.5 * (fine - 1.7), 0, 1) * np.clip(liver - 6, 0, 1), "venous_blood")
        return canvas.values

    def _from(
        self, points: _Points, position_mm: NDArray[np.float64]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Offsets from an organ whose height is given relative to the diaphragm."""
        x, y, z = (np.float32(value) for value in position_mm)
        return points.x - x, points.y - y, points.z - z - np.float32(self._diaphragm_mm)

    def _paint_spine(self, canvas: Canvas, points: _Points) -> None:
        """Vertebral bodies with discs, and the canal with its bright fluid."""
        behind = points.y - np.float32(self._back_mm)
        body = 18 - np.hypot(points.x, (behind + 8) * np.float32(1.15))
        canvas.fill(body + 1.5, "bone")
        level = (points.z / np.float32(RIB_SPACING_MM)) % 1
        signals = canvas.signals
        canvas.fill(body, np.where(np.abs(level - 0.5) < 0.39, 0.7 * signals["marrow"], signals["fibrous"]))
        canal = np.hypot(points.x, behind - 19)
        for radius, tissue in ((10, "bone"), (8, "fluid"), (5, "spinal_cord")):
            canvas.fill(radius - canal, tissue)

    def _paint_wall(self, canvas: Canvas, points: _Points, texture: Texture) -> None:
        """Muscle with ribs and breastbone in it, fat under the skin."""
        depth, fat = points.depth, points.fat
        back_muscle = 26 * np.exp(-(((np.abs(points.x) - 30) / 26) ** 2)) * (points.y > 0)
        wall = fat + np.float32(self._muscle_mm) + back_muscle
        canvas.fill(wall - depth, "muscle")
        between = np.abs(depth - fat - np.float32(0.4 * self._muscle_mm))
        canvas.fill(0.7 + 0.5 * texture.coarse - between, "fat")

        turn = (points.z - np.float32(self._rib_slope) * points.y) / np.float32(RIB_SPACING_MM)
        across = ((turn + np.float32(self._rib_phase)) % 1 - np.float32(0.5)) * np.float32(RIB_SPACING_MM)
        rib = 5.5 - np.hypot(across * np.float32(5.5 / 7.5), depth - wall + 6)
        canvas.fill(rib, "bone")
        canvas.fill(rib - np.float32(1.8), "marrow")
        breastbone = np.minimum(17 - np.abs(points.x), 6 - np.abs(depth - wall + 6))
        breastbone = np.where(points.y < 0, breastbone, np.float32(-9))
        canvas.fill(breastbone, "bone")
        canvas.fill(breastbone - np.float32(1.5), "marrow")

        canvas.fill(fat - depth, "fat")
        canvas.fill(np.float32(1.5) - depth, "muscle")
