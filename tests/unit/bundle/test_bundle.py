import hashlib
from dataclasses import replace

import numpy as np
import pytest

from cmrtf.errors import CmrtfError


def test_its_hash_is_that_of_the_description(bundle):
    assert bundle.sha256 == hashlib.sha256((bundle.path / "bundle.json").read_bytes()).hexdigest()


def test_codes_and_images_have_the_promised_shapes_and_types(bundle, slices):
    """Labels of any integer type, images of any float type and without a channel axis."""
    label_ids = slices["label_ids"].astype(np.uint8)
    codes = bundle.encode(label_ids)
    assert (codes.shape, codes.dtype) == ((3, 4), np.float32)
    decoded = bundle.decode(codes)
    assert (decoded.shape, decoded.dtype) == ((3, 128, 128), np.uint8)
    assert decoded.max() < 4
    styles = bundle.encode_style(slices["image"][..., 0].astype(np.float64))
    assert (styles.shape, styles.dtype) == ((3, 4), np.float32)
    image = bundle.synthesize(label_ids, styles)
    assert (image.shape, image.dtype) == ((3, 128, 128), np.float32)
    assert np.abs(image).max() <= 1.0


def test_no_slices_give_none(bundle):
    """A walk may have no slice with a heart."""
    assert bundle.decode(np.zeros((0, 4), np.float32)).shape == (0, 128, 128)
    assert bundle.encode(np.zeros((0, 128, 128), np.uint8)).shape == (0, 4)


def test_the_appearances_of_the_training_subjects_come_along(bundle):
    subjects = bundle.appearance_bank().subjects
    assert len(subjects) > 1
    for known in subjects.values():
        low, high = known.intensity_window
        assert known.style.shape == (4,)
        assert low < high


def test_the_hearts_of_the_training_subjects_come_along(bundle):
    """Two of the four subjects validate."""
    prior = bundle.anatomy_prior()
    assert len(prior.codes) == len(prior.pathologies) == len(bundle.appearance_bank().subjects) == 2
    assert prior.codes.shape[-1] == 4
    decoded = prior.mean().decode(bundle, 10.0)
    assert list(decoded) == ["ED", "ES"]


def test_a_bundle_without_hearts_says_what_they_come_from(bundle, tmp_path):
    with pytest.raises(CmrtfError, match=r"expected anatomy_bank\.npz, from a label VAE .* without it"):
        replace(bundle, path=tmp_path).anatomy_prior()
