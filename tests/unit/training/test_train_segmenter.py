import dataclasses

import numpy as np
import pytest

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.preparation import SIZE
from cmrtf.errors import CmrtfError
from cmrtf.training.config import AugmentationConfig
from cmrtf.training.input_pipeline import Slices
from cmrtf.training.train_segmenter import SegmenterConfig, TrainedSegmenter, train_segmenter
from graphs import without_graphs

pytestmark = pytest.mark.slow

TINY = SegmenterConfig(
    widths=(8, 8), batch_size=4, learning_rate=0.02, augmentation=AugmentationConfig(rotation_degrees=10)
)
BLANK = np.zeros((1, SIZE, SIZE), np.float32), np.zeros((1, SIZE, SIZE), np.uint8)


@pytest.fixture(scope="module")
def slices(tiny_cohort):
    """Eighteen slices and two with noise and nothing else."""
    real = Slices.of_split(PreparedCohort.open(tiny_cohort), "train")
    noise = np.random.default_rng(0).normal(-0.8, 0.05, (2, 16, 16)).astype(np.float32)
    return Slices(
        np.concatenate([real.image, noise]),
        np.concatenate([real.label_ids, np.zeros(noise.shape, np.uint8)]),
        np.append(real.stack, [100, 101]),
    )


def _train(slices, steps=2, seed=0, config=TINY):
    return train_segmenter(slices.image, slices.label_ids, steps, seed, progress=False, config=config)


@pytest.fixture(scope="module")
def trained(slices):
    return _train(slices, steps=100)


def test_it_learns_what_it_is_shown(trained, slices):
    segmented = trained.segment(slices.image)
    assert (segmented.shape, segmented.dtype) == (slices.label_ids.shape, np.uint8)
    assert np.mean(segmented == slices.label_ids) > 0.95
    assert not segmented[-2:].any(), "nothing here"


def test_features_have_the_width_of_the_last_stage(trained, slices):
    features = trained.features(slices.image)
    assert (features.shape, features.dtype) == ((20, 8), np.float32)
    assert (features.std(axis=0) > 0).any()


def test_a_slice_alone_is_as_one_of_many(trained, slices):
    """20 slices are two parts; 19 are two others."""
    np.testing.assert_array_equal(trained.segment(slices.image)[1:], trained.segment(slices.image[1:]))
    np.testing.assert_allclose(
        trained.features(slices.image)[5], trained.features(slices.image[5:6])[0], atol=1e-5
    )


def test_a_segmenter_is_a_function_of_slices_and_seed(slices):
    with without_graphs():
        first, same, other = (_train(slices, seed=seed).model.get_weights() for seed in (1, 1, 2))
    for one, again in zip(first, same, strict=True):
        np.testing.assert_array_equal(one, again)
    assert any(not np.array_equal(one, another) for one, another in zip(same, other, strict=True))


def test_saved_and_loaded_it_says_the_same(trained, slices, tmp_path):
    trained.save(tmp_path / "reference")
    again = TrainedSegmenter.load(tmp_path / "reference")
    np.testing.assert_array_equal(again.segment(slices.image), trained.segment(slices.image))
    np.testing.assert_array_equal(again.features(slices.image), trained.features(slices.image))
    with pytest.raises(CmrtfError, match="taken"):
        trained.save(tmp_path / "reference")


@pytest.mark.parametrize("damage", ["no folder", "no weights", "cut weights", "other widths"])
def test_what_is_no_segmenter_is_not_loaded(damage, trained, tmp_path):
    folder = tmp_path / "reference"
    if damage != "no folder":
        trained.save(folder)
        weights, config = folder / "segmenter.weights.h5", folder / "segmenter.json"
        if damage == "no weights":
            weights.unlink()
        elif damage == "cut weights":
            weights.write_bytes(weights.read_bytes()[:1000])
        else:
            config.write_text(config.read_text().replace("8", "6"))
    with pytest.raises(
        CmrtfError, match=r"reference.*: expected (a segmenter|segmenter\.json and segmenter\.weights\.h5)"
    ):
        TrainedSegmenter.load(folder)


def test_the_segmenter_of_evaluations_takes_slices_of_cohorts():
    with without_graphs():
        config = dataclasses.replace(SegmenterConfig(), batch_size=1)
        trained = train_segmenter(*BLANK, steps=1, progress=False, config=config)
        assert trained.features(BLANK[0]).shape == (1, 160)
        assert trained.segment(BLANK[0]).shape == (1, SIZE, SIZE)


def test_the_bar_says_whose_it_is(slices, capsys):
    with without_graphs():
        train_segmenter(slices.image, slices.label_ids, 2, name="reference", config=TINY)
    said = capsys.readouterr()
    assert "reference: 2 of 2 steps" in said.err
    assert "soft_dice" in said.out + said.err


def test_images_and_labels_that_do_not_fit_are_refused(slices):
    with pytest.raises(ValueError, match=r"\(20, 16, 16\) and \(19, 16, 16\)"):
        _train(dataclasses.replace(slices, label_ids=slices.label_ids[1:]))
