import keras
import numpy as np
import pytest
import tensorflow as tf

from cmrtf.training.distributed import step_function


class Line(keras.Model):
    """`y = weight * x`, trained on a fit and a penalty; a batch is `x`, and what its terms are times."""

    def __init__(self):
        super().__init__()
        self.weight = self.add_weight(name="weight", shape=(), initializer="ones")
        self.trackers = {name: keras.metrics.Mean(name) for name in ("loss", "fit", "penalty")}
        self.built = True

    @property
    def metrics(self):
        return list(self.trackers.values())

    def train_step(self, batch):
        terms = {"fit": batch["x"] * self.weight, "penalty": batch["times"] * self.weight}
        self.weight.assign_sub(0.1 * tf.reduce_mean(batch["x"]) * tf.reduce_mean(batch["slope"]))
        for name, value in ({"loss": terms["fit"] + terms["penalty"]} | terms).items():
            self.trackers[name].update_state(value)
        return self.get_metrics_result()


def _step(x=1.0, times=1.0, slope=1.0):
    batch = {"x": x, "times": times, "slope": slope}
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = Line()
    numbers = {name: np.full((2, 2), value, np.float32) for name, value in batch.items()}
    return model, step_function(model, tf.data.Dataset.from_tensor_slices(numbers))


def test_each_step_takes_the_next_batch_and_metrics_add_up():
    model, step = _step(x=2.0)
    assert step() is None
    assert float(tf.convert_to_tensor(model.weight)) == pytest.approx(0.8)
    assert step() is None
    assert float(model.trackers["fit"].result()) == pytest.approx((2.0 + 1.6) / 2)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_term_is_named_not_the_sum_that_it_spoils(bad):
    assert _step(times=bad)[1]() == "the loss penalty"


def test_where_losses_are_finite_the_weights_are_named_that_a_gradient_spoilt():
    model, step = _step(slope=np.nan)
    assert step() == f"the weights {model.weight.path}"
