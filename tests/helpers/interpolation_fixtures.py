from collections.abc import Callable

import numpy as np
import pytest

from cmrtf.core.subject import ReferenceSubject, SyntheticSubject

SIZE = 48
SLICES = 8
SOURCE_SLICES = 4

Walk = tuple[list[SyntheticSubject], list[ReferenceSubject]]


def box_heart(slices: int, half_width: int) -> np.ndarray:
    """An LV box of side `2 * half_width`, a wall 2 pixels thick, an RV box on the left."""
    labels = np.zeros((slices, SIZE, SIZE), np.uint8)
    centre = SIZE // 2
    inner = slice(centre - half_width, centre + half_width)
    outer = slice(centre - half_width - 2, centre + half_width + 2)
    labels[:, outer, outer] = 2
    labels[:, inner, inner] = 1
    labels[:, inner, 4:10] = 3
    return labels


@pytest.fixture(scope="session")
def make_walk() -> Callable[..., Walk]:
    """From A (large LV) to B (small LV), 3 subjects in between; without B, A alone."""

    def make(
        code_a: str = "P001", code_b: str | None = "P002", phases: tuple[str, ...] = ("ED", "ES")
    ) -> Walk:
        rng = np.random.default_rng(0)
        source_affine = np.diag([-1.5, -1.5, 10.0, 1.0])
        affine = source_affine @ np.diag([1.0, 1.0, (SOURCE_SLICES - 1) / (SLICES - 1), 1.0])
        ends = {0.0: code_a} if code_b is None else {0.0: code_a, 1.0: code_b}
        names = {weight: f"intra_{code}" for weight, code in ends.items()}
        if code_b is not None:
            names |= {k / 4: f"inter_{k:02d}" for k in (1, 2, 3)}
        subjects, references = [], []
        for phase in phases:

            def stack(weight: float, slices: int, shrunk: int = 0 if phase == "ED" else 2):
                labels = box_heart(slices, 10 - round(4 * weight) - shrunk)
                return labels, rng.uniform(-1, 1, labels.shape).astype(np.float32)

            for weight, name in names.items():
                window = (10.0, 210.0)
                subjects.append(SyntheticSubject(name, phase, weight, *stack(weight, SLICES), affine, window))
            for weight, code in ends.items():
                end = stack(weight, SOURCE_SLICES)
                references.append(ReferenceSubject(code, phase, weight, *end, source_affine, "B", "DCM"))
        return subjects[::-1], references[::-1]

    return make
