"""What `cmrtf evaluate` does."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from cmrtf.data.cohort import PreparedCohort
from cmrtf.errors import CmrtfError
from cmrtf.folders import new_folder, require_new_folder

if TYPE_CHECKING:
    from cmrtf.evaluation.section import Section
    from cmrtf.training.train_segmenter import TrainedSegmenter
    from cmrtf_export.bundle import Bundle

AMOUNTS = (5, 10, 20)
"""Real subjects that segmenters are trained on, besides all of them."""


def evaluate(
    model: Path,
    data: Path,
    out: Path,
    judge_folder: Path | None,
    num_walks: int,
    use: bool,
    training_steps: int | None,
    seed: int,
) -> None:
    """Evaluate a bundle and write the report.

    Args:
        model: folder of the bundle.
        data: folder of the prepared cohort.
        out: folder of the report.
        judge_folder: a judge trained before.
        num_walks: how many synthetic subjects to make.
        use: whether to train segmenters too.
        training_steps: of the judge and of segmenters; None means the usual number.
        seed: of everything drawn.
    """
    from cmrtf.evaluation.evaluation_report import write_evaluation
    from cmrtf.training.train_judge import JUDGE_STEPS, load_judge, save_judge, train_judge
    from cmrtf_export.bundle import Bundle

    require_new_folder(out)
    cohort = PreparedCohort.open(data)
    if min(len(cohort.subjects("train")), len(cohort.subjects("validation"))) < 2:
        raise CmrtfError(
            f"{data}: expected two subjects or more to train on and to validate. "
            f"Received: {len(cohort.subjects('train'))} and {len(cohort.subjects('validation'))}."
        )
    bundle = Bundle.open(model)
    _require_its_cohort(bundle, cohort)
    steps = training_steps or JUDGE_STEPS
    with new_folder(out) as folder:
        if judge_folder is None:
            save_judge(train_judge(cohort, steps, seed), folder / "judge", cohort, steps, seed)
        judge, judge_facts = load_judge(judge_folder or folder / "judge", cohort)
        sections = _sections(bundle, cohort, judge, num_walks, steps if use else None, seed)
        facts = {
            "bundle_sha256": bundle.sha256,
            "data_hash": cohort.data_hash,
            "training_subjects": len(cohort.subjects("train")),
            "held_out_subjects": len(cohort.subjects("validation")),
            "synthetic_subjects": num_walks,
            "judge_steps": judge_facts["steps"],
            "judge_seed": judge_facts["seed"],
            "segmenter_steps": steps if use else None,
            "seed": seed,
        }
        write_evaluation(folder, sections, facts)


def _sections(
    bundle: "Bundle",
    cohort: PreparedCohort,
    judge: "TrainedSegmenter",
    num_walks: int,
    use_steps: int | None,
    seed: int,
) -> "list[Section]":
    from cmrtf.evaluation.clinical import clinical_section
    from cmrtf.evaluation.disclosure import disclosure_section
    from cmrtf.evaluation.faithfulness import faithfulness_section
    from cmrtf.evaluation.realism import realism_section
    from cmrtf.evaluation.reconstruction import reconstruction_section
    from cmrtf.evaluation.subjects import real_subjects, walked_subjects
    from cmrtf.evaluation.validity import validity_section

    sources, new = (real_subjects(cohort, split) for split in ("train", "validation"))
    training, held_out = ([subject for _, subject in group] for group in (sources, new))
    as_decoded, walks = walked_subjects(bundle, sources, num_walks, seed, progress=True)
    _, new_walks = walked_subjects(bundle, new, len(held_out), seed, progress=True)
    labels = {
        "real": [*training, *held_out],
        "synthetic, as decoded": as_decoded,
        "synthetic, repaired": walks,
    }
    parts: list[tuple[str, Callable[[], Section]]] = [
        ("label VAE", lambda: reconstruction_section(bundle, held_out)),
        ("valid labels", lambda: validity_section(labels)),
        ("images", lambda: realism_section(judge, training, held_out, walks, seed)),
        ("faithfulness", lambda: faithfulness_section(bundle, judge, held_out, new_walks, seed)),
        ("clinical measures", lambda: clinical_section(bundle, training, walks, new, num_walks, seed)),
        ("privacy", lambda: disclosure_section(judge, training, held_out, walks)),
    ]
    if use_steps is not None:
        parts.append(("use", lambda: _use(bundle, sources, held_out, num_walks, use_steps, seed)))
    sections = []
    for name, make in parts:
        click.echo(f"{name} ...")
        sections.append(make())
    return sections


def _use(
    bundle: "Bundle",
    sources: Sequence[Any],
    held_out: Sequence[Any],
    num_walks: int,
    steps: int,
    seed: int,
) -> "Section":
    from cmrtf.evaluation.subjects import walked_subjects
    from cmrtf.evaluation.usefulness import usefulness_section
    from cmrtf.training.train_segmenter import train_segmenter

    of_name = {subject.name: (record, subject) for record, subject in sources}
    # In an order without meaning: the first five are any five.
    order = np.random.default_rng(seed).permutation(len(sources))
    amounts = [*(amount for amount in AMOUNTS if amount < len(sources)), len(sources)]
    return usefulness_section(
        lambda images, label_ids: train_segmenter(images, label_ids, steps, seed, progress=False),
        [sources[i][1] for i in order],
        lambda real: walked_subjects(bundle, [of_name[s.name] for s in real], num_walks, seed)[1],
        held_out,
        amounts,
        progress=True,
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
