"""How requests to a server travel: what the gRPC and the REST transport have in common."""

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from cmrtf.bundle.models import Arrays
from cmrtf.bundle.signatures import Signature, Tensor

DEADLINE_S = 60
"""Of one request, with all its attempts."""

MAX_DEADLINE_S = 3600
"""That anybody can ask for."""

ATTEMPTS = 5
"""How often a request is made while the server says that it is unavailable."""

FIRST_PAUSE_S = 0.5
"""Before the second attempt; doubled before each of the next."""


class Transport(Protocol):
    """All functions raise `CmrtfError` for what a server or the way to it refuses, and foreign answers."""

    rows_per_call: int
    """How many slices a message may carry."""

    def find(self, model: str, label: str | None) -> tuple[int, Mapping[str, Signature]]:
        """The version that a label names, without one the newest, and its signatures."""

    def predict(
        self, model: str, version: int, signature: str, inputs: Arrays, output: str, expected: Tensor
    ) -> NDArray[Any]:
        """One output of a signature, of this type and shape."""
