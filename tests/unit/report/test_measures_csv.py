import csv
import itertools

import pytest

from cmrtf.core.measures import MYOCARDIAL_DENSITY_G_PER_ML
from cmrtf.report.measures_csv import write_cine_measures, write_measures
from cmrtf.report.sequence import in_order
from interpolated import beating, interpolated, remodelled


def lines_of(path, subjects):
    write_measures(path, in_order(subjects))
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_lines_are_in_order_and_volumes_monotone_from_a_to_b(tmp_path):
    lines = lines_of(tmp_path / "measures.csv", interpolated())
    synthetic = [line for line in lines if line["kind"] != "source"]
    volumes = [float(line["LV_EDV_ml"]) for line in synthetic]
    assert len(volumes) == 5
    assert all(a > b for a, b in itertools.pairwise(volumes))
    assert [line["subject"] for line in lines][::6] == ["source_P001", "source_P002"]
    assert lines[0]["LV_EDV_centre_to_centre_ml"] == lines[1]["LV_EDV_centre_to_centre_ml"]
    assert (lines[0]["slices"], lines[0]["slice_spacing_mm"]) == ("4", "10.0000")


def test_steps_of_a_remodelled_subject_are_not_intersubject(tmp_path):
    lines = lines_of(tmp_path / "measures.csv", remodelled())
    assert [(line["subject"], line["kind"], line["weight"]) for line in lines] == [
        ("source_P001", "source", "0.0000"),
        ("step_00", "remodelled", "0.0000"),
        ("step_01", "remodelled", "0.5000"),
        ("step_02", "remodelled", "1.0000"),
    ]


def test_cells_are_blank_where_a_phase_is_absent(tmp_path):
    for line in lines_of(tmp_path / "measures.csv", interpolated(phases=("ED",))):
        assert line["LV_EDV_ml"]
        assert line["LV_ESV_ml"] == line["LV_EF_percent"] == line["RV_ESV_centre_to_centre_ml"] == ""


def test_each_frame_of_a_beat_has_a_line(tmp_path):
    subject, other, *_ = interpolated()
    write_cine_measures(tmp_path / "cine.csv", [other, beating(subject)])
    with (tmp_path / "cine.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    assert [line["subject"] for line in lines] == [subject.id] * 4
    assert [line["phase"] for line in lines] == ["ED", "ES", "", ""]
    assert [line["time_s"] for line in lines] == ["0.000", "0.200", "0.400", "0.600"]
    assert float(lines[1]["LV_ml"]) == pytest.approx(subject.es.volume_ml("LV"), abs=0.01)
    mass_g = subject.ed.volume_ml("MYO") * MYOCARDIAL_DENSITY_G_PER_ML
    assert float(lines[2]["MYO_mass_g"]) == pytest.approx(mass_g, abs=0.01)


def test_there_is_no_table_of_beats_where_none_beats(tmp_path):
    write_cine_measures(tmp_path / "cine.csv", interpolated())
    assert not (tmp_path / "cine.csv").exists()
