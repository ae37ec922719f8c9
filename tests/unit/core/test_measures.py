import numpy as np
import pytest

from cmrtf.core.geometry import Geometry
from cmrtf.core.measures import (
    MEASURES,
    VOLUMES,
    ejection_fraction_percent,
    measure,
    measure_volumes_ml,
)
from cmrtf.core.stack import CENTRE_TO_CENTRE, Stack

LV, MYO, RV = 1, 2, 3


def boxes(counts, slices=4):
    """`counts[label]` pixels of each label in every slice of 10 by 10."""
    labels = np.zeros((slices, 100), np.uint8)
    start = 0
    for label, count in counts.items():
        labels[:, start : start + count] = label
        start += count
    return labels.reshape(slices, 10, 10)


def stack_of(counts, affine):
    labels = boxes(counts)
    return Stack(np.zeros(labels.shape, np.float32), labels, Geometry.of(affine, labels.shape[::-1]))


def two_boxes():
    affine = np.diag([2.0, 2.0, 10.0, 1.0])  # 0.04 ml per voxel, 4 slices: 0.16 ml per pixel
    return {
        "ED": stack_of({LV: 50, MYO: 25, RV: 20}, affine),
        "ES": stack_of({LV: 20, MYO: 26, RV: 15}, affine),
    }


def test_all_measures_of_two_boxes():
    values = measure(two_boxes())
    assert tuple(values) == MEASURES
    assert list(values.values()) == pytest.approx([8.0, 3.2, 60.0, 4.2, 4.368, 3.2, 2.4, 25.0])


def test_centre_to_centre_the_two_end_slices_count_by_half():
    by_summation, between_centres = measure(two_boxes()), measure(two_boxes(), CENTRE_TO_CENTRE)
    assert between_centres["LV_EDV_ml"] == pytest.approx(by_summation["LV_EDV_ml"] * 3 / 4)
    assert between_centres["LV_EF_percent"] == pytest.approx(by_summation["LV_EF_percent"])


def test_an_absent_phase_leaves_what_needs_it_unknown():
    values = measure({"ES": stack_of({LV: 20, MYO: 10}, np.eye(4))})
    unknown = [name for name, value in values.items() if value is None]
    assert unknown == ["LV_EDV_ml", "LV_EF_percent", "MYO_mass_ED_g", "RV_EDV_ml", "RV_EF_percent"]


def test_no_ejection_fraction_of_an_empty_ventricle():
    assert ejection_fraction_percent(0.0, 0.0) is None


def test_volumes_of_prepared_labels_are_in_order():
    label_ids = {"ED": boxes({LV: 50, MYO: 25, RV: 20}), "ES": boxes({LV: 20, MYO: 26, RV: 15})}
    volumes_ml = measure_volumes_ml(label_ids, slice_spacing_mm=8.0)
    assert VOLUMES == ("LV_ED", "MYO_ED", "RV_ED", "LV_ES", "MYO_ES", "RV_ES")
    assert volumes_ml == pytest.approx(np.array([50, 25, 20, 20, 26, 15]) * 4 * 1.5 * 1.5 * 8.0 / 1000)


def test_volumes_are_counts_of_voxels():
    counts = dict(zip(VOLUMES, (5, 4, 3, 2, 6, 1), strict=True))
    stacks = {phase: np.zeros((2, 4, 4), np.uint8) for phase in ("ED", "ES")}
    for phase, stack in stacks.items():
        voxels = [
            k for k, name in ((1, "LV"), (2, "MYO"), (3, "RV")) for _ in range(counts[f"{name}_{phase}"])
        ]
        stack.flat[: len(voxels)] = voxels
    # A prepared pixel is 1.5 mm x 1.5 mm.
    np.testing.assert_allclose(measure_volumes_ml(stacks, 10.0), np.array(list(counts.values())) * 0.0225)
