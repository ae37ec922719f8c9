"""Scale and shift each pixel by the row of a table that its index names."""

from collections.abc import Callable

import tensorflow as tf

from cmrtf.layers.sparse_gather import SparseGather

Gradients = tuple[tf.Tensor, tf.Tensor, tf.Tensor, None]


@tf.custom_gradient
def modulate(
    inputs: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor, index: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], Gradients]]:
    """`inputs * scale[index] + shift[index]`.

    The gradient with respect to the tables sums over the pixels of each row; see `SparseGather`.

    Args:
        inputs: `(batch, height, width, channels)`.
        scale: `(rows, channels)`, of the dtype of `inputs`.
        shift: `(rows, channels)`, likewise.
        index: `(batch, height, width)` int32 in `[0, rows)`.

    Returns:
        `(batch, height, width, channels)`, of the dtype of `inputs`.
    """
    pixel_scale = tf.gather(scale, index)

    def gradient(upstream: tf.Tensor) -> Gradients:
        gather = SparseGather(tf.reshape(index, (-1, 1)), tf.shape(scale)[0])

        def to_table(values: tf.Tensor) -> tf.Tensor:
            return gather.scatter_add(tf.reshape(values, (-1, values.shape[-1])))

        return upstream * pixel_scale, to_table(upstream * inputs), to_table(upstream), None

    return inputs * pixel_scale + tf.gather(shift, index), gradient
