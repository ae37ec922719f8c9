"""Does a generator tell who was in its training? `python generator_membership.py BUNDLE PREPARED COHORT`.

An attacker has a patient's image and labels, and the bundle. He encodes the image's style and has the image
painted again: those who were in the training come back closer. Beside it, the same in the average style of
COHORT, which needs no encoder. PREPARED is what the bundle was trained on; patients of COHORT who are not in
its training are strangers. Not cross-fitted: some hearts are easier than others, so intervals say more than
means.
"""

from pathlib import Path

import click
import numpy as np
from scipy.ndimage import binary_dilation

import cmrtf
from cmrtf.cohort.record import TRAIN
from cmrtf.core.subject import Subject
from cmrtf.metrics.privacy import auc
from cmrtf.synthesis.appearance import Appearance, average
from cmrtf.synthesis.protocols import Models

NEAR_PX = 6


def differences(models: Models, subject: Subject, appearance: Appearance) -> tuple[float, float]:
    """Mean absolute difference to the image painted in an appearance: everywhere, and near the heart."""
    painted = appearance.synthesize_stacks(models, subject.stacks)
    everywhere, near = [], []
    for phase, stack in subject.stacks.items():
        difference = np.abs(painted[phase].image - stack.image.astype(np.float32))
        around = binary_dilation(stack.label_ids > 0, np.ones((1, 3, 3)), NEAR_PX)
        everywhere.append(difference.mean())
        near.append(difference[around].mean())
    return float(np.mean(everywhere)), float(np.mean(near))


@click.command()
@click.argument("bundle", type=click.Path(exists=True, path_type=Path))
@click.argument("prepared", type=click.Path(exists=True, path_type=Path))
@click.argument("cohort", type=click.Path(exists=True, path_type=Path))
def main(bundle: Path, prepared: Path, cohort: Path) -> None:
    """Print how well members are told from strangers."""
    models = cmrtf.load_bundle(bundle).models
    patients = cmrtf.open_cohort(cohort)
    subjects = [patients[code] for code in patients]
    own = [Appearance.of_subject(models.encode_style, subject) for subject in subjects]
    members = np.isin([subject.name for subject in subjects], cmrtf.open_cohort(prepared).codes(TRAIN))
    for style, appearances in (("own", own), ("average", [average(own)] * len(own))):
        pairs = zip(subjects, appearances, strict=True)
        values = np.array([differences(models, subject, appearance) for subject, appearance in pairs])
        for where, column in zip(("everywhere", "near the heart"), values.T, strict=True):
            told = auc(column[members], column[~members])
            click.echo(
                f"{style} style, {where}: members {column[members].mean():.4f} (n {members.sum()}), "
                f"strangers {column[~members].mean():.4f} (n {(~members).sum()}), AUC {told.mean:.2f} "
                f"[{told.low:.2f}, {told.high:.2f}]"
            )


if __name__ == "__main__":
    main()
