"""Models whose styles are known."""

import numpy as np


class MeanEncoder:
    """The style of a slice is its mean, and a constant."""

    def encode_style(self, image):
        return np.stack([image.mean(axis=(1, 2)), np.full(len(image), 2.0)], axis=1).astype(np.float32)

    def synthesize(self, label_ids, styles):
        return label_ids * styles[:, :1, None]
