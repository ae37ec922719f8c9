"""Label ids: checked before they become codes or one-hot maps, and reduced to the sizes of a network."""

import tensorflow as tf


def checked_label_ids(label_ids: tf.Tensor, num_classes: int) -> tf.Tensor:
    """The same ids as int32, refused as the graph runs when one is no label.

    Otherwise a foreign id would be silently something else: no label at all in a one-hot map, another
    neighbourhood in a code.

    Args:
        label_ids: integers of any shape.
        num_classes: number of label ids.

    Raises:
        tf.errors.InvalidArgumentError: naming a value that is not within `0..num_classes - 1`.
    """
    label_ids = tf.cast(label_ids, tf.int32)
    low, high = tf.reduce_min(label_ids), tf.reduce_max(label_ids)
    message = f"label_ids must be within 0..{num_classes - 1}. Received:"
    fine = tf.debugging.Assert((low >= 0) & (high < num_classes), [message, tf.where(low < 0, low, high)])
    with tf.control_dependencies([] if fine is None else [fine]):  # None: eager, and checked by now
        return tf.identity(label_ids)


def reduce_labels(label_ids: tf.Tensor, size: int) -> tf.Tensor:
    """Nearest-neighbour reduction of `(batch, large, large)` label ids to `(batch, size, size)`."""
    step = label_ids.shape[1] // size
    return label_ids[:, step // 2 :: step, step // 2 :: step]
