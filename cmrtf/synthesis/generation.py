"""A new subject: a heart drawn, brought to its volumes, and painted in a drawn appearance."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cmrtf.data.label_validity import volume_faults
from cmrtf.data.preparation import SPACING_MM
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.anatomy_prior import AnatomyPrior, measure_volumes_ml
from cmrtf.synthesis.conditions import Condition, all_hold
from cmrtf.synthesis.interpolation import Models
from cmrtf.synthesis.styles import draw_styles
from cmrtf.synthesis.synthetic_subject import SyntheticSubject

MAX_DRAWS = 20
"""Hearts decoded in search of one whose labels are valid and whose measured volumes fulfil the conditions."""


@dataclass(frozen=True)
class GeneratedSubject:
    """A subject of nobody in particular.

    Args:
        name: its code.
        vendor: whose images it looks like.
        pathology: whose hearts it has.
        seed: of all that was drawn.
        parents: numbers of the known hearts between which its own lies, with their weights.
        stacks: by phase, on slices that both share.
    """

    name: str
    vendor: str
    pathology: str
    seed: int
    parents: dict[int, float]
    stacks: dict[str, SyntheticSubject]


@dataclass(frozen=True)
class StyleEntry:
    """The appearance of one known subject.

    Args:
        vendor: of the scanner.
        style: `(style_dim,)`.
        intensity_window: source values of -1 and 1.
    """

    vendor: str
    style: NDArray[np.float32]
    intensity_window: tuple[float, float]


def generate_subject(
    models: Models,
    prior: AnatomyPrior,
    appearances: Sequence[StyleEntry],
    name: str,
    seed: int,
    vendor: str,
    pathology: str,
    conditions: Sequence[Condition] = (),
) -> GeneratedSubject:
    """Make one subject: a function of its arguments.

    Hearts whose labels no heart can have, or whose measured volumes miss the conditions, are drawn again.

    Args:
        models: a bundle.
        prior: of hearts.
        appearances: of known subjects.
        name: of the new subject.
        seed: of all that is drawn.
        vendor: whose appearance.
        pathology: whose hearts.
        conditions: that its volumes fulfil.

    Raises:
        CmrtfError: there is no such vendor or pathology, or the conditions cannot be fulfilled.
    """
    rng = np.random.default_rng(seed)
    label_ids, slice_spacing_mm, parents = _draw_labels(models, prior, rng, pathology, conditions)
    style, window = _draw_appearance(appearances, vendor, rng)
    # Columns go to the patient's left and rows to the back, as scanners store them.
    affine = np.diag([-SPACING_MM, -SPACING_MM, slice_spacing_mm, 1.0])
    stacks = {}
    for phase, labels in label_ids.items():
        image = models.synthesize(labels, np.repeat(style[None], len(labels), axis=0))
        stacks[phase] = SyntheticSubject(name, phase, 0.0, labels, image, affine, window)
    return GeneratedSubject(name, vendor, pathology, seed, parents, stacks)


def _draw_labels(
    models: Models,
    prior: AnatomyPrior,
    rng: np.random.Generator,
    pathology: str,
    conditions: Sequence[Condition],
) -> tuple[dict[str, NDArray[np.uint8]], float, dict[int, float]]:
    slice_spacing_mm = float(rng.choice(prior.slice_spacing_mm))
    for _ in range(MAX_DRAWS):
        heart = prior.draw(rng, pathology, partial(all_hold, conditions))
        reached = prior.reach(models, heart.anatomy, heart.wanted_ml, slice_spacing_mm)
        stacks = reached.decode(models, slice_spacing_mm)
        valid = all(volume_faults(label_ids).is_valid for label_ids in stacks.values())
        if valid and all_hold(conditions, measure_volumes_ml(stacks, slice_spacing_mm)):
            return stacks, slice_spacing_mm, heart.parents
    wanted = ", ".join(map(str, conditions)) or "no conditions"
    raise CmrtfError(
        f"expected a valid {pathology} heart ({wanted}) among {MAX_DRAWS}. Received: none. Are the "
        "conditions beyond what this bundle was trained on?"
    )


def appearances_of(appearances: Sequence[StyleEntry], vendor: str) -> list[StyleEntry]:
    """Those of one vendor.

    Raises:
        CmrtfError: there are fewer than two: new ones cannot be drawn then.
    """
    of_vendor = [entry for entry in appearances if entry.vendor == vendor]
    if len(of_vendor) < 2:
        known = ", ".join(sorted({entry.vendor for entry in appearances}))
        raise CmrtfError(f"expected a vendor with two subjects or more, of {known}. Received: {vendor!r}.")
    return of_vendor


def _draw_appearance(
    appearances: Sequence[StyleEntry], vendor: str, rng: np.random.Generator
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    of_vendor = appearances_of(appearances, vendor)
    (style,) = draw_styles(np.stack([entry.style for entry in of_vendor]), 1, rng)
    low, high = np.mean([entry.intensity_window for entry in of_vendor], axis=0)
    return style, (float(low), float(high))
