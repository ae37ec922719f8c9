"""Requests to TensorFlow Serving by REST: numbers as text, several times slower than gRPC."""

import logging
from typing import Any

import numpy as np
import requests
from numpy.typing import NDArray
from requests.adapters import HTTPAdapter, Retry

from cmrtf.bundle.models import Arrays
from cmrtf.bundle.transport import ATTEMPTS, FIRST_PAUSE_S
from cmrtf.errors import CmrtfError

HTTP_UNAVAILABLE = 503


class RestTransport:
    """A session that repeats what was refused as unavailable.

    Args:
        url: `http://host:port` or `https://host:port`; `REQUESTS_CA_BUNDLE` names certificates to trust.
        deadline_s: seconds that one attempt may take to connect, and again to answer.
    """

    rows_per_call = 4
    """REST cannot leave outputs out: with its probabilities, an answer of `decode` is 6 MB of text."""

    def __init__(self, url: str, deadline_s: float) -> None:
        self._url, self._deadline_s = url, deadline_s
        self._session = requests.Session()
        retries = Retry(
            total=ATTEMPTS - 1,
            backoff_factor=FIRST_PAUSE_S,
            status_forcelist=[HTTP_UNAVAILABLE],
            allowed_methods=["GET", "POST"],  # predicting changes nothing, so POST may be repeated
            read=False,  # an answer that did not come in time is no reason to ask again
            raise_on_status=False,
        )
        # The last failure is reported, with its reason; those before it need no line each.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
        self._session.mount(url, HTTPAdapter(max_retries=retries))

    def find(self, model: str, label: str | None) -> tuple[int, list[str]]:
        """The version that a label names, without one the newest, and its signatures."""
        path = f"{model}/labels/{label}" if label else model
        what = f"model {model}, version {label}," if label else f"model {model}"
        answer = self._ask("GET", f"{path}/metadata", what)
        try:
            signatures = answer["metadata"]["signature_def"]["signature_def"]
            return int(answer["model_spec"]["version"]), list(signatures)
        except (KeyError, TypeError, ValueError) as error:
            raise self._foreign(what, answer) from error

    def predict(self, model: str, version: int, signature: str, inputs: Arrays, output: str) -> NDArray[Any]:
        """One output of a signature."""
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
        except (KeyError, TypeError, ValueError) as error:
            raise self._foreign(what, answer) from error
        return values.astype(np.float32) if values.dtype.kind == "f" else values

    def _ask(self, method: str, path: str, what: str, body: dict[str, Any] | None = None) -> Any:
        try:
            answer = self._session.request(
                method, f"{self._url}/v1/models/{path}", json=body, timeout=self._deadline_s
            )
        except requests.Timeout as error:
            raise CmrtfError(
                f"{self._url}: expected an answer of {what} within {self._deadline_s:g} s. Received: none."
            ) from error
        except requests.RequestException as error:
            raise CmrtfError(
                f"{self._url}: expected a server that answers (asked up to {ATTEMPTS} times). "
                f"Received: {error}."
            ) from error
        try:
            content = answer.json()
        except requests.JSONDecodeError:
            content = answer.text
        if not answer.ok:
            reason = content["error"] if isinstance(content, dict) and "error" in content else content
            raise CmrtfError(
                f"{self._url}: expected {what} to answer. "
                f"Received: status {answer.status_code}, {_short(reason)}."
            )
        return content

    def _foreign(self, what: str, content: Any) -> CmrtfError:
        return CmrtfError(
            f"{self._url}: expected an answer of {what} as TensorFlow Serving gives it. "
            f"Received: {_short(content)}."
        )


def _short(content: Any) -> str:
    return " ".join(str(content).split())[:300]
