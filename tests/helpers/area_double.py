"""Models whose codes are areas and whose styles are mean brightness, and subjects of which both are known."""

import numpy as np

from cmrtf.core.geometry import Geometry
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject

SIZE = 10


class AreaModels:
    """A slice's code is its number of LV pixels, its style the mean of its image; both decode back."""

    def encode(self, label_ids):
        # An unlabelled slice has a code like no heart's: the model has never seen one.
        areas = (label_ids == 1).sum((1, 2)).astype(np.float32)[:, None]
        return np.where(areas > 0, areas, np.float32(1e6))

    def decode(self, codes):
        assert codes.max(initial=0) <= SIZE * SIZE
        return (np.arange(SIZE * SIZE) < np.round(codes)).reshape(-1, SIZE, SIZE).astype(np.uint8)

    def encode_style(self, image):
        return image.mean((1, 2))[:, None]

    def synthesize(self, label_ids, styles):
        assert len(label_ids) == len(styles)
        return np.broadcast_to(styles[:, :, None], label_ids.shape).astype(np.float32)


def area_subject(code, areas, brightness, spacing_mm=10.0, window=(0.0, 100.0)):
    """LV pixels and mean brightness per slice, apex to base; a tilted stack, ES half as large as ED."""
    n = len(areas)
    tilt = np.array([[0.8, 0, 0.6, 5], [0, 1, 0, -3], [-0.6, 0, 0.8, 20], [0, 0, 0, 1]])
    geometry = Geometry.of(tilt @ np.diag([1.5, 1.5, spacing_mm, 1.0]), (SIZE, SIZE, n))
    stacks = {}
    for phase, factor in (("ED", 1.0), ("ES", 0.5)):
        counts = np.round(np.array(areas) * factor)[:, None]
        label_ids = (np.arange(SIZE * SIZE) < counts).reshape(n, SIZE, SIZE).astype(np.uint8)
        image = np.broadcast_to(np.float32(brightness)[:, None, None], label_ids.shape)
        stacks[phase] = Stack(image, label_ids, geometry, (window[0], window[1] * factor))
    return Subject(code, "source", stacks, code[0], pathology="NOR")


A = area_subject("A1", [10, 20, 30, 40], [-1.0, -0.5, 0.0, 0.5], spacing_mm=10.0, window=(0.0, 100.0))
B = area_subject("B2", [40, 50, 60], [0.0, 0.5, 1.0], spacing_mm=8.0, window=(10.0, 300.0))
