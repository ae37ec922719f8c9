"""`report.html`: one file to look through a walk, subject by subject and slice by slice.

The file needs no network and no other file: images are PNG sprites inside the page, and its
Content-Security-Policy forbids every request. The page itself is `report_template.html`; here its
data are gathered. Whatever a user can name travels as JSON and reaches the page as text, never as markup.
"""

import base64
import html
import io
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import NDArray
from PIL import Image

from cmrtf.data.schema import LabelSchema
from cmrtf.palette import LABEL_COLOURS
from cmrtf.synthesis.display import grey_levels, upright
from cmrtf.synthesis.measures import (
    CENTRE_TO_CENTRE,
    MEASURES,
    SLICE_SUMMATION,
    measure,
    slice_areas_mm2,
)
from cmrtf.synthesis.synthetic_subject import LabelledStack, SubjectRow, phases_of

SPRITE_COLUMNS: Final = 8
"""Slices per line of a sprite: 32 slices of 128 pixels stay far below the canvas limits of phones."""

PNG_COMPRESS_LEVEL: Final = 4
"""Of 9; grey sprites are 0.5 % larger than at zlib's usual 6 and take 60 % of the time."""


def write_report(
    path: Path, rows: Sequence[SubjectRow], provenance: Mapping[str, Any], schema: LabelSchema
) -> None:
    """Write the report of one walk.

    Args:
        path: of the HTML file.
        rows: from A to B, as `in_order` gives them.
        provenance: shown at the foot.
        schema: names the structures.
    """
    codes = list(dict.fromkeys(row.code for row in rows if row.kind != "intersubject"))
    first = next(iter(rows[0].stacks.values()))
    data = {
        "codes": codes,
        "phases": phases_of(rows),
        "structures": [_structure(schema, structure) for structure in schema.foreground],
        "sprite": {
            "columns": SPRITE_COLUMNS,
            "size": first.label_ids.shape[1],
        },
        "methods": [CENTRE_TO_CENTRE, SLICE_SUMMATION],
        "measures": [_measure_heading(name) for name in MEASURES],
        "subjects": [_subject(row, first.affine, schema) for row in rows],
        "provenance": provenance,
    }
    template = files(__package__).joinpath("report_template.html").read_text(encoding="utf-8")
    before, after = template.split("{{data}}")
    before = before.replace("{{title}}", html.escape(" to ".join(codes)))
    path.write_text(before + _embedded_json(data) + after, encoding="utf-8")


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


def outline_codes(mask: NDArray[np.bool_]) -> list[str]:
    """The closed outlines of one structure in one slice, as chain codes.

    A vertex lies half-way between a pixel inside and one outside (marching squares), so in half pixels
    all coordinates are whole and every step is (1, 1), (2, 0) or (0, 2) up to sign: one digit says it.

    Args:
        mask: `(height, width)`.

    Returns:
        Each outline as `x,y` of its first vertex in half pixels, pixel (0, 0) having its centre at 0,0; a
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


def _subject(row: SubjectRow, orientation: NDArray[np.float64], schema: LabelSchema) -> dict[str, Any]:
    return {
        "name": row.name,
        "code": row.code,
        "kind": row.kind,
        "weight": row.weight,
        "description": row.description,
        "stacks": {phase: _stack(stack, orientation, schema) for phase, stack in row.stacks.items()},
        "measures": {
            method: measure(row.stacks, schema, method) for method in (CENTRE_TO_CENTRE, SLICE_SUMMATION)
        },
    }


def _stack(stack: LabelledStack, orientation: NDArray[np.float64], schema: LabelSchema) -> dict[str, Any]:
    label_ids = upright(stack.label_ids, orientation)
    areas_cm2 = {name: slice_areas_mm2(stack, schema.id_of(name)) / 100.0 for name in schema.foreground}
    return {
        "slices": stack.num_slices,
        "spacing_mm": stack.spacing_mm,
        "areas_cm2": {name: areas.round(2).tolist() for name, areas in areas_cm2.items()},
        "image": _base64(grey_sprite(upright(stack.image, orientation))),
        "labels": _base64(label_sprite(label_ids)),
        "outlines": {
            name: [outline_codes(slice_ids == schema.id_of(name)) for slice_ids in label_ids]
            for name in schema.foreground
        },
    }


def _structure(schema: LabelSchema, name: str) -> dict[str, Any]:
    label_id = schema.id_of(name)
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


def _embedded_json(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the `<script>` element it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")
