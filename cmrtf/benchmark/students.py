"""Segmenters of the benchmark, as every arm trains them."""

from collections.abc import Sequence
from pathlib import Path

from cmrtf.benchmark.arms import REAL, STRONG, USUAL, WARPED, Arm
from cmrtf.benchmark.sources import Sources
from cmrtf.core.subject import Subject
from cmrtf.evaluation.subjects import SubjectSlices
from cmrtf.training import segmenters
from cmrtf.training.train_segmenter import TrainedSegmenter, train_segmenter

CONFIGS = {USUAL: segmenters.USUAL, WARPED: segmenters.WARPED, STRONG: segmenters.STRONG}
"""By augmentation."""


def train_student(
    folder: Path,
    arm: Arm,
    sources: Sources,
    steps: int,
    seed: int,
    progress: bool,
) -> TrainedSegmenter:
    """Train the student of an arm, and keep it.

    Args:
        folder: a new one, for its weights.
        arm: how it is trained.
        sources: of subjects.
        steps: of the training, in all.
        seed: of weights, batches and augmentation.
        progress: whether to show a bar.

    Raises:
        CmrtfError: the folder is taken or cannot be written.
    """
    stages = (
        [(arm.first, steps // 2), (arm.sources, steps - steps // 2)] if arm.first else [(arm.sources, steps)]
    )
    student = None
    for names, length in stages:
        slices = SubjectSlices.of(training_subjects(names, sources))
        student = train_segmenter(
            slices.image,
            slices.label_ids,
            length,
            seed,
            progress=progress,
            name=arm.title,
            config=CONFIGS[arm.augmentation],
            unknown=slices.unknown,
            start=student,
        )
    assert student, "there is a stage"
    student.save(folder)
    return student


def training_subjects(names: Sequence[str], sources: Sources) -> list[Subject]:
    """Subjects of several sources; few real ones are repeated to be as many as the synthetic ones.

    Args:
        names: of the sources that are wanted.
        sources: all of them.
    """
    synthetic = [subject for name in names if name != REAL for subject in sources[name]]
    real = sources[REAL] if REAL in names else []
    repetitions = max(1, round(len(synthetic) / len(real))) if real else 0
    return [*real * repetitions, *synthetic]
