"""Subjects as an interpolation and a remodelling leave them, of boxes whose volumes are known."""

from dataclasses import replace

import numpy as np

from cmrtf.core.cine import Cine
from cmrtf.core.geometry import Geometry
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject

SIZE = 48
SLICES = 8
SOURCE_SLICES = 4
WINDOW = (10.0, 210.0)
SOURCE_AFFINE = np.diag([-1.5, -1.5, 10.0, 1.0])
AFFINE = SOURCE_AFFINE @ np.diag([1.0, 1.0, (SOURCE_SLICES - 1) / (SLICES - 1), 1.0])
PHASES = ("ED", "ES")


def box_heart(slices, half_width):
    """An LV box of side `2 * half_width`, a wall 2 pixels thick, an RV box on the left."""
    labels = np.zeros((slices, SIZE, SIZE), np.uint8)
    centre = SIZE // 2
    inner = slice(centre - half_width, centre + half_width)
    outer = slice(centre - half_width - 2, centre + half_width + 2)
    labels[:, outer, outer] = 2
    labels[:, inner, inner] = 1
    labels[:, inner, 4:10] = 3
    return labels


def box_stack(rng, weight, phase, slices=SLICES):
    """The larger the weight, the smaller the heart; smaller still at end-systole."""
    label_ids = box_heart(slices, 10 - round(4 * weight) - (0 if phase == "ED" else 2))
    image = rng.uniform(-1, 1, label_ids.shape).astype(np.float32)
    affine = AFFINE if slices == SLICES else SOURCE_AFFINE
    return Stack(image, label_ids, Geometry.of(affine, label_ids.shape[::-1]), WINDOW)


def interpolated(code_a="P001", code_b="P002", phases=PHASES):
    """From A (large LV) to B (small LV), 3 subjects in between; without B, A alone. In no order."""
    rng = np.random.default_rng(0)
    ends = {code_a: 0.0} if code_b is None else {code_a: 0.0, code_b: 1.0}
    wanted = [(code, "intrasubject", weight, SLICES) for code, weight in ends.items()]
    if code_b is not None:
        wanted += [(f"inter_{k:02d}", "intersubject", k / 4, SLICES) for k in (1, 2, 3)]
    wanted += [(code, "source", weight, SOURCE_SLICES) for code, weight in ends.items()]
    stacks = [{} for _ in wanted]
    for phase in phases:
        for (_, _, weight, slices), own in zip(wanted, stacks, strict=True):
            own[phase] = box_stack(rng, weight, phase, slices)
    subjects = [
        Subject(name, kind, own, vendor="B", pathology="DCM", weight=weight)
        for (name, kind, weight, _), own in zip(wanted, stacks, strict=True)
    ]
    return subjects[::-1]


def remodelled(steps=2):
    """A subject on its own slices, and what it is changed to step by step."""
    rng = np.random.default_rng(0)

    def subject(name, kind, weight, **facts):
        stacks = {phase: box_stack(rng, weight, phase, SOURCE_SLICES) for phase in PHASES}
        return Subject(name, kind, stacks, weight=weight, **facts)

    changed = [subject(f"step_{k:02d}", "remodelled", k / steps) for k in range(steps + 1)]
    return [*changed, subject("P001", "source", 0.0, vendor="B", pathology="DCM")]


def generated(count=3):
    """New subjects, made of no source subject's slices."""
    rng = np.random.default_rng(0)
    return [
        Subject(
            f"SYN{number:05d}",
            "generated",
            {phase: box_stack(rng, number % 2, phase) for phase in PHASES},
            vendor="A",
            pathology="NOR",
        )
        for number in range(1, count + 1)
    ]


def beating(subject):
    """A subject of which end systole is the second of four frames."""
    return replace(subject, cine=Cine((subject.ed, subject.es, subject.ed, subject.ed), 1, 0.2))
