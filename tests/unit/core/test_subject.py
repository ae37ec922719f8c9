from dataclasses import replace

import numpy as np
import pytest

from cmrtf.core.nifti import read_nifti
from cmrtf.core.stack import CENTRE_TO_CENTRE
from cmrtf.core.subject import Subject, phases_of
from cmrtf.errors import CmrtfError
from interpolated import beating, interpolated


def source(**arguments):
    return next(subject for subject in interpolated(**arguments) if subject.kind == "source")


STACKS = source().stacks


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("source", "source_P1"), ("intrasubject", "intra_P1"), ("intersubject", "P1"), ("remodelled", "P1")],
)
def test_the_id_tells_versions_of_one_subject_apart(kind, expected):
    assert Subject("P1", kind, STACKS).id == expected


def test_only_a_source_is_not_synthetic():
    assert {subject.kind: subject.is_synthetic for subject in interpolated()} == {
        "source": False,
        "intrasubject": True,
        "intersubject": True,
    }


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"vendor": "B", "pathology": "DCM"}, "vendor B, DCM"),
        ({"vendor": "B"}, "vendor B"),
        ({"pathology": "DCM"}, "DCM"),
        ({}, ""),
    ],
)
def test_the_description_says_what_is_known(facts, expected):
    assert Subject("P1", "source", STACKS, **facts).description == expected


def test_stacks_have_names():
    subject = source()
    assert subject.phases == ("ED", "ES")
    assert (subject.ed, subject.es) == (subject.stacks["ED"], subject.stacks["ES"])
    with pytest.raises(KeyError):
        _ = source(phases=("ED",)).es


def test_measures_are_those_of_its_stacks():
    subject = source()
    assert subject.measures()["LV_EDV_ml"] == subject.ed.volume_ml("LV")
    assert subject.measures(CENTRE_TO_CENTRE)["LV_ESV_ml"] == subject.es.volume_ml("LV", CENTRE_TO_CENTRE)


def test_other_stacks_keep_what_is_known():
    subject = source()
    other = subject.with_stacks({"ED": subject.ed})
    assert other.phases == ("ED",)
    assert (other.id, other.description) == (subject.id, subject.description)


def test_saved_files_are_in_the_units_and_the_place_of_the_source(tmp_path):
    subject = source(phases=("ED",))
    subject.save(tmp_path / "new" / "folder")
    names = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    assert names == {"ED_image.nii.gz", "ED_label.nii.gz"}
    image = read_nifti(tmp_path / "new" / "folder" / "ED_image.nii.gz")
    np.testing.assert_allclose(image.data.transpose(2, 1, 0), 110 + 100 * subject.ed.image, atol=1e-3)
    np.testing.assert_allclose(image.affine, subject.ed.affine, atol=1e-5)


def test_a_notebook_shows_picture_and_measures_and_escapes_names():
    subject = source(code_a="<i>", code_b=None, phases=("ED",))
    page = subject._repr_html_()
    assert "<i>" not in page
    assert "data:image/png;base64," in page
    assert f"LV_EDV_ml {subject.measures()['LV_EDV_ml']:.1f}" in page
    assert "LV_ESV_ml" not in page
    assert repr(subject) == "Subject(<i>, source: ED 4 slices)"


def test_plot_is_a_figure_of_all_phases():
    assert len(source().plot().axes) == 2


def test_phases_of_all_subjects_are_ed_first():
    subjects = interpolated()
    assert phases_of([subjects[0].with_stacks({"ES": subjects[0].es}), subjects[1]]) == ["ED", "ES"]


@pytest.mark.parametrize("name", [5, None, "", "a\0", "a\nb", "\x7f", "../P1", "x" * 256, b"P1"])
def test_a_name_is_one_that_files_can_have(name):
    with pytest.raises(CmrtfError, match=r"name: expected text of 1 to 255 characters, .* Received: "):
        Subject(name, "source", STACKS)


@pytest.mark.parametrize("kind", ["x", "Source", None, ["source"]])
def test_a_kind_is_one_of_those_that_there_are(kind):
    with pytest.raises(CmrtfError, match=r"kind: expected one of source, intrasubject, .* Received: "):
        Subject("P1", kind, STACKS)


@pytest.mark.parametrize("fact", ["vendor", "centre", "pathology"])
def test_facts_are_text(fact):
    with pytest.raises(CmrtfError, match=rf"{fact}: expected text\. Received: None"):
        Subject("P1", "source", STACKS, **{fact: None})


@pytest.mark.parametrize(
    "stacks",
    [{}, None, [STACKS["ED"]], "ED", *({phase: STACKS["ED"]} for phase in ("../x", "ed", "XX", "", 1))],
)
def test_stacks_are_named_by_their_phases(stacks):
    with pytest.raises(CmrtfError, match=r"stacks: expected one by phase, of ED or ES\. Received: "):
        source().with_stacks(stacks)


@pytest.mark.parametrize("stack", [None, STACKS["ED"].label_ids, STACKS])
def test_what_is_no_stack_is_refused(stack):
    with pytest.raises(CmrtfError, match=r"stacks: expected a Stack at ES\. Received: "):
        source().with_stacks({"ED": STACKS["ED"], "ES": stack})


def test_ed_comes_first_whatever_the_order():
    assert source().with_stacks({"ES": STACKS["ES"], "ED": STACKS["ED"]}).phases == ("ED", "ES")


def test_a_subject_keeps_its_stacks_when_the_mapping_changes():
    stacks = dict(STACKS)
    subject = source().with_stacks(stacks)
    stacks.clear()
    assert subject.phases == ("ED", "ES")


def test_a_beat_is_of_the_stacks():
    subject = beating(interpolated(code_b=None)[0])
    other = interpolated(code_b=None)[0]
    for cine in (beating(other).cine, "x"):
        with pytest.raises(CmrtfError, match="cine: expected one of the subject's ED and ES"):
            replace(subject, cine=cine)


def test_other_stacks_have_no_beat():
    subject = beating(interpolated(code_b=None)[0])
    assert subject.with_stacks({"ED": subject.ed}).cine is None


def test_a_beat_is_saved_too(tmp_path):
    beating(interpolated(code_b=None)[0]).save(tmp_path)
    assert read_nifti(tmp_path / "cine_label.nii.gz").data.shape[3] == 4
    assert len(list(tmp_path.iterdir())) == 6
