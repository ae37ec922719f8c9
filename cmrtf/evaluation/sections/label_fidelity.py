"""Whether images show the labels they were made from, as a network trained on real images sees it."""

from collections.abc import Mapping, Sequence

import numpy as np

from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.evaluation.section import Headline, Section, Table
from cmrtf.evaluation.segmenter import ReferenceSegmenter, dice_per_subject, segment_subjects
from cmrtf.metrics.bootstrap import mean_estimate, paired_difference
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.protocols import Models

REAL = "real"
OWN_STYLE = "from their labels, in their own style"
INTERPOLATED = "interpolated subjects"
OTHER_STYLE = "from their labels, in the style of another"


def label_fidelity_section(
    models: Models,
    segmenter: ReferenceSegmenter,
    held_out: Sequence[Subject],
    interpolated: Sequence[Subject],
    seed: int,
) -> Section:
    """Let the reference segmenter segment real held-out images, and images made from the same labels.

    Args:
        models: a bundle.
        segmenter: trained on real training subjects.
        held_out: subjects that neither the models nor the reference segmenter were trained on.
        interpolated: synthetic subjects made from held-out ones.
        seed: says whose style is whose.
    """
    order = np.random.default_rng(seed).permutation(len(held_out))
    donors = {held_out[i].name: held_out[j] for i, j in zip(order, np.roll(order, 1), strict=True)}
    groups: Mapping[str, Sequence[Subject]] = {
        REAL: held_out,
        OWN_STYLE: [_in_own_style(models, subject) for subject in held_out],
        OTHER_STYLE: [_in_style_of(models, subject, donors[subject.name]) for subject in held_out],
        INTERPOLATED: interpolated,
    }
    overlap = {
        name: dice_per_subject(subjects, segment_subjects(segmenter, subjects))
        for name, subjects in groups.items()
    }
    rows = {
        name: {structure: mean_estimate(values) for structure, values in by_structure.items()}
        for name, by_structure in overlap.items()
    }
    against_real = {
        name: {
            structure: paired_difference(overlap[name][structure], real)
            for structure, real in overlap[REAL].items()
        }
        for name in (OWN_STYLE, OTHER_STYLE)
    }
    return Section(
        "faithfulness",
        "Faithful to the labels",
        "Does an image show what its labels say?",
        [
            Table(
                "Dice of the reference segmenter",
                "",
                rows,
                "Of each stack, averaged per subject. Should be close to that on real images, from either "
                "side: images that are much easier than real ones are too clean to teach anything.",
            ),
            Table("Difference to its Dice on the real images", "", against_real, "Paired by patient."),
        ],
        Headline("Dice of the reference segmenter", OTHER_STYLE, REAL),
    )


def _in_own_style(models: Models, subject: Subject) -> Subject:
    """The labels of a subject with images in its own style, slice by slice."""
    return subject.with_stacks(
        {
            phase: stack.with_image(models.synthesize(stack.label_ids, models.encode_style(stack.image)))
            for phase, stack in subject.stacks.items()
        }
    )


def _in_style_of(models: Models, subject: Subject, donor: Subject) -> Subject:
    """The labels of a subject with images in the styles of another's stack, place by place."""
    stacks: dict[str, Stack] = {}
    for phase, stack in subject.stacks.items():
        look = donor.stacks.get(phase, next(iter(donor.stacks.values())))
        appearance = Appearance.of(
            {phase: models.encode_style(look.image)}, {phase: look.label_ids}, look.intensity_window
        )
        stacks |= appearance.synthesize_stacks(models, {phase: stack})
    return subject.with_stacks(stacks)
