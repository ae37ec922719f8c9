"""Requests to TensorFlow Serving by gRPC."""

import json
from typing import Any

import grpc
import tensorflow as tf
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from cmrtf.bundle.models import Arrays
from cmrtf.bundle.saved_model import signature_of, tensor_of
from cmrtf.bundle.signatures import Signature, Tensor
from cmrtf.bundle.transport import ATTEMPTS, FIRST_PAUSE_S
from cmrtf.errors import CmrtfError

MESSAGE_LIMIT_BYTES = 4 * 2**20
"""What a gRPC client accepts unless told otherwise, and with it many a proxy."""


class GrpcTransport:
    """A channel that repeats what was refused as unavailable.

    Args:
        target: `host:port`.
        secure: TLS, with the certificates that gRPC trusts (`GRPC_DEFAULT_SSL_ROOTS_FILE_PATH` names others).
        deadline_s: seconds that one request may take, attempts and pauses included.
    """

    rows_per_call = 32
    """2 MiB of labels there, 2 MiB of image back: half of `MESSAGE_LIMIT_BYTES`."""

    def __init__(self, target: str, secure: bool, deadline_s: float) -> None:
        retries = {
            "maxAttempts": ATTEMPTS,
            "initialBackoff": f"{FIRST_PAUSE_S}s",
            "maxBackoff": "8s",
            "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        }
        service = {
            "methodConfig": [{"name": [{}], "retryPolicy": retries}],
            "loadBalancingConfig": [{"round_robin": {}}],  # over all addresses that the host has
        }
        options = [
            ("grpc.service_config", json.dumps(service)),
            # A request that does not fit in this buffer (256 KiB otherwise) is not repeated.
            ("grpc.per_rpc_retry_buffer_size", 2 * MESSAGE_LIMIT_BYTES),
            ("grpc.max_receive_message_length", MESSAGE_LIMIT_BYTES),
            ("grpc.enable_http_proxy", 0),  # label maps of patients go to this address and nowhere else
        ]
        channel = (
            grpc.secure_channel(target, grpc.ssl_channel_credentials(), options)
            if secure
            else grpc.insecure_channel(target, options)
        )
        self._address = f"{'grpcs' if secure else 'grpc'}://{target}"
        self._deadline_s = deadline_s
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def find(self, model: str, label: str | None) -> tuple[int, dict[str, Signature]]:
        """The version that a label names, without one the newest, and its signatures.

        Asked of `GetModelMetadata`: `GetModelStatus` pays no heed to labels.
        """
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = model
        if label:
            request.model_spec.version_label = label
        what = f"model {model}, version {label}," if label else f"model {model}"
        answer = self._ask(self._predictions.GetModelMetadata, request, what)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        try:
            answer.metadata["signature_def"].Unpack(signatures)
        except DecodeError as error:
            raise CmrtfError(f"{self._address}: expected signatures of {what}. Received: {error}.") from error
        found = {name: signature_of(definition) for name, definition in signatures.signature_def.items()}
        return answer.model_spec.version.value, found

    def predict(
        self, model: str, version: int, signature: str, inputs: Arrays, output: str, expected: Tensor
    ) -> NDArray[Any]:
        """One output of a signature, of this type and shape."""
        request = predict_pb2.PredictRequest(output_filter=[output])
        request.model_spec.name, request.model_spec.version.value = model, version
        request.model_spec.signature_name = signature
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
        what = f"model {model}, version {version}, signature {signature}"
        answer = self._ask(self._predictions.Predict, request, what).outputs[output]
        # Compared before anything is made of it: a few bytes can claim to be an array of gigabytes.
        received: Any = tensor_of(answer.dtype, answer.tensor_shape)
        try:
            if received == expected:
                return tf.make_ndarray(answer)
        except (ValueError, TypeError) as error:
            received = error
        raise CmrtfError(
            f"{self._address}: expected {what} to return {output} {expected}. Received: {received}."
        )

    def _ask(self, method: Any, request: Any, what: str) -> Any:
        try:
            return method(request, timeout=self._deadline_s)
        except grpc.RpcError as error:
            raise CmrtfError(
                f"{self._address}: {self._expected(error.code(), what)} "
                f"Received: {error.code().name}, {error.details()}."
            ) from error

    def _expected(self, code: grpc.StatusCode, what: str) -> str:
        if code is grpc.StatusCode.UNAVAILABLE:
            return f"expected a server that answers (asked up to {ATTEMPTS} times)."
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"expected an answer of {what} within {self._deadline_s:g} s, by gRPC."
        return f"expected {what} to answer."
