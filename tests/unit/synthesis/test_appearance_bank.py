import json
import re
from collections import Counter

import numpy as np
import pytest

from appearance_double import MeanEncoder, write_image
from cmrtf.core.dicom_series import convert
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.appearance_bank import AppearanceBank, find_style
from dicom_files import write_series

# Vendor and centre of each subject. C was seen once; 1 is a centre and a subject.
KNOWN = {
    "A1": ("A", "1"),
    "A2": ("A", "2"),
    "B1": ("B", "3"),
    "B2": ("B", "3"),
    "B3": ("B", ""),
    "1": ("C", ""),
}


@pytest.fixture(scope="module")
def bank():
    """Styles of A are near 0, of B near 10, of C near 20."""
    rng, subjects = np.random.default_rng(0), {}
    for number, (code, (vendor, centre)) in enumerate(KNOWN.items()):
        style = (rng.normal(size=(13, 2)) + 10 * "ABC".index(vendor)).astype(np.float32)
        subjects[code] = Appearance(style, (0.0, 100.0 + number), vendor, centre)
    return AppearanceBank(subjects)


def draws(style, count=300):
    rng = np.random.default_rng(0)
    return [style.draw(rng) for _ in range(count)]


def test_a_bank_is_read_as_it_was_written(bank, tmp_path):
    bank.save(tmp_path / "bank.json")
    content = json.loads((tmp_path / "bank.json").read_text())
    assert {kind: list(entries) for kind, entries in content.items()} == {
        "subjects": list(KNOWN),
        "vendors": ["A", "B", "C"],
        "centres": ["1", "2", "3"],
    }
    mean = np.mean([content["subjects"][code]["style"] for code in ("B1", "B2")], axis=0)
    np.testing.assert_allclose(content["centres"]["3"]["style"], mean, rtol=1e-6)
    assert (content["centres"]["3"]["vendor"], content["vendors"]["A"]["centre"]) == ("B", "")
    loaded = AppearanceBank.load(tmp_path / "bank.json")
    assert list(loaded.subjects) == list(KNOWN)
    for code, known in bank.subjects.items():
        np.testing.assert_array_equal(loaded.subjects[code].style, known.style)
        assert loaded.subjects[code].intensity_window == known.intensity_window
        assert (loaded.subjects[code].vendor, loaded.subjects[code].centre) == KNOWN[code]


def test_a_bank_of_version_3_has_one_style_for_all_places(tmp_path):
    entry = {"style": [0.5, 9.0], "intensity_window": [0.0, 1.0], "vendor": "A"}
    (tmp_path / "bank.json").write_text(json.dumps({"subjects": {"A1": entry}}))
    known = AppearanceBank.load(tmp_path / "bank.json")
    assert known.style_dim == 2
    np.testing.assert_array_equal(known.subjects["A1"].styles_of([np.zeros((3, 2, 2))]), [[0.5, 9.0]] * 3)


@pytest.mark.parametrize(
    "styles", [([[1.0, 2.0], [3.0]],), ([[1.0, 2.0], 3.0],), ([[1.0]], [[1.0, 2.0]]), ([], [])]
)
def test_styles_of_several_shapes_are_refused(tmp_path, styles):
    subjects = {
        f"A{number}": {"style": style, "intensity_window": [0.0, 1.0], "vendor": "A"}
        for number, style in enumerate(styles)
    }
    (tmp_path / "bank.json").write_text(json.dumps({"subjects": subjects}))
    with pytest.raises(CmrtfError, match="expected the appearances of training subjects"):
        AppearanceBank.load(tmp_path / "bank.json")


@pytest.mark.parametrize("name", ["A2", "subject:A2", "subject:1"])
def test_a_subject_has_its_own_appearance(bank, name):
    style = bank.find(name)
    expected = bank.subjects[style.name.removeprefix("subject:")]
    assert all(drawn is expected for drawn in draws(style, 5))


@pytest.mark.parametrize(("name", "full"), [("B", "vendor:B"), ("vendor:B", "vendor:B"), ("3", "centre:3")])
def test_vendors_and_centres_are_drawn_from(bank, name, full):
    style = bank.find(name)
    drawn = draws(style, 50)
    assert style.name == full
    assert {appearance.vendor for appearance in drawn} == {"B"}
    assert {appearance.centre for appearance in drawn} == {"3" if full == "centre:3" else ""}
    styles = np.stack([appearance.style for appearance in drawn])
    assert len(np.unique(styles[:, 0, 0])) == 50
    assert (np.abs(styles - 10) < 6).all()


def test_a_sample_is_of_each_vendor_as_often_as_it_was_seen(bank):
    """C was seen once: there is no distribution to draw from."""
    counts = Counter(appearance.vendor for appearance in draws(bank.find("sample"), 1000))
    assert set(counts) == {"A", "B"}
    assert counts["A"] == pytest.approx(400, abs=60)


def test_vendors_that_were_all_seen_once_are_not_told_apart(bank):
    alone = AppearanceBank({code: bank.subjects[code] for code in ("A1", "B1", "1")})
    drawn = draws(alone.find("sample"), 20)
    assert {appearance.vendor for appearance in drawn} == {""}
    assert len({float(appearance.style[0, 0]) for appearance in drawn}) == 20


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("1", "style 1: expected one of subject:1 and centre:1. Received: what may be both"),
        ("vendor:C", "style vendor:C: expected two appearances or more to draw others from. Received: one"),
        (
            "Z",
            "style Z: expected an appearance (A1, A2, B1, B2, B3, 1), a vendor (A, B, C), "
            "a centre (1, 2, 3), an image file, a DICOM series, or sample. Received: none of these",
        ),
    ],
)
def test_a_name_without_one_meaning_is_one_message(bank, name, message):
    with pytest.raises(CmrtfError, match=re.escape(message)):
        find_style(MeanEncoder(), bank, name)


def test_one_subject_is_no_distribution(bank):
    alone = AppearanceBank({"A1": bank.subjects["A1"]})
    with pytest.raises(CmrtfError, match="style sample: expected two appearances or more"):
        alone.find("sample")


def test_an_image_file_has_one_appearance(bank, tmp_path, monkeypatch):
    image_file = write_image(tmp_path)
    style = find_style(MeanEncoder(), bank, str(image_file))
    first, second = draws(style, 2)
    assert first is second
    np.testing.assert_allclose(first.style[:, 1], 2.0)
    assert (first.vendor, first.centre) == ("", "")
    assert re.fullmatch("file:[0-9a-f]{64}", style.name)
    monkeypatch.chdir(image_file.parent)
    assert find_style(MeanEncoder(), bank, "./B").name == style.name
    assert find_style(MeanEncoder(), bank, "B").name == "vendor:B"


def test_a_dicom_series_has_the_appearance_of_its_nifti_file(bank, tmp_path):
    series, converted = write_series(tmp_path / "series"), tmp_path / "cine.nii"
    convert(series, converted)
    of_series, of_file = (find_style(MeanEncoder(), bank, str(path)) for path in (series, converted))
    assert re.fullmatch("file:[0-9a-f]{64}", of_series.name)
    (own,), (other,) = (style.groups[0] for style in (of_series, of_file))
    np.testing.assert_array_equal(own.style, other.style)


def test_a_folder_without_a_series_is_named(bank, tmp_path):
    with pytest.raises(CmrtfError, match="expected DICOM images"):
        find_style(MeanEncoder(), bank, str(tmp_path))
