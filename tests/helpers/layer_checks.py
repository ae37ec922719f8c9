"""What every layer and network must pass, and label maps for property tests."""

import inspect
import json

import keras
import numpy as np
import tensorflow as tf
from hypothesis import strategies as st


def check_layer(layer_class, config, inputs, output_shapes, num_weights):
    """Check shapes, number of weights, serialisation, mixed precision and gradients of a layer.

    Args:
        layer_class: the class.
        config: its constructor's arguments.
        inputs: arguments of `call`.
        output_shapes: of all outputs, flattened.
        num_weights: trainable, not trainable.

    Returns:
        the layer, built, for further checks.
    """
    layer = layer_class(**config)
    outputs = tf.nest.flatten(layer(*inputs))
    assert [tuple(output.shape) for output in outputs] == output_shapes
    assert (len(layer.trainable_weights), len(layer.non_trainable_weights)) == num_weights
    if "compute_output_shape" in vars(layer_class):
        assert tuple(layer.compute_output_shape(tuple(inputs[0].shape))) == output_shapes[0]
    _check_serialisation(layer, inputs, outputs)
    _check_bfloat16(layer, config, inputs, outputs)
    _check_training(layer, inputs, output_shapes)
    return layer


def _check_serialisation(layer, inputs, outputs):
    """Through JSON and back, the layer is the same and computes the same."""
    text = json.dumps(keras.saving.serialize_keras_object(layer))
    twin = keras.saving.deserialize_keras_object(json.loads(text))
    assert type(twin) is type(layer)
    assert twin.get_config() == layer.get_config()
    twin(*inputs)
    twin.set_weights(layer.get_weights())
    for output, other in zip(outputs, tf.nest.flatten(twin(*inputs)), strict=True):
        np.testing.assert_array_equal(output, other)


def _check_bfloat16(layer, config, inputs, outputs):
    """In mixed precision weights stay float32, and outputs are as close as eight bits allow."""
    reduced = type(layer)(**config, dtype="mixed_bfloat16")
    reduced(*inputs)
    reduced.set_weights(layer.get_weights())
    assert {weight.dtype for weight in reduced.weights} <= {"float32"}
    for output, other in zip(outputs, tf.nest.flatten(reduced(*inputs)), strict=True):
        largest = float(tf.reduce_max(tf.abs(output)))
        np.testing.assert_allclose(tf.cast(other, tf.float32), output, atol=0.05 * max(largest, 1.0))


def _check_training(layer, inputs, output_shapes):
    """Every trainable weight gets a finite gradient."""
    arguments = {"training": True} if "training" in inspect.signature(layer.call).parameters else {}
    with tf.GradientTape() as tape:
        outputs = tf.nest.flatten(layer(*inputs, **arguments))
        # Cubes: after a normalisation the sums of values and of squares do not depend on the weights.
        loss = tf.add_n([tf.reduce_sum(tf.cast(output, tf.float32) ** 3) for output in outputs])
    assert [tuple(output.shape) for output in outputs] == output_shapes
    for gradient in tape.gradient(loss, layer.trainable_variables):
        assert np.isfinite(tf.convert_to_tensor(gradient)).all()


@st.composite
def label_maps(draw, num_classes, size):
    """Strategy of `(2, size, size)` label ids: jagged (independent pixels) or smooth (discs)."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        return rng.integers(0, num_classes, (2, size, size))
    label_ids = np.zeros((2, size, size), np.int64)
    y, x = np.indices((size, size))
    for label_map in label_ids:
        for label in range(1, num_classes):
            centre, radius = rng.uniform(0, size, 2), rng.uniform(0, size / 2)
            label_map[np.hypot(y - centre[0], x - centre[1]) < radius] = label
    return label_ids
