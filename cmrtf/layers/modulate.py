"""Scale and shift each pixel by the rows of a table that its index names."""

from collections.abc import Callable

import tensorflow as tf

from cmrtf.layers.sparse_gather import RowSelection

Gradients = tuple[tf.Tensor, tf.Tensor, tf.Tensor, None]


@tf.custom_gradient
def modulate(
    inputs: tf.Tensor, scale: tf.Tensor, shift: tf.Tensor, index: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], Gradients]]:
    """`inputs * scale[index] + shift[index]`.

    The gradient with respect to the tables sums over the pixels of each row; see `RowSelection`.

    Args:
        inputs: `(batch, height, width, channels)`.
        scale: `(rows, channels)`, of the dtype of `inputs`.
        shift: `(rows, channels)`, likewise.
        index: `(batch, height, width)` int32 in `[0, rows)`.
    """
    pixel_scale = tf.gather(scale, index)

    def gradient(upstream: tf.Tensor) -> Gradients:
        selection = RowSelection(tf.reshape(index, (-1, 1)), tf.shape(scale)[0])

        def add_up(values: tf.Tensor) -> tf.Tensor:
            return selection.add_up(tf.reshape(values, (-1, values.shape[-1])))

        return upstream * pixel_scale, add_up(upstream * inputs), add_up(upstream), None

    return inputs * pixel_scale + tf.gather(shift, index), gradient
