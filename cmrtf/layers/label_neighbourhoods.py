"""The distinct 5 x 5 label neighbourhoods of a batch of label maps.

SPADE's modulation of a pixel (two 3 x 3 convolutions on the one-hot label) depends on the 5 x 5
labels around it and on nothing else, and label maps of a heart have few distinct neighbourhoods:
about 1 % of the pixels at 128 x 128. So each neighbourhood is encoded as one integer, the distinct
ones are found once per resolution, and every SPADE layer at that resolution evaluates its
convolutions on the distinct ones only, then gathers. The nine 3 x 3 windows inside a neighbourhood
repeat in turn, three to ten times: the convolutions run on the distinct windows. The result is
exact, borders included.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from cmrtf.layers.label_ids import checked_label_ids

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
    """Distinct 5 x 5 neighbourhoods of a batch of label maps, and which of them lies around each pixel.

    Attributes:
        windows: `(distinct windows, 9 * num_classes + 1)` float32: one-hot 3 x 3 windows and a 1, so that
            a 3 x 3 convolution with bias is one matrix product. Pixels outside the image are all zero, as
            with zero padding. A window whose centre lies outside is all zero, the 1 included: the dense
            form pads its hidden units with zeros there, not with relu(bias).
        window_index: `(distinct neighbourhoods, 9)` int32, rows of `windows`: the windows around the
            nine inner pixels of each neighbourhood.
        index: `(batch, height, width)` int32, rows of `window_index`: the neighbourhood of each pixel.
    """

    windows: tf.Tensor
    window_index: tf.Tensor
    index: tf.Tensor


def fits_in_int64(num_classes: int) -> bool:
    """Whether 25 symbols (the classes and "outside the image") fit in one 64-bit code."""
    return (num_classes + 1) ** (SIDE * SIDE) < 2**63


def find_label_neighbourhoods(label_ids: tf.Tensor, num_classes: int) -> LabelNeighbourhoods:
    """Find the distinct 5 x 5 neighbourhoods of a batch of label maps.

    Args:
        label_ids: `(batch, height, width)` integers in `[0, num_classes)`.
        num_classes: number of label ids, at most 4 with 64-bit codes (`fits_in_int64`).

    Returns:
        `LabelNeighbourhoods`.

    Raises:
        tf.errors.InvalidArgumentError: a label id is not in `[0, num_classes)`.

    Example:
        >>> n = find_label_neighbourhoods(tf.zeros((2, 16, 16), tf.int32), num_classes=4)
        >>> n.window_index.shape[0]  # inside, and 0, 1 or 2 rows and columns of border on either side
        25
        >>> n.windows.shape[0]  # inside, a border on one of four sides, four corners, outside
        10
    """
    base = num_classes + 1
    outside = num_classes
    radius = SIDE // 2
    padded = tf.pad(
        tf.cast(checked_label_ids(label_ids, num_classes), tf.int64),
        [[0, 0], [radius, radius], [radius, radius]],
        constant_values=outside,
    )
    # The code of a 5 x 5 window in base `num_classes + 1`, by Horner's rule along rows, then columns.
    shape = tf.shape(label_ids)
    height, width = shape[1], shape[2]
    rows = sum(padded[:, :, dx : dx + width] * base ** (SIDE - 1 - dx) for dx in range(SIDE))
    codes = sum(rows[:, dy : dy + height] * base ** (SIDE * (SIDE - 1 - dy)) for dy in range(SIDE))
    distinct, index = tf.unique(tf.reshape(codes, [-1]))

    symbols = tf.gather(_digits(distinct, base, SIDE * SIDE), WINDOWS, axis=1)
    window_codes = tf.reduce_sum(symbols * _place_values(base, 9), axis=-1)
    all_outside = tf.constant(base**9 - 1, tf.int64)
    window_codes = tf.where(symbols[:, :, 4] == outside, all_outside, window_codes)
    distinct_windows, window_index = tf.unique(tf.reshape(window_codes, [-1]))

    window_symbols = _digits(distinct_windows, base, 9)
    one_hot = tf.one_hot(window_symbols, num_classes)  # the symbol "outside" is out of range: all zeros
    inside = tf.cast(window_symbols[:, 4:5] != outside, tf.float32)
    windows = tf.concat([tf.reshape(one_hot, (-1, 9 * num_classes)), inside], axis=-1)
    return LabelNeighbourhoods(windows, tf.reshape(window_index, (-1, 9)), tf.reshape(index, shape))


def _place_values(base: int, digits: int) -> tf.Tensor:
    """`(digits,)` int64: powers of `base`, largest first."""
    return tf.constant([base**place for place in reversed(range(digits))], tf.int64)


def _digits(codes: tf.Tensor, base: int, digits: int) -> tf.Tensor:
    """Digits in base `base` of each code, `(count, digits)` int64, most significant first."""
    return (codes[:, None] // _place_values(base, digits)) % base
