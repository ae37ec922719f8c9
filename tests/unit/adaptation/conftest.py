"""Raw images in which a double sees the hearts."""

import shutil

import numpy as np
import pytest

from raw_data import heart, save

GREY = {0: 20.0, 1: 220.0, 2: 90.0, 3: 160.0}
SPACING = np.diag([-1.5, -1.5, 10.0, 1.0])


class GreySegmenter:
    """Reads the grey levels of prepared images."""

    def segment(self, images):
        scaled = np.array([GREY[label] for label in range(4)])
        levels = (scaled - scaled.min()) / (scaled.max() - scaled.min()) * 2.0 - 1.0
        return np.abs(images[..., None] - levels).argmin(axis=-1).astype(np.uint8)

    def features(self, images):
        return images.mean(axis=2)


def grey_image(label_ids):
    """With a little noise, as no image is without."""
    noise = np.random.default_rng(0).normal(0.0, 1.0, label_ids.shape)
    return (np.array([GREY[label] for label in range(4)])[label_ids] + noise).astype(np.float32)


@pytest.fixture(scope="session")
def segmenter():
    return GreySegmenter()


@pytest.fixture(scope="session")
def hearts():
    """Label maps `(x, y, z)` of a heart at ED and ES, away from the image's middle."""
    ed, es = (heart(shape=(180, 170, 8), spacing_mm=(1.5, 1.5, 10.0), scale=scale) for scale in (1.0, 0.8))
    return {"ED": np.roll(ed, (14, -9), (0, 1)), "ES": np.roll(es, (14, -9), (0, 1))}


@pytest.fixture(scope="session")
def unlabelled_once(tmp_path_factory, hearts):
    """An image of one phase, a cine of a heart that vanishes, and a picture without a heart: to read only."""
    folder = tmp_path_factory.mktemp("images") / "unlabelled"
    for name in ("P1", "deep/P2", "P3"):
        (folder / name).mkdir(parents=True)
    save(folder / "P1/P1_sa.nii.gz", grey_image(hearts["ED"]), SPACING)
    save(folder / "P1/P1_sa_gt.nii.gz", np.zeros(hearts["ED"].shape, np.uint8), SPACING)
    tiny = heart(shape=hearts["ED"].shape, spacing_mm=(1.5, 1.5, 10.0), scale=0.35)
    cine = np.stack([grey_image(labels) for labels in (hearts["ES"], hearts["ED"], tiny)], -1)
    save(folder / "deep/P2/P2.nii.gz", cine, SPACING)
    noise = np.random.default_rng(0).uniform(0, 255, hearts["ED"].shape).astype(np.float32)
    save(folder / "P3/P3.nii", noise, SPACING)
    return folder


@pytest.fixture
def unlabelled(unlabelled_once, tmp_path):
    """A copy of it that a test may change."""
    return shutil.copytree(unlabelled_once, tmp_path / "unlabelled")
