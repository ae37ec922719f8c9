"""TensorFlow with and without graphs."""

import contextlib
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def without_graphs() -> Iterator[None]:
    """Let every `tf.function` run as it is: tracing one costs more than the few steps that tests take.

    That training does the same in a graph is shown on 16 x 16 pixels, by tests/integration/.
    """
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Even though .* does not apply to tf.data functions", UserWarning)
        tf.config.run_functions_eagerly(True)
        try:
            yield
        finally:
            tf.config.run_functions_eagerly(False)


@contextlib.contextmanager
def as_traced() -> Iterator[None]:
    """Leave graphs as they were traced: to optimise one takes longer than the few steps that tests take."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})
