import json

import pytest

from cmrtf.core.measures import MEASURES
from cmrtf.errors import CmrtfError
from cmrtf.report.provenance_entries import read_provenance, read_settings

GOOD = {
    "subject": "SYN00001",
    "vendor": "A",
    "centre": "",
    "pathology": "NOR",
    "phases": ["ED", "ES"],
    "intensity_window": [0.0, 100.0],
    "measures": dict.fromkeys(MEASURES, 1.0),
    "bundle_sha256": "x",
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "SYN00001.json"


def test_a_sidecar_is_returned_as_it_was_written(file):
    file.write_text(json.dumps(GOOD))
    assert read_provenance(file, "SYN00001") == GOOD
    beating = {**GOOD, "frames": 5, "es_frame": 2, "frame_s": 0.18}
    file.write_text(json.dumps(beating))
    assert read_provenance(file, "SYN00001") == beating


@pytest.mark.parametrize(
    ("changed", "received"),
    [
        ({"subject": "SYN00002"}, r"subject SYN00001\. Received: SYN00002"),
        ({"subject": "../x"}, "regex"),
        ({"intensity_window": [1, 1]}, "window that rises"),
        ({"measures": {}}, "Expected all measures"),
        ({"measures": dict.fromkeys(MEASURES, None)}, "Expected `float`, got `null`"),
        ({"vendor": 1}, "Expected `str`, got `int`"),
        ({"frames": 5}, "frames, es_frame and frame_s of a beat, or none"),
        ({"es_frame": 2}, "frames, es_frame and frame_s of a beat, or none"),
        ({"frames": 5, "es_frame": 2, "frame_s": None}, "frames, es_frame and frame_s of a beat, or none"),
        ({"frames": 5, "es_frame": 5, "frame_s": 0.1}, "Expected an es_frame below 5, got 5"),
        ({"frames": 5, "es_frame": 2, "frame_s": 0.0}, "Expected `float` > 0"),
    ],
)
def test_an_edited_sidecar_is_named(file, changed, received):
    file.write_text(json.dumps(GOOD | changed))
    with pytest.raises(CmrtfError, match=rf"SYN00001\.json: expected .*{received}"):
        read_provenance(file, "SYN00001")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"subjects": "4", "seed": 0}', '{"subjects": 0, "seed": 0}']
)
def test_edited_settings_are_named(file, text):
    file.write_text(text)
    with pytest.raises(CmrtfError, match="expected the settings of a generated cohort"):
        read_settings(file)
