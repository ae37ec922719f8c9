"""Writes the pictures in docs/images/, from the folder in which the tutorial was followed.

python docs/figures.py TUTORIAL
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from PIL import Image

from cmrtf.data.cohort import PreparedCohort, PreparedVolume
from cmrtf.data.label_validity import repair, slice_faults
from cmrtf.data.preparation import SIZE
from cmrtf.data.schema import SCHEMA
from cmrtf.evaluation.dice import dice
from cmrtf.synthesis.display import upright
from cmrtf.synthesis.interpolation import CodedStack, decode_labels_between, paint_between
from cmrtf.synthesis.measures import slice_areas_mm2, volume_ml
from cmrtf.synthesis.shape_interpolation import shape_based
from cmrtf.synthesis.synthetic_subject import LabelledStack
from cmrtf.synthesis.walks import between
from cmrtf.training.checkpoints import restore_for_inference
from cmrtf.training.run_directory import RunDirectory
from cmrtf.training.samples import COLOUR_MAP
from cmrtf.training.train_gan import build_spade_gan
from cmrtf_export.bundle import Bundle
from cmrtf_export.signatures import SPADE_GAN

IMAGES = Path(__file__).with_name("images")
NEAR = np.s_[20:108, 20:108]
"""The part of a slice in which hearts lie."""
WALK = "L6U7J9", "H4V6G5"
"""The two subjects of the tutorial's walk."""


@dataclass(frozen=True)
class Tutorial:
    """What following the tutorial leaves behind."""

    folder: Path

    @cached_property
    def cohort(self) -> PreparedCohort:
        """The prepared phantom."""
        return PreparedCohort.open(self.folder / "prepared")

    @cached_property
    def bundle(self) -> Bundle:
        """The exported models."""
        return Bundle.open(self.folder / "bundle")

    def stack(self, subject: str, phase: str) -> PreparedVolume:
        """Upright, as a reader looks at hearts."""
        volume, affine = self.cohort.load(subject)[phase], self.cohort.record(subject).geometry.affine
        return PreparedVolume(upright(volume.image, affine), upright(volume.label_ids, affine))

    def coded(self, subject: str, phase: str) -> CodedStack:
        """As codes; not upright."""
        record = self.cohort.record(subject)
        return CodedStack.encode(self.bundle, record, self.cohort.load(subject)[phase], phase)


def main(folder: Path, out: Path) -> None:
    """Write all pictures.

    Args:
        folder: where the tutorial was followed.
        out: where the pictures go.
    """
    tutorial = Tutorial(folder)
    out.mkdir(exist_ok=True)
    phantom(tutorial, out / "phantom.jpg")
    last_sample(folder / "runs/vae/samples", out / "vae-sample.jpg")
    last_sample(folder / "runs/gan/samples", out / "gan-sample.jpg")
    generated(folder / "more", out / "generated.jpg")
    midpoints(tutorial, out / "midpoints.png")
    blending(tutorial, out / "blending.jpg")
    validity(tutorial, out / "validity.png")
    volumes(tutorial, out / "volumes.png")
    modulation(tutorial, out / "spade.jpg")
    hearts(tutorial, out / "hearts.png")


def phantom(tutorial: Tutorial, path: Path) -> None:
    """One subject at ED and ES, apex to base."""
    figure = Figure((8, 2.9))
    for row, phase in enumerate(("ED", "ES")):
        stack = tutorial.stack(WALK[0], phase)
        chosen = np.linspace(0, len(stack.image) - 1, 6).round().astype(int)
        for column, number in enumerate(chosen):
            axes = figure.add_subplot(2, 6, 6 * row + column + 1)
            show_image(axes, stack.image[number], stack.label_ids[number])
            if row == 0:
                axes.set_title(("apex", "", "", "", "", "base")[column], fontsize=9)
            if column == 0:
                axes.set_ylabel(phase, fontsize=9)
    save(figure, path)


def last_sample(folder: Path, path: Path) -> None:
    """The last picture that a training run made of itself."""
    Image.open(sorted(folder.iterdir())[-1]).convert("RGB").save(path, quality=85)


