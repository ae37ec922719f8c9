import json
import re
from collections import Counter

import numpy as np
import pytest

from cmrtf.core.dicom_series import convert
from cmrtf.core.geometry import Geometry
from cmrtf.core.nifti import write_nifti
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.appearance import (
    Appearance,
    AppearanceBank,
    appearance_of_file,
    average,
    draw_appearance,
    find_style,
)
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


class MeanEncoder:
    """The style of a slice is its mean, and a constant."""

    def encode_style(self, image):
        return np.stack([image.mean(axis=(1, 2)), np.full(len(image), 2.0)], axis=1).astype(np.float32)

    def synthesize(self, label_ids, styles):
        return label_ids * styles[:, :1, None]


@pytest.fixture(scope="module")
def bank():
    """Styles of A are near 0, of B near 10, of C near 20."""
    rng, subjects = np.random.default_rng(0), {}
    for number, (code, (vendor, centre)) in enumerate(KNOWN.items()):
        style = (rng.normal(size=2) + 10 * "ABC".index(vendor)).astype(np.float32)
        subjects[code] = Appearance(style, (0.0, 100.0 + number), vendor, centre)
    return AppearanceBank(subjects)


def known_styles(styles):
    return [Appearance(np.array(style, np.float32), (0.0, 1.0)) for style in styles]


def draws(style, count=300):
    rng = np.random.default_rng(0)
    return [style.draw(rng) for _ in range(count)]


def test_drawn_styles_have_the_mean_and_covariance_of_known_ones():
    rng = np.random.default_rng(0)
    known = rng.normal(size=(30, 3)) @ np.array([[1, 2, 0], [0, 1, 0], [0, 0, 0.1]]) + 5
    appearances = known_styles(known)
    drawn = np.stack([draw_appearance(appearances, rng).style for _ in range(5_000)])
    assert drawn.dtype == np.float32
    np.testing.assert_allclose(drawn.mean(axis=0), known.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(known.T), rtol=0.1, atol=0.02)


def test_drawn_styles_lie_on_no_known_one_nor_half_way():
    known, rng = np.eye(4, dtype=np.float32), np.random.default_rng(0)
    drawn = np.stack([draw_appearance(known_styles(known), rng).style for _ in range(100)])
    halves = np.concatenate([known, (known[:, None] + known[None]).reshape(-1, 4) / 2])
    assert np.linalg.norm(drawn[:, None] - halves, axis=-1).min() > 0.05


def test_an_average_has_what_all_have_in_common(bank):
    of_b = average([bank.subjects[code] for code in ("B1", "B2", "B3")])
    expected = np.mean([bank.subjects[code].style for code in ("B1", "B2", "B3")], axis=0)
    np.testing.assert_allclose(of_b.style, expected, rtol=1e-6)
    assert (of_b.vendor, of_b.centre, of_b.intensity_window) == ("B", "", (0.0, 103.0))


def test_all_slices_are_painted_in_one_style():
    label_ids = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    image = Appearance(np.array([0.5, 9.0], np.float32), (0.0, 1.0)).synthesize(MeanEncoder(), label_ids)
    np.testing.assert_array_equal(image, label_ids / 2)


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
    assert len(np.unique(styles[:, 0])) == 50
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
    assert len({appearance.style[0] for appearance in drawn}) == 20


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("1", "style 1: expected one of subject:1 and centre:1. Received: what may be both"),
        ("vendor:C", "style vendor:C: expected two subjects or more to draw appearances from. Received: one"),
        (
            "Z",
            "style Z: expected a subject (A1, A2, B1, B2, B3, 1), a vendor (A, B, C), a centre (1, 2, 3), "
            "an image file, a DICOM series, or sample. Received: none of these",
        ),
    ],
)
def test_a_name_without_one_meaning_is_one_message(bank, name, message):
    with pytest.raises(CmrtfError, match=re.escape(message)):
        find_style(MeanEncoder(), bank, name)


def test_one_subject_is_no_distribution(bank):
    alone = AppearanceBank({"A1": bank.subjects["A1"]})
    with pytest.raises(CmrtfError, match="style sample: expected two subjects or more"):
        alone.find("sample")


@pytest.fixture
def image_file(tmp_path):
    """Called as a vendor is; dark but for a bright corner that the middle of the image does not show."""
    image = np.random.default_rng(0).uniform(0.0, 10.0, (300, 300, 4)).astype(np.float32)
    image[:120, :120] += 90.0
    path = tmp_path / "B"
    write_nifti(tmp_path / "image.nii", image, np.diag([1.5, 1.5, 8.0, 1.0]))
    (tmp_path / "image.nii").rename(path)
    return path


def test_an_image_file_has_one_appearance(bank, image_file, monkeypatch):
    style = find_style(MeanEncoder(), bank, str(image_file))
    first, second = draws(style, 2)
    assert first is second
    assert first.style[1] == 2.0
    assert (first.vendor, first.centre) == ("", "")
    assert re.fullmatch("file:[0-9a-f]{64}", style.name)
    monkeypatch.chdir(image_file.parent)
    assert find_style(MeanEncoder(), bank, "./B").name == style.name
    assert find_style(MeanEncoder(), bank, "B").name == "vendor:B"


@pytest.mark.parametrize(("shift_mm", "sees_corner"), [(0.0, True), (3.0, False)])
def test_an_image_is_cut_out_around_the_heart_of_labels_on_its_grid(image_file, shift_mm, sees_corner):
    affine = np.diag([1.5, 1.5, 8.0, 1.0])
    affine[0, 3] = shift_mm
    crop = np.eye(4)
    crop[:2, 3] = 0.0
    geometry = Geometry((300, 300, 4), affine, (128, 128, 4), crop)
    around_heart = appearance_of_file(MeanEncoder(), image_file, geometry)
    about_middle = appearance_of_file(MeanEncoder(), image_file)
    assert (around_heart.style[0] > about_middle.style[0] + 0.3) == sees_corner


def test_a_cine_looks_like_its_first_frame(tmp_path):
    frames = np.random.default_rng(0).uniform(0.0, 10.0, (16, 16, 4, 2)).astype(np.float32)
    frames[..., 1] = frames[..., 1] ** 3
    write_nifti(tmp_path / "cine.nii", frames, np.diag([4.0, 4.0, 8.0, 1.0]), 0.1)
    write_nifti(tmp_path / "first.nii", frames[..., 0], np.diag([4.0, 4.0, 8.0, 1.0]))
    cine, first = (appearance_of_file(MeanEncoder(), tmp_path / name) for name in ("cine.nii", "first.nii"))
    np.testing.assert_array_equal(cine.style, first.style)
    assert cine.intensity_window == first.intensity_window


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
