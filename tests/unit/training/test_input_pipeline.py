from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.errors import CmrtfError
from cmrtf.training.config import AugmentationConfig
from cmrtf.training.input_pipeline import Slices, image_batches, label_batches, pair_batches
from prepared_cohort import write_cohort

NOTHING = AugmentationConfig()
SOME = AugmentationConfig(rotation_degrees=20, gamma=0.3)
SIZE = 4


def _numbered(count):
    """Slices that say which they are: in base 4 along the first row of labels, and as their brightness."""
    digits = np.arange(count)[:, None] // 4 ** np.arange(SIZE) % 4
    label_ids = np.zeros((count, SIZE, SIZE), np.uint8)
    label_ids[:, 0] = digits
    image = np.broadcast_to(np.linspace(-1, 1, count)[:, None, None], label_ids.shape).astype(np.float32)
    return Slices(np.ascontiguousarray(image), label_ids, np.arange(count) // 4)


def _numbers(batch):
    return (np.asarray(batch["label_ids"])[:, 0].astype(int) * 4 ** np.arange(SIZE)).sum(1).tolist()


def _label_batches(count, batch_size, steps, seed=0, augmentation=NOTHING):
    batches = label_batches(_numbered(count), augmentation, batch_size, steps, seed, latent_dim=3)
    return list(batches.as_numpy_iterator())


def _image_batches(count, batch_size, steps, seed=0, augmentation=NOTHING):
    batches = image_batches(_numbered(count), augmentation, batch_size, steps, seed, style_dim=3, num_draws=6)
    return list(batches.as_numpy_iterator())


@pytest.mark.parametrize(("count", "batch_size"), [(12, 4), (10, 4), (5, 8), (1, 2)])
def test_every_epoch_shows_every_slice_once(count, batch_size):
    """Epochs follow each other without a gap, within a batch where the numbers do not fit."""
    epochs = 3
    steps = range(-(-epochs * count // batch_size))
    seen = [number for batch in _label_batches(count, batch_size, steps) for number in _numbers(batch)]
    for epoch in range(epochs):
        assert sorted(seen[epoch * count : (epoch + 1) * count]) == list(range(count))


def test_every_epoch_and_every_seed_has_its_own_order():
    orders = [tuple(_numbers(batch)) for seed in (0, 1) for batch in _label_batches(20, 20, range(2), seed)]
    assert len({*orders, tuple(range(20))}) == 5


@pytest.mark.parametrize("make", [_label_batches, _image_batches])
def test_a_batch_is_the_same_wherever_the_dataset_starts(make):
    whole = make(10, 4, range(6), augmentation=SOME)
    rest = make(10, 4, range(3, 6), augmentation=SOME)
    assert len(whole) == 6
    assert len(rest) == 3
    for ours, expected in zip(rest, whole[3:], strict=True):
        assert ours.keys() == expected.keys()
        for name in ours:
            np.testing.assert_array_equal(ours[name], expected[name])


def test_label_batches_are_what_the_vae_takes():
    (batch,) = _label_batches(10, 4, range(1))
    assert set(batch) == {"label_ids", "latent_noise"}
    assert (batch["label_ids"].shape, batch["label_ids"].dtype) == ((4, SIZE, SIZE), np.uint8)
    assert (batch["latent_noise"].shape, batch["latent_noise"].dtype) == ((4, 3), np.float32)


def test_with_neighbours_a_batch_also_holds_the_slices_below_and_above():
    """In stacks of four; a stack's ends are their own neighbours."""
    dataset = label_batches(_numbered(10), NOTHING, 5, range(2), 0, latent_dim=3, with_neighbours=True)
    shown = {}
    for batch in dataset.as_numpy_iterator():
        assert set(batch) == {"label_ids", "latent_noise", "neighbour_ids"}
        below, above = ({"label_ids": batch["neighbour_ids"][:, side]} for side in (0, 1))
        shown |= {
            own: sides for own, *sides in zip(_numbers(batch), _numbers(below), _numbers(above), strict=True)
        }
    ends = {end: [end, end] for end in (0, 3, 4, 7, 8, 9)}
    assert shown == ends | {1: [0, 2], 2: [1, 3], 5: [4, 6], 6: [5, 7]}


def test_neighbours_change_neither_order_nor_warp_nor_noise():
    slices = _numbered(10)
    plain, more = (
        list(label_batches(slices, SOME, 4, range(3), 0, 3, with_neighbours).as_numpy_iterator())
        for with_neighbours in (False, True)
    )
    for ours, expected in zip(more, plain, strict=True):
        for name in expected:
            np.testing.assert_array_equal(ours[name], expected[name])


def test_image_batches_are_what_the_gan_takes():
    (batch,) = _image_batches(10, 4, range(1))
    shapes = {name: values.shape for name, values in batch.items()}
    assert shapes == {
        "image": (4, SIZE, SIZE, 1),
        "label_ids": (4, SIZE, SIZE),
        "style_noise": (4, 3),
        "augment_draws": (4, 6),
    }
    assert batch["label_ids"].dtype == np.uint8


def test_pairs_are_those_of_the_image_batches():
    pairs = pair_batches(_numbered(10), SOME, 4, range(2, 5), seed=7)
    for ours, theirs in zip(
        pairs.as_numpy_iterator(), _image_batches(10, 4, range(2, 5), 7, SOME), strict=True
    ):
        assert set(ours) == {"image", "label_ids"}
        for name, values in ours.items():
            np.testing.assert_array_equal(values, theirs[name])


def test_an_image_keeps_its_labels():
    for batch in _image_batches(10, 4, range(5)):
        brightness = np.linspace(-1, 1, 10)[_numbers(batch)]
        np.testing.assert_allclose(
            batch["image"], np.broadcast_to(brightness[:, None, None, None], (4, 4, 4, 1)), atol=1e-6
        )


def test_noise_is_standard_normal_draws_are_uniform_and_no_two_steps_are_alike():
    batches = _image_batches(4, 64, range(20))
    noise, draws = (np.stack([batch[name] for batch in batches]) for name in ("style_noise", "augment_draws"))
    assert len(np.unique(noise)) > 0.99 * noise.size
    assert abs(noise.mean()) < 0.1
    assert abs(noise.std() - 1) < 0.05
    assert draws.min() >= 0
    assert draws.max() < 1
    assert abs(draws.mean() - 0.5) < 0.03


def test_several_machines_each_take_their_part_of_every_batch():
    dataset = label_batches(_numbered(4), NOTHING, 2, range(3), 0, latent_dim=3)
    policy = dataset.options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.DATA


def test_slices_are_all_phases_of_all_subjects_of_a_split(tiny_cohort):
    cohort = PreparedCohort.open(tiny_cohort)
    training, validation = (Slices.of_split(cohort, split) for split in ("train", "validation"))
    assert training.image.shape == training.label_ids.shape == (3 * 2 * 3, 16, 16)
    assert (training.image.dtype, training.label_ids.dtype) == (np.float32, np.uint8)
    expected = cohort["S4"]
    np.testing.assert_array_equal(validation.image[3:], expected.es.image)
    np.testing.assert_array_equal(validation.label_ids[:3], expected.ed.label_ids)
    assert validation.stack.tolist() == [0, 0, 0, 1, 1, 1]


def test_labelled_slices_keep_their_stacks():
    slices = _numbered(8)
    slices.label_ids[[0, 5]] = 0
    labelled = slices.labelled()
    np.testing.assert_array_equal(labelled.label_ids, slices.label_ids[[1, 2, 3, 4, 6, 7]])
    assert labelled.stack.tolist() == [0, 0, 0, 1, 1, 1]
    assert labelled.neighbours().tolist() == [[0, 0], [0, 2], [2, 2], [3, 3], [3, 5], [5, 5]]


def test_a_single_slice_is_its_own_neighbour():
    assert _numbered(1).neighbours().tolist() == [[0, 0]]


def test_a_split_without_subjects_is_refused(tmp_path):
    cohort = PreparedCohort.open(write_cohort(tmp_path / "cohort", vendors="A", num_validation=1))
    with pytest.raises(CmrtfError, match=r"cohort: expected subjects in the 'train' split\. Received: none"):
        Slices.of_split(cohort, "train")


def _with_unknown(rv, myo):
    """Twelve slices of which some do not know the RV, and some not the myocardium."""
    unknown = np.zeros((12, 4), np.bool_)
    unknown[rv, 3] = unknown[myo, 2] = True
    return replace(_numbered(12), unknown=unknown)


@pytest.mark.parametrize("with_neighbours", [False, True])
def test_what_is_unknown_comes_with_its_slice(with_neighbours):
    slices = _with_unknown(rv=[1, 2], myo=[2])
    batches = label_batches(slices, NOTHING, 4, range(3), 0, 3, with_neighbours).as_numpy_iterator()
    pairs = pair_batches(slices, NOTHING, 4, range(3), 0).as_numpy_iterator()
    for batch in (*batches, *pairs):
        for number, unknown in zip(_numbers(batch), batch["unknown"], strict=True):
            assert unknown.tolist() == [False, False, number == 2, number in (1, 2)]


def test_fully_labelled_slices_know_all():
    chosen = _with_unknown(rv=[1, 2], myo=[2, 5]).fully_labelled()
    assert _numbers({"label_ids": chosen.label_ids}) == [0, 3, 4, 6, 7, 8, 9, 10, 11]
    assert chosen.unknown is None


def test_a_structure_that_no_slice_knows_is_background(tmp_path):
    """Nothing could tell where it is: a model that was free to draw it would draw noise."""
    everywhere = {"RV": [0, 1, 2]}
    both = {"ED": everywhere, "ES": everywhere}
    unknown = {"S1": both | {"ES": everywhere | {"MYO": [1]}}, "S2": both, "S3": both}
    slices = Slices.of_split(PreparedCohort.open(write_cohort(tmp_path / "c", unknown=unknown)), "train")
    assert np.argwhere(slices.unknown).tolist() == [[4, 2]]


def test_nothing_unknown_adds_nothing_to_a_batch(tmp_path):
    slices = Slices.of_split(PreparedCohort.open(write_cohort(tmp_path / "c")), "train")
    assert slices.unknown is None
    assert slices.fully_labelled() is slices
