"""A bundle that needs no training: codes are radii, so decoded hearts are known."""

import numpy as np

from cmrtf.synthesis.anatomy import PLACES, Anatomy
from cmrtf.synthesis.anatomy_prior import AnatomyPrior, measure_volumes_ml
from cmrtf.synthesis.generated_cohort import Source
from cmrtf.synthesis.generation import StyleEntry

SIZE = 128
SLICE_SPACING_MM = 20.0
TISSUES = np.array([-0.8, 0.7, -0.2, 0.5], np.float32)


class RingModels:
    """Codes: outer radius of the LV, that of its cavity, and that of the RV beside it, in pixels."""

    def decode(self, codes):
        y, x = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
        outer, cavity, right = (codes[:, i, None, None] for i in range(3))
        distance = np.hypot(x, y)
        beside = np.hypot(x + outer, y) < right
        labels = np.select([distance < cavity, distance < outer, beside], [1, 2, 3], 0)
        return labels.astype(np.uint8)

    def synthesize(self, label_ids, styles):
        return np.clip(TISSUES[label_ids] + styles[:, :1, None], -1.0, 1.0)


def heart_source():
    """Hearts of NOR and of the larger, weaker DCM; appearances: two of vendor A, three of B, one of C."""
    rng = np.random.default_rng(0)
    anatomies, volumes_ml, pathologies = [], [], ["NOR", "NOR", "DCM"] * 4 + ["HCM"]
    taper = np.linspace(0.6, 1.0, PLACES)[:, None]
    for pathology in pathologies:
        large = 4.0 if pathology == "DCM" else 0.0
        diastole = np.array([20.0, 14.0, 17.0]) + large + rng.normal(0.0, 0.7, 3)
        systole = diastole - np.array([1.0, 2.0 if large else 6.0, 3.0]) + rng.normal(0.0, 0.3, 3)
        codes = np.stack([taper * diastole, taper * systole]).astype(np.float32)
        anatomy = Anatomy(codes, np.array([[0.0, 80.0], [0.0, 60.0]], np.float32), np.zeros(3, np.float32))
        anatomies.append(anatomy)
        volumes_ml.append(
            measure_volumes_ml(anatomy.decode(RingModels(), SLICE_SPACING_MM), SLICE_SPACING_MM)
        )
    prior = AnatomyPrior.of(
        anatomies, np.array(volumes_ml), np.full(len(anatomies), SLICE_SPACING_MM), np.array(pathologies)
    )
    appearances = [
        StyleEntry(vendor, rng.normal(0.0, 0.05, 2).astype(np.float32), (0.0, 100.0 + number))
        for number, vendor in enumerate("AABBBC")
    ]
    return Source(RingModels(), prior, appearances, {"bundle_sha256": "0" * 64})
