"""Papillary muscles and free trabeculae, which cross the cavity of the LV."""

import numpy as np

from cmrtf.phantom.polar_surface import NO_SURFACE_MM
from cmrtf.phantom.raster import FloatArray

NUM_FREE_TRABECULAE = 9


class PapillaryMuscles:
    """Two papillary muscles (anterolateral, posteromedial) with two heads each, and free trabeculae.

    All of them are rods that leave the wall in the apical fifth and end towards the chordae.

    Args:
        rng: draws where they stand, and how thick and long they are.
        thickness: relative to a healthy heart's.
    """

    def __init__(self, rng: np.random.Generator, thickness: float) -> None:
        heads_deg = np.repeat([rng.normal(-48, 9), rng.normal(72, 9)], 2)
        heads_deg += rng.uniform(3, 13, 4) * np.array([-1, 1, -1, 1])
        trabeculae_deg = rng.uniform(-120, 140, NUM_FREE_TRABECULAE)
        self._angles_rad = np.deg2rad(np.concatenate([heads_deg, trabeculae_deg]))[:, None]
        self._radii_mm = thickness * _draw(rng, (2.4, 4.6), (0.8, 2.3))
        self._top_levels = _draw(rng, (0.55, 0.75), (0.35, 0.7))
        self._leans = _draw(rng, (0.2, 0.36), (0.08, 0.2))

    def cut(
        self, levels: FloatArray, cavity_mm: FloatArray, twist_rad: FloatArray, thickening: float
    ) -> FloatArray:
        """Cut them by planes.

        Args:
            levels: `(planes,)`, level of each plane: 0 apex, 1 base.
            cavity_mm: `(planes,)`, mean radius of the LV cavity.
            twist_rad: `(planes,)`, rotation of the wall since end diastole.
            thickening: radius relative to that at end diastole.

        Returns:
            `(muscles, 3, planes)`: x and y from the LV axis and radius in mm, `NO_SURFACE_MM` where a plane
            does not meet the muscle.
        """
        along = (levels - 0.18) / (self._top_levels - 0.18)
        share = np.clip(along, 0, 1)
        radius = np.minimum(self._radii_mm * thickening * np.sqrt(1 - (2 * share - 1) ** 4), 0.3 * cavity_mm)
        from_axis = cavity_mm * (0.92 - self._leans * share) - 0.3 * radius
        angles = self._angles_rad + twist_rad
        radius = np.where((along > 0) & (along < 1), radius, NO_SURFACE_MM)
        return np.stack([from_axis * np.cos(angles), from_axis * np.sin(angles), radius], axis=1).astype(
            np.float32
        )


def _draw(
    rng: np.random.Generator, heads: tuple[float, float], trabeculae: tuple[float, float]
) -> FloatArray:
    """A uniform value of each of the four heads and of each free trabecula, `(muscles, 1)`."""
    values = [rng.uniform(*heads, 4), rng.uniform(*trabeculae, NUM_FREE_TRABECULAE)]
    return np.concatenate(values)[:, None]
