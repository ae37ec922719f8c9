"""Whether synthetic data help: segmenters trained with and without them, tested on new patients."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from cmrtf.evaluation.confidence import Estimate, mean_estimate, paired_difference
from cmrtf.evaluation.dice import dice
from cmrtf.evaluation.judge import Judge
from cmrtf.evaluation.section import Section, Table
from cmrtf.evaluation.subjects import Slices, Subject
from cmrtf.evaluation.surface_distance import surface_distances

Train = Callable[[NDArray[np.float32], NDArray[np.uint8]], Judge]
"""Images and label ids to a network trained on them, always for as many steps."""

MEAN = "mean"


def usefulness_section(
    train: Train,
    training: Sequence[Subject],
    synthesize: Callable[[Sequence[Subject]], Sequence[Subject]],
    held_out: Sequence[Subject],
    amounts: Sequence[int],
    progress: bool = False,
) -> Section:
    """Train segmenters on real, synthetic, and real and synthetic subjects together.

    Args:
        train: trains one.
        training: real subjects; the first `n` of them where only `n` are used.
        synthesize: makes subjects out of real ones. The models behind it have seen all training subjects.
        held_out: whom to test on.
        amounts: how many real subjects to use, in rising order.
        progress: whether to show a bar.
    """
    overlap: dict[str, dict[str, Estimate]] = {}
    distance: dict[str, dict[str, Estimate]] = {}
    gain: dict[str, dict[str, Estimate]] = {}
    sets: list[tuple[str, Sequence[Subject]]] = []
    for amount in amounts:
        real = training[:amount]
        made = synthesize(real)
        sets += [(f"{amount} real", real), (f"{amount} real + synthetic", [*real, *made])]
    sets.append((f"synthetic only, from {amounts[-1]}", made))
    values = {}
    for name, subjects in tqdm(sets, "segmenters", disable=not progress):
        slices = Slices.of(subjects)
        values[name], surfaces = _test(train(slices.image, slices.label_ids), held_out)
        overlap[name] = {key: mean_estimate(of) for key, of in values[name].items()}
        distance[name] = {key: mean_estimate(of) for key, of in surfaces.items()}
    for amount in amounts:
        both, alone = values[f"{amount} real + synthetic"], values[f"{amount} real"]
        gain[f"{amount} real"] = {key: paired_difference(both[key], alone[key]) for key in both}
    return Section(
        "use",
        "Use",
        "Do synthetic data help to segment new patients?",
        [
            Table("Dice on held-out patients", "", overlap, "Of each stack, averaged per subject."),
            Table(
                "Gain in Dice from synthetic subjects",
                "",
                gain,
                "Real and synthetic minus real only, paired by patient. One training each, as many steps "
                "each: the interval is of patients, not of trainings. The generator has seen all training "
                "subjects, also where the segmenter gets a few.",
            ),
            Table(
                "HD95 on held-out patients",
                "mm",
                distance,
                "Lower is better. A structure that was missed altogether has no HD95 and does not count: "
                "see Dice.",
            ),
        ],
    )


def _test(
    segmenter: Judge, held_out: Sequence[Subject]
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Dice and HD95 per structure, a value per subject."""
    overlap: dict[str, list[float]] = defaultdict(list)
    distance: dict[str, list[float]] = defaultdict(list)
    for subject in held_out:
        dices, surfaces = [], []
        for phase, volume in subject.stacks():
            made = segmenter.segment(volume.image)
            dices.append(dice(volume.label_ids, made))
            surfaces.append(surface_distances(volume.label_ids, made, subject.spacing_mm(phase)))
        for structure in dices[0]:
            overlap[structure].append(float(np.nanmean([found[structure] for found in dices])))
            hd95 = np.array([found[structure].hd95_mm for found in surfaces])
            distance[structure].append(
                float(hd95[~np.isnan(hd95)].mean()) if not np.isnan(hd95).all() else np.nan
            )
        overlap[MEAN].append(float(np.mean([overlap[structure][-1] for structure in dices[0]])))
    return overlap, distance
