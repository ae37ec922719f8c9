import pytest
from scipy import ndimage

from cmrtf.evaluation.sections.realism import RATIO, features_of, realism_section
from evaluation_doubles import GreySegmenter, table, with_images


@pytest.fixture(scope="module")
def section(training, held_out, interpolated):
    """Groups that differ from the training subjects in one thing each: a section of all is made once."""

    def changed(change):
        return [with_images(subject, change) for subject in training]

    groups = {
        "interpolated": interpolated,
        "few": interpolated[:2],
        "inverted": [with_images(subject, lambda image: -image) for subject in interpolated],
        "unchanged": training,
        "darker": changed(lambda image: image - 0.1),
        "smooth": changed(lambda image: 0.5 * image),
        "blurred": changed(lambda image: ndimage.gaussian_filter(image, (0, 0.6, 0.6))),
        "equal": [subject.with_stacks({"ED": training[0].ed}) for subject in training[:2]],
    }
    return realism_section(GreySegmenter(), training, held_out, groups, seed=0)


def test_copies_of_training_images_look_no_better_than_training_images(section):
    assert table(section, RATIO).rows["unchanged"]["ratio"].mean == pytest.approx(1.0, abs=0.1)


def test_images_of_other_grey_levels_are_further_away(section):
    rows = table(section, RATIO).rows
    assert rows["inverted"]["ratio"].mean > rows["interpolated"]["ratio"].mean


def test_each_group_stands_beside_as_many_real_images(section):
    rows = table(section, "Kernel distance of features").rows
    assert list(rows)[:4] == [
        "interpolated",
        "training, as many as interpolated",
        "few",
        "training, as many as few",
    ]
    assert rows["few"]["distance"].n == rows["training, as many as few"]["distance"].n == 24
    assert rows["interpolated"]["distance"].n == 48  # as many as there are held out


def test_a_group_is_described_by_its_own_images(section):
    """The same subjects have the same figures in both rows; darker ones have darker tissues."""
    means = table(section, "Mean intensity of each tissue").rows
    assert means["darker"]["LV"].mean < means["real"]["LV"].mean - 0.05
    assert (means["darker"]["LV"].n, means["real"]["LV"].n) == (6, 10)
    spreads = table(section, "Standard deviation within each tissue").rows
    assert 0.0 < spreads["darker"]["LV"].mean < 0.2


def test_smoother_stacks_change_less_from_slice_to_slice(section):
    changes = table(section, "Change from slice to slice").rows
    assert changes["smooth"]["change"].mean < 0.7 * changes["real"]["change"].mean


@pytest.mark.parametrize("where", ["near the heart", "in the chest"])
def test_blurred_images_have_less_power_of_detail_the_finer_the_less(section, where):
    rows = table(section, f"Power of detail {where}, ratio to real").rows
    assert {name: estimate.mean for name, estimate in rows["real"].items()} == pytest.approx(
        dict.fromkeys(rows["real"], 1.0)
    )
    kept = [rows["blurred"][band].mean / rows["unchanged"][band].mean for band in rows["unchanged"]]
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] < 0.5


def test_equal_subjects_are_alike(section):
    rows = table(section, "Likeness of different subjects").rows
    assert rows["equal"]["MS-SSIM"].mean == pytest.approx(1.0)
    assert rows["real"]["MS-SSIM"].mean < 0.95


def test_features_are_of_labelled_slices(training):
    features = features_of(GreySegmenter(), training[:2])
    assert features.features.shape == (24, 96)
    assert list(features.subjects) == ["S1"] * 12 + ["S2"] * 12
