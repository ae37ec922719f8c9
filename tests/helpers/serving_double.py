"""Stands in for TensorFlow Serving, whose binary cannot be installed from a package index.

It answers the services of the official stubs (gRPC) and the paths of the REST API, from Sessions restored
by the loader that TensorFlow Serving uses. It does not batch requests of several clients.
"""

import json
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from cmrtf_export.session_model import SessionModel

STATUS = get_model_status_pb2.ModelVersionStatus
GRPC_CODES = {code.value[0]: code for code in grpc.StatusCode}
HTTP_CODES = {3: 400, 4: 504, 5: 404, 8: 429, 9: 400, 14: 503}


class Refused(Exception):  # noqa: N818
    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


@dataclass
class Models:
    """What a server holds: models by name and version number, and labels of versions."""

    models: dict[str, dict[int, SessionModel]]
    labels: dict[str, dict[str, int]] = field(default_factory=dict)
    loading: set[tuple[str, int]] = field(default_factory=set)
    """Versions that are not ready yet."""
    refusals: int = 0
    """How many of the next predictions are refused as unavailable."""
    delay_s: float = 0.0
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, name, version=None, label=None):
        """Version and model, the newest when neither version nor label is given."""
        having = {v: m for v, m in self.models.get(name, {}).items() if (name, v) not in self.loading}
        if label:
            if label not in self.labels.get(name, {}):
                raise Refused(3, f"Unrecognized servable version label: {label}")
            version = self.labels[name][label]
        if version is None and having:
            version = max(having)
        if version not in having:
            wanted = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise Refused(5, f"Servable not found for request: {wanted}")
        return version, having[version]

    def statuses(self, name, version=None):
        """As in the server, a label is not looked at."""
        versions = [v for v in self.models.get(name, {}) if version in (None, v)]
        if not versions:
            raise Refused(5, f"Could not find any versions of model {name}")
        return {v: STATUS.LOADING if (name, v) in self.loading else STATUS.AVAILABLE for v in versions}

    def predict(self, model, signature, inputs, outputs=()):
        with self.lock:
            self.requests += 1
            refuse = self.refusals > 0
            self.refusals -= refuse
        if refuse:
            raise Refused(14, "The batch scheduling queue to which this task was submitted is full")
        time.sleep(self.delay_s)
        definition = model.signatures[signature]
        if set(inputs) != set(definition.inputs):
            raise Refused(
                3, f"input size does not match signature: {sorted(inputs)}, {sorted(definition.inputs)}"
            )
        if unknown := set(outputs) - set(definition.outputs):
            raise Refused(3, f"output tensor alias not found in signature: {unknown.pop()}")
        try:
            return model.predict(signature, inputs, tuple(outputs))
        except tf.errors.OpError as error:
            raise Refused(error.error_code, error.message) from error


def signature_of(model, name, code):
    signature = name or "serving_default"
    if signature not in model.signatures:
        raise Refused(code, f'Serving signature name: "{signature}" not found in signature def')
    return signature


class GrpcServices(
    prediction_service_pb2_grpc.PredictionServiceServicer, model_service_pb2_grpc.ModelServiceServicer
):
    def __init__(self, models):
        self.models = models

    def Predict(self, request, context):  # noqa: N802
        with self.refusing(context):
            spec = request.model_spec
            version, model = self.models.find(*self.version_of(spec))
            signature = signature_of(model, spec.signature_name, 9)
            inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
            outputs = self.models.predict(model, signature, inputs, request.output_filter)
            response = predict_pb2.PredictResponse()
            response.model_spec.name, response.model_spec.version.value = spec.name, version
            for name, values in outputs.items():
                response.outputs[name].CopyFrom(tf.make_tensor_proto(values))
            return response

    def GetModelMetadata(self, request, context):  # noqa: N802
        with self.refusing(context):
            version, model = self.models.find(*self.version_of(request.model_spec))
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.name, response.model_spec.version.value = request.model_spec.name, version
            response.metadata["signature_def"].Pack(signature_map(model))
            return response

    def GetModelStatus(self, request, context):  # noqa: N802
        with self.refusing(context):
            response = get_model_status_pb2.GetModelStatusResponse()
            for version, state in self.models.statuses(*self.version_of(request.model_spec)[:2]).items():
                response.model_version_status.add(version=version, state=state)
            return response

    @staticmethod
    def version_of(spec):
        return spec.name, spec.version.value if spec.HasField("version") else None, spec.version_label or None

    @contextmanager
    def refusing(self, context):
        try:
            yield
        except Refused as refused:
            context.abort(GRPC_CODES[refused.code], refused.message)


def signature_map(model):
    found = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in model.signatures.items():
        found.signature_def[name].CopyFrom(
            meta_graph_pb2.SignatureDef.FromString(signature.SerializeToString())
        )
    return found


class RestHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    PATH = re.compile(
        r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
        r"(?P<what>:predict|/metadata|)"
    )

    def do_GET(self):
        self.answer(None)

    def do_POST(self):
        self.answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, body):
        try:
            status, content = 200, self.content(body)
        except Refused as refused:
            status, content = HTTP_CODES.get(refused.code, 500), {"error": refused.message}
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def content(self, body):
        found = self.PATH.fullmatch(self.path)
        if not found:
            raise Refused(3, f"Malformed request: {self.command} {self.path}")
        models = self.server.models
        wanted = found["name"], int(found["version"]) if found["version"] else None, found["label"]
        if found["what"] == "":
            states = models.statuses(*wanted[:2])
            return {
                "model_version_status": [
                    {"version": str(version), "state": STATUS.State.Name(state)}
                    for version, state in states.items()
                ]
            }
        version, model = models.find(*wanted)
        if found["what"] == "/metadata":
            message = json_format.MessageToDict(signature_map(model), preserving_proto_field_name=True)
            spec = {"name": found["name"], "signature_name": "", "version": str(version)}
            return {"model_spec": spec, "metadata": {"signature_def": message}}
        signature = signature_of(model, body.get("signature_name"), 3)
        dtypes = {name: tf.as_dtype(info.dtype) for name, info in model.signatures[signature].inputs.items()}
        inputs = {
            name: np.asarray(values, dtypes[name].as_numpy_dtype if name in dtypes else None)
            for name, values in body["inputs"].items()
        }
        outputs = {name: values.tolist() for name, values in models.predict(model, signature, inputs).items()}
        return {"outputs": outputs if len(outputs) > 1 else next(iter(outputs.values()))}

    def log_message(self, *arguments):
        pass


@contextmanager
def serve(models, workers=16, message_limit_bytes=-1):
    """Addresses of a gRPC and a REST server on this machine, like `grpc://localhost:50123`."""
    options = [("grpc.max_receive_message_length", message_limit_bytes), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(workers), options=options)
    services = GrpcServices(models)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(services, server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(services, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    rest = ThreadingHTTPServer(("localhost", 0), RestHandler)
    rest.models = models
    thread = threading.Thread(target=rest.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"grpc://localhost:{port}", f"http://localhost:{rest.server_port}"
    finally:
        rest.shutdown()
        rest.server_close()
        server.stop(grace=None).wait()
