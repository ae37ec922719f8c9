"""Trained segmenters on disk, found again by what they were trained on."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmrtf.training.train_segmenter import SegmenterConfig, TrainedSegmenter, train_segmenter


@dataclass(frozen=True)
class SegmenterStore:
    """Trains segmenters, each once: one that was trained on the same data, as long, is read instead.

    An evaluation that was stopped goes on where it was, and a later one need not train its judge again.

    Args:
        folder: where they are kept.
        steps: length of every training.
        config: model and schedule.
    """

    folder: Path
    steps: int
    config: SegmenterConfig = field(default_factory=SegmenterConfig)

    def trained(
        self, images: NDArray[np.float32], label_ids: NDArray[np.uint8], seed: int, name: str
    ) -> TrainedSegmenter:
        """The segmenter of some slices, trained or read.

        Args:
            images: `(slices, size, size)` in [-1, 1].
            label_ids: `(slices, size, size)`.
            seed: of weights, batches and augmentation.
            name: shown before the progress bar.

        Raises:
            CmrtfError: what is kept is damaged, or nothing can be written.
        """
        kept = self.folder / self._key(images, label_ids, seed)
        if not kept.exists():
            trained = train_segmenter(images, label_ids, self.steps, seed, name=name, config=self.config)
            trained.save(kept)
        return TrainedSegmenter.load(kept)

    def _key(self, images: NDArray[np.float32], label_ids: NDArray[np.uint8], seed: int) -> str:
        """Names the data and everything else that the weights depend on."""
        digest = hashlib.sha256(repr((self.config, self.steps, seed, images.shape)).encode())
        for array in (images, label_ids):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:16]
