import io
from dataclasses import replace

import numpy as np
from PIL import Image

from cmrtf.core.cine import Cine
from cmrtf.core.labels import SCHEMA
from cmrtf.core.unknown import from_slices
from cmrtf.report.beat import TILE, beat_for_page, moving_picture
from interpolated import AFFINE, beating, interpolated


def _cine():
    return beating(interpolated(code_b=None)[0]).cine


def test_the_picture_moves_in_a_loop():
    picture = Image.open(io.BytesIO(moving_picture(_cine(), AFFINE)))
    assert picture.format == "WEBP"
    assert picture.n_frames == 3  # what does not change is one longer frame
    assert picture.info["loop"] == 0
    assert picture.size == (3 * TILE, 2 * TILE)


def test_contours_are_in_the_lower_half_alone():
    picture = np.asarray(Image.open(io.BytesIO(moving_picture(_cine(), AFFINE))).convert("RGB"), np.int16)
    colourful = np.ptp(picture, axis=2) > 60
    assert not colourful[:TILE].any()
    assert colourful[TILE:].any()


def test_curves_are_of_what_is_known():
    cine = _cine()
    page = beat_for_page(cine, AFFINE)
    assert (page["es_frame"], page["frame_s"]) == (1, 0.2)
    assert set(page["volumes_ml"]) == set(SCHEMA.foreground)
    np.testing.assert_allclose(page["volumes_ml"]["LV"], cine.volumes_ml("LV"), atol=0.05)
    some = _without_rv(cine)
    assert beat_for_page(some, AFFINE)["volumes_ml"]["RV"] == []


def _without_rv(cine):
    slices = cine.frames[0].num_slices
    unknown = from_slices({"RV": range(slices)}, slices)
    return replace(cine, frames=tuple(replace(stack, unknown=unknown) for stack in cine.frames))


def test_a_beat_without_a_heart_is_shown_too():
    empty = tuple(stack.with_labels(np.zeros_like(stack.label_ids)) for stack in _cine().frames)
    assert moving_picture(Cine(empty, 1, 0.2), AFFINE)
