"""`report.html`: one file to look through a set of outputs or a cohort, slice by slice.

The file needs no network and no other file: images are PNG sprites inside the page, NiiVue, which shows
hearts in 3D, is inside too, and its Content-Security-Policy forbids every request. The page itself is
`templates/report.html`, its 3D view `heart3d.js`; here its data are gathered. Whatever a user can name
travels as JSON and reaches the page as text, never as markup.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import NDArray
from PIL import Image

from cmrtf.core.cine import Cine
from cmrtf.core.display import grey_levels, upright
from cmrtf.core.labels import LABEL_COLOURS, SCHEMA
from cmrtf.core.measures import MEASURES
from cmrtf.core.stack import Stack
from cmrtf.core.subject import Subject, phases_of
from cmrtf.report.beat import beat_for_page
from cmrtf.report.sequence import title_of, volume_methods
from cmrtf.report.templating import embedded_json, render_template, resource

SPRITE_COLUMNS: Final = 8
"""Slices per line of a sprite: 32 slices of 128 pixels stay far below the canvas limits of phones."""

PNG_COMPRESS_LEVEL: Final = 4
"""Of 9; grey sprites are 0.5 % larger than at zlib's usual 6 and take 60 % of the time."""


@dataclass(frozen=True)
class Population:
    """All subjects of a cohort, of which a report shows the first.

    Args:
        size: how many there are.
        measures: by names in `MEASURES`, by slice summation, one value per subject.
    """

    size: int
    measures: Mapping[str, Sequence[float]]


def write_report(
    path: Path,
    subjects: Sequence[Subject],
    provenance: Mapping[str, Any],
    population: Population | None = None,
) -> None:
    """Write the report of one set of outputs or of a cohort.

    Args:
        path: of the HTML file.
        subjects: as `in_order` gives them, or the first subjects of a cohort.
        provenance: shown at the foot.
        population: of a cohort; None for a set of outputs.
    """
    page = render_template(
        "report.html",
        title=f"{population.size:,} generated subjects" if population else title_of(subjects),
        data=embedded_json(_page_data(subjects, provenance, population)),
        heart3d=resource("heart3d.js").decode(),
        niivue=_base64(resource("niivue/niivue.umd.js.gz")),
        niivue_licence=resource("niivue/LICENSE").decode(),
    )
    path.write_text(page, encoding="utf-8")


def _page_data(
    subjects: Sequence[Subject], provenance: Mapping[str, Any], population: Population | None
) -> dict[str, Any]:
    """All that the page shows, for its script."""
    first = next(iter(subjects[0].stacks.values()))
    methods = volume_methods(subjects)
    return {
        "ends": list(dict.fromkeys((subjects[0].name, subjects[-1].name))),
        "phases": phases_of(subjects),
        "structures": [_structure(structure) for structure in SCHEMA.foreground],
        "sprite": {"columns": SPRITE_COLUMNS, "size": first.label_ids.shape[1]},
        "methods": methods,
        "measures": [_measure_heading(name) for name in MEASURES],
        "subjects": [_subject(subject, first.affine, methods) for subject in subjects],
        "population": population and _histograms(population),
        "provenance": provenance,
    }


def grey_sprite(image: NDArray[Any]) -> bytes:
    """All slices in one 8-bit grey PNG, `SPRITE_COLUMNS` per line.

    Args:
        image: `(slices, height, width)` in [-1, 1].
    """
    return _png(Image.fromarray(_tiled(grey_levels(image))))


def label_sprite(label_ids: NDArray[np.uint8]) -> bytes:
    """All slices in one indexed PNG whose palette index is the label id; the background is transparent.

    Args:
        label_ids: `(slices, height, width)`.
    """
    sprite = Image.fromarray(_tiled(label_ids))
    sprite.putpalette([channel for colour in LABEL_COLOURS for channel in colour])
    return _png(sprite, transparency=0)


