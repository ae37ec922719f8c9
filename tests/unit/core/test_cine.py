from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from area_double import A
from cmrtf.core.cine import Cine
from cmrtf.core.geometry import Geometry
from cmrtf.core.stack import CENTRE_TO_CENTRE
from cmrtf.errors import CmrtfError


def _cine():
    return Cine((A.ed, A.es, A.ed), 1, 0.25)


def test_its_stacks_are_end_diastole_and_end_systole():
    assert _cine().stacks == {"ED": A.ed, "ES": A.es}


def test_volumes_are_those_of_the_frames():
    for method in ({}, {"method": CENTRE_TO_CENTRE}):
        expected = [stack.volume_ml("LV", **method) for stack in (A.ed, A.es, A.ed)]
        np.testing.assert_allclose(_cine().volumes_ml("LV", **method), expected)


def test_files_are_4d_in_the_units_and_the_place_of_the_source(tmp_path):
    _cine().write(tmp_path / "image.nii.gz", tmp_path / "label.nii.gz")
    image, labels = (nib.load(tmp_path / name) for name in ("image.nii.gz", "label.nii.gz"))
    assert image.shape == labels.shape == (10, 10, 4, 3)
    assert image.header.get_zooms()[3] == labels.header.get_zooms()[3] == pytest.approx(0.25)
    np.testing.assert_allclose(image.affine, A.ed.affine, atol=1e-4)
    np.testing.assert_array_equal(labels.get_fdata()[..., 1].T, A.es.label_ids)
    low, high = A.es.intensity_window
    expected = low + (A.es.image + 1) / 2 * (high - low)
    np.testing.assert_allclose(image.get_fdata()[..., 1].T, expected, atol=1e-4)


def test_fewer_than_two_frames_are_no_beat():
    with pytest.raises(CmrtfError, match=r"frames: expected 2 or more\. Received: 1"):
        Cine((A.ed,), 1, 0.1)


def test_frames_on_other_voxels_are_refused():
    elsewhere = replace(A.es, geometry=Geometry.of(np.diag([1.5, 1.5, 9.0, 1.0]), (10, 10, 4)))
    with pytest.raises(CmrtfError, match=r"expected stacks on the same voxels\. Received: frame 1"):
        Cine((A.ed, elsewhere), 1, 0.1)


@pytest.mark.parametrize("es_frame", [0, 3, -1, 1.0, True])
def test_end_systole_is_a_frame_after_end_diastole(es_frame):
    with pytest.raises(CmrtfError, match="es_frame: expected a whole number from 1 to 2"):
        Cine((A.ed, A.es, A.ed), es_frame, 0.1)


@pytest.mark.parametrize("frame_s", [0.0, -1.0, float("nan"), float("inf"), None, "x"])
def test_a_frame_takes_time(frame_s):
    with pytest.raises(CmrtfError, match="frame_s: expected seconds, more than 0"):
        Cine((A.ed, A.es), 1, frame_s)


def test_facts_are_what_its_files_do_not_say():
    assert _cine().facts == {"es_frame": 1, "frame_s": 0.25}
