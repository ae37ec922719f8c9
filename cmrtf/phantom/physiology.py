"""Body size, ventricular volumes, myocardial mass and heart beat of subjects, by pathology."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from cmrtf.core.measures import MYOCARDIAL_DENSITY_G_PER_ML


@dataclass(frozen=True)
class Normal:
    """A normal distribution cut at both ends."""

    mean: float
    sd: float
    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """One value within `[low, high]`."""
        return float(np.clip(rng.normal(self.mean, self.sd), self.low, self.high))


@dataclass(frozen=True)
class Pathology:
    """Distributions of one diagnosis; volumes and mass per body surface area.

    Args:
        edv_index: LV end-diastolic volume, ml/m2, for women and men.
        mass_index: LV mass, g/m2, for women and men.
        ejection_fraction: of the LV, 0 to 1.
        rv_ejection_fraction: of the RV; its volume follows, since both ventricles eject the same.
        aspect: LV cavity length over diameter at end diastole; near 1 is a sphere.
        shortening: share of its length that the LV loses in systole.
        septal_bulge: how much thicker than the mean wall the basal septum is.
    """

    edv_index: tuple[Normal, Normal]
    mass_index: tuple[Normal, Normal]
    ejection_fraction: Normal
    rv_ejection_fraction: Normal
    aspect: Normal
    shortening: Normal
    septal_bulge: Normal


PATHOLOGIES = {
    "NOR": Pathology(
        edv_index=(Normal(74, 10, 58, 96), Normal(85, 12, 65, 110)),
        mass_index=(Normal(42, 6, 32, 55), Normal(53, 8, 40, 70)),
        ejection_fraction=Normal(0.60, 0.04, 0.54, 0.67),
        rv_ejection_fraction=Normal(0.57, 0.04, 0.50, 0.64),
        aspect=Normal(1.72, 0.10, 1.5, 1.9),
        shortening=Normal(0.15, 0.02, 0.11, 0.19),
        septal_bulge=Normal(0.06, 0.05, -0.05, 0.18),
    ),
    "DCM": Pathology(
        edv_index=(Normal(118, 16, 98, 160), Normal(130, 20, 105, 175)),
        mass_index=(Normal(66, 9, 52, 90), Normal(76, 11, 58, 100)),
        ejection_fraction=Normal(0.29, 0.05, 0.21, 0.37),
        rv_ejection_fraction=Normal(0.42, 0.05, 0.34, 0.52),
        aspect=Normal(1.38, 0.09, 1.2, 1.55),
        shortening=Normal(0.065, 0.015, 0.03, 0.09),
        septal_bulge=Normal(0.0, 0.05, -0.1, 0.1),
    ),
    "HCM": Pathology(
        edv_index=(Normal(70, 8, 55, 88), Normal(76, 9, 60, 95)),
        mass_index=(Normal(84, 13, 65, 115), Normal(98, 15, 74, 135)),
        ejection_fraction=Normal(0.70, 0.04, 0.62, 0.78),
        rv_ejection_fraction=Normal(0.61, 0.04, 0.54, 0.68),
        aspect=Normal(1.80, 0.12, 1.55, 2.05),
        shortening=Normal(0.11, 0.02, 0.07, 0.15),
        septal_bulge=Normal(0.75, 0.2, 0.35, 1.2),
    ),
}
"""Distributions per M&Ms pathology code.

