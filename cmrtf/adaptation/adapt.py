"""From labelled patients and images of another scanner to a data set to train on for that scanner."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cmrtf.adaptation.data_set import write_adapted_set
from cmrtf.adaptation.page import adaptation_page
from cmrtf.adaptation.predicted_set import read_left_out, write_predicted_set
from cmrtf.adaptation.unlabelled import UnlabelledImage, find_images
from cmrtf.bundle.networks import Networks
from cmrtf.cohort.build import prepare
from cmrtf.cohort.cohort import MANIFEST_NAME, PreparedCohort
from cmrtf.cohort.part import join_cohorts
from cmrtf.cohort.record import voxels_sha256_of
from cmrtf.core.arguments import MAX_SUBJECTS, require_flags, require_whole
from cmrtf.core.dicom_series import read_volume
from cmrtf.core.files import exists, write_text
from cmrtf.core.issues import listed
from cmrtf.core.labels import VENDORS
from cmrtf.core.locks import lock
from cmrtf.core.settings_file import keep_settings
from cmrtf.core.subject import Subject
from cmrtf.datasets.layouts import read_raw
from cmrtf.errors import CmrtfError
from cmrtf.evaluation.report import Evaluation
from cmrtf.evaluation.subjects import SubjectSlices, restyle
from cmrtf.quality.checked_subject import image_sha256
from cmrtf.quality.image_files import frames_of
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.protocols import Models
from cmrtf.tensorflow_start import start_tensorflow
from cmrtf.training.config import MAX_STEPS

if TYPE_CHECKING:
    from cmrtf.training.train_segmenter import TrainedSegmenter

SETTINGS: Final = "adapt.json"
FORMAT_VERSION: Final = 1
DATA_SET: Final = "Dataset501_Adapted"


def adapt(
    labelled: Path | str,
    unlabelled: Path | str,
    out: Path | str,
    networks: Networks,
    *,
    vendor: str = "",
    copies: int = 2,
    training_steps: int = 1200,
    progress: bool = False,
) -> Evaluation:
    """Make images of labelled patients as the scanners of unlabelled ones would make them.

    A segmenter that is trained on the labelled patients predicts labels of the unlabelled images; those that
    look like hearts are kept. A GAN learns from both. The labelled patients' own label maps are then given
    images in appearances drawn from the unlabelled ones', which never need a predicted label to be right in
    detail. Each stage is kept: what was stopped goes on, and predicted labels may be corrected by hand
    before that (remove what comes after them).

    Args:
        labelled: raw data set with labels.
        unlabelled: folder of NIfTI images, 3D or cines, or DICOM series of other patients.
        out: a new folder, or that of this adaptation.
        networks: trains label VAE and GAN.
        vendor: of the scanners of the unlabelled images, `"A"` to `"D"`, or `""` when unknown.
        copies: how often each labelled patient is given other images.
        training_steps: of the segmenter.
        progress: whether to show progress bars.

    Returns:
        the page, also in `out` as `report.html`, beside the raw data set of nnU-Net, `Dataset501_Adapted`.

    Raises:
        CmrtfError: an argument is impossible, `out` holds something else or is being worked on, a data set is
            not one, or too few predicted labels look like hearts.
    """
    require_flags(progress=progress)
    require_whole("copies", copies, 1, MAX_SUBJECTS)
    require_whole("training_steps", training_steps, 1, MAX_STEPS)
    if vendor not in ("", *VENDORS):
        raise CmrtfError(f"vendor: expected one of {', '.join(VENDORS)}, or none. Received: {vendor!r}.")
    folder, images = Path(out), find_images(Path(unlabelled))
    settings = {
        "version": FORMAT_VERSION,
        "vendor": vendor,
        "copies": copies,
        "training_steps": training_steps,
        "images": [image.code for image in images],
        "networks": networks.recipe,
    }
    if not exists(folder / "labelled"):
        read_raw(Path(labelled))  # refuses what is no data set before anything is written
    keep_settings(folder / SETTINGS, settings, "an adaptation")
    refusal = f"{out}: expected a folder that no other process uses. Received: one that cmrtf adapt works in."
    with lock(folder / SETTINGS, refusal):
        patients = _prepared(labelled, folder / "labelled", progress)
        start_tensorflow()
        if not exists(folder / "predicted"):
            _require_other_patients(patients, images)
            segmenter = _segmenter(patients, folder / "segmenter", training_steps, progress)
            write_predicted_set(folder / "predicted", images, segmenter.segment, vendor, progress)
        others = _prepared(folder / "predicted", folder / "unlabelled", progress, skip_unusable=True)
        both = folder / "prepared"
        if not exists(both):
            join_cohorts(patients, others, both)
        models = networks.bundle(both, folder).models
        return _adapted(models, patients, others, folder, settings)


def _require_other_patients(patients: PreparedCohort, images: Sequence[UnlabelledImage]) -> None:
    """Check that no image is of a labelled patient, by its code or by what it shows."""
    if both := [str(image.path) for image in images if image.code in patients]:
        raise CmrtfError(
            f"expected images whose codes are not those of labelled patients. Received: {listed(both)}. Are "
            "they the same patients? If not, rename the files."
        )
    known = {
        value for record in patients.records for value in voxels_sha256_of(record.source_sha256).values()
    }
    if both := [str(image.path) for image in images if known & _frames_sha256(image)]:
        raise CmrtfError(
            f"expected images of other patients than the labelled ones. Received: {listed(both)}, which are "
            "among these too."
        )


def _frames_sha256(image: UnlabelledImage) -> set[str]:
    """Of each frame; none where it cannot be read, which is said later."""
    try:
        return set(map(image_sha256, frames_of(read_volume(image.path))))
    except CmrtfError:
        return set()


def _prepared(raw: Path | str, folder: Path, progress: bool, skip_unusable: bool = False) -> PreparedCohort:
    """A raw data set, prepared now or before."""
    if exists(folder / MANIFEST_NAME):
        return PreparedCohort.open(folder)
    return prepare(raw, folder, progress=progress, skip_unusable=skip_unusable).cohort


def _segmenter(
    patients: PreparedCohort, folder: Path, training_steps: int, progress: bool
) -> "TrainedSegmenter":
    """Trained on all labelled patients, strongly augmented: it is to see another scanner's images."""
    from cmrtf.training.segmenters import STRONG
    from cmrtf.training.train_segmenter import TrainedSegmenter, train_segmenter

    if exists(folder):
        return TrainedSegmenter.load(folder)
    slices = SubjectSlices.of([patients[code] for code in patients])
    trained = train_segmenter(
        slices.image,
        slices.label_ids,
        training_steps,
        progress=progress,
        name="segmenter",
        config=STRONG,
        unknown=slices.unknown,
    )
    trained.save(folder)
    return trained


def _adapted(
    models: Models,
    patients: PreparedCohort,
    others: PreparedCohort,
    folder: Path,
    settings: Mapping[str, Any],
) -> Evaluation:
    """Write the data set and the page."""
    labelled, theirs = ([cohort[code] for code in cohort] for cohort in (patients, others))
    known = [Appearance.of_subject(models.encode_style, subject) for subject in theirs]
    copies: dict[str, list[Subject]] = {subject.name: [] for subject in labelled}
    # In the one appearance that is known, a second copy would be the first.
    for seed in range(settings["copies"] if len(known) > 1 else 1):
        for copy in restyle(models, labelled, known, seed):
            copies[copy.name].append(copy)
    if not exists(folder / DATA_SET):
        write_adapted_set(folder / DATA_SET, labelled, copies)
    page = adaptation_page(labelled, copies, theirs, read_left_out(folder / "predicted"), settings)
    write_text(folder / "report.html", page.to_html())
    return page
