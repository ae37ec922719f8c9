"""Models and a judge whose answers are known: codes are signed distances, grey levels are labels."""

import numpy as np
import pytest

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.evaluation.subjects import real_subjects
from cmrtf.shape.signed_distance import signed_distances

SIZE = 96
GREY = np.array([-0.8, 0.7, -0.2, 0.4], np.float32)


class ExactModels:
    """Reconstructs every label map; between two codes it does what shape-based interpolation does."""

    def encode(self, label_ids):
        return np.stack([signed_distances(each, 4).ravel() for each in label_ids])

    def decode(self, codes):
        return codes.reshape(-1, 4, SIZE, SIZE).argmax(axis=1).astype(np.uint8)

    def encode_style(self, image):
        return image.mean(axis=(1, 2))[:, None].astype(np.float32)

    def synthesize(self, label_ids, styles):
        texture = np.random.default_rng(0).normal(0, 0.05, label_ids.shape)
        return (GREY[label_ids] + 0.01 * styles[:, :, None] + texture).astype(np.float32)


class GreyJudge:
    """Reads the grey levels; features are mean intensities of rows."""

    def segment(self, images):
        return np.abs(images[..., None] - GREY).argmin(axis=-1).astype(np.uint8)

    def features(self, images):
        return images.mean(axis=2).astype(np.float32)


@pytest.fixture(scope="session")
def models():
    return ExactModels()


@pytest.fixture(scope="session")
def judge():
    return GreyJudge()


@pytest.fixture(scope="session")
def cohort(write_cohort, tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluated") / "cohort"
    write_cohort(folder, size=SIZE, num_slices=6, vendors=("A", "B") * 5, num_validation=4)
    return PreparedCohort.open(folder)


@pytest.fixture(scope="session")
def training(cohort):
    return real_subjects(cohort, "train")


@pytest.fixture(scope="session")
def held_out(cohort):
    return real_subjects(cohort, "validation")