def contour_codes(mask: NDArray[np.bool_]) -> list[str]:
    """The closed contours of one structure in one slice, as chain codes.

    A vertex lies half-way between a pixel inside and one outside (marching squares), so in half pixels
    all coordinates are whole and every step is (1, 1), (2, 0) or (0, 2) up to sign: one digit says it.

    Args:
        mask: `(height, width)`.

    Returns:
        Each contour as `x,y` of its first vertex in half pixels, pixel (0, 0) having its centre at 0,0; a
        colon; and a digit `3 * (sign(dx) + 1) + (sign(dy) + 1)` per step.
    """
    if not mask.any():
        return []
    codes = []
    contours = contour_generator(z=np.pad(mask, 1).astype(np.float64), line_type=LineType.Separate)
    for line in cast(list[NDArray[np.float64]], contours.lines(0.5)):
        vertices = np.rint(2.0 * (line - 1.0)).astype(int)
        signs = np.sign(np.diff(vertices, axis=0)) + 1
        digits = "".join(map(str, 3 * signs[:, 0] + signs[:, 1]))
        codes.append(f"{vertices[0, 0]},{vertices[0, 1]}:{digits}")
    return codes


def _subject(subject: Subject, orientation: NDArray[np.float64], methods: Sequence[str]) -> dict[str, Any]:
    return {
        "name": subject.id,
        "code": subject.name,
        "kind": subject.kind,
        "weight": subject.weight,
        "description": subject.description,
        "stacks": {phase: _stack(stack, orientation) for phase, stack in subject.stacks.items()},
        "measures": {method: subject.measures(method) for method in methods},
        "beat": subject.cine and _beat(subject.cine, orientation),
    }


def _beat(cine: Cine, orientation: NDArray[np.float64]) -> dict[str, Any]:
    beat = beat_for_page(cine, orientation)
    return {**beat, "webp": _base64(beat["webp"])}


def _stack(stack: Stack, orientation: NDArray[np.float64]) -> dict[str, Any]:
    label_ids = upright(stack.label_ids, orientation)
    return {
        "slices": stack.num_slices,
        "spacing_mm": stack.spacing_mm,
        "areas_cm2": {name: _areas_cm2(stack, name) for name in SCHEMA.foreground},
        "image": _base64(grey_sprite(upright(stack.image, orientation))),
        "labels": _base64(label_sprite(label_ids)),
        "outlines": {
            name: [contour_codes(slice_ids == SCHEMA.id_of(name)) for slice_ids in label_ids]
            for name in SCHEMA.foreground
        },
    }


def _areas_cm2(stack: Stack, structure: str) -> list[float]:
    """Area of a structure in each slice; none where it is unknown."""
    areas: list[float] = (stack.areas_mm2(structure) / 100.0).round(2).tolist()
    return areas if stack.knows(structure) else []


def _histograms(population: Population) -> dict[str, Any]:
    """Counts in a few bins, so that a page does not grow with its cohort."""
    counted = {name: np.histogram(values, bins="sturges") for name, values in population.measures.items()}
    return {
        "size": population.size,
        "histograms": [
            {**_measure_heading(name), "counts": counts.tolist(), "edges": edges.round(2).tolist()}
            for name, (counts, edges) in counted.items()
        ],
    }


def _structure(name: str) -> dict[str, Any]:
    label_id = SCHEMA.id_of(name)
    return {"id": label_id, "name": name, "colour": "#{:02x}{:02x}{:02x}".format(*LABEL_COLOURS[label_id])}


def _measure_heading(name: str) -> dict[str, str]:
    """`LV_EDV_ml` reads "LV EDV" in "ml"."""
    *words, unit = name.split("_")
    return {"key": name, "label": " ".join(words), "unit": {"percent": "%"}.get(unit, unit)}


def _tiled(stack: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`(slices, height, width)` to one image with `SPRITE_COLUMNS` slices per line, the rest 0."""
    slices, height, width = stack.shape
    lines = -(-slices // SPRITE_COLUMNS)
    padded = np.zeros((lines * SPRITE_COLUMNS, height, width), np.uint8)
    padded[:slices] = stack
    grid = padded.reshape(lines, SPRITE_COLUMNS, height, width).swapaxes(1, 2)
    return grid.reshape(lines * height, SPRITE_COLUMNS * width)


def _png(image: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format="PNG", compress_level=PNG_COMPRESS_LEVEL, **options)
    return stream.getvalue()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
