"""Whether images show the labels they were made from, as a network trained on real images sees it."""

from collections.abc import Mapping, Sequence

import numpy as np

from cmrtf.cohort.record import PreparedVolume
from cmrtf.evaluation.section import Section, Table
from cmrtf.evaluation.segmenter import Judge, dice_per_subject, segment_subjects
from cmrtf.evaluation.subjects import Subject
from cmrtf.metrics.bootstrap import mean_estimate, paired_difference
from cmrtf.synthesis.protocols import Models

REAL = "real"
OWN_STYLE = "from their labels, in their own style"
WALKS = "walks between them"
OTHER_STYLE = "from their labels, in the style of another"


def faithfulness_section(
    models: Models, judge: Judge, held_out: Sequence[Subject], walks: Sequence[Subject], seed: int
) -> Section:
    """Let the judge segment real held-out images, and images made from the same labels.

    Args:
        models: a bundle.
        judge: trained on real training subjects.
        held_out: subjects that neither the models nor the judge were trained on.
        walks: synthetic subjects made from held-out ones.
        seed: says whose style is whose.
    """
    order = np.random.default_rng(seed).permutation(len(held_out))
    donors = {held_out[i].name: held_out[j] for i, j in zip(order, np.roll(order, 1), strict=True)}
    groups: Mapping[str, Sequence[Subject]] = {
        REAL: held_out,
        OWN_STYLE: [_repainted(models, subject, subject) for subject in held_out],
        OTHER_STYLE: [_repainted(models, subject, donors[subject.name]) for subject in held_out],
        WALKS: walks,
    }
    found_of = {
        name: dice_per_subject(subjects, segment_subjects(judge, subjects))
        for name, subjects in groups.items()
    }
    rows = {name: {key: mean_estimate(of) for key, of in found.items()} for name, found in found_of.items()}
    against_real = {
        name: {key: paired_difference(found_of[name][key], found_of[REAL][key]) for key in found_of[REAL]}
        for name in (OWN_STYLE, OTHER_STYLE)
    }
    return Section(
        "faithfulness",
        "Faithful to the labels",
        "Does an image show what its labels say?",
        [
            Table(
                "The judge's Dice",
                "",
                rows,
                "Of each stack, averaged per subject. Should be close to that on real images, from either "
                "side: images that are much easier than real ones are too clean to teach anything.",
            ),
            Table("Difference to its Dice on the real images", "", against_real, "Paired by patient."),
        ],
    )


def _repainted(models: Models, subject: Subject, donor: Subject) -> Subject:
    """The labels of one subject in the mean style of another's stack, or slice by slice in its own."""
    volumes = {}
    for phase, volume in subject.stacks():
        if donor is subject:
            styles = models.encode_style(volume.image)
        else:
            of_donor = models.encode_style(donor.volumes.get(phase, next(iter(donor.volumes.values()))).image)
            styles = np.repeat(of_donor.mean(axis=0, keepdims=True), len(volume.image), axis=0)
        volumes[phase] = PreparedVolume(models.synthesize(volume.label_ids, styles), volume.label_ids)
    return Subject(subject.name, volumes, subject.affines)
