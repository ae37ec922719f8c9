"""Trained segmenters on disk, by what they were trained on."""

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.files import exists, writing_to
from cmrtf.core.locks import lock
from cmrtf.core.unknown import Unknown
from cmrtf.training.train_segmenter import SegmenterConfig, TrainedSegmenter, train_segmenter


@dataclass(frozen=True)
class SegmenterStore:
    """Trains segmenters, or reads one that was trained before on the same data with the same settings.

    An evaluation that was stopped goes on where it was, and a later one need not train its reference
    segmenter again.

    Args:
        folder: where they are stored.
        steps: length of every training.
        config: model and schedule.
        progress: whether to show a bar per training.
    """

    folder: Path
    steps: int
    config: SegmenterConfig = field(default_factory=SegmenterConfig)
    progress: bool = True

    def trained(
        self,
        images: NDArray[np.float32],
        label_ids: NDArray[np.uint8],
        seed: int,
        name: str,
        unknown: Unknown = None,
    ) -> TrainedSegmenter:
        """The segmenter of some slices, trained or read.

        Args:
            images: `(slices, size, size)` in [-1, 1].
            label_ids: `(slices, size, size)`.
            seed: of weights, batches and augmentation.
            name: stands before the progress bar.
            unknown: `(slices, classes)`, which structures are unknown in which slices.

        Raises:
            CmrtfError: the stored segmenter is damaged, or nothing can be written.
        """
        stored = self.folder / self._key(images, label_ids, seed, unknown)
        with self._alone_with(stored):
            if not exists(stored):
                trained = train_segmenter(
                    images,
                    label_ids,
                    self.steps,
                    seed,
                    progress=self.progress,
                    name=name,
                    config=self.config,
                    unknown=unknown,
                )
                trained.save(stored)
        return TrainedSegmenter.load(stored)

    @contextlib.contextmanager
    def _alone_with(self, stored: Path) -> Iterator[None]:
        """Wait for another evaluation that trains the same segmenter: two would take twice as long as one."""
        path = self.folder / f".{stored.name}.lock"
        with writing_to(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with lock(path, refusal=None):
                yield
                path.unlink()

    def _key(
        self, images: NDArray[np.float32], label_ids: NDArray[np.uint8], seed: int, unknown: Unknown
    ) -> str:
        """Names the data and everything else that the weights depend on."""
        digest = hashlib.sha256(repr((self.config, self.steps, seed, images.shape)).encode())
        for array in (images, label_ids, *(() if unknown is None else (unknown,))):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()[:16]
