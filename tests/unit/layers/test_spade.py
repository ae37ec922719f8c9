import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from cmrtf.bundle.saved_model import read_signatures
from cmrtf.layers.label_neighbourhoods import find_label_neighbourhoods
from cmrtf.layers.spade import SPADE
from layer_checks import check_layer, label_maps

CONFIG = {"hidden_channels": 6, "num_classes": 4}


def _inputs(size=8, channels=3):
    return np.random.default_rng(0).normal(0.5, 2.0, (2, size, size, channels)).astype(np.float32)


def _label_ids(size=8, num_classes=4):
    return np.random.default_rng(1).integers(0, num_classes, (2, size, size))


def test_layer_checks_with_distinct_neighbourhoods():
    labels = find_label_neighbourhoods(tf.constant(_label_ids()), 4)
    check_layer(SPADE, CONFIG, [_inputs(), labels], [(2, 8, 8, 3)], (4, 2))


def test_layer_checks_with_a_dense_label_map():
    check_layer(SPADE, CONFIG, [_inputs(), tf.one_hot(_label_ids(), 4)], [(2, 8, 8, 3)], (4, 2))


@settings(max_examples=10)
@given(
    st.data(),
    st.integers(1, 16),
    st.sampled_from([1, 2, 3, 5, 8, 13]),
    st.sampled_from([1, 3, 5, 8, 13]),
    st.booleans(),
)
def test_the_distinct_form_is_the_dense_form_in_values_and_gradients(
    data, num_classes, height, width, training
):
    """Of two different maps, jagged or smooth, with labels up to the border."""
    label_ids = data.draw(label_maps(num_classes, 13))[:, :height, :width]
    inputs = tf.constant(_inputs(13)[:, :height, :width])
    cotangent = np.random.default_rng(2).normal(size=inputs.shape).astype(np.float32)
    layer = SPADE(6, num_classes)
    layer.build(inputs.shape)
    layer.hidden_bias.assign(np.linspace(-0.5, 0.5, 6))  # else relu(bias) outside the image would be 0
    layer.modulation_bias.assign(np.linspace(-1.0, 1.0, 6))

    def evaluate(labels):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, labels, training=training)
            loss = tf.reduce_sum(outputs * cotangent)
        return [outputs, *tape.gradient(loss, [inputs, *layer.trainable_variables])]

    distinct = evaluate(find_label_neighbourhoods(tf.constant(label_ids), num_classes))
    dense = evaluate(tf.one_hot(label_ids, num_classes))
    for ours, reference in zip(distinct, dense, strict=True):
        scale = max(float(tf.reduce_max(tf.abs(reference))), 1.0)
        np.testing.assert_allclose(ours, reference, atol=1e-5 * scale)


@settings(max_examples=6)
@given(st.data(), st.sampled_from([2, 4, 9, 16]), st.booleans())
def test_in_bfloat16_both_forms_are_the_float32_form_to_its_precision(data, num_classes, training):
    """Three significant digits, through two convolutions and a normalisation."""
    label_ids = data.draw(label_maps(num_classes, 8))
    inputs = _inputs(8)
    reference = SPADE(6, num_classes)
    layer = SPADE(6, num_classes, dtype="mixed_bfloat16")
    for either in (reference, layer):
        either.build(inputs.shape)
    layer.set_weights(reference.get_weights())
    expected = reference(inputs, tf.one_hot(label_ids, num_classes), training=training).numpy()
    neighbourhoods = find_label_neighbourhoods(tf.constant(label_ids), num_classes)
    for labels in (neighbourhoods, tf.one_hot(label_ids, num_classes)):
        outputs = layer(inputs, labels, training=training)
        assert outputs.dtype == tf.bfloat16
        np.testing.assert_allclose(
            tf.cast(outputs, tf.float32), expected, atol=0.03 * max(np.abs(expected).max(), 1)
        )


@pytest.mark.parametrize("num_classes", [4, 9])
def test_graph_and_saved_model_of_any_batch_and_size(num_classes, tmp_path):
    """A graph that is traced once, in training and, as bundles have it, saved and loaded."""
    layer = SPADE(6, num_classes)
    layer.build((None, None, None, 3))

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None, None, 3), tf.float32),
            tf.TensorSpec((None, None, None), tf.int32),
        ]
    )
    def call(inputs, label_ids):
        return layer(inputs, find_label_neighbourhoods(label_ids, num_classes))

    module = tf.Module()
    module.weights = [variable.value for variable in layer.variables]
    options = tf.saved_model.SaveOptions(experimental_custom_gradients=False)
    tf.saved_model.save(module, tmp_path, signatures=call, options=options)
    assert read_signatures(tmp_path)  # nothing but operations that a bundle may have
    loaded = tf.saved_model.load(tmp_path).signatures["serving_default"]
    for size in (5, 8):
        inputs, label_ids = _inputs(size), _label_ids(size, num_classes)
        expected = layer(inputs, tf.one_hot(label_ids, num_classes))
        arguments = {"inputs": tf.constant(inputs), "label_ids": tf.constant(label_ids, tf.int32)}
        for outputs in (call(**arguments), *loaded(**arguments).values()):
            np.testing.assert_allclose(outputs, expected, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_normalises_then_scales_and_shifts(training):
    """With constant gamma and beta, against equation 1 of the paper."""
    layer = SPADE(**CONFIG)
    layer.build((None, 8, 8, 3))
    gamma, beta = np.array([0.5, 0.0, -2.0]), np.array([1.0, -1.0, 0.25])
    layer.modulation_kernel.assign(tf.zeros_like(layer.modulation_kernel))
    layer.modulation_bias.assign(np.concatenate([gamma, beta]))
    x = _inputs()
    if training:
        normalised = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)
    else:
        normalised = x / np.sqrt(1 + 1e-5)
    outputs = layer(x, find_label_neighbourhoods(tf.constant(_label_ids()), 4), training=training)
    np.testing.assert_allclose(outputs, (1 + gamma) * normalised + beta, atol=1e-4)


def test_only_labels_within_two_pixels_matter():
    keras.utils.set_random_seed(0)
    layer = SPADE(**CONFIG)
    label_ids = np.zeros((1, 11, 11), int)
    changed = label_ids.copy()
    changed[0, 5, 5] = 2
    inputs = _inputs(11)[:1]
    before, after = (
        layer(inputs, find_label_neighbourhoods(tf.constant(ids), 4)).numpy() for ids in (label_ids, changed)
    )
    differs = np.abs(after - before).max(-1)[0] > 1e-6
    assert differs[5, 5]
    differs[3:8, 3:8] = False
    assert not differs.any()
