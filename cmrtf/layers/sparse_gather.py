"""Sums of rows of a table as products with a sparse matrix, and their gradient."""

from collections.abc import Callable

import tensorflow as tf


class SparseGather:
    """Which rows of a table each row of a result is the sum of, as a sparse 0/1 matrix.

    Products with the matrix and with its transpose are 3 to 5 times faster on a CPU than the segment
    sum that is the gradient of `tf.gather`, and add up in the same order each time.

    Args:
        indices: `(rows, terms)` int32, the rows of the table that are summed, ascending along the
            second axis.
        table_rows: number of rows of the table, a scalar.
    """

    def __init__(self, indices: tf.Tensor, table_rows: tf.Tensor) -> None:
        rows, terms = tf.unstack(tf.shape(indices, out_type=tf.int64))
        columns = tf.cast(tf.reshape(indices, [-1]), tf.int64)
        self._matrix = tf.raw_ops.SparseTensorToCSRSparseMatrix(
            indices=tf.stack([tf.repeat(tf.range(rows), terms), columns], axis=1),
            values=tf.ones_like(columns, tf.float32),
            dense_shape=tf.stack([rows, tf.cast(table_rows, tf.int64)]),
        )

    def gather_sum(self, table: tf.Tensor) -> tf.Tensor:
        """`reduce_sum(gather(table, indices), axis=1)`.

        Args:
            table: `(table_rows, channels)`.

        Returns:
            `(rows, channels)`.
        """
        return _product(self._matrix, table)

    def scatter_add(self, values: tf.Tensor) -> tf.Tensor:
        """Add each row of values to every row of an empty table that its indices name.

        This is the gradient of `gather_sum` with respect to the table.

        Args:
            values: `(rows, channels)`.

        Returns:
            `(table_rows, channels)`.
        """
        # Not `transpose_a` of the product: that adds up in whatever order its threads finish.
        transposed = tf.raw_ops.SparseMatrixTranspose(input=self._matrix, type=tf.float32)
        return _product(transposed, values)


@tf.custom_gradient
def gather_sum(
    table: tf.Tensor, indices: tf.Tensor
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tuple[tf.Tensor, None]]]:
    """`reduce_sum(gather(table, indices), axis=1)` without storing the gathered rows.

    Args:
        table: `(table_rows, channels)`.
        indices: `(rows, terms)` int32 in `[0, table_rows)`, ascending along the second axis.

    Returns:
        `(rows, channels)`.
    """
    gather = SparseGather(indices, tf.shape(table)[0])
    return gather.gather_sum(table), lambda upstream: (gather.scatter_add(upstream), None)


def _product(matrix: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """Matrix product in float32, returned in the dtype of `values`."""
    product = tf.raw_ops.SparseMatrixMatMul(a=matrix, b=tf.cast(values, tf.float32))
    return tf.ensure_shape(tf.cast(product, values.dtype), (None, values.shape[-1]))
