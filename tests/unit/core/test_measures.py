import csv
import itertools

import numpy as np
import pytest

from cmrtf.core.labels import SCHEMA
from cmrtf.core.measures import (
    CENTRE_TO_CENTRE,
    MEASURES,
    ejection_fraction_percent,
    measure,
    slice_areas_mm2,
    volume_ml,
    write_measures,
)
from cmrtf.core.subject import LabelledStack, in_order

LV, MYO, RV = 1, 2, 3


def stack_of(counts: dict[int, int], slices: int, affine: np.ndarray) -> LabelledStack:
    """`counts[label]` pixels of each label in every slice."""
    labels = np.zeros((slices, 10, 10), np.uint8)
    flat = labels.reshape(slices, -1)
    start = 0
    for label, count in counts.items():
        flat[:, start : start + count] = label
        start += count
    return LabelledStack("box", "ED", 0.0, labels, np.zeros(labels.shape, np.float32), affine)


def test_volume_is_voxels_times_voxel_volume() -> None:
    stack = stack_of({LV: 20, MYO: 10}, 5, np.diag([2.0, 2.0, 10.0, 1.0]))
    assert volume_ml(stack, LV) == pytest.approx(20 * 5 * 0.040)
    assert volume_ml(stack, RV) == 0.0


def test_an_oblique_sheared_affine_measures_by_its_determinant() -> None:
    turn = np.array([[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.array([[2.0, 0.0, 3.0], [0.0, 2.0, 0.0], [0.0, 0.0, 10.0]])
    stack = stack_of({LV: 20}, 5, affine)
    assert volume_ml(stack, LV) == pytest.approx(20 * 5 * 0.040)
    assert slice_areas_mm2(stack, LV) == pytest.approx([80.0] * 5)


def test_only_centre_to_centre_compares_a_source_with_its_synthetic_version() -> None:
    source = stack_of({LV: 20}, 10, np.diag([1.5, 1.5, 10.0, 1.0]))
    synthetic = stack_of({LV: 20}, 32, np.diag([1.5, 1.5, 90 / 31, 1.0]))
    area_cm2 = 20 * 0.0225
    assert volume_ml(source, LV, CENTRE_TO_CENTRE) == pytest.approx(area_cm2 * 9.0)
    assert volume_ml(synthetic, LV, CENTRE_TO_CENTRE) == pytest.approx(area_cm2 * 9.0)
    assert volume_ml(source, LV) == pytest.approx(area_cm2 * 10.0)
    assert volume_ml(synthetic, LV) == pytest.approx(area_cm2 * 90 / 31 * 3.2)


def test_all_measures_of_two_boxes() -> None:
    affine = np.diag([2.0, 2.0, 10.0, 1.0])  # 0.04 ml per voxel, 4 slices: 0.16 ml per pixel
    stacks = {
        "ED": stack_of({LV: 50, MYO: 25, RV: 20}, 4, affine),
        "ES": stack_of({LV: 20, MYO: 26, RV: 15}, 4, affine),
    }
    values = measure(stacks, SCHEMA)
    assert tuple(values) == MEASURES
    assert list(values.values()) == pytest.approx([8.0, 3.2, 60.0, 4.2, 4.368, 3.2, 2.4, 25.0])


def test_an_absent_phase_leaves_what_needs_it_unknown() -> None:
    values = measure({"ES": stack_of({LV: 20, MYO: 10}, 4, np.eye(4))}, SCHEMA)
    unknown = [name for name, value in values.items() if value is None]
    assert unknown == ["LV_EDV_ml", "LV_EF_percent", "MYO_mass_ED_g", "RV_EDV_ml", "RV_EF_percent"]


def test_no_ejection_fraction_of_an_empty_ventricle() -> None:
    assert ejection_fraction_percent(0.0, 0.0) is None


def test_table_is_in_order_and_monotone_from_a_to_b(make_walk, tmp_path) -> None:
    write_measures(tmp_path / "measures.csv", in_order(*make_walk()), SCHEMA)
    lines = list(csv.DictReader((tmp_path / "measures.csv").open()))
    synthetic = [line for line in lines if line["kind"] != "source"]
    volumes = [float(line["LV_EDV_ml"]) for line in synthetic]
    assert len(volumes) == 5
    assert all(a > b for a, b in itertools.pairwise(volumes))
    assert [line["subject"] for line in lines][::6] == ["source_P001", "source_P002"]
    assert lines[0]["LV_EDV_centre_to_centre_ml"] == lines[1]["LV_EDV_centre_to_centre_ml"]
    assert (lines[0]["slices"], lines[0]["slice_spacing_mm"]) == ("4", "10.0000")


def test_table_is_blank_where_a_phase_is_absent(make_walk, tmp_path) -> None:
    write_measures(tmp_path / "measures.csv", in_order(*make_walk(phases=("ED",))), SCHEMA)
    for line in csv.DictReader((tmp_path / "measures.csv").open()):
        assert line["LV_EDV_ml"]
        assert line["LV_ESV_ml"] == line["LV_EF_percent"] == line["RV_ESV_centre_to_centre_ml"] == ""
