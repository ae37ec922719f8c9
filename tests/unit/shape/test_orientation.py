import numpy as np
import pytest

from cmrtf.datasets.base import RawSubject
from cmrtf.datasets.readers import read_raw
from cmrtf.quality.checks import examine
from cmrtf.shape.orientation import CERTAIN_TAPER, apical_taper


def test_the_narrow_end_is_the_apex(heart):
    assert apical_taper([heart(apex_first=True)]) > CERTAIN_TAPER
    assert apical_taper([heart(apex_first=False)]) < -CERTAIN_TAPER


def test_empty_slices_at_the_ends_do_not_matter(heart):
    padded = np.pad(heart(), ((0, 0), (0, 0), (5, 1)))
    assert apical_taper([padded]) == pytest.approx(apical_taper([heart()]))


def test_reversal_changes_the_sign_only(heart):
    phases = [heart(), heart(scale=0.7)]
    assert apical_taper([label[:, :, ::-1] for label in phases]) == pytest.approx(-apical_taper(phases))


def test_a_tube_has_no_apex():
    tube = np.zeros((8, 8, 5), np.uint8)
    tube[2:6, 2:6] = 1
    assert apical_taper([tube]) == 0


def test_known_shapes_have_known_tapers():
    # Thin slices through a cone and a half ellipsoid of length 1: centroids at 3/4 and 5/8 from the apex.
    z = (np.arange(200) + 0.5) / 200
    for area, expected in ((z**2, 0.5), (1 - (1 - z) ** 2, 0.25)):
        rows = np.arange(4000)[:, None, None] < area * 4000
        assert apical_taper([rows.astype(np.uint8)]) == pytest.approx(expected, abs=0.01)


def test_all_real_patients_are_certain_and_base_first(real_acdc):
    tapers = {subject.subject: _taper(subject) for subject in read_raw(real_acdc).subjects[::3]}
    assert all(taper < -CERTAIN_TAPER for taper in tapers.values()), tapers


def _taper(subject: RawSubject) -> float:
    return apical_taper([volume.label_ids for volume in examine(subject).usable_volumes().values()])
