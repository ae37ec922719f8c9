import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.training.fused_adam import FusedAdam


def _train(optimizer_class, gradients, beta_1, traced):
    """The weight and the optimizer's state after a step for each gradient."""
    weight = keras.Variable(np.linspace(-1.0, 1.0, 12, dtype=np.float32).reshape(4, 3))
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 8)
    optimizer = optimizer_class(schedule, beta_1=beta_1, beta_2=0.99)
    optimizer.build([weight])

    def step(gradient):
        optimizer.apply([gradient], [weight])

    for gradient in gradients:
        (tf.function(step, autograph=False) if traced else step)(gradient)
    return [weight.numpy(), *(variable.numpy() for variable in optimizer.variables)]


@pytest.mark.parametrize("beta_1", [0.0, 0.9])
@pytest.mark.parametrize("traced", [False, True], ids=["eager", "traced"])
def test_its_steps_are_those_of_adam(beta_1, traced):
    rng = np.random.default_rng(0)
    gradients = [tf.constant(rng.normal(size=(4, 3)).astype(np.float32)) for _ in range(5)]
    ours, reference = (_train(kind, gradients, beta_1, traced) for kind in (FusedAdam, keras.optimizers.Adam))
    for value, expected in zip(ours, reference, strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
