import numpy as np
import tensorflow as tf

from cmrtf.layers.sparse_gather import SparseGather, gather_sum

INDICES = np.sort(np.random.default_rng(0).permuted(np.tile(np.arange(12), (5, 1)), axis=1)[:, :3], axis=1)


def test_gather_sum_and_its_gradient_are_those_of_gather_and_sum():
    rng = np.random.default_rng(1)
    table, cotangent = tf.constant(rng.normal(size=(12, 4))), tf.constant(rng.normal(size=(5, 4)))
    table, cotangent = tf.cast(table, tf.float32), tf.cast(cotangent, tf.float32)
    results = []
    for function in (gather_sum, lambda t, i: tf.reduce_sum(tf.gather(t, i), axis=1)):
        with tf.GradientTape() as tape:
            tape.watch(table)
            sums = function(table, tf.constant(INDICES, tf.int32))
            loss = tf.reduce_sum(sums * cotangent)
        results.append([sums, tf.convert_to_tensor(tape.gradient(loss, table))])
    for ours, reference in zip(*results, strict=True):
        np.testing.assert_allclose(ours, reference, atol=1e-5)


def test_gather_sum_adds_bfloat16_up_in_float32():
    """In bfloat16 itself 256 + 1 is 256."""
    table = tf.constant([[256.0], [1.0], [1.0]], tf.bfloat16)
    sums = gather_sum(table, tf.constant([[0, 1, 2]]))
    assert sums.dtype == tf.bfloat16
    assert float(sums[0, 0]) == 258.0


def test_scatter_add_leaves_rows_without_index_at_zero():
    gather = SparseGather(tf.constant([[1], [1]]), tf.constant(3))
    np.testing.assert_array_equal(gather.scatter_add(tf.constant([[2.0], [3.0]])), [[0.0], [5.0], [0.0]])
