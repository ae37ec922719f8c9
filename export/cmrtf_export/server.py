"""A bundle behind a TensorFlow Serving server."""

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from numpy.typing import NDArray

from cmrtf.errors import CmrtfError
from cmrtf_export.bundle_models import NEEDED, Arrays, BundleModels

DEADLINE_S = 60.0
"""Of one request, retries included."""

ATTEMPTS = 5
"""How often a request is made while the server says that it is unavailable."""

FIRST_PAUSE_S = 0.5
"""Before the second attempt; doubled before each of the next."""


class Transport(Protocol):
    """How requests travel. All functions raise `CmrtfError` for what a server or the way to it refuses."""

    rows_per_call: int
    """How many slices a message may carry."""

    def available_versions(self, model: str, label: str | None) -> list[int]:
        """Those that a server holds ready, of all or of the one with a label."""

    def signatures(self, model: str, version: int) -> list[str]:
        """Names of a model's signatures."""

    def predict(self, model: str, version: int, signature: str, inputs: Arrays, output: str) -> NDArray[Any]:
        """One output of a signature."""


@dataclass(frozen=True)
class Server(BundleModels):
    """A connected server.

    Every request names the version that was there when the connection was made: codes of one version
    mean nothing to the next, so a walk must not change over in the middle.

    Args:
        address: as given.
        transport: gRPC or REST.
        versions: by model.
    """

    address: str
    transport: Transport
    versions: dict[str, int]

    @classmethod
    def connect(cls, address: str, deadline_s: float = DEADLINE_S) -> "Server":
        """Find the models and their versions on a server.

        Args:
            address: `grpc://host:8500` or `http://host:8501`, with TLS `grpcs://` or `https://`; a path
                names a version label, `grpc://host:8500/stable`. Without it: the newest version.
            deadline_s: seconds that one request may take.

        Raises:
            CmrtfError: the address is none, nobody answers, or a model, version or signature is missing.
        """
        transport, label = _transport(address, deadline_s)
        versions = {}
        for model, needed in NEEDED.items():
            available = transport.available_versions(model, label)
            if not available:
                wanted = f"version {label}" if label else "a version"
                raise CmrtfError(
                    f"{address}: expected {wanted} of model {model} to be ready. Received: none."
                )
            versions[model] = max(available)
            having = transport.signatures(model, versions[model])
            if missing := [name for name in needed if name not in having]:
                raise CmrtfError(
                    f"{address}: expected model {model}, version {versions[model]}, to have the signatures "
                    f"{', '.join(needed)}. Received: {', '.join(sorted(having))}; without "
                    f"{', '.join(missing)} it is not of a bundle made by `cmrtf export`."
                )
        return cls(address, transport, versions)

    @property
    def rows_per_call(self) -> int:  # type: ignore[override]
        """As many as fit in a message."""
        return self.transport.rows_per_call

    @property
    def provenance(self) -> dict[str, Any]:
        """The server and the versions of its models."""
        return {"server": self.address, "server_versions": self.versions}

    def call(self, model: str, signature: str, inputs: Arrays, output: str) -> NDArray[Any]:
        """One output of a signature."""
        return self.transport.predict(model, self.versions[model], signature, inputs, output)


def _transport(address: str, deadline_s: float) -> tuple[Transport, str | None]:
    """The way that an address names, and the version label in it."""
    url = urlsplit(address)
    label = url.path.strip("/") or None
    try:
        port = url.port
    except ValueError:
        port = None
    if url.scheme in ("grpc", "grpcs") and url.hostname and port:
        from cmrtf_export.grpc_transport import GrpcTransport

        return GrpcTransport(url.netloc, url.scheme == "grpcs", deadline_s), label
    if url.scheme in ("http", "https") and url.hostname and port:
        from cmrtf_export.rest_transport import RestTransport

        return RestTransport(f"{url.scheme}://{url.netloc}", deadline_s), label
    raise CmrtfError(
        f"{address}: expected the address of a server, like grpc://localhost:8500 or http://localhost:8501 "
        "(grpcs, https with TLS). Received: something else."
    )
