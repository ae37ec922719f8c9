"""A latent interpolation between two hearts from a server that holds a bundle, without cmrtf and Keras.

    pip install tensorflow-serving-api
    python client.py localhost:8500

Two made-up label maps go out with eight weights; labels and images of the hearts between them come back.
"""

import sys

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

SIZE = 128  # pixels of 1.5 mm


def heart(radius: float) -> np.ndarray:
    """LV cavity (1) in its myocardium (2), RV (3) beside it; radius in pixels."""
    y, x = np.indices((SIZE, SIZE)) - SIZE / 2
    distance = np.hypot(x, y) / radius
    crescent = np.hypot(x + radius, y) < radius
    return np.select([distance < 0.65, distance < 1.0, crescent], [1, 2, 3], 0).astype(np.int32)


def main(target: str) -> None:
    """Ask for eight slices between a small heart and a large one."""
    weights = np.linspace(0.0, 1.0, 8, dtype=np.float32)
    rows = len(weights)  # every input has one row per slice that is wanted
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "spade_gan"
    request.model_spec.version_label = "stable"
    request.model_spec.signature_name = "walk_average"
    for name, values in {
        "label_ids_a": np.repeat(heart(16.0)[None], rows, axis=0),
        "label_ids_b": np.repeat(heart(28.0)[None], rows, axis=0),
        "weight": weights,
    }.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))

    with grpc.insecure_channel(target) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        outputs = stub.Predict(request, timeout=60.0, wait_for_ready=True).outputs
    label_ids, images = (tf.make_ndarray(outputs[name]) for name in ("label_ids", "image"))
    for weight, labels, image in zip(weights, label_ids, images, strict=True):
        cavity_cm2 = np.count_nonzero(labels == 1) * 0.15**2
        print(f"weight {weight:.2f}: LV cavity {cavity_cm2:5.1f} cm2, mean intensity {image.mean():+.2f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "localhost:8500")