Healthy mass index and ejection fraction: Petersen et al., JCMR 2017;19:18 (UK Biobank; men 53 +- 9 g/m2 and
58 +- 5 %, women 42 +- 7 g/m2 and 61 +- 5 %, checked in its abstract; papillary muscles counted as cavity, as
in M&Ms). Healthy EDV index (85 and 74 ml/m2) and RV ejection fraction: same paper, recalled. Dilated ejection
fraction: cohort means of 29 +- 12 % (Shams and Sultan, J Clin Imaging Sci 2021;11:40) and 32 +- 12 % (Mikami
et al., JCMR 2016;18:82), checked. Other values for dilated and hypertrophic hearts, aspect and shortening:
recalled ranges (mitral annular excursion about 12 to 15 mm in health, halved in DCM; septal wall of 15 mm and
more in HCM). Tails are cut so that the three groups stay distinct.
"""

END_SYSTOLE = 0.37
"""End systole as a share of the beat: about 330 of 900 ms (recalled)."""


@dataclass(frozen=True)
class Physiology:
    """One person and the pump.

    Args:
        pathology: "NOR", "DCM" or "HCM".
        sex: "M" or "F".
        age: years.
        height_cm: body height.
        weight_kg: body weight.
        edv_ml: LV end-diastolic volume.
        esv_ml: LV end-systolic volume.
        rv_edv_ml: RV end-diastolic volume.
        rv_esv_ml: RV end-systolic volume.
        mass_g: LV myocardial mass without papillary muscles.
        aspect: LV cavity length over diameter at end diastole.
        shortening: share of its length that the LV loses in systole.
        septal_bulge: relative extra thickness of the basal septum.
    """

    pathology: str
    sex: str
    age: int
    height_cm: float
    weight_kg: float
    edv_ml: float
    esv_ml: float
    rv_edv_ml: float
    rv_esv_ml: float
    mass_g: float
    aspect: float
    shortening: float
    septal_bulge: float

    @property
    def ejection_fraction(self) -> float:
        """Share of the LV's blood that one beat ejects, 0 to 1."""
        return 1.0 - self.esv_ml / self.edv_ml

    @property
    def body_mass_index(self) -> float:
        """Weight over height squared, kg/m2."""
        return self.weight_kg / (self.height_cm / 100.0) ** 2

    @property
    def myocardial_volume_ml(self) -> float:
        """Volume of the LV wall, the same at all times: muscle is incompressible."""
        return self.mass_g / MYOCARDIAL_DENSITY_G_PER_ML


def draw_physiology(rng: np.random.Generator, pathology: str) -> Physiology:
    """Draw a person with the given diagnosis.

    Body surface area is Mosteller's, `sqrt(cm * kg / 3600)` (N Engl J Med 1987;317:1098).
    """
    ranges = PATHOLOGIES[pathology]
    is_man = int(rng.random() < 0.55)
    height_cm = Normal(177, 7, 160, 195).draw(rng) if is_man else Normal(164, 6, 150, 180).draw(rng)
    weight_kg = Normal(25.5, 3.2, 19.5, 33.0).draw(rng) * (height_cm / 100.0) ** 2
    area_m2 = (height_cm * weight_kg / 3600.0) ** 0.5
    edv_ml = ranges.edv_index[is_man].draw(rng) * area_m2
    stroke_volume_ml = ranges.ejection_fraction.draw(rng) * edv_ml
    rv_edv_ml = stroke_volume_ml / ranges.rv_ejection_fraction.draw(rng)
    return Physiology(
        pathology=pathology,
        sex="M" if is_man else "F",
        age=int(rng.integers(22, 78)),
        height_cm=height_cm,
        weight_kg=weight_kg,
        edv_ml=edv_ml,
        esv_ml=edv_ml - stroke_volume_ml,
        rv_edv_ml=rv_edv_ml,
        rv_esv_ml=rv_edv_ml - stroke_volume_ml,
        mass_g=ranges.mass_index[is_man].draw(rng) * area_m2,
        aspect=ranges.aspect.draw(rng),
        shortening=ranges.shortening.draw(rng),
        septal_bulge=ranges.septal_bulge.draw(rng),
    )


def contraction_curve(num_frames: int) -> tuple[NDArray[np.float64], int]:
    """State of contraction over one beat that starts at end diastole.

    Ejection, early filling, diastasis and atrial kick of a normal LV volume curve (its shape is recalled).

    Args:
        num_frames: frames per beat, at least 2.

    Returns:
        `(frames,)` from 0 to 1, and the frame of end systole, where it is 1.
    """
    es_frame = max(1, round(END_SYSTOLE * num_frames))
    systole = es_frame / num_frames
    times = [systole * share for share in (0.0, 0.25, 0.5, 0.8, 1.0)]
    times += [systole + (1 - systole) * share for share in (0.12, 0.28, 0.45, 0.7, 0.9, 1.0)]
    values = [0.0, 0.15, 0.55, 0.93, 1.0, 0.88, 0.5, 0.27, 0.19, 0.06, 0.0]
    return PchipInterpolator(times, values)(np.arange(num_frames) / num_frames), es_frame
