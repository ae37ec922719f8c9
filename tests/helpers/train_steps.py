"""What a `train_step` must have done, against its loss written out."""

import numpy as np


def assert_reported(reported, expected):
    """The metrics are the expected ones and no others."""
    assert set(reported) == set(expected)
    for name, value in expected.items():
        np.testing.assert_allclose(reported[name], value, rtol=1e-5)


def assert_descended(model, start, gradients, rate):
    """The weights of `model` are those of `start`, a step of plain gradient descent further."""
    for after, before, gradient in zip(
        model.trainable_variables, start.trainable_variables, gradients, strict=True
    ):
        np.testing.assert_allclose(after, before - rate * gradient, rtol=1e-4, atol=1e-5)
