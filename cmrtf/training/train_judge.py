"""Training of the judge: a segmenter that has seen real training subjects only."""

import json
from pathlib import Path
from typing import Any

from cmrtf.data.cohort import PreparedCohort
from cmrtf.data.pipeline import Slices
from cmrtf.errors import CmrtfError
from cmrtf.training.train_segmenter import SegmenterConfig, TrainedSegmenter, train_segmenter

JUDGE_FILE = "judge.json"
JUDGE_STEPS = 1800
"""About six minutes on two cores."""


def train_judge(
    cohort: PreparedCohort,
    steps: int = JUDGE_STEPS,
    seed: int = 0,
    progress: bool = True,
    config: SegmenterConfig | None = None,
) -> TrainedSegmenter:
    """Train on all slices of both phases of the "train" subjects; validation subjects stay unseen.

    Args:
        cohort: of real subjects.
        steps: length of the training.
        seed: of weights, batches and augmentation.
        progress: whether to show a bar with the time left.
        config: model and schedule, where they are not to be the usual ones.

    Raises:
        CmrtfError: there are no training subjects, or the batch cannot be shared out to the devices.
    """
    training = Slices.of_split(cohort, "train")
    return train_segmenter(training.image, training.label_ids, steps, seed, progress, "judge", config)


def save_judge(judge: TrainedSegmenter, folder: Path, cohort: PreparedCohort, steps: int, seed: int) -> None:
    """Write a judge into a new folder, and what it was trained on."""
    judge.save(folder)
    facts = {"data_hash": cohort.data_hash, "steps": steps, "seed": seed}
    (folder / JUDGE_FILE).write_text(json.dumps(facts, indent=2) + "\n")


def load_judge(folder: Path, cohort: PreparedCohort) -> tuple[TrainedSegmenter, dict[str, Any]]:
    """Read a judge that was trained on this cohort, with its steps and seed.

    Raises:
        CmrtfError: the folder holds no judge, or one of another cohort, who may know held-out subjects.
    """
    try:
        facts = json.loads((folder / JUDGE_FILE).read_text())
        trained_on = facts["data_hash"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CmrtfError(
            f"{folder}: expected the judge of an earlier evaluation, with a {JUDGE_FILE}. Received: {error}."
        ) from error
    if trained_on != cohort.data_hash:
        raise CmrtfError(
            f"{folder}: expected a judge trained on {cohort.path}, data hash {cohort.data_hash}. "
            f"Received: one of data hash {trained_on}, who may know the held-out subjects."
        )
    return TrainedSegmenter.load(folder), facts
