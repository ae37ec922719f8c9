"""The distinct 5 x 5 label neighbourhoods of a batch of label maps.

SPADE's modulation of a pixel (two 3 x 3 convolutions on the one-hot label) depends on the 5 x 5
labels around it and on nothing else, and a heart's label maps have few distinct neighbourhoods:
about 1 % of the pixels at 128 x 128. So each neighbourhood is encoded as one integer, the distinct
ones are found once per resolution, and every SPADE layer there evaluates its convolutions on those
only and gathers. The result is exact, borders included.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

SIDE = 5
"""Side of the receptive field of two 3 x 3 convolutions."""

WINDOWS = np.array(
    [
        [(row + dy) * SIDE + column + dx for dy in range(3) for dx in range(3)]
        for row in range(3)
        for column in range(3)
    ]
)
"""`(9, 9)`: positions, in a flattened 5 x 5 neighbourhood, of the 3 x 3 window around each inner pixel."""


class LabelNeighbourhoods(NamedTuple):
    """Distinct neighbourhoods of a batch of label maps, and where each occurs.

    Attributes:
        windows: `(distinct, 9, 9 * num_classes)` float32: the one-hot 3 x 3 windows around each of
            the nine inner pixels of a neighbourhood, so that a 3 x 3 convolution is a matrix
            product. Pixels outside the image are all zero, as zero padding has it.
        inside: `(distinct, 9, 1)` float32, 1 where the inner pixel lies inside the image: the hidden
            units of the dense form are padded with zeros there, not with relu(bias).
        index: `(batch, height, width)` int32 into the first axis of `windows`.
    """

    windows: tf.Tensor
    inside: tf.Tensor
    index: tf.Tensor


def fits_in_int64(num_classes: int) -> bool:
    """Whether 25 symbols (the classes and "outside the image") fit in one 64-bit code."""
    return (num_classes + 1) ** (SIDE * SIDE) < 2**63


def find_label_neighbourhoods(label_ids: tf.Tensor, num_classes: int) -> LabelNeighbourhoods:
    """Find the distinct 5 x 5 neighbourhoods of a batch of label maps.

    Args:
        label_ids: `(batch, height, width)` integers in `[0, num_classes)`.
        num_classes: number of label ids, at most 4 to 5 with 64-bit codes (`fits_in_int64`).

    Example:
        >>> n = find_label_neighbourhoods(tf.zeros((2, 16, 16), tf.int32), num_classes=4)
        >>> n.windows.shape[0]  # inside, and 0, 1 or 2 rows and columns of border on either side
        25
    """
    base = num_classes + 1
    outside = num_classes
    reach = SIDE // 2
    padded = tf.pad(
        tf.cast(label_ids, tf.int64), [[0, 0], [reach, reach], [reach, reach]], constant_values=outside
    )
    # The code of a 5 x 5 window in base `num_classes + 1`, by Horner's rule along rows, then columns.
    shape = tf.shape(label_ids)
    height, width = shape[1], shape[2]
    rows = sum(padded[:, :, dx : dx + width] * base ** (SIDE - 1 - dx) for dx in range(SIDE))
    codes = sum(rows[:, dy : dy + height] * base ** (SIDE * (SIDE - 1 - dy)) for dy in range(SIDE))
    distinct, index = tf.unique(tf.reshape(codes, [-1]))

    place_values = tf.constant([base**k for k in reversed(range(SIDE * SIDE))], tf.int64)
    symbols = (distinct[:, None] // place_values) % base
    one_hot = tf.one_hot(symbols, num_classes)  # the symbol "outside" is out of range: all zeros
    windows = tf.reshape(tf.gather(one_hot, WINDOWS, axis=1), (-1, 9, 9 * num_classes))
    inside = tf.cast(tf.gather(symbols, WINDOWS[:, 4], axis=1) != outside, tf.float32)
    return LabelNeighbourhoods(windows, inside[..., None], tf.reshape(index, shape))


def reduce_labels(label_ids: tf.Tensor, size: int) -> tf.Tensor:
    """Nearest-neighbour reduction of `(batch, large, large)` label ids to `(batch, size, size)`."""
    step = label_ids.shape[1] // size
    return label_ids[:, step // 2 :: step, step // 2 :: step]
