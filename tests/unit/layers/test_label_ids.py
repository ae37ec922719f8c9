import numpy as np
import pytest
import tensorflow as tf

from cmrtf.layers.label_ids import checked_label_ids, downsample_labels


@pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
@pytest.mark.parametrize("foreign", [-3, 4, 200])
def test_checked_label_ids_names_a_foreign_id(traced, foreign):
    check = tf.function(checked_label_ids, autograph=False) if traced else checked_label_ids
    label_ids = np.array([[0, 3], [foreign, 1]])
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"label_ids must be within 0\.\.3") as caught:
        check(tf.constant(label_ids), 4)
    assert str(foreign) in caught.value.message


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
@pytest.mark.parametrize("shape", [(2, 3), (0, 3)])
def test_checked_label_ids_returns_the_same_ids_as_int32(dtype, shape):
    label_ids = np.arange(np.prod(shape)).reshape(shape).astype(dtype) % 4
    checked = checked_label_ids(tf.constant(label_ids), 4)
    assert checked.dtype == tf.int32
    np.testing.assert_array_equal(checked, label_ids)


def test_downsample_labels_picks_pixels():
    label_ids = tf.reshape(tf.range(64), (1, 8, 8))
    np.testing.assert_array_equal(downsample_labels(label_ids, 8), label_ids)
    np.testing.assert_array_equal(downsample_labels(label_ids, 4)[0, :, 0], [9, 25, 41, 57])
    np.testing.assert_array_equal(downsample_labels(label_ids, 2)[0], [[18, 22], [50, 54]])
