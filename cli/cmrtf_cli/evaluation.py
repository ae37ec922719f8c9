"""What `cmrtf evaluate` does."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.files import new_folder, require_new_folder
from cmrtf.errors import CmrtfError

if TYPE_CHECKING:
    from cmrtf.bundle.bundle import Bundle
    from cmrtf.evaluation.section import Section
    from cmrtf.evaluation.subjects import RealSubject, Subject
    from cmrtf.training.segmenter_store import SegmenterStore
    from cmrtf.training.train_segmenter import TrainedSegmenter

AMOUNTS = (5, 10, 20)
"""Real subjects that segmenters are trained on, besides all of them."""


def evaluate(
    model: Path,
    data: Path,
    out: Path,
    segmenters: Path,
    num_walks: int,
    use: bool,
    trainings: int,
    training_steps: int | None,
    seed: int,
) -> None:
    """Evaluate a bundle and write the report.

    Args:
        model: folder of the bundle.
        data: folder of the prepared cohort.
        out: folder of the report.
        segmenters: folder of trained segmenters, the judge among them.
        num_walks: how many synthetic subjects to make.
        use: whether to train segmenters with and without synthetic subjects.
        trainings: of each of those.
        training_steps: of all segmenters; None means the usual number.
        seed: of everything drawn.
    """
    from cmrtf.bundle.bundle import Bundle
    from cmrtf.evaluation.report import write_evaluation
    from cmrtf.evaluation.subjects import Slices, real_subjects
    from cmrtf.training.segmenter_store import SegmenterStore
    from cmrtf.training.train_segmenter import SEGMENTER_STEPS

    require_new_folder(out)
    cohort = PreparedCohort.open(data)
    if min(len(cohort.subjects("train")), len(cohort.subjects("validation"))) < 2:
        raise CmrtfError(
            f"{data}: expected two subjects or more to train on and to validate. "
            f"Received: {len(cohort.subjects('train'))} and {len(cohort.subjects('validation'))}."
        )
    bundle = Bundle.open(model)
    _require_its_cohort(bundle, cohort)
    sources, new = (real_subjects(cohort, split) for split in ("train", "validation"))
    store = SegmenterStore(segmenters, training_steps or SEGMENTER_STEPS)
    training = Slices.of([subject for _, subject in sources])
    judge = store.trained(training.image, training.label_ids, seed, "judge")
    sections = _sections(bundle, judge, sources, new, num_walks, seed)
    if use:
        click.echo("use ...")
        sections.append(_use(bundle, store, sources, new, num_walks, range(seed, seed + trainings)))
    facts = {
        "bundle_sha256": bundle.sha256,
        "data_hash": cohort.data_hash,
        "training_subjects": len(sources),
        "held_out_subjects": len(new),
        "synthetic_subjects": num_walks,
        "segmenter_steps": store.steps,
        "trainings": trainings if use else None,
        "seed": seed,
    }
    with new_folder(out) as folder:
        write_evaluation(folder, sections, facts)


def _sections(
    bundle: "Bundle",
    judge: "TrainedSegmenter",
    sources: "Sequence[RealSubject]",
    new: "Sequence[RealSubject]",
    num_walks: int,
    seed: int,
) -> "list[Section]":
    """All sections that need no training but the judge's."""
    from cmrtf.evaluation.sections.clinical import clinical_section
    from cmrtf.evaluation.sections.label_fidelity import faithfulness_section
    from cmrtf.evaluation.sections.plausibility import validity_section
    from cmrtf.evaluation.sections.privacy import disclosure_section
    from cmrtf.evaluation.sections.realism import realism_section
    from cmrtf.evaluation.sections.reconstruction import reconstruction_section
    from cmrtf.evaluation.subjects import restyle, walked_subjects

    training, held_out = ([subject for _, subject in group] for group in (sources, new))
    as_decoded, walks = walked_subjects(bundle, sources, num_walks, seed, progress=True)
    bank = bundle.appearance_bank()
    known = [bank.subjects[subject.name] for subject in training]
    painted = {"walks": walks, "walks in drawn styles": restyle(bundle, walks, known, seed)}
    generated = _generated(bundle, num_walks, seed)
    if generated:
        painted["new subjects"] = generated
    _, new_walks = walked_subjects(bundle, new, len(held_out), seed, progress=True)
    labels = {
        "real": [*training, *held_out],
        "synthetic, as decoded": as_decoded,
        "synthetic, repaired": walks,
        **({"new subjects": generated} if generated else {}),
    }
    parts: dict[str, Callable[[], Section]] = {
        "label VAE": lambda: reconstruction_section(bundle, held_out),
        "valid labels": lambda: validity_section(labels),
        "images": lambda: realism_section(judge, training, held_out, painted, seed),
        "faithfulness": lambda: faithfulness_section(bundle, judge, held_out, new_walks, seed),
        "clinical measures": lambda: clinical_section(bundle, training, walks, new, num_walks, seed),
        "privacy": lambda: disclosure_section(judge, training, held_out, painted),
    }
    sections = []
    for name, make in parts.items():
        click.echo(f"{name} ...")
        sections.append(make())
    return sections


def _generated(bundle: "Bundle", count: int, seed: int) -> "list[Subject]":
    """New subjects; none where too few hearts are known to draw from."""
    from cmrtf.evaluation.subjects import generated_subjects
    from cmrtf.synthesis.appearance import SAMPLE, find_style

    try:
        style = find_style(bundle, bundle.appearance_bank(), SAMPLE)
        return generated_subjects(bundle, bundle.anatomy_prior(), style, count, seed, progress=True)
    except CmrtfError as error:
        click.echo(f"No new subjects: {error}")
        return []


def _use(
    bundle: "Bundle",
    store: "SegmenterStore",
    sources: "Sequence[RealSubject]",
    new: "Sequence[RealSubject]",
    num_walks: int,
    seeds: range,
) -> "Section":
    from cmrtf.evaluation.sections.downstream_utility import usefulness_section
    from cmrtf.evaluation.subjects import Subject, restyle, walked_subjects

    def synthesize(real: Sequence[Subject]) -> list[Subject]:
        """Walks between these subjects in appearances drawn from theirs, which are more varied."""
        some = [of_name[subject.name] for subject in real]
        _, walks = walked_subjects(bundle, some, num_walks, seeds[0])
        return restyle(bundle, walks, [bank.subjects[subject.name] for subject in real], seeds[0])

    bank = bundle.appearance_bank()
    of_name = {subject.name: (record, subject) for record, subject in sources}
    # In an order without meaning: the first five are any five.
    order = np.random.default_rng(seeds[0]).permutation(len(sources))
    return usefulness_section(
        store.trained,
        [sources[i][1] for i in order],
        synthesize,
        [subject for _, subject in new],
        [*(amount for amount in AMOUNTS if amount < len(sources)), len(sources)],
        seeds,
    )


def _require_its_cohort(bundle: "Bundle", cohort: PreparedCohort) -> None:
    """Held-out subjects must have been held out."""
    for name in ("label_vae", "spade_gan"):
        trained_on = bundle.description[name]["data_hash"]
        if trained_on != cohort.data_hash:
            raise CmrtfError(
                f"{cohort.path}: expected the cohort that the bundle's {name} was trained on, data hash "
                f"{trained_on}. Received: {cohort.data_hash}, so what was held out then may not be here."
            )
