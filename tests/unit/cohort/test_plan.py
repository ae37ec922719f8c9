import pytest

from cmrtf.cohort.build import prepare
from cmrtf.errors import CmrtfError
from folders import names
from raw_data import write_acdc


@pytest.mark.parametrize("what", ["file", "folder"])
def test_an_output_that_is_taken_is_left_alone(raw, out, what):
    out.parent.mkdir()
    if what == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    with pytest.raises(CmrtfError, match="expected a folder that does not exist yet, or an empty one"):
        prepare(raw, out)
    assert (out if what == "file" else out / "mine.txt").read_text() == "mine"


def test_an_empty_output_folder_is_used(raw, out):
    out.mkdir(parents=True)
    prepare(raw, out)
    assert (out / "manifest.json").is_file()


def test_a_cohort_of_an_earlier_version_is_prepared_again_in_its_place(raw, out):
    (out / "subjects").mkdir(parents=True)
    (out / "subjects" / "patient001.npz").touch()
    (out / "manifest.json").write_text('{"format": "cmrtf-prepared-cohort", "version": 1, "subjects": []}')
    assert len(prepare(raw, out).cohort.codes()) == 3
    assert "patient001.npz" not in names(out / "subjects")


def test_added_subjects_do_not_move_the_others_to_another_split(raw, out):
    before = prepare(raw, out, validation_fraction=0.4).cohort
    for number in range(4, 9):
        write_acdc(raw, f"patient{number:03d}")
    after = prepare(raw, out, validation_fraction=0.4).cohort
    assert all(after.record(code).split == before.record(code).split for code in before.codes())
    assert len(after.codes("validation")) == 3
    assert len(prepare(raw, out, validation_fraction=0.8).cohort.codes("validation")) == 6
