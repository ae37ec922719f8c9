"""How requests to a server travel: what the gRPC and the REST transport have in common."""

from typing import Any, Protocol

from numpy.typing import NDArray

from cmrtf.bundle.models import Arrays

DEADLINE_S = 60
"""Of one request."""

ATTEMPTS = 5
"""How often a request is made while the server says that it is unavailable."""

FIRST_PAUSE_S = 0.5
"""Before the second attempt; doubled before each of the next."""


class Transport(Protocol):
    """All functions raise `CmrtfError` for what a server or the way to it refuses."""

    rows_per_call: int
    """How many slices a message may carry."""

    def find(self, model: str, label: str | None) -> tuple[int, list[str]]:
        """The version that a label names, without one the newest, and its signatures."""

    def predict(self, model: str, version: int, signature: str, inputs: Arrays, output: str) -> NDArray[Any]:
        """One output of a signature."""
