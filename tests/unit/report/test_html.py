import base64
import gzip
import hashlib
import io
import json
import re
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from cmrtf.core.display import grey_levels
from cmrtf.report.html import (
    SPRITE_COLUMNS,
    Population,
    contour_codes,
    grey_sprite,
    label_sprite,
    write_report,
)
from cmrtf.report.sequence import in_order
from interpolated import generated, interpolated, remodelled


def report(path, subjects, provenance=None) -> str:
    write_report(path, in_order(subjects), provenance or {"seed": 0})
    return path.read_text(encoding="utf-8")


def data_of(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def untiled(sprite: np.ndarray, slices: int, size: int) -> np.ndarray:
    lines = sprite.shape[0] // size
    grid = sprite.reshape(lines, size, SPRITE_COLUMNS, size).swapaxes(1, 2)
    return grid.reshape(-1, size, size)[:slices]


def vertices_of(code: str) -> np.ndarray:
    start, digits = code.split(":")
    vertices = [np.array(start.split(","), float)]
    for digit in map(int, digits):
        step = np.array([digit // 3 - 1, digit % 3 - 1])
        vertices.append(vertices[-1] + step * (1 if step.all() else 2))
    return np.array(vertices) / 2


@pytest.mark.parametrize("slices", [1, 8, 11])
def test_sprites_decode_to_the_same_stack(slices):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (slices, 16, 16)).astype(np.uint8)
    image = rng.uniform(-1, 1, (slices, 16, 16))
    decoded = Image.open(io.BytesIO(label_sprite(labels)))
    assert decoded.mode == "P"
    assert decoded.info["transparency"] == 0
    assert np.array_equal(untiled(np.asarray(decoded), slices, 16), labels)
    grey = Image.open(io.BytesIO(grey_sprite(image)))
    assert grey.mode == "L"
    assert np.array_equal(untiled(np.asarray(grey), slices, 16), grey_levels(image))


def test_the_page_holds_the_labels_of_each_subject(tmp_path):
    subjects = interpolated()
    data = data_of(report(tmp_path / "report.html", subjects))
    written = next(subject for subject in data["subjects"] if subject["name"] == "inter_02")
    png = base64.b64decode(written["stacks"]["ES"]["labels"])
    expected = next(subject for subject in subjects if subject.id == "inter_02").es.label_ids
    assert np.array_equal(untiled(np.asarray(Image.open(io.BytesIO(png))), *expected.shape[:2]), expected)


def test_contours_close_and_enclose_the_structure():
    mask = np.zeros((20, 20), bool)
    mask[3:9, 0:7] = True  # 6 x 7 pixels at the border; marching squares cuts 1/8 off each corner
    (code,) = contour_codes(mask)
    x, y = vertices_of(code).T
    assert (x[0], y[0]) == (x[-1], y[-1])
    assert abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2 == pytest.approx(42 - 0.5)
    assert (x.min(), x.max(), y.min(), y.max()) == (-0.5, 6.5, 2.5, 8.5)


def test_a_ring_has_two_contours_and_nothing_has_none():
    ring = np.ones((9, 9), bool)
    ring[3:6, 3:6] = False
    assert len(contour_codes(ring)) == 2
    assert contour_codes(np.zeros((9, 9), bool)) == []


def test_the_page_asks_for_nothing_outside_itself(tmp_path):
    page = report(tmp_path / "report.html", interpolated())
    assert "default-src 'none'" in page
    assert not re.search(r"https?:|//[a-z]+\.|@import|<link|\bfetch\(|XMLHttpRequest|WebSocket", page)
    assert re.findall(r"(?:src|href)\s*=\s*[\"']([^\"']*)", page) == [
        "data:image/png;base64,",
        "data:image/webp;base64,",
    ]
    assert set(re.findall(r"url\(([^)]*)", page)) == set()


def test_what_a_user_names_stays_text(tmp_path):
    name, note = "<img src=x onerror=alert(1)>{{data}}", "</script><img src=x onerror=alert(1)>"
    page = report(tmp_path / "report.html", interpolated(code_a=name), {"note": note})
    assert "<img" not in page
    assert page.count("</script>") == 3
    data = data_of(page)
    assert (data["ends"][0], data["provenance"]["note"]) == (name, note)


def test_subjects_phases_and_measures_are_all_there(tmp_path):
    data = data_of(report(tmp_path / "report.html", interpolated(phases=("ES",))))
    assert data["phases"] == ["ES"]
    assert [subject["weight"] for subject in data["subjects"]] == [0, 0, 0.25, 0.5, 0.75, 1, 1]
    assert data["measures"][2] == {"key": "LV_EF_percent", "label": "LV EF", "unit": "%"}
    first = data["subjects"][0]
    assert first["measures"]["slice_summation"]["LV_EDV_ml"] is None
    assert first["stacks"]["ES"]["areas_cm2"]["LV"] == pytest.approx([256 * 0.0225] * 4)


@pytest.mark.parametrize(
    ("subjects", "title", "kinds"),
    [
        (interpolated(code_b=None), "P001", ["source", "intrasubject"]),
        (remodelled(), "P001, remodelled", ["source", *["remodelled"] * 3]),
        (generated(), "SYN00001 to SYN00003", ["generated"] * 3),
    ],
)
def test_each_kind_is_told(subjects, title, kinds, tmp_path):
    page = report(tmp_path / "report.html", subjects)
    assert f"<title>{title}, synthetic cardiac MR</title>" in page
    data = data_of(page)
    assert [subject["kind"] for subject in data["subjects"]] == kinds
    assert data["subjects"][0]["description"]


def test_what_the_script_tells_kinds_apart_by_are_kinds(tmp_path):
    """A kind that the script misspells is never counted."""
    page = report(tmp_path / "report.html", remodelled())
    script = page[page.rindex("<script>") :]
    told = set(re.findall(r'count\("(\w+)"\)', script)) | set(re.findall(r'kind === "(\w+)"', script))
    assert told == {"source", "intrasubject", "intersubject", "remodelled", "generated"}


def test_a_cohort_of_any_size_has_histograms_of_a_few_bars(tmp_path):
    subjects = in_order(interpolated())[1:2]
    sizes = {}
    for size in (1, 3, 10_000):
        values = np.random.default_rng(0).normal(120, 20, size)
        write_report(tmp_path / "report.html", subjects, {}, Population(size, {"LV_EDV_ml": values}))
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        sizes[size] = len(page)
        (histogram,) = data_of(page)["population"]["histograms"]
        assert histogram["label"] == "LV EDV"
        assert sum(histogram["counts"]) == size
        assert histogram["edges"] == sorted(set(histogram["edges"]))
        assert histogram["edges"][0] <= values.min().round(2)
        assert f"<title>{size:,} generated subjects" in page
    assert sizes[10_000] < sizes[3] + 500


def test_niivue_is_the_published_file_and_its_licences_are_in_the_page(tmp_path):
    folder = files("cmrtf.report") / "templates" / "niivue"
    published = gzip.decompress(folder.joinpath("niivue.umd.js.gz").read_bytes())
    assert hashlib.sha256(published).hexdigest() in folder.joinpath("README.md").read_text(encoding="utf-8")
    page = report(tmp_path / "report.html", interpolated())
    packed = re.search(r'<script type="text/plain" id="niivue">(.*?)</script>', page, re.S)[1]
    assert gzip.decompress(base64.b64decode(packed)) == published
    assert "Copyright (c) 2021, Niivue" in page
