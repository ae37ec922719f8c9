"""Servers that speak TensorFlow Serving's protocols and answer whatever a test wants."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import tensorflow as tf
from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, predict_pb2, prediction_service_pb2_grpc

from cmrtf.bundle.signatures import promised_signatures

PROMISED = promised_signatures(4, 128, 4, 4)


def signature_map(model, promised=PROMISED):
    """Of one model, as a server tells it."""
    found = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in promised[model].items():
        definition = found.signature_def[name]
        for infos, tensors in (
            (definition.inputs, signature.inputs),
            (definition.outputs, signature.outputs),
        ):
            for key, tensor in tensors.items():
                infos[key].dtype = tf.as_dtype(tensor.dtype).as_datatype_enum
                infos[key].tensor_shape.CopyFrom(tf.TensorShape(tensor.shape).as_proto())
    return found


class _Grpc(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, tensors, promised):
        self.tensors, self.promised = tensors, promised

    def GetModelMetadata(self, request, context):  # noqa: N802
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.version.value = 1
        response.metadata["signature_def"].Pack(signature_map(request.model_spec.name, self.promised))
        return response

    def Predict(self, request, context):  # noqa: N802
        response = predict_pb2.PredictResponse()
        for name, tensor in self.tensors.items():
            response.outputs[name].CopyFrom(tensor)
        return response


@contextmanager
def grpc_server(tensors, promised=PROMISED, compression=None):
    """Address of one whose every prediction is `tensors`, `TensorProto` by name."""
    server = grpc.server(
        ThreadPoolExecutor(2), compression=compression, options=[("grpc.max_send_message_length", -1)]
    )
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(_Grpc(tensors, promised), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        yield f"grpc://localhost:{port}"
    finally:
        server.stop(grace=None).wait()


@contextmanager
def rest_server(answer, promised=PROMISED):
    """Address of one that answers predictions by `answer(handler)`; `handler.requests` are all so far."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            requests.append(self)
            model = self.path.split("/")[3]
            message = json_format.MessageToDict(
                signature_map(model, promised), preserving_proto_field_name=True
            )
            spec = {"name": model, "version": "1"}
            send(
                self,
                json.dumps({"model_spec": spec, "metadata": {"signature_def": {**message}}}, default=str),
            )

        def do_POST(self):
            requests.append(self)
            self.rfile.read(int(self.headers["Content-Length"]))
            answer(self)

        def log_message(self, *arguments):
            pass

    Handler.requests = requests
    server = ThreadingHTTPServer(("localhost", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def send(handler, text, status=200, **headers):
    """A whole answer."""
    data = text if isinstance(text, bytes) else text.encode()
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(data)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(data)
