"""Generator inference at the paper's size: both forms of SPADE in both precisions, and MONAI's SPADENet."""

from typing import Any

import numpy as np
from contenders import FORMS, ImageTranslator, build_translators
from labels import Material, distinct_counts, take
from multiply_adds import contrast_encoder_multiply_adds, generator_multiply_adds
from peers import GENERATOR_NOTE, MonaiTranslator
from timing import Effort, interleave

from cmrtf.training.input_pipeline import Slices

BATCHES = (1, 8, 32)
MONAI = "MONAI SPADENet"
MONAI_BATCHES = (1, 8)
IMAGE_RANGE = 2.0


def measure_inference(
    material: Material, peaks: dict[str, dict[str, float]], effort: Effort
) -> dict[str, Any]:
    """Milliseconds per image, ratios to dense float32, the floor set by the multiply-adds, and accuracy."""
    translators, monai = build_translators(material.slices), MonaiTranslator()
    batches = {}
    for batch in BATCHES:
        image, label_ids = take(material.slices.image, batch), take(material.slices.label_ids, batch)
        calls: dict[str, Any] = {
            name: lambda t=translator, image=image, ids=label_ids: t.translate(image, ids)
            for name, translator in translators.items()
        }
        if batch in MONAI_BATCHES:
            calls[MONAI] = monai.call(image, label_ids)
        timings = interleave(calls, effort)
        reference = timings["dense float32"].median_ms
        ours = translators["distinct float32"]
        counts = distinct_counts(label_ids, tuple(sorted(set(ours.generator.sizes))))
        work = _multiply_adds(ours, batch, counts)
        batches[batch] = {
            "distinct": counts,
            "multiply_adds": work,
            "contenders": {
                name: {
                    **timing.figures("ms_per_image", batch),
                    "times_dense_float32": reference / timing.median_ms,
                    **(_floor(name, work, peaks, timing.median_ms, batch) if name in FORMS else {}),
                }
                for name, timing in timings.items()
            },
        }
    one = take(material.slices.image, 1), take(material.slices.label_ids, 1)
    note = GENERATOR_NOTE.format(
        parameters=monai.parameters / 1e6,
        gigamacs=monai.multiply_adds(*one) / 1e9,
        our_parameters=(ours.generator.count_params() + ours.encoder.count_params()) / 1e6,
        our_gigamacs=batches[1]["multiply_adds"]["dense"] / 1e9,
    )
    return {"batches": batches, "accuracy": _accuracy(translators, material.slices), "note": note}


def _multiply_adds(
    translator: ImageTranslator, batch: int, counts: dict[int, dict[str, int]]
) -> dict[str, int]:
    """Of a batch with these distinct neighbourhoods and windows, in both forms."""
    encoder = contrast_encoder_multiply_adds(translator.encoder, batch)
    rows = {
        "distinct": {size: count["windows"] for size, count in counts.items()},
        "dense": {size: count["pixels"] for size, count in counts.items()},
    }
    return {form: encoder + generator_multiply_adds(translator.generator, batch, rows[form]) for form in rows}


def _floor(
    name: str, work: dict[str, int], peaks: dict[str, dict[str, float]], median_ms: float, batch: int
) -> dict[str, float]:
    """How fast the multiply-adds alone could be at the machine's peak, and how near to it a contender is."""
    form, dtype = name.split()
    floor_ms = 2.0 * work[form] / (max(peaks[dtype].values()) * 1e6)
    return {"floor_ms_per_image": floor_ms / batch, "share_of_peak": floor_ms / median_ms}


def _accuracy(translators: dict[str, ImageTranslator], slices: Slices) -> dict[str, Any]:
    """Mean absolute differences of images, as share of the image range."""
    image, label_ids = take(slices.image, 8), take(slices.label_ids, 8)
    images = {name: t.translate(image, label_ids).numpy() for name, t in translators.items()}

    def difference(a: str, b: str) -> float:
        return float(np.abs(images[a] - images[b]).mean()) / IMAGE_RANGE

    return {
        "image_stddev": float(images["dense float32"].std()) / IMAGE_RANGE,
        "differences": {
            "distinct float32 - dense float32": difference("distinct float32", "dense float32"),
            "distinct bfloat16 - distinct float32": difference("distinct bfloat16", "distinct float32"),
            "dense bfloat16 - dense float32": difference("dense bfloat16", "dense float32"),
        },
    }
