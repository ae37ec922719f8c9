"""A parametric biventricular heart that beats.

The heart has its own axes: `height` along the LV long axis in mm, 0 at the endocardial apex at end diastole
and growing towards the base, and polar coordinates round that axis, angle 0 at the lateral wall, 90 degrees
inferior, 180 septal. Every surface is a radius over (height, angle), a smooth function in 3D that can be cut
at any height:

- LV cavity: a truncated ellipsoid (equator at `EQUATOR` of its length) with a few angular harmonics,
- LV epicardium: a longer ellipsoid whose wall follows a thickness pattern (septal bulge, apical thinning),
- RV: a crescent that starts at the epicardium, so that no gap can open at the septum.

A state of contraction between 0 (end diastole) and 1 (end systole) sets volumes and length; the three unknown
scales (cavity radius, wall thickness, RV depth) follow from the volumes, the latter two as roots of a
quadratic. The volume of the wall is the same at all times, which makes it thicken by itself.

Lengths and angles for which no reference is given were chosen by eye against public short-axis cine images.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cmrtf.phantom.papillary_muscles import PapillaryMuscles
from cmrtf.phantom.physiology import Physiology
from cmrtf.phantom.polar_surface import (
    ANGLES_RAD,
    EQUATOR,
    NO_SURFACE_MM,
    NUM_ANGLES,
    at_levels,
    draw_waves,
    ellipsoid,
    harmonics,
    lobe,
    smooth_step,
    wall_noise,
)
from cmrtf.phantom.raster import FloatArray

RV_APEX = 0.12
"""Level of the RV apex: the RV ends short of the LV apex."""

_LEVELS = (np.arange(48, dtype=np.float32) + 0.5) / 48
"""Where surfaces are integrated to volumes."""


@dataclass(frozen=True)
class HeartState:
    """Scales of the heart at one moment.

    Args:
        contraction: 0 (end diastole) to 1 (end systole).
        apex_mm: height of the endocardial apex.
        length_mm: LV cavity length from apex to base.
        cap_mm: wall thickness at the apex.
        radius_mm: LV cavity radius at the equator.
        wall_mm: mean wall thickness at the equator.
        rv_depth_mm: scale of the distance from septum to RV free wall.
    """

    contraction: float
    apex_mm: float
    length_mm: float
    cap_mm: float
    radius_mm: float
    wall_mm: float
    rv_depth_mm: float

    @property
    def base_mm(self) -> float:
        """Height of the base, where mitral and tricuspid valves are."""
        return self.apex_mm + self.length_mm

    def level(self, height_mm: FloatArray) -> FloatArray:
        """Height as a share of the LV's length: 0 apex, 1 base."""
        return ((height_mm - self.apex_mm) / self.length_mm).astype(np.float32)


@dataclass(frozen=True)
class HeartCut:
    """The heart cut by planes across its axis; radii in mm, `NO_SURFACE_MM` where a surface does not exist.

    Args:
        endo: `(planes, NUM_ANGLES)`, LV endocardium as drawn by an annotator, papillary muscles inside.
        epi: likewise, LV epicardium.
        rv: likewise, RV endocardium on the free wall; equals `epi` where there is no RV.
        rv_wall: likewise, outer surface of the RV free wall.
        lv_blood: likewise, edge of the LV's blood, inside the trabeculae.
        rv_blood: likewise, edge of the RV's blood on the free wall, inside the trabeculae.
        septal_blood: likewise, edge of the RV's blood on the septum.
        fat: likewise, outer surface of the epicardial fat; goes on above the base, round atria and vessels.
        above_base_mm: `(planes,)`, height over the base; negative within the ventricles.
        papillary_muscles: `(muscles, 3, planes)`, x, y and radius, free trabeculae among them.
        band: `(planes,)`, whether the plane meets the RV's moderator band.
        band_angle_rad: direction of that band from the LV axis.
    """

    endo: FloatArray
    epi: FloatArray
    rv: FloatArray
    rv_wall: FloatArray
    lv_blood: FloatArray
    rv_blood: FloatArray
    septal_blood: FloatArray
    fat: FloatArray
    above_base_mm: FloatArray
    papillary_muscles: FloatArray
    band: NDArray[np.bool_]
    band_angle_rad: float


