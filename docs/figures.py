"""Writes the pictures in docs/images/, from the folder in which the tutorial was followed.

python docs/figures.py TUTORIAL
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure
from numpy.typing import NDArray
from panels import grid, last_sample, save, show_image, show_labels, upper_half

from cmrtf.bundle.bundle import Bundle
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.core.display import upright
from cmrtf.core.labels import PHASES
from cmrtf.core.preparation import SIZE
from cmrtf.core.stack import Stack
from cmrtf.metrics.overlap import dice
from cmrtf.shape.plausibility import check_slice, repair
from cmrtf.shape.signed_distance import shape_based_interpolation
from cmrtf.synthesis.encoded_stack import EncodedStack, encode_ends
from cmrtf.synthesis.heart_axis import between
from cmrtf.synthesis.protocols import SPADE_GAN
from cmrtf.synthesis.stack_between import decode_labels_between, stack_between
from cmrtf.training.checkpoints import restore_for_inference
from cmrtf.training.run import RunDirectory
from cmrtf.training.train_gan import build_spade_gan

IMAGES = Path(__file__).with_name("images")
SUBJECTS = "L6U7J9", "H4V6G5"
"""The two subjects that the tutorial interpolates between."""
NEAR = np.s_[20:108, 20:108]
"""The part of a slice in which hearts lie."""


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

    def upright(self, stack: NDArray[Any]) -> NDArray[Any]:
        """Slices that lie as the first subject's do, as readers look at hearts."""
        return upright(stack, self.cohort[SUBJECTS[0]].ed.affine)

    def first(self, phase: str) -> Stack:
        """The first subject, upright."""
        stack = self.cohort[SUBJECTS[0]].stacks[phase]
        return stack.with_labels(self.upright(stack.label_ids)).with_image(self.upright(stack.image))

    def ends(self, phase: str) -> tuple[EncodedStack, EncodedStack]:
        """Both subjects as codes, not upright."""
        first, last = encode_ends(self.bundle.models, [self.cohort[code] for code in SUBJECTS], phase)
        return first, last

    def generated(self) -> list[dict[str, Any]]:
        """The provenance of each subject of the first generated cohort."""
        files = (self.folder / "more" / "provenance").glob("SYN*.json")
        return [json.loads(file.read_text()) for file in sorted(files)]


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
    upper_half(folder / "walk/figure.png", out / "walk.jpg")
    generated(tutorial, out / "generated.jpg")
    blending(tutorial, out / "blending.jpg")
    midpoints(tutorial, out / "midpoints.png")
    validity(tutorial, out / "validity.png")
    volumes(tutorial, out / "volumes.png")
    modulation(tutorial, out / "spade.jpg")
    hearts(tutorial, out / "hearts.png")


def phantom(tutorial: Tutorial, path: Path) -> None:
    """One subject at ED and ES, apex to base."""
    figure, panels = grid((8, 2.9), PHASES, ("apex", "", "", "", "", "base"))
    for row, phase in zip(panels, PHASES, strict=True):
        stack = tutorial.first(phase)
        chosen = np.linspace(0, len(stack.image) - 1, len(row)).round().astype(int)
        for axes, number in zip(row, chosen, strict=True):
            show_image(axes, stack.image[number], stack.label_ids[number])
    save(figure, path)


def generated(tutorial: Tutorial, path: Path) -> None:
    """The first generated subjects at ED and at ES, half-way between apex and base."""
    subjects = tutorial.generated()[:5]
    titles = [
        f"{subject['subject']}\nvendor {subject['vendor']}, {subject['pathology']}\n"
        f"EDV {subject['measures']['LV_EDV_ml']:.0f} ml, EF {subject['measures']['LV_EF_percent']:.0f} %"
        for subject in subjects
    ]
    figure, panels = grid((8, 3.9), PHASES, titles)
    for column, subject in zip(panels.T, subjects, strict=True):
        stem = tutorial.folder / "more" / subject["subject"] / subject["subject"]
        # (phase, slice, row, column)
        images, labels = (
            np.asanyarray(nib.load(f"{stem}_{kind}.nii.gz").dataobj).T for kind in ("sa", "sa_gt")
        )
        low, high = images.min(), images.max()
        for axes, image, label_ids in zip(column, images, labels, strict=True):
            middle = int(np.median(np.flatnonzero(label_ids.any(axis=(1, 2)))))
            show_image(axes, 2.0 * (image[middle] - low) / (high - low) - 1.0, label_ids[middle])
    save(figure, path)


