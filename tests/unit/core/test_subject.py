import numpy as np
import pytest

from cmrtf.core.subject import in_order, phases_of


def test_rows_run_from_a_to_b_with_the_sources_outside(make_walk) -> None:
    rows = in_order(*make_walk())
    names = [row.name for row in rows]
    ends = ["source_P001", "intra_P001"], ["intra_P002", "source_P002"]
    assert names == [*ends[0], "inter_01", "inter_02", "inter_03", *ends[1]]
    assert [row.kind for row in rows][:3] == ["source", "intrasubject", "intersubject"]


def test_a_row_holds_all_phases_ed_first(make_walk) -> None:
    rows = in_order(*make_walk())
    assert all(set(row.stacks) == {"ED", "ES"} for row in rows)
    assert phases_of(rows) == ["ED", "ES"]


def test_source_rows_are_described_and_keep_their_code(make_walk) -> None:
    row = in_order(*make_walk())[0]
    assert (row.code, row.description) == ("P001", "vendor B, DCM")


def test_folder_spacing_and_voxel_volume(make_walk) -> None:
    subjects, _ = make_walk(code_b=None, phases=("ES",))
    (subject,) = subjects
    assert subject.folder == "intra_P001_ES"
    assert subject.spacing_mm == pytest.approx((1.5, 1.5, 30 / 7))
    assert subject.voxel_volume_ml == pytest.approx(1.5 * 1.5 * 30 / 7 / 1000)
    assert subject.num_slices == 8
    assert subject.affine.dtype == np.float64
