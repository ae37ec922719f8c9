"""What the banks of a bundle hold, and nothing else is taken for one."""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from cmrtf.core.json_files import LIST_BYTES, Code, IntensityWindow, Text, read_json
from cmrtf.core.labels import PHASES
from cmrtf.core.measures import VOLUMES
from cmrtf.core.npz_files import Array, read_npz
from cmrtf.errors import FileError

Number = Annotated[float, Meta(ge=-1e6, le=1e6)]
StyleCode = Annotated[list[Number], Meta(min_length=1, max_length=2**16)]


class AppearanceEntry(Struct):
    """See `cmrtf.synthesis.appearance.Appearance`."""

    style: Annotated[list[StyleCode | Number], Meta(min_length=1, max_length=2**16)]
    intensity_window: IntensityWindow
    vendor: Text
    centre: Text = ""


class StyleBankEntry(Struct):
    """What is read of a style bank: the means over vendors and centres are made anew."""

    subjects: Annotated[dict[Code, AppearanceEntry], Meta(min_length=1)]

    def __post_init__(self) -> None:
        """Refuse styles that are not all of one model: codes at places, or, earlier, one for all places."""
        shapes = {_shape(entry.style) for entry in self.subjects.values()}
        if len(shapes) > 1:
            raise ValueError(f"Expected styles of one shape, got {', '.join(map(str, sorted(shapes)))}")


def _shape(style: list[list[float] | float]) -> tuple[int, ...]:
    """Of a style's numbers; ValueError if they have none."""
    return np.array(style, np.float64).shape


ARRAYS = {
    "codes": Array(np.float32, ("subjects", len(PHASES), "places", "latent_dim")),
    "ends_mm": Array(np.float32, ("subjects", len(PHASES), 2)),
    "poses": Array(np.float32, ("subjects", 3)),
    "volumes_ml": Array(np.float64, ("subjects", len(VOLUMES))),
    "slice_spacing_mm": Array(np.float64, ("subjects",)),
    "pathologies": Array(str, ("subjects",)),
    "usual_landmarks": Array(np.float64, (2, 2)),
}
"""See `cmrtf.synthesis.anatomy_prior.AnatomyPrior`."""

LIMITS = {
    "codes": (-1e6, 1e6),
    "ends_mm": (-1000.0, 1000.0),
    "poses": (-1e4, 1e4),
    "volumes_ml": (0.0, 1e5),
    "slice_spacing_mm": (0.1, 100.0),
    "usual_landmarks": (-1e4, 1e4),
}
"""Of hearts. How many slices are made of one follows from these: beyond them it would be any number."""


def read_style_bank(path: Path) -> dict[str, dict[str, Any]]:
    """Entries of a style bank by subject.

    Raises:
        FileError: the file is missing or holds something else.
    """
    expected = "the appearances of training subjects"
    return read_json(path, StyleBankEntry, expected, LIST_BYTES)["subjects"]


def read_anatomy_bank(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays of an anatomy bank by name.

    Raises:
        FileError: the file is missing or holds something else, or what no heart has.
    """
    arrays = read_npz(path, ARRAYS, "the anatomies of a bundle")
    subjects, _, places, _ = arrays["codes"].shape
    if subjects < 1 or places < 2:
        raise FileError(
            path,
            f"expected the anatomies of a bundle. Received: {subjects}, at {places} places of the heart.",
        )
    for name, (least, most) in LIMITS.items():
        low, high = arrays[name].min(), arrays[name].max()
        if low < least or high > most:
            raise FileError(
                path, f"expected {name} from {least:g} to {most:g}. Received: {low:g} to {high:g}."
            )
    return arrays
