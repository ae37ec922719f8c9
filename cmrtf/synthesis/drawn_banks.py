"""The banks of a bundle that can be given away: nobody in them is a patient.

Hearts and appearances are drawn from statistics of groups of `LEAST_PATIENTS` patients or more, so that a
bundle draws, mixes and names them as it does those of patients. What a run keeps stays with the run.
"""

import logging
from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from cmrtf.core.measures import measure_volumes_ml
from cmrtf.errors import CmrtfError
from cmrtf.shape.one_heart import is_one_heart
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.anatomy_prior import AnatomyPrior, eject, log_volumes
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.appearance_bank import AppearanceBank
from cmrtf.synthesis.group_statistics import (
    LEAST_PATIENTS,
    NUM_MODES,
    CodeStatistics,
    GroupNormal,
)
from cmrtf.synthesis.protocols import Decoder
from cmrtf.synthesis.volume_matching import volume_directions

HEARTS = 24
"""Drawn of each pathology."""

APPEARANCES = 32
"""Of each vendor."""

MATCHING_ROUNDS = 2
"""Steps towards the volumes of a heart: what is left is small beside their spread."""

logger = logging.getLogger(__name__)
logger.addHandler(logging.NullHandler())  # silent unless logging is switched on


def draw_appearance_bank(patients: AppearanceBank, rng: np.random.Generator) -> AppearanceBank:
    """`APPEARANCES` appearances of each vendor of `LEAST_PATIENTS` patients or more, without centres.

    They are called by their vendor and a number, `"A-001"`.

    Raises:
        CmrtfError: there are too few patients.
    """
    known = list(patients.subjects.values())
    drawn = {}
    for vendor, numbers in _large_groups("vendor", [appearance.vendor for appearance in known]).items():
        group = [known[number] for number in numbers]
        styles = np.stack([appearance.style for appearance in group])[:, None]
        statistics = CodeStatistics.of(styles)
        windows = np.array([appearance.intensity_window for appearance in group])
        measures = np.column_stack(
            [statistics.scores(styles), windows[:, 0], np.log(windows[:, 1] - windows[:, 0])]
        )
        normal = GroupNormal.of(measures, [vendor] * len(group))
        for number in range(APPEARANCES):
            *scores, low, log_range = normal.draw(vendor, rng)
            (style,) = statistics.draw(np.array(scores), rng)
            window = float(low), float(low + np.exp(log_range))
            drawn[f"{vendor or 'drawn'}-{number + 1:03d}"] = Appearance(style, window, vendor)
    return AppearanceBank(drawn)


def draw_anatomy_bank(patients: AnatomyPrior, models: Decoder, rng: np.random.Generator) -> AnatomyPrior:
    """`HEARTS` hearts of each pathology of `LEAST_PATIENTS` patients or more, without those not plausible.

    Shape, size and place are drawn together, then codes move to the volumes that were drawn with them, in
    the directions in which volumes of drawn hearts change. Volumes in the bank are those that are decoded.

    Raises:
        CmrtfError: there are too few patients, or too few of the hearts are plausible.
    """
    groups = _large_groups("pathology", patients.pathologies.tolist())
    members = np.concatenate(list(groups.values()))
    statistics = CodeStatistics.of(patients.codes[members])
    measures = np.column_stack(
        [
            statistics.scores(patients.codes[members]),
            patients.ends_mm[members].reshape(len(members), -1),
            patients.poses[members],
            log_volumes(patients.volumes_ml[members]),
        ]
    )
    normal = GroupNormal.of(measures, [name for name, numbers in groups.items() for _ in numbers])
    spacing_mm = _common_spacing(patients.slice_spacing_mm[members])
    pathologies = np.repeat(list(groups), HEARTS)
    drawn = np.stack([normal.draw(pathology, rng) for pathology in pathologies.tolist()])
    scores, ends_mm, poses, wanted = np.split(drawn, np.cumsum([NUM_MODES, 4, 3]), axis=1)
    hearts = AnatomyPrior(
        np.stack([statistics.draw(score, rng) for score in scores]),
        ends_mm.reshape(-1, 2, 2).astype(np.float32),
        poses.astype(np.float32),
        np.zeros(wanted.shape),
        np.full(len(drawn), spacing_mm),
        pathologies,
        patients.usual_landmarks,
    )
    decoded = _decoded(hearts, models)
    for _ in range(MATCHING_ROUNDS):
        hearts = _measured(hearts, decoded)
        steps = (wanted - log_volumes(hearts.volumes_ml)) @ volume_directions(hearts)
        moved = hearts.codes + steps.reshape(hearts.codes.shape).astype(np.float32)
        hearts = replace(hearts, codes=moved)
        decoded = _decoded(hearts, models)
    hearts = _measured(hearts, decoded)
    are_hearts = [all(is_one_heart(labels, spacing_mm) for labels in stacks.values()) for stacks in decoded]
    kept = _only(eject(hearts.volumes_ml) & np.array(are_hearts), hearts)
    if len(kept.codes) < 2:
        raise CmrtfError(
            f"expected plausible hearts among {len(drawn)} that were drawn. Received: {len(kept.codes)}. "
            "Train the label VAE for longer, or export it with --patient-codes."
        )
    return kept


