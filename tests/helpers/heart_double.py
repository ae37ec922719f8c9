"""A bundle that needs no training: codes are radii, so decoded hearts are known."""

import functools
from pathlib import Path

import numpy as np

from cmrtf.bundle.bundle import Bundle
from cmrtf.core.measures import measure_volumes_ml
from cmrtf.report.generated_cohort import Source
from cmrtf.synthesis.anatomy import PLACES, Anatomy
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.appearance_bank import AppearanceBank

SIZE = 128
SLICE_SPACING_MM = 20.0
USUAL_LANDMARKS = np.array([[0.0, 0.0], [0.0, -24.0]])
TISSUES = np.array([-0.8, 0.7, -0.2, 0.5], np.float32)


class RingModels:
    """Codes: outer radius of the LV, that of its cavity, and that of the RV beside it, in pixels."""

    provenance = {"bundle_sha256": "0" * 64}  # noqa: RUF012 - read only

    def encode(self, label_ids):
        """From areas."""
        return np.array(
            [self._radii(*(np.count_nonzero(one == label) for label in (1, 2, 3))) for one in label_ids],
            np.float32,
        )

    def _radii(self, lv, myo, rv):
        cavity, outer = (
            np.sqrt(lv / np.pi),
            max(np.sqrt((lv + myo) / np.pi), 1e-3),
        )  # not 0 where there is none
        right = np.linspace(1e-3, 2.0 * outer, 2000)
        covered = (
            right**2 * np.arccos(right / (2.0 * outer))
            + outer**2 * np.arccos(1.0 - right**2 / (2.0 * outer**2))
            - right * np.sqrt(outer**2 - right**2 / 4.0)
        )
        return outer, cavity, np.interp(rv, np.pi * right**2 - covered, right)

    def decode(self, codes):
        y, x = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
        outer, cavity, right = (codes[:, i, None, None] for i in range(3))
        distance = np.hypot(x, y)
        beside = np.hypot(x + outer, y) < right
        labels = np.select([distance < cavity, distance < outer, beside], [1, 2, 3], 0)
        return labels.astype(np.uint8)

    def encode_style(self, image):
        """Most of an image is background."""
        return np.median(image, axis=(1, 2))[:, None] - TISSUES[0]

    def synthesize(self, label_ids, styles):
        return np.clip(TISSUES[label_ids] + styles[:, :1, None], -1.0, 1.0)


@functools.cache
def heart_source():
    """Hearts of NOR and of the larger, weaker DCM; two appearances of vendor A, three of B and one of C,
    from centres 1, 1, 2, 2, 3 and 3: to read only."""
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
        anatomies,
        np.array(volumes_ml),
        np.full(len(anatomies), SLICE_SPACING_MM),
        np.array(pathologies),
        USUAL_LANDMARKS,
    )
    subjects = {
        f"P{number}": Appearance(
            rng.normal(0.0, 0.05, (1, 2)).astype(np.float32), (0.0, 100.0 + number), vendor, centre
        )
        for number, (vendor, centre) in enumerate(zip("AABBBC", "112233", strict=True))
    }
    return Source(RingModels(), prior, AppearanceBank(subjects), RingModels.provenance, heart_source)


class HeartBundle(Bundle):
    """A bundle of `RingModels` and of what `heart_source` knows."""

    @property
    def anatomy_prior(self):
        return heart_source().prior

    @property
    def appearance_bank(self):
        return heart_source().bank


def heart_bundle():
    return HeartBundle(RingModels(), Path("rings"))
