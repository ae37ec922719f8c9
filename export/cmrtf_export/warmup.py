"""Requests that TensorFlow Serving runs through a model before it says that it is ready.

The first run of a signature is slow: kernels are chosen, memory is claimed. One request for each
signature takes that from the first user. Format: TFRecord of `PredictionLog`
(https://www.tensorflow.org/tfx/serving/saved_model_warmup).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from cmrtf.bundle.models import Arrays
from cmrtf.bundle.signatures import Signature
from cmrtf.tensorflow_start import literal_path

WARMUP_FILE = "assets.extra/tf_serving_warmup_requests"


def write_warmup_requests(folder: Path, model: str, signatures: dict[str, Signature]) -> None:
    """Put one request for each signature into a SavedModel.

    Args:
        folder: of the SavedModel.
        model: the name that a server gives it.
        signatures: by name.
    """
    file = folder / WARMUP_FILE
    file.parent.mkdir()
    with literal_path(file) as path, tf.io.TFRecordWriter(path) as writer:
        for name, signature in signatures.items():
            request = predict_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = model, name
            for key, values in example_inputs(signature).items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(values))
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())


def read_warmup_requests(folder: Path) -> Iterator[tuple[str, Arrays]]:
    """Signature and inputs of each request."""
    with literal_path(folder / WARMUP_FILE) as path:
        records = list(tf.data.TFRecordDataset(path).as_numpy_iterator())
    for record in records:
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        yield request.model_spec.signature_name, inputs


def example_inputs(signature: Signature) -> Arrays:
    """A row of each: a ring and a crescent for labels, zeros for everything else."""
    return {
        name: _heart(spec.shape[1]) if spec.dtype.is_integer else np.zeros((1, *spec.shape[1:]), np.float32)
        for name, spec in signature.inputs.items()
    }


def _heart(size: int) -> np.ndarray:
    y, x = (np.indices((size, size)) - size / 2) / size
    distance = np.hypot(x, y)
    crescent = np.hypot(x + 0.14, y) < 0.16
    heart = np.select([distance < 0.1, distance < 0.15, crescent], [1, 2, 3], 0)
    return heart[None].astype(np.int32)
