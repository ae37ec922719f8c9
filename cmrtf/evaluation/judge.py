"""What an evaluation asks of a segmentation network."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Judge(Protocol):
    """A network trained on real training subjects; batches are of any size."""

    def segment(self, images: NDArray[Any]) -> NDArray[np.uint8]:
        """`(n, height, width)` images in [-1, 1] to label ids of the same shape."""

    def features(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """`(n, height, width)` images in [-1, 1] to feature vectors `(n, dim)`."""
