"""Not a test: trains every model for two steps on 1 and 2 replicas and writes weights and metrics.

Run as `python one_step_on_replicas.py FOLDER` to write `1.npz` and `2.npz` there. Logical devices
can be set up only before TensorFlow starts, and the collective operations of a second strategy would use the
keys of the first's, so each number of replicas has a process of its own.
"""

import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import keras
import numpy as np
import tensorflow as tf

from cmrtf.models.differentiable_augmentation import NUM_DRAWS
from cmrtf.models.label_vae import LabelVAE
from cmrtf.models.loss_weights import LossWeights
from cmrtf.models.segmenter import Segmenter
from cmrtf.models.spade_gan import SPADEGAN

SIZE, BATCH_SIZE, STEPS = 16, 4, 2


def label_vae():
    model = LabelVAE(num_classes=4, size=SIZE, latent_dim=3, widths=(4, 8), depth=1, linear_path=True)
    # Plain gradient descent: a change of a weight is its gradient.
    model.compile(keras.optimizers.SGD(1e-3), kl_weight=1.0, kl_warmup_steps=1, interpolation_loss_weight=1.0)
    return model


def spade_gan():
    model = SPADEGAN(
        num_classes=4,
        size=SIZE,
        style_dim=3,
        context_dim=1,
        base_width=2,
        hidden_channels=4,
        style_base_width=8,
        discriminator_base_width=4,
        discriminator_layers=2,
    )
    model.compile(keras.optimizers.SGD(0.05), keras.optimizers.SGD(0.05), LossWeights(), average_decay=0.5)
    return model


def segmenter():
    model = Segmenter(num_classes=4, size=SIZE, widths=(4, 8), depth=1)
    model.compile(keras.optimizers.SGD(0.05))
    return model


def batches():
    rng = np.random.default_rng(0)
    for _ in range(STEPS):
        yield {
            "image": rng.uniform(-1, 1, (BATCH_SIZE, SIZE, SIZE, 1)).astype(np.float32),
            "label_ids": rng.integers(0, 4, (BATCH_SIZE, SIZE, SIZE)).astype(np.uint8),
            "neighbour_ids": rng.integers(0, 4, (BATCH_SIZE, 2, SIZE, SIZE)).astype(np.uint8),
            "latent_noise": rng.normal(size=(BATCH_SIZE, 3)).astype(np.float32),
            "style_noise": rng.normal(size=(BATCH_SIZE, 3)).astype(np.float32),
            "augment_draws": rng.uniform(size=(BATCH_SIZE, NUM_DRAWS)).astype(np.float32),
        }


def train(build_model, strategy):
    """Weights before and after, and the metrics."""
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = build_model()
    before = model.get_weights()
    replica_batch_size = BATCH_SIZE // strategy.num_replicas_in_sync

    def replica_batch(batch, context):
        start = context.replica_id_in_sync_group * replica_batch_size
        return {
            name: tf.constant(values[start : start + replica_batch_size]) for name, values in batch.items()
        }

    for batch in batches():  # not in a graph: tracing one for each replica takes longer than the steps
        inputs = strategy.experimental_distribute_values_from_function(
            lambda context, b=batch: replica_batch(b, context)
        )
        strategy.run(model.train_step, (inputs,))
    metrics = [float(value) for value in model.get_metrics_result().values()]
    return before, model.get_weights(), metrics


def train_on(num_replicas, out):
    """Train all models."""
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * num_replicas
    )
    strategy = tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(num_replicas)])
    results = {}
    for build_model in (label_vae, spade_gan, segmenter):
        before, after, metrics = train(build_model, strategy)
        results |= {f"{build_model.__name__}/before/{i:03d}": weight for i, weight in enumerate(before)}
        results |= {f"{build_model.__name__}/after/{i:03d}": weight for i, weight in enumerate(after)}
        results[f"{build_model.__name__}/metrics"] = np.array(metrics)
    np.savez(out, **results)


def main(folder):
    # Forked before TensorFlow has started its threads, so that it is imported once.
    processes = []
    for num_replicas in (1, 2):
        if process := os.fork():
            processes.append(process)
        else:
            train_on(num_replicas, f"{folder}/{num_replicas}.npz")
            os._exit(0)
    sys.exit(any(os.waitpid(process, 0)[1] for process in processes))


if __name__ == "__main__":
    main(sys.argv[1])
