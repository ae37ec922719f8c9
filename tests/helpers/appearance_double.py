"""Models whose styles are known, and an image file to take one from."""

import numpy as np

from cmrtf.core.nifti import write_nifti


class MeanEncoder:
    """The style of a slice is its mean, and a constant."""

    def encode_style(self, image):
        return np.stack([image.mean(axis=(1, 2)), np.full(len(image), 2.0)], axis=1).astype(np.float32)

    def synthesize(self, label_ids, styles):
        return label_ids * styles[:, :1, None]


def write_image(folder):
    """Called as a vendor is; dark but for a bright corner that the middle of the image does not show."""
    image = np.random.default_rng(0).uniform(0.0, 10.0, (300, 300, 4)).astype(np.float32)
    image[:120, :120] += 90.0
    write_nifti(folder / "image.nii", image, np.diag([1.5, 1.5, 8.0, 1.0]))
    return (folder / "image.nii").rename(folder / "B")
