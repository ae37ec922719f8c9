"""How good a bundle is, as tables that put every figure beside that of real data."""

import logging
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.cohort.record import SPLITS
from cmrtf.core.arguments import MAX_SEED, MAX_SUBJECTS, require_flags, require_whole
from cmrtf.core.files import real_path, require_new_folder, require_writable
from cmrtf.core.subject import Subject
from cmrtf.errors import CmrtfError
from cmrtf.evaluation.report import Evaluation
from cmrtf.evaluation.section import Section
from cmrtf.evaluation.sections.clinical import clinical_section
from cmrtf.evaluation.sections.label_fidelity import label_fidelity_section
from cmrtf.evaluation.sections.plausibility import plausibility_section
from cmrtf.evaluation.sections.privacy import privacy_section
from cmrtf.evaluation.sections.realism import realism_section
from cmrtf.evaluation.sections.reconstruction import reconstruction_section
from cmrtf.evaluation.segmenter import ReferenceSegmenter
from cmrtf.evaluation.subjects import SubjectSlices, generated_subjects, interpolated_subjects, restyle
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.appearance_bank import SAMPLE, find_style
from cmrtf.tensorflow_start import start_tensorflow
from cmrtf.training.config import MAX_STEPS

if TYPE_CHECKING:
    from cmrtf.bundle.bundle import Bundle
    from cmrtf.training.segmenter_store import SegmenterStore

logger = logging.getLogger(__name__)


