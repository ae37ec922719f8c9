"""Requests to TensorFlow Serving by REST: numbers as text, several times slower than gRPC."""

import logging
from typing import Any

import numpy as np
import requests
from numpy.typing import NDArray
from requests.adapters import HTTPAdapter, Retry

from cmrtf.errors import CmrtfError
from cmrtf_export.bundle_models import Arrays
from cmrtf_export.server import ATTEMPTS, FIRST_PAUSE_S

HTTP_UNAVAILABLE = 503


class RestTransport:
    """A session that repeats what was refused as unavailable.

    Args:
        url: `http://host:port` or `https://host:port`; `REQUESTS_CA_BUNDLE` names certificates to trust.
        deadline_s: seconds that one attempt may take.
    """

    rows_per_call = 8
    """2 MB of text in the larger direction."""

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

    def available_versions(self, model: str, label: str | None) -> list[int]:
        """Those that the server holds ready."""
        path = model + (f"/labels/{label}" if label else "")
        answer = self._ask("GET", path, f"model {model}" + (f", version {label}" if label else ""))
        return [
            int(status["version"])
            for status in answer["model_version_status"]
            if status["state"] == "AVAILABLE"
        ]

    def signatures(self, model: str, version: int) -> list[str]:
        """Names of a model's signatures."""
        answer = self._ask("GET", f"{model}/versions/{version}/metadata", f"model {model}, version {version}")
        return list(answer["metadata"]["signature_def"]["signature_def"])

    def predict(self, model: str, version: int, signature: str, inputs: Arrays, output: str) -> NDArray[Any]:
        """One output of a signature."""
        body = {
            "signature_name": signature,
            "inputs": {name: values.tolist() for name, values in inputs.items()},
        }
        what = f"model {model}, version {version}, signature {signature}"
        outputs = self._ask("POST", f"{model}/versions/{version}:predict", what, body)["outputs"]
        # A signature with one output is answered by its value alone.
        values = np.asarray(outputs[output] if isinstance(outputs, dict) else outputs)
        return values.astype(np.float32) if values.dtype.kind == "f" else values

    def _ask(self, method: str, path: str, what: str, body: dict[str, Any] | None = None) -> Any:
        try:
            answer = self._session.request(
                method, f"{self._url}/v1/models/{path}", json=body, timeout=self._deadline_s
            )
            content = answer.json()
        except requests.Timeout as error:
            raise CmrtfError(
                f"{self._url}: expected an answer of {what} within {self._deadline_s:g} s. Received: none."
            ) from error
        except requests.RequestException as error:
            raise CmrtfError(
                f"{self._url}: expected a server that answers (asked up to {ATTEMPTS} times). "
                f"Received: {error}."
            ) from error
        if not answer.ok:
            raise CmrtfError(
                f"{self._url}: expected {what} to answer. "
                f"Received: status {answer.status_code}, {content.get('error', content)}."
            )
        return content
