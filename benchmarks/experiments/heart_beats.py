"""How well a beat is made of ED and ES alone: the phantom knows the labels of every frame.

Run: `python benchmarks/experiments/heart_beats.py --bundle bundle --subjects 12`. Of each subject that no
bundle was trained on ED and ES are kept and all other frames made anew: by `with_cine`, with its own volume
curve and with the true one; by codes along straight lines in time (down and up again), told when ES is; and
by signed distances, told the true volumes. Dice of the LV, the myocardium and the RV in the frames between,
mean error of the LV's volume in % of EDV, and how far the myocardial mass is from that of the two ends.
"""

from unittest import mock

import click
import numpy as np
from numpy.typing import NDArray

import cmrtf
from cmrtf.core.preparation import crop_geometry, prepare_labels
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject
from cmrtf.metrics.bootstrap import mean_estimate
from cmrtf.metrics.overlap import dice
from cmrtf.phantom.heart import Heart
from cmrtf.phantom.physiology import PATHOLOGIES, contraction_curve, draw_physiology
from cmrtf.phantom.protocol import VENDORS, plan_protocol
from cmrtf.phantom.scanner import Scanner
from cmrtf.shape.signed_distance import shape_based_interpolation
from cmrtf.synthesis import heart_beat
from cmrtf.synthesis.encoded_stack import encode_stacks
from cmrtf.synthesis.heart_beat import weights_on_curve, with_cine
from cmrtf.synthesis.protocols import Models
from cmrtf.synthesis.stack_between import decode_labels_between

STRUCTURES = ("LV", "MYO", "RV")


def true_beat(seed: int, number: int, frames: int) -> tuple[list[Stack], int]:
    """Labels of all frames of a phantom subject, prepared, without images; and the frame of ES."""
    rng = np.random.default_rng((seed, number))
    physiology = draw_physiology(rng, list(PATHOLOGIES)[number % len(PATHOLOGIES)])
    heart = Heart(physiology, rng)
    protocol = plan_protocol(rng, VENDORS[number % len(VENDORS)], heart)
    scanner = Scanner(protocol, heart, rng)
    curve, es_frame = contraction_curve(frames)
    stored = [scanner.label(heart.state(float(state))).transpose(2, 1, 0) for state in curve]
    geometry = crop_geometry(np.any(stored, axis=0), protocol.affine, stack_flipped=False)
    labels = [prepare_labels(label_ids, geometry) for label_ids in stored]
    return [Stack(np.zeros(ids.shape, np.float32), ids, geometry) for ids in labels], es_frame


class LabelsOnly:
    """The label VAE of a bundle, and no images: they would take most of the time."""

    def __init__(self, models: Models) -> None:
        self.encode, self.decode = models.encode, models.decode

    def encode_style(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """None."""
        return np.zeros((len(image), 1), np.float32)

    def synthesize(self, label_ids: NDArray[np.uint8], styles: NDArray[np.float32]) -> NDArray[np.float32]:
        """Black."""
        return np.zeros(label_ids.shape, np.float32)


def beats(models: LabelsOnly, truth: list[Stack], es_frame: int) -> dict[str, list[NDArray[np.uint8]]]:
    """Label ids of all frames, by how they were made."""
    subject = Subject("P", "generated", {"ED": truth[0], "ES": truth[es_frame]})
    styles = dict.fromkeys(subject.stacks, np.zeros((truth[0].num_slices, 1), np.float32))
    ends = encode_stacks(models, subject.stacks, exact_ends=True)
    times = np.arange(len(truth))
    straight = np.interp(times, [0, es_frame, len(truth)], [0.0, 1.0, 0.0])
    lv = np.array([stack.volume_ml("LV") for stack in truth])
    true_ejected = (lv[0] - lv) / (lv[0] - lv[es_frame])

    def ours() -> list[NDArray[np.uint8]]:
        cine = with_cine(models, subject, styles, len(truth)).cine
        assert cine is not None
        return [stack.label_ids for stack in cine.frames]

    with mock.patch.object(heart_beat, "volume_curve", return_value=(true_ejected, es_frame)):
        of_true_volumes = ours()
    return {
        "truth": [stack.label_ids for stack in truth],
        "ours": ours(),
        "ours, true volumes": of_true_volumes,
        "straight in time": [
            decode_labels_between(models, *ends, weight, truth[0].num_slices) for weight in straight
        ],
        "signed distances, true volumes": _by_distances(
            truth[0].label_ids, truth[es_frame].label_ids, true_ejected
        ),
    }


def _by_distances(
    diastole: NDArray[np.uint8], systole: NDArray[np.uint8], ejected: NDArray[np.float64]
) -> list[NDArray[np.uint8]]:
    """Slice by slice, at places where the LV's area has fallen as the curve says."""
    tried = np.linspace(0.0, 1.0, 9)
    stack = np.stack(
        [shape_based_interpolation(*pair, tried) for pair in zip(diastole, systole, strict=True)], axis=1
    )
    lv = np.count_nonzero(stack == 1, axis=(1, 2, 3))
    weights = weights_on_curve(ejected, (lv[0] - lv) / (lv[0] - lv[-1]))
    frames = [shape_based_interpolation(*pair, weights) for pair in zip(diastole, systole, strict=True)]
    return list(np.stack(frames, axis=1))


def scores(made: list[NDArray[np.uint8]], truth: list[Stack], es_frame: int) -> dict[str, float]:
    """Means over the frames between, of one subject."""
    between = [k for k in range(len(truth)) if k not in (0, es_frame)]
    overlap = [dice(made[k], truth[k].label_ids) for k in between]
    stacks = [stack.with_labels(ids) for stack, ids in zip(truth, made, strict=True)]
    lv, true_lv, myo = (
        np.array([stack.volume_ml(name) for stack in own])
        for own, name in ((stacks, "LV"), (truth, "LV"), (stacks, "MYO"))
    )
    ejected = (lv[0] - lv) / (lv[0] - lv[es_frame])
    expected = myo[0] + ejected * (myo[es_frame] - myo[0])
    return {
        **{name: float(np.mean([frame[name] for frame in overlap])) for name in STRUCTURES},
        "LV volume, % of EDV": float(100 * np.abs(lv - true_lv).mean() / true_lv[0]),
        "mass off, %": float(100 * np.abs(myo / expected - 1).mean()),
        "mass off at worst, %": float(100 * np.abs(myo / expected - 1).max()),
    }


@click.command()
@click.option("--bundle", required=True, help="Whose label VAE.")
@click.option("--subjects", default=12, show_default=True)
@click.option("--frames", default=25, show_default=True)
@click.option("--seed", default=1000, show_default=True, help="Not that of the training cohort.")
def main(bundle: str, subjects: int, frames: int, seed: int) -> None:
    """Print a table."""
    models = LabelsOnly(cmrtf.load_bundle(bundle).models)
    rows: dict[str, list[dict[str, float]]] = {}
    for number in range(subjects):
        truth, es_frame = true_beat(seed, number, frames)
        for name, made in beats(models, truth, es_frame).items():
            rows.setdefault(name, []).append(scores(made, truth, es_frame))
        click.echo(f"{number + 1} of {subjects}")
    for name, own in rows.items():
        for measure in own[0]:
            estimate = mean_estimate([row[measure] for row in own])
            click.echo(
                f"{name:30s} {measure:22s} {estimate.mean:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
            )


if __name__ == "__main__":
    main()
