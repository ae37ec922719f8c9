"""One SPADE layer, 64 channels at 128 x 128, against its dense form and MONAI's block."""

from typing import Any

from contenders import BFLOAT16, FLOAT32, SPADECalls
from labels import Material, distinct_counts, take
from peers import LAYER_NOTE, LAYOUTS, MonaiSPADECalls
from timing import Effort, interleave

BATCH = 8
OURS = {
    "distinct float32": ("distinct", FLOAT32),
    "dense float32": ("dense", FLOAT32),
    "distinct bfloat16": ("distinct", BFLOAT16),
}


def measure_spade_layer(material: Material, effort: Effort) -> dict[str, Any]:
    """Milliseconds per call, forward and forward with backward, and how many times faster than MONAI."""
    label_ids = take(material.slices.label_ids, BATCH)
    layers: dict[str, Any] = {name: SPADECalls(label_ids, *form) for name, form in OURS.items()}
    layers |= {name: MonaiSPADECalls(label_ids, layout) for name, layout in LAYOUTS.items()}
    result: dict[str, Any] = {"distinct": distinct_counts(label_ids, (128,)), "note": LAYER_NOTE}
    for direction in ("forward", "forward_backward"):
        calls = {name: getattr(layer, direction) for name, layer in layers.items()}
        timings = interleave(calls, effort)
        monai = min(timings[name].median_ms for name in LAYOUTS)
        result[direction] = {
            name: {
                **timing.figures("ms"),
                "times_monai": monai / timing.median_ms,
                "times_dense": timings["dense float32"].median_ms / timing.median_ms,
            }
            for name, timing in timings.items()
        }
    return result
