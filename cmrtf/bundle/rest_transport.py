"""Requests to TensorFlow Serving by REST: numbers as text, several times slower than gRPC."""

import json
import logging
import os
import queue
import threading
import time
from typing import Annotated, Any

import msgspec
import numpy as np
import requests
from msgspec import Meta, Struct
from numpy.typing import NDArray
from requests.adapters import HTTPAdapter, Retry
from urllib3.exceptions import HTTPError

from cmrtf.bundle.models import Arrays
from cmrtf.bundle.signatures import Signature, Tensor
from cmrtf.bundle.transport import ATTEMPTS, FIRST_PAUSE_S
from cmrtf.errors import CmrtfError

HTTP_OK, HTTP_UNAVAILABLE = 200, 503

MAX_BYTES = 24 * 2**20
"""Of an answer: twice the text of four slices with their probabilities."""

DTYPES = {"DT_FLOAT": "float32", "DT_INT32": "int32"}


class _Dim(Struct):
    size: Annotated[str, Meta(pattern=r"\A-?\d{1,10}\Z")] = "0"


class _Shape(Struct):
    dim: list[_Dim] = []


class _Info(Struct):
    dtype: str
    tensor_shape: _Shape = msgspec.field(default_factory=_Shape)

    def tensor(self) -> Tensor:
        sizes = (int(dim.size) for dim in self.tensor_shape.dim)
        shape = tuple(None if size < 0 else size for size in sizes)
        return Tensor(DTYPES.get(self.dtype, self.dtype), shape)


class _Definition(Struct):
    inputs: dict[str, _Info] = {}
    outputs: dict[str, _Info] = {}

    def signature(self) -> Signature:
        return Signature(
            *({name: info.tensor() for name, info in infos.items()} for infos in (self.inputs, self.outputs))
        )


class _Definitions(Struct):
    signature_def: dict[str, _Definition]


class _Signatures(Struct):
    signature_def: _Definitions


class _Spec(Struct):
    version: Annotated[str, Meta(pattern=r"\A\d{1,18}\Z")]


class _Metadata(Struct):
    """What a server says of a model."""

    model_spec: _Spec
    metadata: _Signatures


class RestTransport:
    """A session that repeats what was refused as unavailable.

    Label maps of patients go to the address that was named and nowhere else: no redirect is followed, and
    neither proxies nor passwords are taken from the environment.

    Args:
        url: `http://host:port` or `https://host:port`; `REQUESTS_CA_BUNDLE` names certificates to trust.
        deadline_s: seconds that one request may take, attempts and pauses included.
    """

    rows_per_call = 4
    """REST cannot leave outputs out: with its probabilities, an answer of `decode` is 6 MB of text."""

    def __init__(self, url: str, deadline_s: float) -> None:
        self._url, self._deadline_s = url, deadline_s
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or True
        self._session.headers["Accept-Encoding"] = "identity"  # what is compressed may unfold without end
        retries = Retry(
            total=ATTEMPTS - 1,
            backoff_factor=FIRST_PAUSE_S,
            allowed_methods=["GET", "POST"],  # predicting changes nothing, so POST may be repeated
            read=False,  # an answer that did not come in time is no reason to ask again
        )
        # The last failure is reported, with its reason; those before it need no line each.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
        self._session.mount(url, HTTPAdapter(max_retries=retries))

    def find(self, model: str, label: str | None) -> tuple[int, dict[str, Signature]]:
        """The version that a label names, without one the newest, and its signatures."""
        path = f"{model}/labels/{label}" if label else model
        what = f"model {model}, version {label}," if label else f"model {model}"
        answer = self._ask("GET", f"{path}/metadata", what)
        try:
            found = msgspec.convert(answer, _Metadata)
        except ValueError as error:
            raise self._foreign(what, answer) from error
        definitions = found.metadata.signature_def.signature_def
        return int(found.model_spec.version), {
            name: definition.signature() for name, definition in definitions.items()
        }

    def predict(
        self, model: str, version: int, signature: str, inputs: Arrays, output: str, expected: Tensor
    ) -> NDArray[Any]:
        """One output of a signature, of this type and shape."""
        body = {
            "signature_name": signature,
            "inputs": {name: values.tolist() for name, values in inputs.items()},
        }
        what = f"model {model}, version {version}, signature {signature}"
        answer = self._ask("POST", f"{model}/versions/{version}:predict", what, body)
        try:
            outputs = answer["outputs"]
            # A signature with one output is answered by its value alone.
            values = np.asarray(outputs[output] if isinstance(outputs, dict) else outputs)
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise self._foreign(what, answer) from error
        # Text has no types: whole numbers do for floats, and nothing else for anything.
        if values.dtype.kind == "i" or (values.dtype.kind == "f" and expected.dtype == "float32"):
            with np.errstate(over="ignore"):
                converted = values.astype(expected.dtype)
            if expected.dtype == "float32" or np.array_equal(converted, values):
                return converted
        return values

    def _ask(self, method: str, path: str, what: str, body: dict[str, Any] | None = None) -> Any:
        status, text = self._fetch(method, path, what, body)
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            content = text.decode(errors="replace")
        if status != HTTP_OK:
            reason = content["error"] if isinstance(content, dict) and "error" in content else content
            raise CmrtfError(
                f"{self._url}: expected {what} to answer. Received: status {status}, {_short(reason)}."
            )
        return content

    def _fetch(self, method: str, path: str, what: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
        """Status and text of an answer, from a thread: a socket's timeout begins anew with each byte."""
        answers: queue.SimpleQueue[tuple[int, bytes] | Exception] = queue.SimpleQueue()

        def fetch() -> None:
            try:
                answers.put(self._request_again(method, f"{self._url}/v1/models/{path}", body))
            except Exception as error:  # for the thread that waits
                answers.put(error)

        threading.Thread(target=fetch, daemon=True).start()
        try:
            answer = answers.get(timeout=self._deadline_s)
        except queue.Empty:
            raise CmrtfError(
                f"{self._url}: expected an answer of {what} within {self._deadline_s:g} s. Received: none."
            ) from None
        if isinstance(answer, (requests.RequestException, HTTPError, OSError, ValueError)):
            raise CmrtfError(
                f"{self._url}: expected a server that answers (asked up to {ATTEMPTS} times). "
                f"Received: {answer}."
            ) from answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _request_again(self, method: str, url: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
        """Ask as often as the server says that it is unavailable."""
        for attempt in range(ATTEMPTS - 1):
            answer = self._request(method, url, body)
            if answer[0] != HTTP_UNAVAILABLE:
                return answer
            time.sleep(FIRST_PAUSE_S * 2**attempt)
        return self._request(method, url, body)

    def _request(self, method: str, url: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
        options: dict[str, Any] = {"json": body, "timeout": 2 * self._deadline_s, "stream": True}
        with self._session.request(method, url, allow_redirects=False, **options) as answer:
            text = answer.raw.read(MAX_BYTES + 1, decode_content=False)
            if len(text) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES:,} bytes")
            return answer.status_code, text

    def _foreign(self, what: str, content: Any) -> CmrtfError:
        return CmrtfError(
            f"{self._url}: expected an answer of {what} as TensorFlow Serving gives it. "
            f"Received: {_short(content)}."
        )


def _short(content: Any) -> str:
    return " ".join(str(content).split())[:300]
