"""Label ids: checked before they are encoded, and downsampled to the sizes of a network."""

import tensorflow as tf


def checked_label_ids(label_ids: tf.Tensor, num_classes: int) -> tf.Tensor:
    """The same label ids as int32; a value that is no label id is an error when the graph runs.

    Without the check such a value would silently become another label: an empty row of a one-hot
    map, or the code of another neighbourhood.

    Args:
        label_ids: integers of any shape.
        num_classes: number of label ids.

    Returns:
        int32 of the same shape.

    Raises:
        tf.errors.InvalidArgumentError: naming a value that is not within `0..num_classes - 1`.
    """
    label_ids = tf.cast(label_ids, tf.int32)
    low, high = tf.reduce_min(label_ids), tf.reduce_max(label_ids)
    message = f"label_ids must be within 0..{num_classes - 1}. Received:"
    assertion = tf.debugging.Assert(
        (low >= 0) & (high < num_classes), [message, tf.where(low < 0, low, high)]
    )
    # Eager execution has asserted by now and returns no operation.
    with tf.control_dependencies([] if assertion is None else [assertion]):
        return tf.identity(label_ids)


def downsample_labels(label_ids: tf.Tensor, size: int) -> tf.Tensor:
    """Nearest-neighbour downsampling of a batch of label maps.

    Args:
        label_ids: `(batch, large, large)` integers; `large` is a multiple of `size`.
        size: height and width of the result.

    Returns:
        `(batch, size, size)`, of the same dtype.
    """
    step = label_ids.shape[1] // size
    return label_ids[:, step // 2 :: step, step // 2 :: step]