def generated(folder: Path, path: Path) -> None:
    """The first subjects of a generated cohort at ED and ES, half-way between apex and base."""
    known = [json.loads(file.read_text()) for file in sorted((folder / "provenance").glob("SYN*.json"))[:5]]
    figure = Figure((8, 3.9))
    for column, facts in enumerate(known):
        name, measures = facts["subject"], facts["measures"]
        image, label = (
            np.asanyarray(nib.load(folder / name / f"{name}_{kind}.nii.gz").dataobj).T
            for kind in ("sa", "sa_gt")
        )
        for row, (pixels, label_ids) in enumerate(zip(image, label, strict=True)):
            axes = figure.add_subplot(2, len(known), len(known) * row + column + 1)
            middle = int(np.median(np.flatnonzero(label_ids.any(axis=(1, 2)))))
            low, high = image.min(), image.max()
            show_image(axes, 2.0 * (pixels[middle] - low) / (high - low) - 1.0, label_ids[middle])
            if row == 0:
                axes.set_title(
                    f"{name}\nvendor {facts['vendor']}, {facts['pathology']}\nEDV {measures['LV_EDV_ml']:.0f} ml, "
                    f"EF {measures['LV_EF_percent']:.0f} %",
                    fontsize=7,
                )
            if column == 0:
                axes.set_ylabel(("ED", "ES")[row], fontsize=9)
    save(figure, path)


def midpoints(tutorial: Tutorial, path: Path) -> None:
    """A slice left out, and what two ways of filling the gap make of it."""
    subject = WALK[0]
    label_ids = tutorial.stack(subject, "ED").label_ids
    labelled = np.flatnonzero(label_ids.any(axis=(1, 2)))
    figure = Figure((8, 3.7))
    for row, (what, middle) in enumerate((("near the apex", labelled[1]), ("near the base", labelled[-2]))):
        below, true, above = label_ids[middle - 1 : middle + 2]
        (by_distance,) = shape_based(below, above, [0.5], SCHEMA.num_classes)
        codes = tutorial.bundle.encode(np.stack([below, above]))
        (by_code,) = tutorial.bundle.decode(between(codes[:1], codes[1:], np.float32(0.5)))
        columns = {
            "neighbour": below,
            "neighbour ": above,
            "signed distances": by_distance,
            "codes of the label VAE": by_code,
            "left out: the truth": true,
        }
        for column, (title, slice_ids) in enumerate(columns.items()):
            axes = figure.add_subplot(2, 5, 5 * row + column + 1)
            show_labels(axes, slice_ids[NEAR])
            if row == 0:
                axes.set_title(title, fontsize=8)
            if column == 0:
                axes.set_ylabel(what, fontsize=8)
            if column in (2, 3):
                scores = {name: value for name, value in dice(slice_ids, true).items() if value == value}
                axes.set_xlabel(", ".join(f"{name} {value:.2f}" for name, value in scores.items()), fontsize=8)
    save(figure, path)


def blending(tutorial: Tutorial, path: Path) -> None:
    """Half-way hearts by codes and by mixing pixels."""
    start, end = (tutorial.coded(subject, "ED") for subject in WALK)
    weights = np.linspace(0.0, 1.0, 5)
    num_slices = 16
    stacks = [decode_labels_between(tutorial.bundle, start, end, w, num_slices) for w in weights]
    painted = [
        paint_between(tutorial.bundle, start, end, w, s) for w, s in zip(weights, stacks, strict=True)
    ]
    first, last = painted[0], painted[-1]
    affine = tutorial.cohort.record(WALK[0]).geometry.affine
    middle = num_slices // 2
    figure = Figure((8, 5.2))
    for column, (weight, labels, image) in enumerate(zip(weights, stacks, painted, strict=True)):
        mixed = between(first, last, np.float32(weight))
        rows: Sequence[tuple[str, Any]] = (
            ("labels decoded", labels),
            ("painted", image),
            ("pixels mixed", mixed),
        )
        for row, (what, stack) in enumerate(rows):
            axes = figure.add_subplot(3, 5, 5 * row + column + 1)
            shown = upright(stack, affine)[middle]
            show_labels(axes, shown) if row == 0 else show_image(axes, shown)
            if row == 0:
                axes.set_title(f"weight {weight:g}", fontsize=9)
            if column == 0:
                axes.set_ylabel(what, fontsize=9)
    save(figure, path)


