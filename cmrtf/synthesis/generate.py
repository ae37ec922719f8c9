"""A new subject: a heart drawn, brought to its volumes, and given images in a drawn appearance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.geometry import Geometry
from cmrtf.core.measures import measure_volumes_ml
from cmrtf.core.preparation import SPACING_MM
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.errors import CmrtfError
from cmrtf.shape.one_heart import is_one_heart
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance_bank import Style
from cmrtf.synthesis.criteria import Condition, all_hold
from cmrtf.synthesis.heart_beat import can_beat, with_cine
from cmrtf.synthesis.protocols import Models
from cmrtf.synthesis.volume_matching import VolumeMatching

MAX_DRAWS = 20
"""Hearts decoded in search of one that is plausible and whose measured volumes fulfil the conditions."""


@dataclass(frozen=True)
class PathologyChoice:
    """Pathologies, each with its probability.

    Args:
        probabilities: sum up to 1.
    """

    probabilities: Mapping[str, float]

    def draw(self, rng: np.random.Generator) -> str:
        """One of the pathologies."""
        return str(rng.choice(list(self.probabilities), p=list(self.probabilities.values())))


def pathology_choice(
    prior: AnatomyPrior, wanted: str | None, conditions: Sequence[Condition]
) -> PathologyChoice:
    """The pathology that is wanted, or all, by how many of their hearts there are that fulfil conditions.

    Raises:
        CmrtfError: no heart does, or too few have this pathology.
    """
    names = prior.drawable() if wanted is None else [str(wanted)]
    counts = {
        name: int((prior.pathologies == name).sum()) * _share_that_fulfils(prior, name, conditions)
        for name in names
    }
    total = sum(counts.values())
    if not total:
        raise CmrtfError(
            "expected conditions that hearts of this bundle can fulfil. Received: "
            f"{', '.join(map(str, conditions))}, for {', '.join(names)}."
        )
    return PathologyChoice({name: count / total for name, count in counts.items()})


def generate_subject(
    models: Models,
    prior: AnatomyPrior,
    style: Style,
    name: str,
    seed: int,
    pathology: str,
    conditions: Sequence[Condition] = (),
    num_frames: int | None = None,
) -> Subject:
    """Make one subject: a function of its arguments.

    Heart and appearance are independent: another style does not change the heart, nor another pathology or
    condition what is drawn of the style. Hearts whose labels are implausible, or whose measured volumes
    miss the conditions, are drawn again.

    Args:
        models: a bundle's.
        prior: of hearts.
        style: what its images shall look like.
        name: of the new subject.
        seed: of all that is drawn.
        pathology: whose hearts.
        conditions: that its volumes fulfil.
        num_frames: of a whole heart beat; None for end diastole and end systole alone.

    Returns:
        a subject of vendor and centre of its appearance; its `origin` has `subject_seed` and `parents`, the
        numbers of the training anatomies between which its own lies, with their weights.

    Raises:
        CmrtfError: there is no such pathology, or the conditions cannot be fulfilled.
    """
    heart_rng, style_rng = np.random.default_rng(seed).spawn(2)
    label_ids, slice_spacing_mm, parents = _draw_labels(
        models, prior, heart_rng, pathology, conditions, beating=num_frames is not None
    )
    appearance = style.draw(style_rng)
    # Columns go to the patient's left and rows to the back, as scanners store them.
    affine = np.diag([-SPACING_MM, -SPACING_MM, slice_spacing_mm, 1.0])
    images = appearance.synthesize(models, label_ids)
    stacks = {
        phase: Stack(
            images[phase],
            labels,
            Geometry.of(affine, labels.shape[::-1]),
            appearance.intensity_window,
        )
        for phase, labels in label_ids.items()
    }
    subject = Subject(
        name,
        "generated",
        stacks,
        appearance.vendor,
        appearance.centre,
        pathology,
        origin={"subject_seed": seed, "parents": parents},
    )
    if num_frames is None:
        return subject
    styles = dict.fromkeys(stacks, appearance.styles_of(list(label_ids.values())))
    return with_cine(models, subject, styles, num_frames)


def _draw_labels(
    models: Models,
    prior: AnatomyPrior,
    rng: np.random.Generator,
    pathology: str,
    conditions: Sequence[Condition],
    beating: bool,
) -> tuple[dict[str, NDArray[np.uint8]], float, dict[int, float]]:
    """Label ids by phase, of a heart that can beat if it shall, slice spacing in mm, and parents' weights."""
    slice_spacing_mm = float(rng.choice(prior.slice_spacing_mm))
    matching = VolumeMatching(models, prior, slice_spacing_mm)
    for _ in range(MAX_DRAWS):
        heart = prior.draw(rng, pathology, partial(all_hold, conditions))
        label_ids = matching.refine(heart.anatomy, heart.wanted_ml).decode(models, slice_spacing_mm)
        plausible = all(is_one_heart(labels, slice_spacing_mm) for labels in label_ids.values())
        if beating and not can_beat(label_ids):
            continue
        if plausible and all_hold(conditions, measure_volumes_ml(label_ids, slice_spacing_mm)):
            return label_ids, slice_spacing_mm, heart.parents
    wanted = ", ".join(map(str, conditions)) or "no conditions"
    raise CmrtfError(
        f"expected a plausible {pathology} heart ({wanted}) among {MAX_DRAWS}. Received: none. Are the "
        "conditions beyond what this bundle was trained on?"
    )


def _share_that_fulfils(prior: AnatomyPrior, pathology: str, conditions: Sequence[Condition]) -> float:
    """Of the hearts that a prior considers when it draws one."""
    candidates = prior.candidates(np.random.default_rng(0), pathology)
    return float(all_hold(conditions, candidates.volumes_ml).mean())
