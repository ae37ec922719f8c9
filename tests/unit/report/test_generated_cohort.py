import json
import re
from dataclasses import replace

import numpy as np
import pytest

from cmrtf.core.nifti import read_nifti
from cmrtf.datasets.formats import FORMATS
from cmrtf.datasets.readers import read_raw
from cmrtf.errors import CmrtfError
from cmrtf.report import cohort_report
from cmrtf.report.generated_cohort import Request, generate_cohort
from cmrtf.synthesis.generate import generate_subject
from heart_double import TISSUES, RingModels, heart_source

REQUEST = Request(subjects=2, seed=3)
MNMS = FORMATS["mnms"]


def arrays(cohort):
    """File name to voxels."""
    return {path.name: read_nifti(path).data.tobytes() for path in cohort.rglob("*.nii.gz")}


def report_of(cohort):
    return cohort / "provenance" / "report.html"


@pytest.fixture(scope="module")
def source():
    return heart_source()


@pytest.fixture(scope="module")
def cohort(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("cohort") / "generated"
    generate_cohort(source, REQUEST, MNMS, out)
    return out


class StoppingModels(RingModels):
    """Ctrl-C while the second subject is painted."""

    def __init__(self):
        self.left = 3

    def synthesize(self, label_ids, styles):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return super().synthesize(label_ids, styles)


def test_a_subject_depends_on_seed_and_number_alone(source, cohort, tmp_path):
    for request in (replace(REQUEST, subjects=1), replace(REQUEST, subjects=1, seed=4)):
        generate_cohort(source, request, MNMS, tmp_path / str(request.seed))
    expected = {name: voxels for name, voxels in arrays(cohort).items() if name.startswith("SYN00001")}
    assert arrays(tmp_path / "3") == expected
    assert arrays(tmp_path / "4") != expected
    assert len(set(arrays(cohort).values())) == 4


def test_what_was_stopped_goes_on(source, cohort, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        generate_cohort(replace(source, models=StoppingModels()), REQUEST, MNMS, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["SYN00001", "provenance"]
    first = tmp_path / "SYN00001" / "SYN00001_sa.nii.gz"
    written_ns = first.stat().st_mtime_ns
    generate_cohort(source, REQUEST, MNMS, tmp_path)
    assert first.stat().st_mtime_ns == written_ns
    assert arrays(tmp_path) == arrays(cohort)
    assert report_of(tmp_path).read_bytes() == report_of(cohort).read_bytes()
    assert {path.name for path in tmp_path.rglob("*")} == {path.name for path in cohort.rglob("*")}


def test_a_complete_cohort_stays_as_it_is(source, cohort):
    before = {path: path.read_bytes() for path in cohort.rglob("*") if path.is_file()}
    generate_cohort(source, REQUEST, MNMS, cohort)
    assert {path: path.read_bytes() for path in cohort.rglob("*") if path.is_file()} == before


def test_each_subject_says_how_it_was_made(cohort):
    subject = json.loads((cohort / "provenance" / "SYN00002.json").read_text())
    assert subject["synthetic"] is True
    assert subject["label_order"] == {"0": "background", "1": "LV", "2": "MYO", "3": "RV"}
    assert (subject["bundle_sha256"], subject["seed"], subject["conditions"]) == ("0" * 64, 3, [])
    assert subject["vendor"] in "AB"
    assert subject["pathology"] in ("NOR", "DCM")
    labels = read_nifti(cohort / "SYN00002" / "SYN00002_sa_gt.nii.gz")
    voxel_ml = 1.5 * 1.5 * 20.0 / 1000.0
    edv_ml, esv_ml = ((labels.data[..., frame] == 1).sum() * voxel_ml for frame in (0, 1))
    assert subject["measures"]["LV_EDV_ml"] == pytest.approx(edv_ml)
    assert subject["measures"]["LV_EF_percent"] == pytest.approx(100 * (1 - esv_ml / edv_ml))


@pytest.fixture(scope="module")
def generate(source):
    """The subject of seed 3, in a style and with a pathology."""

    def generate_one(style="sample", pathology="NOR"):
        return generate_subject(source.models, source.prior, source.bank.find(style), "ONE", 3, pathology)

    return generate_one


@pytest.mark.parametrize("style", ["P1", "B", "centre:2"])
def test_another_style_paints_the_same_heart(generate, style):
    first, other = generate(), generate(style)
    for phase, stack in other.stacks.items():
        np.testing.assert_array_equal(stack.label_ids, first.stacks[phase].label_ids)
        assert not np.array_equal(stack.image, first.stacks[phase].image)


def test_another_heart_has_the_same_style(generate):
    first, other = generate(), generate(pathology="DCM")
    np.testing.assert_array_equal(first.appearance.style, other.appearance.style)
    assert not np.array_equal(first.stacks["ED"].label_ids, other.stacks["ED"].label_ids)


def test_both_phases_are_painted_in_one_style(generate):
    """`RingModels` adds the style to the grey level of each tissue."""
    subject = generate("B")
    for stack in subject.stacks.values():
        grey = stack.image - TISSUES[stack.label_ids]
        np.testing.assert_allclose(grey, subject.appearance.style[0], atol=1e-6)


def test_a_centre_that_was_asked_for_is_told(source, tmp_path):
    generate_cohort(source, Request(subjects=1, style="centre:2"), MNMS, tmp_path)
    subject = json.loads((tmp_path / "provenance" / "SYN00001.json").read_text())
    assert (subject["style"], subject["vendor"], subject["centre"]) == ("centre:2", "B", "2")
    (raw,) = read_raw(tmp_path).subjects
    assert (raw.vendor, raw.centre) == ("B", "2")


def test_the_report_shows_the_first_subjects_and_measures_all(source, tmp_path, monkeypatch):
    monkeypatch.setattr(cohort_report, "SUBJECTS_SHOWN", 1)
    generate_cohort(source, REQUEST, MNMS, tmp_path)
    page = report_of(tmp_path).read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    provenance = json.loads((tmp_path / "provenance" / "SYN00001.json").read_text())
    (shown,) = data["subjects"]
    assert (shown["name"], shown["kind"]) == ("SYN00001", "generated")
    assert shown["description"] == f"{provenance['pathology']}, vendor {provenance['vendor']}"
    assert shown["measures"]["slice_summation"] == pytest.approx(provenance["measures"])
    assert [sum(each["counts"]) for each in data["population"]["histograms"]] == [2, 2, 2, 2]
    assert data["provenance"]["seed"] == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 4}, "to go on with it: seed 3. Received: seed 4"),
        ({"subjects": 3}, "to go on with it: subjects 2. Received: subjects 3"),
        ({"style": "A"}, "to go on with it: style sample. Received: style vendor:A"),
    ],
)
def test_another_cohort_is_not_mixed_in(source, cohort, changes, message):
    with pytest.raises(CmrtfError, match=message):
        generate_cohort(source, replace(REQUEST, **changes), MNMS, cohort)


def test_a_folder_of_something_else_is_refused(source, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CmrtfError, match="expected a folder that does not exist yet, or an empty one"):
        generate_cohort(source, REQUEST, MNMS, tmp_path)


def test_a_place_that_cannot_be_written_is_one_message(source, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(CmrtfError, match="expected to be able to write here"):
        generate_cohort(source, replace(REQUEST, subjects=1), MNMS, tmp_path / "file" / "out")
