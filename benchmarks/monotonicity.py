"""Do volumes move monotonically along walks between subjects that differ?

    python benchmarks/monotonicity.py BUNDLE PREPARED

Walks between all pairs of validation subjects whose LV volumes differ by 20 % and more, 8 subjects in
between, and counts the walks along which each structure's volume changes steadily from the first of
them to the last. Prints a table, and the smallest number of walks it rests on.
"""

import sys
from itertools import combinations
from pathlib import Path

import numpy as np

from cmrtf.data.cohort import PreparedCohort
from cmrtf.data.schema import SCHEMA
from cmrtf.synthesis.interpolation import CodedStack, affine_between, decode_labels_between
from cmrtf.synthesis.walks import walk_weights
from cmrtf_export.bundle import Bundle

SLICES = 32
DIFFERENT = 0.2


class LabelsOnly:
    """The bundle's VAE without its GAN: volumes need no images."""

    def __init__(self, bundle: Bundle) -> None:
        self.encode = bundle.encode
        self.decode = bundle.decode

    def encode_style(self, image):
        return np.zeros((len(image), 1), np.float32)

    def synthesize(self, label_ids, styles):
        return np.zeros(label_ids.shape, np.float32)


def main(bundle: Path, prepared: Path) -> None:
    models = LabelsOnly(Bundle.open(bundle))
    cohort = PreparedCohort.open(prepared)
    for phase in ("ED", "ES"):
        stacks = {
            code: CodedStack.encode(models, cohort.record(code), cohort.load(code)[phase], phase)
            for code in cohort.subjects("validation")
        }
        steady = {structure: [] for structure in SCHEMA.foreground}
        for start, end in combinations(stacks.values(), 2):
            volumes = np.array([_volumes_ml(models, start, end, w) for w in (0.0, *walk_weights(8), 1.0)])
            for structure, ends, between in zip(
                SCHEMA.foreground, volumes[[0, -1]].T, volumes[1:-1].T, strict=True
            ):
                if abs(ends[1] - ends[0]) >= DIFFERENT * ends.mean():
                    steps = np.diff(between) * np.sign(ends[1] - ends[0])
                    steady[structure].append(bool((steps > 0).all()))
        for structure, walks in steady.items():
            print(f"{phase} {structure:4} monotone in {sum(walks)} of {len(walks)} walks")


def _volumes_ml(models, start, end, weight):
    label_ids = decode_labels_between(models, start, end, weight, SLICES)
    voxel_ml = abs(np.linalg.det(affine_between(start.geometry, end.geometry, weight, SLICES)[:3, :3])) / 1000
    return [(label_ids == SCHEMA.id_of(name)).sum() * voxel_ml for name in SCHEMA.foreground]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
