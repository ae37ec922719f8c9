"""A beating heart as a moving picture that any browser plays by itself."""

import io
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cmrtf.core.cine import Cine
from cmrtf.core.display import grey_levels, grey_tile, heart_window, upright, with_contours
from cmrtf.core.labels import SCHEMA
from cmrtf.core.stack import Stack

POSITIONS: Final = (0.2, 0.5, 0.8)
"""Part of the way from the apical to the basal slice that show a heart in all frames."""

TILE: Final = 176
"""Side of a slice, in pixels."""

QUALITY: Final = 60
"""Of WebP."""


def beat_for_page(cine: Cine, orientation: NDArray[np.float64]) -> dict[str, Any]:
    """What the page shows of a heart beat.

    Args:
        cine: the beat.
        orientation: affine that says which way is up.

    Returns:
        `webp`, the moving picture; `es_frame`, `frame_s`, and `volumes_ml` of each structure by frame, empty
        where it is unknown.
    """
    volumes = {structure: cine.volumes_ml(structure) for structure in SCHEMA.foreground}
    return {
        "webp": moving_picture(cine, orientation),
        **cine.facts,
        "volumes_ml": {
            name: [] if np.isnan(values).any() else values.round(1).tolist()
            for name, values in volumes.items()
        },
    }


def moving_picture(cine: Cine, orientation: NDArray[np.float64]) -> bytes:
    """An animated WebP in a loop: an apical, a middle and a basal slice, with contours below.

    Args:
        cine: the beat.
        orientation: affine that says which way is up.
    """
    window = heart_window(cine.frames, orientation)
    slices = _slices(cine.frames)
    pictures = [Image.fromarray(_picture(stack, slices, orientation, window)) for stack in cine.frames]
    stream = io.BytesIO()
    pictures[0].save(
        stream,
        format="WEBP",
        save_all=True,
        append_images=pictures[1:],
        duration=round(1000 * cine.frame_s),
        loop=0,
        quality=QUALITY,
    )
    return stream.getvalue()


def _picture(
    stack: Stack, slices: Sequence[int], orientation: NDArray[np.float64], window: tuple[slice, slice]
) -> NDArray[np.uint8]:
    greys = upright(grey_levels(stack.image[slices]), orientation)[:, *window]
    labels = upright(stack.label_ids[slices], orientation)[:, *window]
    plain = [grey_tile(grey, TILE) for grey in greys]
    drawn = [with_contours(*pair) for pair in zip(plain, labels, strict=True)]
    return np.concatenate([np.concatenate(line, axis=1) for line in (plain, drawn)])


def _slices(frames: Sequence[Stack]) -> list[int]:
    """At `POSITIONS` of the slices that show a heart in all frames, or of all slices if none does."""
    shown = np.flatnonzero(np.all([stack.has_heart for stack in frames], axis=0))
    if not len(shown):
        shown = np.arange(frames[0].num_slices)
    return [int(shown[round(place * (len(shown) - 1))]) for place in POSITIONS]