def blending(tutorial: Tutorial, path: Path) -> None:
    """Half-way hearts by codes and by mixing pixels."""
    weights, ends = np.linspace(0.0, 1.0, 5), tutorial.ends("ED")
    stacks = [stack_between(tutorial.bundle.models, *ends, weight, num_slices=16) for weight in weights]
    labels, images = ([getattr(stack, name) for stack in stacks] for name in ("label_ids", "image"))
    mixed = [between(images[0], images[-1], np.float32(weight)) for weight in weights]
    titles = [f"weight {weight:g}" for weight in weights]
    figure, panels = grid((8, 5.2), ("labels decoded", "images", "pixels mixed"), titles)
    for row, slices, show in zip(
        panels, (labels, images, mixed), (show_labels, show_image, show_image), strict=True
    ):
        for axes, stack in zip(row, slices, strict=True):
            show(axes, tutorial.upright(stack)[len(stack) // 2])
    save(figure, path)


def midpoints(tutorial: Tutorial, path: Path) -> None:
    """A slice left out, and what two ways of filling the gap make of it."""
    titles = "neighbour", "neighbour", "signed distances", "codes of the label VAE", "left out: the truth"
    figure, panels = grid((8, 3.7), ("near the apex", "near the base"), titles)
    label_ids = tutorial.first("ED").label_ids
    labelled = np.flatnonzero(label_ids.any(axis=(1, 2)))
    for row, middle in zip(panels, (labelled[1], labelled[-2]), strict=True):
        below, true, above = label_ids[middle - 1 : middle + 2]
        (by_distance,) = shape_based_interpolation(below, above, [0.5])
        models = tutorial.bundle.models
        codes = models.encode(np.stack([below, above]))
        (by_code,) = models.decode(codes.mean(axis=0, keepdims=True))
        for axes, slice_ids in zip(row, (below, above, by_distance, by_code, true), strict=True):
            show_labels(axes, slice_ids[NEAR])
        for axes, slice_ids in zip(row[2:4], (by_distance, by_code), strict=True):
            scores = [f"{name} {value:.2f}" for name, value in dice(slice_ids, true).items() if value >= 0]
            axes.set_xlabel(", ".join(scores), fontsize=8)
    save(figure, path)


def validity(tutorial: Tutorial, path: Path) -> None:
    """Decoded slices that no heart can look like, and as they are repaired."""
    models, ends, worst = tutorial.bundle.models, tutorial.ends("ES"), []
    for weight in (0.0, 0.3, 0.6, 1.0):
        stack = decode_labels_between(models, *ends, weight, 32, repaired=False)
        changed = (stack != repair(stack)).sum(axis=(1, 2))
        worst.append(stack[changed.argmax()])
    decoded = tutorial.upright(np.stack(worst))
    repaired = repair(decoded)
    figure, panels = grid(
        (8, 4.2), ("decoded", "repaired"), [implausibilities(label_ids) for label_ids in decoded]
    )
    for (above, below), before, after in zip(panels.T, decoded, repaired, strict=True):
        show_labels(above, before[NEAR])
        show_labels(below, after[NEAR])
        y, x = np.nonzero((before != after)[NEAR])
        above.scatter(x, y, s=18, facecolors="none", edgecolors="white", linewidths=0.8)
    save(figure, path)


def implausibilities(label_ids: NDArray[np.uint8]) -> str:
    """What is wrong with a slice, in a few words."""
    wrong = check_slice(label_ids)
    counts = {
        "specks": sum(wrong.extra_components.values()),
        "holes": sum(wrong.holes.values()),
        "LV pixels exposed": wrong.exposed_lv_pixels,
    }
    return ", ".join(f"{name}: {count}" for name, count in counts.items() if count) or "plausible"


def volumes(tutorial: Tutorial, path: Path) -> None:
    """One LV as thick slices measure it, and as the 32 slices that replace them."""
    encoded = tutorial.ends("ED")[0]
    thin = stack_between(tutorial.bundle.models, encoded, encoded, 0.0, num_slices=32)
    figure = Figure((8, 3.0))
    axes = figure.subplots()
    for name, stack, style in (
        ("source", encoded.stack, {"color": "#d55e00", "alpha": 0.35}),
        ("synthetic", thin, {"facecolor": "none", "edgecolor": "black"}),
    ):
        areas_cm2, apart_mm = stack.areas_mm2("LV") / 100.0, stack.slice_spacing_mm
        what = f"{name}: {stack.num_slices} slices, {apart_mm:.1f} mm apart, {stack.volume_ml('LV'):.0f} ml"
        axes.bar(np.arange(len(areas_cm2)) * apart_mm, areas_cm2, apart_mm, label=what, **style)
    axes.set_xlabel("slice centre, mm from the apical one")
    axes.set_ylabel("area of the LV cavity, cm²")
    axes.margins(y=0.3)  # room for the legend
    axes.legend(fontsize=8, loc="upper left")
    save(figure, path)


def modulation(tutorial: Tutorial, path: Path) -> None:
    """One channel inside the generator, before and after a SPADE layer, for two label maps of one style."""
    run = RunDirectory.open(tutorial.folder / "runs/gan", SPADE_GAN)
    gan = build_spade_gan(run.config, SIZE)
    restore_for_inference(gan, run.checkpoints)
    layer = gan.generator.blocks[-1].spade_0
    stacks = [tutorial.first(phase) for phase in PHASES]
    middle = len(stacks[0].label_ids) // 2
    label_ids = np.stack([stack.label_ids[middle] for stack in stacks])
    style = tf.repeat(gan.encode_style(stacks[0].image[middle][None, ..., None]).mean, 2, axis=0)
    styled = gan.style_encoder.decode(style, label_ids)
    inputs, image = inputs_of(layer, lambda: gan.generator(styled.contrast, styled.tissue_ids))

    label_map = tf.one_hot(styled.tissue_ids, gan.style_encoder.num_tissues)
    parameters = tf.cast(layer._dense(label_map), tf.float32)
    gamma, beta = tf.split(parameters, 2, axis=-1)
    mean, inverse_stddev = layer.statistics(inputs, training=False)
    normalised = (tf.cast(inputs, tf.float32) - mean) * inverse_stddev
    channel = int(tf.argmax(tf.math.reduce_std(beta, axis=(0, 1, 2))))
    columns = {
        "normalised x": normalised,
        r"1 + $\gamma$(labels)": 1.0 + gamma,
        r"$\beta$(labels)": beta,
        r"(1 + $\gamma$) x + $\beta$": (1.0 + gamma) * normalised + beta,
    }
    figure, panels = grid((8, 3.2), PHASES, ["labels", *columns, "image"])
    for row, (first, *_, last) in enumerate(panels):
        show_labels(first, label_ids[row])
        show_image(last, image[row, ..., 0])
    for column, values in zip(panels.T[1:-1], columns.values(), strict=True):
        values = values[..., channel].numpy()
        low, high = np.percentile(values, (1, 99))
        for axes, picture in zip(column, values, strict=True):
            axes.imshow(picture, cmap="cividis", vmin=low, vmax=high)
    save(figure, path)


def inputs_of(layer: Any, run: Callable[[], Any]) -> tuple[Any, Any]:
    """What a layer receives while `run` runs, and what `run` returns."""
    seen, call = [], layer.call

    def spy(inputs: tf.Tensor, labels: Any, training: bool = False) -> tf.Tensor:
        seen.append(inputs)
        return call(inputs, labels, training=training)

    layer.call = spy
    returned = run()
    layer.call = call
    return seen[0], returned


def hearts(tutorial: Tutorial, path: Path) -> None:
    """Volumes of the training anatomies and of the generated hearts."""
    prior, drawn = tutorial.bundle.anatomy_prior, tutorial.generated()
    figure = Figure((6, 3.6))
    axes = figure.subplots()
    for number, pathology in enumerate(sorted(set(prior.pathologies))):
        style = {"color": ("#0072b2", "#d55e00", "#009e73")[number], "s": 28}
        edv_ml, esv_ml = prior.volumes_ml[prior.pathologies == pathology][:, [0, 3]].T
        axes.scatter(edv_ml, 100.0 * (1.0 - esv_ml / edv_ml), label=f"{pathology}, training", **style)
        new = [subject["measures"] for subject in drawn if subject["pathology"] == pathology]
        measured = [[measures[name] for measures in new] for name in ("LV_EDV_ml", "LV_EF_percent")]
        axes.scatter(*measured, marker="x", label=f"{pathology}, generated", **style)
    axes.set_xlabel("LV end-diastolic volume, ml")
    axes.set_ylabel("LV ejection fraction, %")
    axes.legend(fontsize=8)
    save(figure, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]), IMAGES)
