"""The guard against NaN and infinity, which an optimizer would spread over all weights."""

from collections.abc import Sequence

import tensorflow as tf

from cmrtf.errors import CmrtfError

ADVICE = (
    "The same settings come to the same point again: start another run with a lower learning rate, or in "
    "precision float32 if it was mixed_bfloat16."
)


def are_finite(tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """`(len(tensors),)` bool: which tensors hold neither NaN nor infinity.

    A sum is one pass that leaves no copy: 13 ms of CPU for the 56 million weights of preset `paper`. It
    is finite exactly where its terms are, but for terms near the largest float32, which are beyond hope.
    """
    return tf.math.is_finite(tf.stack([tf.cast(tf.reduce_sum(tensor), tf.float32) for tensor in tensors]))


def not_finite_error(where: object, step: int, name: str) -> CmrtfError:
    """What to raise when `name` is the first tensor that is not finite."""
    return CmrtfError(
        f"{where}: expected finite numbers in step {step}. "
        f"Received: NaN or infinity, first in {name}. {ADVICE}"
    )
