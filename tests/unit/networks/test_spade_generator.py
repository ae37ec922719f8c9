import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from cmrtf.networks.spade_generator import SPADEGenerator
from layer_checks import check_layer, label_maps

STYLE = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
LABEL_IDS = np.random.default_rng(1).integers(0, 4, (2, 16, 16))
CONFIG = {"image_size": 16, "base_width": 4, "hidden_channels": 5, "num_classes": 4, "start_size": 8}


@pytest.mark.parametrize("dense", [False, True])
def test_layer_checks(dense):
    """From style, two blocks at 8 x 8 without and one at 16 x 16 with a learned shortcut, four affines and
    noises."""
    num_weights = (2 + 12 + 12 + 17 + 4 * (2 + 1) + 2, 6 + 6 + 9 + 4 * 2 + 1)
    network = check_layer(
        SPADEGenerator, CONFIG | {"dense": dense}, [STYLE, LABEL_IDS], [(2, 16, 16, 1)], num_weights
    )
    image = network(STYLE, LABEL_IDS).numpy()
    assert image.dtype == np.float32
    assert np.abs(image).max() <= 1.0


def test_channels_halve_as_sizes_double():
    generator = SPADEGenerator(128, base_width=32)
    assert generator.sizes == (8, 8, 16, 32, 64, 128)
    assert [block.channels for block in generator.blocks] == [512, 512, 256, 128, 64, 32]


@settings(max_examples=3)
@given(st.data(), st.sampled_from([2, 4, 9, 16]), st.sampled_from([8, 16]))
def test_the_distinct_form_is_the_dense_form_in_values_and_gradients(data, num_classes, start_size):
    label_ids = data.draw(label_maps(num_classes, 16))
    config = CONFIG | {"num_classes": num_classes, "start_size": start_size}
    generators = [SPADEGenerator(**config, dense=dense) for dense in (False, True)]
    cotangent = np.random.default_rng(2).normal(size=(2, 16, 16, 1)).astype(np.float32)
    for generator in generators:
        generator.build((None, 3))
    generators[1].set_weights(generators[0].get_weights())

    results = []
    for generator in generators:
        style = tf.constant(STYLE)
        with tf.GradientTape() as tape:
            tape.watch(style)
            image = generator(style, label_ids, training=True)
            loss = tf.reduce_sum(image * cotangent)
        results.append([image, *tape.gradient(loss, [style, *generator.trainable_variables])])
    for ours, reference in zip(*results, strict=True):
        scale = max(float(tf.reduce_max(tf.abs(reference))), 1.0)
        np.testing.assert_allclose(ours, reference, atol=1e-4 * scale)
    for ours, reference in zip(*(generator.non_trainable_variables for generator in generators), strict=True):
        np.testing.assert_allclose(ours, reference, atol=1e-5)


def test_label_ids_may_be_of_any_integer_type():
    generator = SPADEGenerator(**CONFIG)
    expected = generator(STYLE, LABEL_IDS)
    for dtype in (np.uint8, np.int32):
        np.testing.assert_array_equal(generator(STYLE, LABEL_IDS.astype(dtype)), expected)


def test_labels_of_another_size_are_an_error():
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError), match="16"):
        SPADEGenerator(**CONFIG)(STYLE, LABEL_IDS[:, :8, :8])


def test_image_size_must_be_start_size_times_a_power_of_two():
    message = r"`start_size` times a power of two\. Received: image_size=48, start_size=8"
    with pytest.raises(ValueError, match=message):
        SPADEGenerator(image_size=48)
