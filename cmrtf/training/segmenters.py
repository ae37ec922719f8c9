"""Configurations of segmenters that see images of several contrasts or scanners."""

from typing import Final

from cmrtf.training.config import AugmentationConfig
from cmrtf.training.strong_augmentation import STRONG_WARPS
from cmrtf.training.train_segmenter import AUGMENTATION, SegmenterConfig

WARPS: Final = AugmentationConfig(
    rotation_degrees=30, scaling=0.35, translation_px=8, elastic_px=7, gamma=0.5, bias=0.2
)

# Instance normalisation: the statistics of a batch with several contrasts fit none of them.
USUAL: Final = SegmenterConfig(augmentation=AUGMENTATION, normalisation="instance")
WARPED: Final = SegmenterConfig(augmentation=WARPS, normalisation="instance")
STRONG: Final = SegmenterConfig(augmentation=STRONG_WARPS, strong_intensities=True, normalisation="instance")
"""The usual augmentation, stronger warps, and stronger changes of everything; all else is the same."""
