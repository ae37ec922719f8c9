"""Training of the judge: a segmenter that has seen real training subjects only."""

from cmrtf.data.cohort import PreparedCohort
from cmrtf.data.pipeline import Slices
from cmrtf.training.train_segmenter import SegmenterConfig, TrainedSegmenter, train_segmenter

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