def evaluate(
    bundle: "Bundle | Path | str",
    cohort: PreparedCohort | Path | str,
    out: Path | str | None = None,
    *,
    segmenters: Path | str | None = None,
    num_subjects: int = 40,
    training_steps: int | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Evaluation:
    """Evaluate a bundle: shapes, images, labels, clinical measures and privacy; not whether it helps.

    The reference segmenter is a segmentation network trained on the real training subjects. The validation
    subjects of the cohort are held out. Whether synthetic data help to segment is `cmrtf.benchmark`'s
    question.

    Args:
        bundle: an opened bundle on disk, or its folder.
        cohort: the cohort that the bundle was trained on, opened or its folder.
        out: a new folder for `evaluation.json` and `report.html`; None to write nothing.
        segmenters: folder of trained segmenters, read where they fit and written where they are new; None
            means `<out>-segmenters` beside `out`, and a folder that is deleted afterwards without `out`.
        num_subjects: how many synthetic subjects to make.
        training_steps: of the reference segmenter; None means the usual number.
        seed: of everything drawn.
        progress: whether to show progress bars.

    Returns:
        the evaluation, which a notebook shows as tables and plots.

    Raises:
        CmrtfError: a number is out of range, `out` is taken, the bundle is behind a server or was trained on
            another cohort, or the cohort has fewer than two subjects to train on or to validate.

    Example:
        `cmrtf.evaluate("bundle", "prepared", "evaluation")`
    """
    require_flags(progress=progress)
    require_whole("num_subjects", num_subjects, 4, MAX_SUBJECTS)
    require_whole("training_steps", 1 if training_steps is None else training_steps, 1, MAX_STEPS)
    require_whole("seed", seed, 0, MAX_SEED)
    if out is not None:
        require_new_folder(Path(out))
        segmenters = segmenters or real_path(out).with_name(f"{real_path(out).name}-segmenters")
    if segmenters:
        require_writable(Path(segmenters))
    cohort = PreparedCohort.open(cohort) if isinstance(cohort, str | Path) else cohort
    _require_two_of_each_split(cohort)
    bundle = _open_bundle(bundle) if isinstance(bundle, str | Path) else bundle
    _require_its_cohort(bundle, cohort)
    with ExitStack() as stack:
        stack.enter_context(cohort.held())
        folder = Path(segmenters or stack.enter_context(tempfile.TemporaryDirectory()))
        evaluation = _evaluate(_Job.of(bundle, cohort, folder, training_steps, num_subjects, seed, progress))
    if out is not None:
        evaluation.save(out)
    return evaluation


@dataclass(frozen=True)
class _Job:
    """What all sections are made of.

    Args:
        bundle: that is evaluated.
        data_hash: of the cohort.
        store: trains and keeps segmenters.
        training: real subjects that the bundle was trained on.
        held_out: real subjects that it was not trained on.
        num_subjects: how many synthetic subjects to make.
        seed: of everything drawn.
        progress: whether to show progress bars.
    """

    bundle: "Bundle"
    data_hash: str
    store: "SegmenterStore"
    training: list[Subject]
    held_out: list[Subject]
    num_subjects: int
    seed: int
    progress: bool

    @classmethod
    def of(
        cls,
        bundle: "Bundle",
        cohort: PreparedCohort,
        segmenters: Path,
        training_steps: int | None,
        num_subjects: int,
        seed: int,
        progress: bool,
    ) -> "_Job":
        """With the real subjects read from the cohort."""
        start_tensorflow()
        from cmrtf.training.segmenter_store import SegmenterStore
        from cmrtf.training.train_segmenter import SEGMENTER_STEPS

        store = SegmenterStore(segmenters, training_steps or SEGMENTER_STEPS, progress=progress)
        training, held_out = ([cohort[code] for code in cohort.codes(split)] for split in SPLITS)
        return cls(bundle, cohort.data_hash, store, training, held_out, num_subjects, seed, progress)


def _evaluate(job: _Job) -> Evaluation:
    slices = SubjectSlices.of(job.training)
    segmenter = job.store.trained(
        slices.image, slices.label_ids, job.seed, "reference segmenter", slices.unknown
    )
    sections = _sections(job, segmenter)
    facts = {
        "bundle_sha256": job.bundle.sha256,
        "data_hash": job.data_hash,
        "training_subjects": len(job.training),
        "held_out_subjects": len(job.held_out),
        "synthetic_subjects": job.num_subjects,
        "segmenter_steps": job.store.steps,
        "seed": job.seed,
    }
    return Evaluation(sections, facts)


def _sections(job: _Job, segmenter: ReferenceSegmenter) -> list[Section]:
    """All sections that need no training but the reference segmenter's."""
    models, training, held_out, seed = job.bundle.models, job.training, job.held_out, job.seed
    as_decoded, interpolated = interpolated_subjects(models, training, job.num_subjects, seed, job.progress)
    known = [Appearance.of_subject(models.encode_style, subject) for subject in training]
    generated = _generated(job)
    new = {"new subjects": generated} if generated else {}
    images = {
        "interpolated subjects": interpolated,
        "interpolated subjects in drawn styles": restyle(models, interpolated, known, seed),
        **new,
    }
    labels = {
        "real": [*training, *held_out],
        "synthetic, as decoded": as_decoded,
        "synthetic, repaired": interpolated,
        **new,
    }
    _, interpolated_held_out = interpolated_subjects(models, held_out, len(held_out), seed, job.progress)
    sections: dict[str, Callable[[], Section]] = {
        "label VAE": lambda: reconstruction_section(models, held_out),
        "valid labels": lambda: plausibility_section(labels),
        "images": lambda: realism_section(segmenter, training, held_out, images, seed),
        "label fidelity": lambda: label_fidelity_section(
            models, segmenter, held_out, interpolated_held_out, seed
        ),
        "clinical measures": lambda: clinical_section(
            models, training, interpolated, held_out, job.num_subjects, seed
        ),
        "privacy": lambda: privacy_section(segmenter, training, held_out, images),
    }
    return [_logged(name, section) for name, section in sections.items()]


def _logged(name: str, section: Callable[[], Section]) -> Section:
    logger.info("%s ...", name)
    return section()


def _generated(job: _Job) -> list[Subject]:
    """New subjects; none where there are too few training anatomies to draw from."""
    bundle = job.bundle
    try:
        style = find_style(bundle.models, bundle.appearance_bank, SAMPLE)
        prior = bundle.anatomy_prior
        return generated_subjects(bundle.models, prior, style, job.num_subjects, job.seed, job.progress)
    except CmrtfError as error:
        logger.info("No new subjects: %s", error)
        return []


def _open_bundle(folder: Path | str) -> "Bundle":
    from cmrtf.bundle.bundle import Bundle

    return Bundle.open(Path(folder))


def _require_two_of_each_split(cohort: PreparedCohort) -> None:
    sizes = [len(cohort.codes(split)) for split in SPLITS]
    if min(sizes) < 2:
        raise CmrtfError(
            f"{cohort.path}: expected two subjects or more to train on and to validate. "
            f"Received: {sizes[0]} and {sizes[1]}."
        )


def _require_its_cohort(bundle: "Bundle", cohort: PreparedCohort) -> None:
    """Held-out subjects must have been held out."""
    if bundle.path is None:
        raise CmrtfError("expected a bundle on disk to evaluate. Received: models behind a server.")
    for name in ("label_vae", "spade_gan"):
        trained_on = bundle.description[name]["data_hash"]
        if trained_on != cohort.data_hash:
            raise CmrtfError(
                f"{cohort.path}: expected the cohort that the bundle's {name} was trained on, data hash "
                f"{trained_on}. Received: {cohort.data_hash}, so what was held out then may not be here."
            )
