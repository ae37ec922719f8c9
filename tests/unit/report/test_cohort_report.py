import json
import re

import pytest

from cmrtf.datasets.layouts import LAYOUTS
from cmrtf.report import cohort_report
from cmrtf.report.cohort_report import write_cohort_report
from interpolated import beating, generated

MEASURED = ("LV_EDV_ml", "LV_EF_percent", "MYO_mass_ED_g", "RV_EDV_ml")


def page_data(folder, subjects):
    """The data of the report of a cohort that is written by hand."""
    layout = LAYOUTS["mnms"]
    provenances = []
    for subject in subjects:
        layout.write_subject(folder, subject)
        provenances.append(
            {
                "subject": subject.name,
                "vendor": subject.vendor,
                "centre": subject.centre,
                "pathology": subject.pathology,
                "intensity_window": list(subject.ed.intensity_window),
                "measures": subject.measures(),
                **(subject.cine.facts if subject.cine else {}),
            }
        )
    (folder / "provenance").mkdir()
    write_cohort_report(folder, layout, folder / "provenance" / "report.html", {"seed": 3}, provenances)
    page = (folder / "provenance" / "report.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_the_report_shows_the_first_subjects_and_measures_all(tmp_path, monkeypatch):
    monkeypatch.setattr(cohort_report, "SUBJECTS_SHOWN", 1)
    subjects = generated(3)
    data = page_data(tmp_path, subjects)
    (shown,) = data["subjects"]
    assert (shown["name"], shown["kind"]) == ("SYN00001", "generated")
    assert shown["description"] == subjects[0].description
    assert shown["measures"]["slice_summation"] == pytest.approx(subjects[0].measures())
    assert data["population"]["size"] == 3
    assert [sum(histogram["counts"]) for histogram in data["population"]["histograms"]] == [3] * 4
    assert [histogram["key"] for histogram in data["population"]["histograms"]] == list(MEASURED)
    assert data["provenance"]["seed"] == 3


def test_a_small_cohort_is_shown_whole(tmp_path):
    assert len(page_data(tmp_path, generated(3))["subjects"]) == 3


def test_a_beating_heart_is_read_again_and_shown(tmp_path):
    subject = beating(generated(1)[0])
    (shown,) = page_data(tmp_path, [subject])["subjects"]
    assert (shown["beat"]["es_frame"], shown["beat"]["frame_s"]) == (1, 0.2)
    assert shown["beat"]["volumes_ml"]["LV"] == pytest.approx(subject.cine.volumes_ml("LV"), abs=0.05)
    assert shown["measures"]["slice_summation"] == pytest.approx(subject.measures())
