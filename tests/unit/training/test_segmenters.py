from dataclasses import replace

from cmrtf.training.segmenters import STRONG, USUAL, WARPED


def test_they_differ_in_augmentation_alone():
    for config in (WARPED, STRONG):
        same = replace(config, augmentation=USUAL.augmentation, strong_intensities=False)
        assert same == USUAL
    assert USUAL.normalisation == "instance"


def test_warps_and_intensities_are_stronger():
    assert WARPED.augmentation.elastic_px > STRONG.augmentation.elastic_px > USUAL.augmentation.elastic_px
    assert STRONG.augmentation.gamma > USUAL.augmentation.gamma
    assert STRONG.strong_intensities
