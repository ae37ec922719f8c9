import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cmrtf.core.files import new_folder
from cmrtf.training import segmenter_store
from cmrtf.training.segmenter_store import SegmenterStore
from cmrtf.training.train_segmenter import SegmenterConfig, train_segmenter
from folders import names

CONFIG = SegmenterConfig(widths=(4, 4), batch_size=2)
IMAGES = np.zeros((4, 16, 16), np.float32)
LABEL_IDS = np.zeros((4, 16, 16), np.uint8)


@pytest.fixture(scope="module")
def segmenter():
    return train_segmenter(IMAGES, LABEL_IDS, 1, progress=False, config=CONFIG)


@pytest.fixture
def trainings(segmenter, monkeypatch):
    """The names of the trainings there were; each returns the same segmenter."""
    done = []

    def train(*arguments, name, **keywords):
        done.append(name)
        return segmenter

    monkeypatch.setattr(segmenter_store, "train_segmenter", train)
    return done


def test_two_evaluations_at_a_time_train_a_segmenter_once(tmp_path, monkeypatch):
    class Trained:
        def __init__(self, images, label_ids, steps, seed, progress, name, config, unknown):
            trained.append(name)
            time.sleep(0.2)

        def save(self, folder):
            with new_folder(folder):
                pass

    trained = []
    monkeypatch.setattr(segmenter_store, "train_segmenter", Trained)
    monkeypatch.setattr(segmenter_store.TrainedSegmenter, "load", lambda folder: names(folder))
    store = SegmenterStore(tmp_path / "segmenters", 1)
    with ThreadPoolExecutor(2) as pool:
        loaded = list(pool.map(lambda name: store.trained(IMAGES, LABEL_IDS, 0, name), "ab"))
    assert len(trained) == 1
    assert loaded == [[], []]
    assert len(names(store.folder)) == 1


def test_a_segmenter_is_trained_once_for_the_same_slices_steps_and_seed(tmp_path, trainings):
    store = SegmenterStore(tmp_path / "segmenters", 1, CONFIG)
    first = store.trained(IMAGES, LABEL_IDS, 0, "first")
    again = store.trained(IMAGES.copy(), LABEL_IDS.copy(), 0, "again")
    for one, other in zip(first.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert trainings == ["first"]
    store.trained(IMAGES, LABEL_IDS, 1, "other seed")
    store.trained(IMAGES + 0.5, LABEL_IDS, 0, "other images")
    store.trained(IMAGES, LABEL_IDS + np.uint8(1), 0, "other labels")
    SegmenterStore(store.folder, 2, store.config).trained(IMAGES, LABEL_IDS, 0, "longer")
    assert trainings == ["first", "other seed", "other images", "other labels", "longer"]
    assert len(list(store.folder.iterdir())) == 5