def validity(tutorial: Tutorial, path: Path) -> None:
    """Decoded slices that no heart can look like, and as they are mended."""
    start, end = (tutorial.coded(subject, "ES") for subject in WALK)
    figure = Figure((8, 4.2))
    for column, weight in enumerate((0.0, 0.3, 0.6, 1.0)):
        stack = decode_labels_between(tutorial.bundle, start, end, weight, 32, repaired=False)
        stack = upright(stack, tutorial.cohort.record(WALK[0]).geometry.affine)
        worst = (stack != repair(stack)).sum(axis=(1, 2)).argmax()
        decoded, mended = stack[worst], repair(stack[worst : worst + 1])[0]
        for row, slice_ids in enumerate((decoded, mended)):
            axes = figure.add_subplot(2, 4, 4 * row + column + 1)
            show_labels(axes, slice_ids[NEAR])
            if row == 0:
                axes.set_title(fault_names(slice_ids), fontsize=8)
                y, x = np.nonzero((decoded != mended)[NEAR])
                axes.scatter(x, y, s=18, facecolors="none", edgecolors="white", linewidths=0.8)
            if column == 0:
                axes.set_ylabel(("decoded", "mended")[row], fontsize=9)
    save(figure, path)


def fault_names(label_ids: np.ndarray) -> str:
    """What is wrong with a slice, in a few words."""
    faults = slice_faults(label_ids)
    found = {
        "specks": sum(faults.extra_components.values()),
        "holes": sum(faults.holes.values()),
        "LV pixels exposed": faults.exposed_lv_pixels,
    }
    return ", ".join(f"{name}: {count}" for name, count in found.items() if count) or "no fault"


def volumes(tutorial: Tutorial, path: Path) -> None:
    """One LV as thick slices measure it, and as the 32 slices that replace them."""
    subject, lv = WALK[0], SCHEMA.id_of("LV")
    record, volume = tutorial.cohort.record(subject), tutorial.cohort.load(subject)["ED"]
    coded = tutorial.coded(subject, "ED")
    thin = decode_labels_between(tutorial.bundle, coded, coded, 0.0, 32)
    figure = Figure((8, 3.0))
    axes = figure.subplots()
    for name, label_ids, geometry, style in (
        ("source", volume.label_ids, record.geometry, {"color": "#d55e00", "alpha": 0.35}),
        ("synthetic", thin, record.geometry.with_slices(32), {"facecolor": "none", "edgecolor": "black"}),
    ):
        stack = LabelledStack(subject, "ED", 0.0, label_ids, label_ids, geometry.affine)
        areas_cm2, thickness_mm = slice_areas_mm2(stack, lv) / 100.0, stack.spacing_mm[2]
        label = f"{name}: {stack.num_slices} slices, {thickness_mm:.1f} mm apart, {volume_ml(stack, lv):.0f} ml"
        axes.bar(np.arange(len(areas_cm2)) * thickness_mm, areas_cm2, thickness_mm, label=label, **style)
    axes.set_xlabel("slice centre, mm from the apical one")
    axes.set_ylabel("area of the LV cavity, cm²")
    axes.set_ylim(0.0, 1.3 * areas_cm2.max())
    axes.legend(fontsize=8, loc="upper left")
    save(figure, path)


