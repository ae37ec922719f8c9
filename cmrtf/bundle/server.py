"""A bundle behind a TensorFlow Serving server."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from numpy.typing import NDArray

from cmrtf.bundle.models import NEEDED, Arrays, SignatureModels
from cmrtf.bundle.signatures import Signature, Signatures, Tensor, promised_signatures, require_signature
from cmrtf.bundle.transport import DEADLINE_S, MAX_DEADLINE_S, Transport
from cmrtf.core.arguments import is_number, require_text
from cmrtf.core.labels import SCHEMA
from cmrtf.core.preparation import SIZE
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.protocols import LABEL_VAE, SPADE_GAN

PORTS = {"grpc": 8500, "grpcs": 8500, "http": 8501, "https": 443}
"""Where a server listens unless its address says otherwise."""

LABEL = re.compile(r"[\w.-]*")


@dataclass(frozen=True)
class ServedModels(SignatureModels):
    """The models of a connected server.

    Every request names the version that was there when the connection was made: codes of one version
    mean nothing to the next, so an interpolation must not change over in the middle.

    Args:
        address: as given.
        transport: gRPC or REST.
        versions: by model.
        promised: what the models' signatures take and return.
    """

    address: str
    transport: Transport
    versions: dict[str, int]
    promised: Signatures

    @classmethod
    def connect(cls, address: str, deadline_s: float = DEADLINE_S) -> "ServedModels":
        """Find the models and their versions on a server.

        Args:
            address: `grpc://host:8500` or `http://host:8501`, with TLS `grpcs://` or `https://`; a path
                names a version label, `grpc://host:8500/stable`. Without it: the newest version.
            deadline_s: seconds that one request may take.

        Raises:
            CmrtfError: address or deadline is malformed, no server answers, or a model, version or signature
                is missing or another one.
        """
        if not (is_number(deadline_s) and 0.0 < deadline_s <= MAX_DEADLINE_S):
            raise CmrtfError(
                f"deadline_s: expected a number above 0 and at most {MAX_DEADLINE_S:,} s. "
                f"Received: {deadline_s!r}."
            )
        require_text("address", address)
        transport, label = _transport(address, deadline_s)
        versions, found = {}, {}
        for model, needed in NEEDED.items():
            versions[model], having = transport.find(model, label)
            found[model] = having
            if missing := [name for name in needed if name not in having]:
                raise CmrtfError(
                    f"{address}: expected model {model}, version {versions[model]}, to have the signatures "
                    f"{', '.join(needed)}. Received: {', '.join(sorted(having))}; without "
                    f"{', '.join(missing)} it is not of a bundle made by `cmrtf export`."
                )
        promised = promised_signatures(
            SCHEMA.num_classes,
            SIZE,
            _code_length(address, found[LABEL_VAE]["encode"]),
            _code_length(address, found[SPADE_GAN]["encode_style"]),
        )
        for model, needed in NEEDED.items():
            for name in needed:
                require_signature(
                    f"{address}, model {model}", name, promised[model][name], found[model][name]
                )
        return cls(address, transport, versions, promised)

    @property
    def rows_per_call(self) -> int:  # type: ignore[override]
        """As many as fit in a message."""
        return self.transport.rows_per_call

    @property
    def provenance(self) -> dict[str, Any]:
        """The server and the versions of its models."""
        return {"server": self.address, "server_versions": self.versions}

    def call(self, model: str, signature: str, inputs: Arrays, output: str, expected: Tensor) -> NDArray[Any]:
        """One output of a signature."""
        return self.transport.predict(model, self.versions[model], signature, inputs, output, expected)


def _code_length(address: str, encoder: Signature) -> int:
    """How many numbers a code has, as an encoder says."""
    shape = encoder.outputs["mean"].shape if "mean" in encoder.outputs else ()
    length = shape[-1] if shape else None
    if not length:
        raise CmrtfError(f"{address}: expected encoders with codes of a fixed length. Received: {shape}.")
    return length


def _transport(address: str, deadline_s: float) -> tuple[Transport, str | None]:
    """The way that an address names, and the version label in it."""
    shown = "one with a user or a password" if "@" in address else repr(address[:200])
    malformed = CmrtfError(
        "expected the address of a server, like grpc://localhost:8500 or http://localhost:8501 "
        f"(grpcs, https with TLS), and at most a version label behind it. Received: {shown}."
    )
    try:
        url = urlsplit(address)
        port = url.port or PORTS.get(url.scheme)
    except ValueError as error:
        raise malformed from error
    label = url.path.strip("/")
    more = url.username or url.password or url.query or url.fragment
    if url.scheme not in PORTS or not url.hostname or not port or more or not LABEL.fullmatch(label):
        raise malformed
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname  # IPv6
    target = f"{host}:{port}"
    if url.scheme.startswith("grpc"):
        from cmrtf.bundle.grpc_transport import GrpcTransport

        return GrpcTransport(target, url.scheme == "grpcs", deadline_s), label or None
    from cmrtf.bundle.rest_transport import RestTransport

    return RestTransport(f"{url.scheme}://{target}", deadline_s), label or None
