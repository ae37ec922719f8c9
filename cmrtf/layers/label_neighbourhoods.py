"""The distinct 5 x 5 label neighbourhoods of a batch of label maps.

SPADE's modulation of a pixel (two 3 x 3 convolutions on the one-hot label) depends on the 5 x 5
labels around it and on nothing else, and label maps have far fewer distinct neighbourhoods than
pixels: about 2 % at 128 x 128 for the four classes of a heart. The distinct ones are found once per
resolution, and every SPADE layer at that resolution evaluates its convolutions on them only, then
gathers. The nine 3 x 3 windows inside a neighbourhood repeat in turn, three to ten times: the
convolutions run on the distinct windows. The result is exact, borders included.

The 25 labels of a neighbourhood do not fit in one integer, so it is ranked in three stages, for each
of which 64 bits are enough: nine labels are a window, three windows side by side a strip of 3 x 5
labels, and three strips one above the other a neighbourhood.
"""

from typing import NamedTuple

import tensorflow as tf

from cmrtf.layers.label_ids import checked_label_ids

MAX_CLASSES = 127
"""With "outside the image" these are 128 symbols, and the codes of nine fit in 64 bits: `128**9 == 2**63`."""

MAX_DISTINCT = 2**21
"""Of windows, and of strips: so that codes of three of their ranks fit in 64 bits."""


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


def find_label_neighbourhoods(label_ids: tf.Tensor, num_classes: int) -> LabelNeighbourhoods:
    """Find the distinct 5 x 5 neighbourhoods of a batch of label maps.

    Args:
        label_ids: `(batch, height, width)` integers in `[0, num_classes)`.
        num_classes: number of label ids, at most `MAX_CLASSES`.

    Returns:
        `LabelNeighbourhoods`.

    Raises:
        ValueError: there are more than `MAX_CLASSES` classes.
        tf.errors.InvalidArgumentError: a label id is not in `[0, num_classes)`, or the batch has more
            than `MAX_DISTINCT` distinct windows or strips.

    Example:
        >>> n = find_label_neighbourhoods(tf.zeros((2, 16, 16), tf.int32), num_classes=4)
        >>> n.window_index.shape[0]  # inside, and 0, 1 or 2 rows and columns of border on either side
        25
        >>> n.windows.shape[0]  # inside, a border on one of four sides, four corners, outside
        10
    """
    if num_classes > MAX_CLASSES:
        raise ValueError(f"`num_classes` must be at most {MAX_CLASSES}. Received: num_classes={num_classes}")
    base, outside = num_classes + 1, num_classes
    labels = _padded(tf.cast(checked_label_ids(label_ids, num_classes), tf.int64), outside)
    window_codes = _three_down(_three_across(labels, base), base**3)
    # Windows centred outside the image are one and the same, whichever labels they see.
    distinct_windows, ranks = _unique(_padded(window_codes, base**9 - 1))
    num_windows = _checked_count(distinct_windows)
    distinct_strips, ranks = _unique(_three_across(ranks, num_windows))
    num_strips = _checked_count(distinct_strips)
    distinct, ranks = _unique(_three_down(ranks, num_strips))

    strips = _digits(distinct, num_strips, 3)
    window_index = tf.gather(_digits(distinct_strips, num_windows, 3), strips)
    symbols = _digits(distinct_windows, base, 9)
    one_hot = tf.one_hot(symbols, num_classes)  # the symbol "outside" is out of range: all zeros
    inside = tf.cast(symbols[:, 4:5] != outside, tf.float32)
    windows = tf.concat([tf.reshape(one_hot, (-1, 9 * num_classes)), inside], axis=-1)
    return LabelNeighbourhoods(
        windows, tf.cast(tf.reshape(window_index, (-1, 9)), tf.int32), tf.cast(ranks, tf.int32)
    )


def _padded(values: tf.Tensor, constant: int) -> tf.Tensor:
    """A border of one pixel with a constant value around each map of a batch."""
    return tf.pad(values, [[0, 0], [1, 1], [1, 1]], constant_values=constant)


def _three_across(digits: tf.Tensor, base: tf.Tensor | int) -> tf.Tensor:
    """The number in base `base` of each three digits side by side, `(batch, height, width - 2)`."""
    return (digits[:, :, :-2] * base + digits[:, :, 1:-1]) * base + digits[:, :, 2:]


def _three_down(digits: tf.Tensor, base: tf.Tensor | int) -> tf.Tensor:
    """The number in base `base` of each three digits one above the other, `(batch, height - 2, width)`."""
    return (digits[:, :-2] * base + digits[:, 1:-1]) * base + digits[:, 2:]


def _digits(numbers: tf.Tensor, base: tf.Tensor | int, count: int) -> tf.Tensor:
    """Digits in base `base` of each number, `(numbers, count)` int64, most significant first."""
    place_values = tf.cast(base, tf.int64) ** tf.range(count - 1, -1, -1, tf.int64)
    return numbers[:, None] // place_values % base


def _unique(codes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The distinct codes, and the rank of each code among them in a tensor of its shape, int64."""
    distinct, ranks = tf.unique(tf.reshape(codes, [-1]), tf.int64)
    return distinct, tf.reshape(ranks, tf.shape(codes))


def _checked_count(distinct: tf.Tensor) -> tf.Tensor:
    """Their number, int64; one whose cube does not fit in 64 bits is an error when the graph runs."""
    count = tf.shape(distinct, tf.int64)[0]
    message = f"distinct label windows and strips must be at most {MAX_DISTINCT} in a batch. Received:"
    assertion = tf.debugging.Assert(count <= MAX_DISTINCT, [message, tf.cast(count, tf.int32)])
    # Eager execution has asserted by now and returns no operation.
    with tf.control_dependencies([] if assertion is None else [assertion]):
        return tf.identity(count)
