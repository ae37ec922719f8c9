import shutil

import numpy as np
import pytest

from cmrtf_export.bundle import Bundle


@pytest.fixture(scope="session")
def bundle(story):
    """Opened once, to read only."""
    return Bundle.open(story.bundle)


@pytest.fixture
def copied(story, tmp_path):
    """Folder of a bundle that a test may damage."""
    return shutil.copytree(story.bundle, tmp_path / "bundle")


@pytest.fixture(scope="session")
def slices():
    """Inputs of every signature: three slices."""
    rng = np.random.default_rng(0)
    label_ids = np.zeros((3, 128, 128), np.int32)
    for i, one in enumerate(label_ids):
        one[40 : 90 + i, 40:90] = 2
        one[50:80, 50 : 80 + i] = 1
        one[40:90, 20:38] = 3
    return {
        "label_ids": label_ids,
        "image": rng.uniform(-1, 1, (3, 128, 128, 1)).astype(np.float32),
        "code": rng.normal(size=(3, 4)).astype(np.float32),
        "style": rng.normal(size=(3, 4)).astype(np.float32),
        # Four slices of a walk: the first slice, between two, beyond the heart, the last.
        "label_mix": np.array([[1, 0, 0], [0, 0.5, 0.5], [0, 0, 0], [0, 0, 1]], np.float32),
        "style_mix": np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1]], np.float32),
    }
