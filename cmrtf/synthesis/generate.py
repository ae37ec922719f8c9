"""A new subject: a heart drawn, brought to its volumes, and painted in a drawn appearance."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.measures import measure_volumes_ml
from cmrtf.core.preparation import SPACING_MM
from cmrtf.core.subject import SyntheticSubject
from cmrtf.errors import CmrtfError
from cmrtf.shape.plausibility import volume_faults
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance import Appearance, Style
from cmrtf.synthesis.criteria import Condition, all_hold
from cmrtf.synthesis.protocols import Models

MAX_DRAWS = 20
"""Hearts decoded in search of one whose labels are valid and whose measured volumes fulfil the conditions."""


@dataclass(frozen=True)
class GeneratedSubject:
    """A subject of nobody in particular.

    Args:
        name: its code.
        appearance: of its images.
        pathology: whose hearts it has.
        seed: of all that was drawn.
        parents: numbers of the known hearts between which its own lies, with their weights.
        stacks: by phase, on slices that both share.
    """

    name: str
    appearance: Appearance
    pathology: str
    seed: int
    parents: dict[int, float]
    stacks: dict[str, SyntheticSubject]


def generate_subject(
    models: Models,
    prior: AnatomyPrior,
    style: Style,
    name: str,
    seed: int,
    pathology: str,
    conditions: Sequence[Condition] = (),
) -> GeneratedSubject:
    """Make one subject: a function of its arguments.

    Heart and appearance are independent: another style does not change the heart, nor another pathology or
    condition what is drawn of the style. Hearts whose labels no heart can have, or whose measured volumes
    miss the conditions, are drawn again.

    Args:
        models: a bundle.
        prior: of hearts.
        style: what its images shall look like.
        name: of the new subject.
        seed: of all that is drawn.
        pathology: whose hearts.
        conditions: that its volumes fulfil.

    Raises:
        CmrtfError: there is no such pathology, or the conditions cannot be fulfilled.
    """
    of_heart, of_style = np.random.default_rng(seed).spawn(2)
    label_ids, slice_spacing_mm, parents = _draw_labels(models, prior, of_heart, pathology, conditions)
    appearance = style.draw(of_style)
    # Columns go to the patient's left and rows to the back, as scanners store them.
    affine = np.diag([-SPACING_MM, -SPACING_MM, slice_spacing_mm, 1.0])
    stacks = {}
    for phase, labels in label_ids.items():
        image = appearance.paint(models, labels)
        stacks[phase] = SyntheticSubject(name, phase, 0.0, labels, image, affine, appearance.intensity_window)
    return GeneratedSubject(name, appearance, pathology, seed, parents, stacks)


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