class Heart:
    """One subject's heart.

    A systolic twist of 6 to 12 degrees and the directions of the papillary muscles are recalled values; the
    size of everything else that is drawn here was chosen by eye.

    Args:
        physiology: volumes, mass and pathology.
        rng: draws everything else that differs between hearts.
    """

    def __init__(self, physiology: Physiology, rng: np.random.Generator) -> None:
        self.physiology = physiology
        beyond = (1 - EQUATOR) / EQUATOR
        fullness = np.pi * EQUATOR * (2 / 3 + beyond - beyond**3 / 3)
        self.length_mm = float((4000 * physiology.aspect**2 * physiology.edv_ml / fullness) ** (1 / 3))
        self._cavity_waves = draw_waves(rng, (2, 3, 4), (0.025, 0.012, 0.008))
        self._wall_waves = draw_waves(rng, (1, 2, 3), (0.05, 0.04, 0.03))
        self._septal_flatness = rng.uniform(0.0, 0.05)
        self._septal_bulge_angle_rad = np.pi + rng.uniform(-0.3, 0.6)
        self._twist_rad = np.deg2rad(rng.uniform(6, 12)) * physiology.ejection_fraction / 0.6
        self._rv_half_width_rad = np.deg2rad(rng.normal(71, 4))
        self._rv_tilt_rad = np.deg2rad(rng.normal(14, 4))
        self._rv_skew = rng.uniform(-0.3, 0.05)
        thickness = 1.25 if physiology.pathology == "HCM" else 1.0
        self._papillary_muscles = PapillaryMuscles(rng, thickness)
        self._band_level, self._band_angle_rad = rng.uniform(0.3, 0.45), np.pi + rng.uniform(-0.2, 0.3)
        self._trabecula_mm = rng.uniform(0.8, 1.7)
        self._trabecular_noise = [0.7 * (wall_noise(rng, 1.2, 3) + wall_noise(rng, 2.5, 9)) for _ in range(3)]
        self._fat_mm = rng.uniform(1.0, 2.0) + 0.25 * max(0.0, physiology.body_mass_index - 22)
        self._fat_patches = wall_noise(rng, 3, 22)
        self.end_diastole = self.state(0.0)

    def state(self, contraction: float) -> HeartState:
        """Solve for the scales at a state of contraction, 0 to 1."""
        person = self.physiology
        volume = 1000 * (person.edv_ml + contraction * (person.esv_ml - person.edv_ml))
        rv_volume = 1000 * (person.rv_edv_ml + contraction * (person.rv_esv_ml - person.rv_edv_ml))
        wall_volume = 1000 * person.myocardial_volume_ml
        length = self.length_mm * (1 - person.shortening * contraction)
        step = 2 * np.pi / NUM_ANGLES / len(_LEVELS)

        cavity = self._cavity_pattern(_LEVELS, contraction) * ellipsoid(_LEVELS)[:, None]
        radius = float(np.sqrt(volume / (0.5 * length * step * np.sum(cavity**2))))

        # The wall at the apex is about 0.6 of the wall elsewhere.
        cap = float(0.6 * radius * (np.sqrt(1 + wall_volume / volume) - 1))
        inner_levels = np.clip((_LEVELS * (length + cap) - cap) / length, 0, 1)
        outer = ellipsoid(_LEVELS)[:, None]
        inner_part = outer * radius * self._cavity_pattern(inner_levels, contraction)
        wall_part = outer * self._wall_pattern(inner_levels, contraction)
        wall = _positive_root(
            0.5 * np.sum(wall_part**2),
            np.sum(wall_part * inner_part),
            0.5 * np.sum(inner_part**2) - (volume + wall_volume) / ((length + cap) * step),
        )

        # The epicardial apex hardly moves in a beat: the endocardial apex rises as the cap thickens.
        apex = cap - self.end_diastole.cap_mm if contraction > 0 else 0.0
        left = HeartState(contraction, apex, length, cap, radius, wall, rv_depth_mm=0.0)
        epi = self._epicardium(left, RV_APEX + _LEVELS * (1 - RV_APEX))
        crescent = self._crescent(_LEVELS)
        depth = _positive_root(
            0.5 * np.sum(crescent**2), np.sum(crescent * epi), -rv_volume / (length * (1 - RV_APEX) * step)
        )
        return HeartState(contraction, apex, length, cap, radius, wall, depth)

    def cut(self, height_mm: FloatArray, state: HeartState) -> HeartCut:
        """Cut the heart at `height_mm (planes,)`."""
        levels = state.level(height_mm)
        inside = np.clip(levels, 0, 1)
        endo = state.radius_mm * ellipsoid(levels)[:, None] * self._cavity_pattern(inside, state.contraction)
        epi = self._epicardium(state, levels)
        crescent = self._crescent((levels - RV_APEX) / (1 - RV_APEX))
        depth = state.rv_depth_mm * crescent
        # The free wall of the RV is 3 mm at rest (recalled), and ends where the crescent ends.
        rv_wall = epi + depth + (3.0 + state.contraction) * np.minimum(1, 4 * crescent)

        # Trabeculae: most near the apex, and coarser in the RV.
        size = self._trabecula_mm * (0.35 + 1.5 * (1 - inside))[:, None]
        left, right, septal = (at_levels(table, inside) for table in self._trabecular_noise)
        left = np.minimum(size * np.clip(left + 0.3, 0, 2.2), 0.25 * endo)
        right = np.minimum(1.8 * size * np.clip(right, 0, 2.2), 0.4 * depth)
        septal = np.minimum(0.6 * size * np.clip(septal, 0, 2), 0.25 * depth)

        heart = (levels > -state.cap_mm / state.length_mm)[:, None]
        ventricle = heart & (levels <= 1)[:, None]
        cavity = (levels > 0)[:, None] & ventricle
        return HeartCut(
            endo=np.where(cavity, endo, NO_SURFACE_MM),
            epi=np.where(ventricle, epi, NO_SURFACE_MM),
            rv=np.where(ventricle, epi + depth, NO_SURFACE_MM),
            rv_wall=np.where(ventricle, rv_wall, NO_SURFACE_MM),
            lv_blood=np.where(cavity, endo - left, NO_SURFACE_MM),
            rv_blood=np.where(cavity, epi + depth - right, NO_SURFACE_MM),
            septal_blood=np.where(cavity, epi + septal, NO_SURFACE_MM),
            fat=np.where(heart, self._fat_surface(rv_wall, inside), NO_SURFACE_MM),
            above_base_mm=(height_mm - state.base_mm).astype(np.float32),
            papillary_muscles=self._cut_papillary_muscles(levels, state),
            band=np.abs(levels - self._band_level) < 0.035,
            band_angle_rad=self._band_angle_rad,
        )

    def _cut_papillary_muscles(self, levels: FloatArray, state: HeartState) -> FloatArray:
        """`(muscles, 3, planes)`; they grow thicker as they shorten with the ventricle."""
        thickening = 1 / np.sqrt(1 - self.physiology.shortening * state.contraction)
        cavity = state.radius_mm * ellipsoid(levels)
        return self._papillary_muscles.cut(levels, cavity, self._twist(levels, state.contraction), thickening)

    def _twist(self, levels: FloatArray, contraction: float) -> FloatArray:
        """Rotation of the wall in systole: the apex one way, the base a little the other way."""
        return np.float32(self._twist_rad * contraction) * (np.float32(0.7) - levels)

    def _cavity_pattern(self, levels: FloatArray, contraction: float) -> FloatArray:
        """Relative cavity radius `(levels, angles)`, about 1: rounder towards the apex."""
        angles = ANGLES_RAD - self._twist(levels, contraction)[:, None]
        flat = np.float32(self._septal_flatness) * lobe(np.pi, 3.0)
        return 1 + (harmonics(self._cavity_waves, angles) - flat) * levels[:, None]

    def _wall_pattern(self, levels: FloatArray, contraction: float) -> FloatArray:
        """Relative wall thickness `(levels, angles)`, about 1."""
        angles = ANGLES_RAD - self._twist(levels, contraction)[:, None]
        septal = lobe(self._septal_bulge_angle_rad, 1.6) * smooth_step(levels, 0.1, 0.5)[:, None]
        return 1 + harmonics(self._wall_waves, angles) + np.float32(self.physiology.septal_bulge) * septal

    def _epicardium(self, state: HeartState, levels: FloatArray) -> FloatArray:
        """Epicardial radius `(levels, angles)`, 0 below the apex."""
        share = (levels * state.length_mm + state.cap_mm) / (state.length_mm + state.cap_mm)
        inside = np.clip(levels, 0, 1)
        cavity = state.radius_mm * self._cavity_pattern(inside, state.contraction)
        return ellipsoid(share)[:, None] * (
            cavity + state.wall_mm * self._wall_pattern(inside, state.contraction)
        )

    def _crescent(self, levels: FloatArray) -> FloatArray:
        """Relative depth of the RV, `(levels, angles)`; `levels` is 0 at the RV's apex, 1 at its base.

        Narrow and low at the apex; at the base it turns anteriorly, to the outflow tract.
        """
        inside = np.clip(levels, 0, 1)
        tall = (1 - (1 - inside) ** 2) * (1 - 0.1 * inside**3)
        half_width = np.float32(self._rv_half_width_rad) * (0.65 + 0.35 * smooth_step(inside, 0.0, 0.5))
        centre = np.float32(np.pi) + np.float32(self._rv_tilt_rad) * (2 * inside - 1.2)
        turn = ANGLES_RAD - centre[:, None] + np.float32(3 * np.pi)
        across = np.clip((turn % np.float32(2 * np.pi) - np.float32(np.pi)) / half_width[:, None], -1, 1)
        # The inferior wall lies flat on the diaphragm and ends in a corner; the anterior one tapers.
        steepness = np.where(across < 0, np.float32(4.5), np.float32(3.0))
        shape = (1 - np.abs(across) ** steepness) ** np.float32(0.8) * (
            1 + np.float32(self._rv_skew) * across
        )
        return shape * (tall * (levels > 0))[:, None]

    def _fat_surface(self, heart: FloatArray, levels: FloatArray) -> FloatArray:
        """Fat fills the grooves between the ventricles and lies in patches elsewhere."""
        # A running mean over 40 degrees bridges the grooves at the RV insertions.
        half = 20
        total = np.concatenate([heart[:, -half:], heart, heart[:, :half]], axis=1).cumsum(axis=1)
        mean = (total[:, 2 * half :] - total[:, : -2 * half]) / np.float32(2 * half)
        patches = np.clip(1 + 0.8 * at_levels(self._fat_patches, levels), 0.3, 3)
        # Most fat lies on the RV free wall, towards the base, and between apex and chest wall.
        favoured = 0.15 + 0.9 * lobe(-2.2, 1.2) + 0.3 * smooth_step(levels, 0.6, 1)[:, None]
        favoured = favoured + 0.5 * lobe(-2.7, 1.5) * (1 - smooth_step(levels, 0.0, 0.4))[:, None]
        return np.maximum(heart, mean) + np.float32(self._fat_mm) * patches * favoured


def _positive_root(a: np.floating[Any], b: np.floating[Any], c: float) -> float:
    """The larger root of `a x^2 + b x + c`."""
    return float((-b + np.sqrt(b * b - 4 * a * c)) / (2 * a))
