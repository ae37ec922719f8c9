"""Slice orders of a whole data set: stacks in doubt follow the others, in files and in shards alike."""

import json

import numpy as np
import pytest

from cmrtf.cohort.build import prepare, read_subject
from cmrtf.errors import CmrtfError
from cmrtf.quality.inspection import check
from raw_data import heart, image_of, save, write_acdc

IN_DOUBT = "patient003"


@pytest.fixture
def raw(tmp_path):
    """Two patients that are base first, and one whose labels do not say."""
    for number in range(1, 4):
        write_acdc(tmp_path / "raw", f"patient{number:03d}")
    for frame, scale in ((1, 1.0), (3, 0.8)):
        tube = np.repeat(heart(scale=scale)[:, :, 3:4], 6, axis=2)
        stem = tmp_path / "raw" / IN_DOUBT / f"{IN_DOUBT}_frame{frame:02d}"
        save(stem.with_name(f"{stem.name}.nii.gz"), image_of(tube, IN_DOUBT))
        save(stem.with_name(f"{stem.name}_gt.nii.gz"), np.array([0, 3, 2, 1], np.uint8)[tube])
    return tmp_path / "raw"


def doubts(texts):
    return [text for text in texts if "apex and base look alike" in text]


@pytest.mark.parametrize("beam", [False, True])
def test_a_stack_in_doubt_follows_the_others_of_the_cohort(raw, out, one_process, beam):
    built = prepare(raw, out, beam=beam)
    assert [record.stack_flipped for record in built.cohort.records] == [True, True, True]
    (doubt,) = doubts(warning.warning for warning in built.warnings)
    assert "base-first, as 2 of 2 other stacks are" in doubt
    assert json.loads((out / "manifest.json").read_text())["other_orders"] == {IN_DOUBT: [0, 2]}
    assert built.num_unchanged == 0
    assert prepare(raw, out, beam=beam).num_unchanged == 3
    write_acdc(raw, "patient004", apex_first=True)
    prepare(raw, out, beam=beam)
    assert json.loads((out / "manifest.json").read_text())["other_orders"] == {IN_DOUBT: [1, 2]}


def test_check_says_the_same(raw):
    (doubt,) = doubts(issue.problem for issue in check(raw).issues)
    assert "base-first, as 2 of 2 other stacks are" in doubt


def test_a_subject_that_is_read_alone_follows_the_others_too(raw, out):
    expected = prepare(raw, out).cohort[IN_DOUBT].ed
    subject = read_subject(raw, IN_DOUBT)
    np.testing.assert_array_equal(subject.ed.label_ids, expected.label_ids)
    np.testing.assert_array_equal(subject.ed.affine, expected.affine)


def test_what_a_user_says_counts_before_the_others(raw, out):
    built = prepare(raw, out, slice_orders=[f"{IN_DOUBT}=apex-first"])
    assert [record.stack_flipped for record in built.cohort.records] == [True, True, False]
    assert not doubts(warning.warning for warning in built.warnings)
    assert "other_orders" not in json.loads((out / "manifest.json").read_text())


@pytest.mark.parametrize("setting", ["apex", "patient009=apex-first", f"{IN_DOUBT}="])
def test_a_slice_order_that_is_none_is_refused(raw, out, setting):
    with pytest.raises(CmrtfError, match=r"^slice order: expected .* Received: '"):
        prepare(raw, out, slice_orders=[setting])
    assert not out.exists()
