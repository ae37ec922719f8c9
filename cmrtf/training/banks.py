"""The banks of a bundle: anatomies and styles of the training subjects, as codes."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.record import TRAIN
from cmrtf.core.labels import PHASES
from cmrtf.core.measures import measure_volumes_ml
from cmrtf.core.subject import Subject
from cmrtf.models.spade_gan import SPADEGAN
from cmrtf.models.standardised_vae import StandardisedVAE
from cmrtf.shape.pose import landmarks, mean_landmarks, pose_between
from cmrtf.shape.signed_distance import fill_gaps
from cmrtf.synthesis.anatomy import Anatomy
from cmrtf.synthesis.anatomy_prior import AnatomyPrior
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.appearance_bank import AppearanceBank


def write_anatomy_bank(model: StandardisedVAE, cohort: PreparedCohort, path: Path) -> None:
    """Encode the anatomies of the training subjects, from which new ones are sampled.

    All are brought into their mean pose first. Left out are subjects without both phases, with fewer than two
    labelled slices in one of them, with structures that are unknown, or without a slice that shows both
    ventricles, which have no pose. Where fewer than two are left, nothing is written: no anatomy can be
    sampled then.

    Args:
        model: trained.
        cohort: what it was trained on.
        path: the npz file; it names no subject.
    """
    encode = tf.function(
        lambda label_ids: model.encode(label_ids).mean, reduce_retracing=True, autograph=False
    )
    places = {}
    for code in cohort.codes(TRAIN):
        subject = cohort[code]
        if _has_both_stacks(subject) and (place := landmarks(subject.ed.label_ids)) is not None:
            places[code] = place
    if len(places) < 2:
        return
    mean_place = mean_landmarks(list(places.values()))
    anatomies, volumes_ml, spacings_mm, pathologies = [], [], [], []
    for code, place in places.items():  # read a second time rather than held: a cohort may be large
        subject = cohort[code]
        label_ids = {phase: fill_gaps(stack.label_ids) for phase, stack in subject.stacks.items()}
        spacing_mm, pose = subject.ed.slice_spacing_mm, pose_between(mean_place, place)
        anatomies.append(Anatomy.encode(lambda ids: encode(ids).numpy(), label_ids, spacing_mm, pose))
        volumes_ml.append(measure_volumes_ml(label_ids, spacing_mm))
        spacings_mm.append(spacing_mm)
        pathologies.append(subject.pathology)
    AnatomyPrior.of(
        anatomies, np.stack(volumes_ml), np.array(spacings_mm), np.array(pathologies), mean_place
    ).save(path)


def _has_both_stacks(subject: Subject) -> bool:
    """Whether ED and ES are labelled, every structure of them, in two slices or more."""
    return all(
        phase in subject.stacks
        and subject.stacks[phase].unknown is None
        and np.count_nonzero(subject.stacks[phase].has_heart) >= 2
        for phase in PHASES
    )


def write_style_bank(model: SPADEGAN, cohort: PreparedCohort, path: Path) -> None:
    """Encode the styles of the training subjects, along the heart, each as the mean over its phases.

    Subjects held out for validation stay out.

    Args:
        model: trained.
        cohort: what it was trained on.
        path: the JSON file, see `AppearanceBank.save`.
    """
    encode = tf.function(lambda image: model.encode_style(image).mean, reduce_retracing=True, autograph=False)
    appearances = {
        code: Appearance.of_subject(lambda image: encode(image[..., None]).numpy(), cohort[code])
        for code in cohort.codes(TRAIN)
    }
    AppearanceBank(appearances).save(path)