def modulation(tutorial: Tutorial, path: Path) -> None:
    """One channel inside the generator, before and after a SPADE layer, for two label maps of one style."""
    run = RunDirectory.open(tutorial.folder / "runs/gan", SPADE_GAN)
    gan = build_spade_gan(run.config, SIZE)
    restore_for_inference(gan, run.checkpoints)
    layer = gan.generator.blocks[-1].spade_0
    stacks = [tutorial.stack(WALK[0], phase) for phase in ("ED", "ES")]
    middle = len(stacks[0].label_ids) // 2
    label_ids = np.stack([stack.label_ids[middle] for stack in stacks])
    style = gan.encode_style(stacks[0].image[middle][None, ..., None]).mean
    seen = inputs_of(layer, lambda: gan.generator(tf.repeat(style, 2, axis=0), label_ids))
    gamma, beta = tf.split(layer._dense(tf.one_hot(label_ids, SCHEMA.num_classes)), 2, axis=-1)
    mean, inverse_stddev = layer.statistics(seen["inputs"], training=False)
    normalised = (tf.cast(seen["inputs"], tf.float32) - mean) * inverse_stddev
    gamma, beta = tf.cast(gamma, tf.float32), tf.cast(beta, tf.float32)
    channel = int(tf.argmax(tf.math.reduce_std(beta, axis=(0, 1, 2))))
    rows = (1.0 + gamma) * normalised + beta
    columns = {
        "labels": label_ids,
        "normalised x": normalised[..., channel],
        r"1 + $\gamma$(labels)": 1.0 + gamma[..., channel],
        r"$\beta$(labels)": beta[..., channel],
        r"(1 + $\gamma$) x + $\beta$": rows[..., channel],
        "image": seen["outputs"][..., 0],
    }
    figure = Figure((8, 3.2))
    for column, (title, pictures) in enumerate(columns.items()):
        values = np.asarray(pictures)
        for row in range(2):
            axes = figure.add_subplot(2, 6, 6 * row + column + 1)
            if column == 0:
                show_labels(axes, values[row])
                axes.set_ylabel(("ED", "ES")[row], fontsize=9)
            elif column == 5:
                show_image(axes, values[row])
            else:
                low, high = np.percentile(values, (1, 99))
                bare(axes).imshow(values[row], cmap="cividis", vmin=low, vmax=high)
            if row == 0:
                axes.set_title(title, fontsize=8)
    save(figure, path)


def inputs_of(layer: Any, run: Any) -> dict[str, Any]:
    """What a layer receives while `run` runs, and what `run` returns."""
    seen: dict[str, Any] = {}
    call = layer.call

    def spy(inputs: tf.Tensor, labels: Any, training: bool = False) -> tf.Tensor:
        seen["inputs"] = inputs
        return call(inputs, labels, training=training)

    layer.call = spy
    seen["outputs"] = run()
    layer.call = call
    return seen


def hearts(tutorial: Tutorial, path: Path) -> None:
    """Volumes of the known hearts and of those that were generated."""
    prior = tutorial.bundle.anatomy_prior()
    drawn = [
        json.loads(file.read_text()) for file in sorted((tutorial.folder / "more/provenance").glob("SYN*.json"))
    ]
    figure = Figure((6, 3.6))
    axes = figure.subplots()
    for colour, pathology in zip(("#0072b2", "#d55e00", "#009e73"), sorted(set(prior.pathologies)), strict=False):
        edv, esv = prior.volumes_ml[prior.pathologies == pathology][:, [0, 3]].T
        axes.scatter(edv, 100.0 * (1.0 - esv / edv), color=colour, s=26, label=f"{pathology}, known")
        new = [facts["measures"] for facts in drawn if facts["pathology"] == pathology]
        axes.scatter(
            [each["LV_EDV_ml"] for each in new],
            [each["LV_EF_percent"] for each in new],
            marker="x",
            color=colour,
            s=30,
            label=f"{pathology}, generated",
        )
    axes.set_xlabel("LV end-diastolic volume, ml")
    axes.set_ylabel("LV ejection fraction, %")
    axes.legend(fontsize=8)
    save(figure, path)


def bare(axes: Any) -> Any:
    """Without ticks."""
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def show_labels(axes: Any, label_ids: np.ndarray) -> None:
    """A label map in the colours of all pictures."""
    bare(axes).imshow(label_ids, cmap=COLOUR_MAP, vmin=0, vmax=SCHEMA.num_classes - 1, interpolation="nearest")


def show_image(axes: Any, image: np.ndarray, label_ids: np.ndarray | None = None) -> None:
    """An image in [-1, 1], with outlines of its labels if they are given."""
    bare(axes).imshow(image, cmap="gray", vmin=-1, vmax=1)
    for structure in SCHEMA.foreground if label_ids is not None else ():
        label_id = SCHEMA.id_of(structure)
        if np.any(label_ids == label_id):
            axes.contour(label_ids == label_id, [0.5], colors=[COLOUR_MAP(label_id)], linewidths=0.9)


def save(figure: Figure, path: Path) -> None:
    """Close together, and small."""
    figure.tight_layout(pad=0.4)
    quality = {"pil_kwargs": {"quality": 85}} if path.suffix == ".jpg" else {}
    figure.savefig(path, dpi=130, **quality)


if __name__ == "__main__":
    main(Path(sys.argv[1]), IMAGES)