def _decoded(hearts: AnatomyPrior, models: Decoder) -> list[dict[str, NDArray[np.uint8]]]:
    """The labels of each by phase, upright, which is faster."""
    upright = np.zeros(3, np.float32)
    return [
        Anatomy(codes, ends_mm, upright).decode(models, spacing_mm)
        for codes, ends_mm, spacing_mm in zip(
            hearts.codes, hearts.ends_mm, hearts.slice_spacing_mm, strict=True
        )
    ]


def _measured(hearts: AnatomyPrior, decoded: Sequence[dict[str, NDArray[np.uint8]]]) -> AnatomyPrior:
    """With the volumes that they have when decoded."""
    pairs = zip(decoded, hearts.slice_spacing_mm, strict=True)
    return replace(hearts, volumes_ml=np.stack([measure_volumes_ml(*pair) for pair in pairs]))


def _only(kept: NDArray[np.bool_], hearts: AnatomyPrior) -> AnatomyPrior:
    names = {field.name for field in fields(hearts)} - {"usual_landmarks"}
    return replace(hearts, **{name: getattr(hearts, name)[kept] for name in names})


def _large_groups(kind: str, names: Sequence[str]) -> dict[str, NDArray[np.intp]]:
    """Numbers of the patients of each group that is large enough; the others are named and left out.

    Where none is, all patients are one group without a name.
    """
    numbers = {str(name): np.flatnonzero(np.array(names) == name) for name in np.unique(names)}
    large = {name: of_name for name, of_name in numbers.items() if len(of_name) >= LEAST_PATIENTS}
    counts = {name or "unknown": len(numbers[name]) for name in sorted(numbers.keys() - large.keys())}
    shown = ", ".join(f"{name} {count}" for name, count in counts.items())
    if len(names) < LEAST_PATIENTS:
        raise CmrtfError(
            f"expected {LEAST_PATIENTS} training subjects or more, so that a bundle says nothing of a single "
            f"one. Received, by {kind}: {shown}. A bundle with the codes of every training subject "
            "(--patient-codes) can be made of any number; it discloses who they are."
        )
    if not large:
        logger.warning(
            "No %s has %d training subjects, so none is told apart: %s.", kind, LEAST_PATIENTS, shown
        )
        return {"": np.arange(len(names))}
    if counts:
        logger.warning(
            "Left out, each %s of fewer than %d training subjects: %s.", kind, LEAST_PATIENTS, shown
        )
    return large


def _common_spacing(slice_spacing_mm: NDArray[np.float64]) -> float:
    """The most frequent slice spacing, to a tenth of a millimetre."""
    values, counts = np.unique(np.round(slice_spacing_mm, 1), return_counts=True)
    return float(values[counts.argmax()])
