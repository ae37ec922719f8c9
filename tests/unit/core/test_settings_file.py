import json

import pytest

from cmrtf.core.settings_file import MAX_SHOWN, keep_settings
from cmrtf.errors import CmrtfError


def test_settings_are_kept_and_the_same_go_on(tmp_path):
    file = tmp_path / "out/settings.json"
    for _ in range(2):
        keep_settings(file, {"steps": 3, "widths": (1, 2)}, "a job")
    assert json.loads(file.read_text()) == {"steps": 3, "widths": [1, 2]}


def test_other_settings_are_named_and_shortened(tmp_path):
    file = tmp_path / "out/settings.json"
    keep_settings(file, {"steps": 3, "names": ["x" * 200]}, "a job")
    with pytest.raises(CmrtfError) as caught:
        keep_settings(file, {"steps": 4, "names": ["y" * 200]}, "a job")
    message = str(caught.value)
    assert "steps 4 in place of 3" in message
    assert message.endswith("Name another folder for a job of others.")
    assert "y" * MAX_SHOWN not in message


def test_entries_of_parts_are_compared_by_themselves(tmp_path):
    file = tmp_path / "out/settings.json"
    keep_settings(file, {"networks": {"gan": {"steps": 2, "rate": 0.1}, "seed": 0}}, "a job")
    with pytest.raises(CmrtfError, match=r"Received: networks\.gan\.steps 3 in place of 2\. Name"):
        keep_settings(file, {"networks": {"gan": {"steps": 3, "rate": 0.1}, "seed": 0}}, "a job")


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(CmrtfError, match=str(tmp_path)):
        keep_settings(tmp_path / "settings.json", {}, "a job")
    assert not (tmp_path / "settings.json").exists()


def test_damaged_settings_are_named(tmp_path):
    file = tmp_path / "settings.json"
    file.write_text("{")
    with pytest.raises(CmrtfError, match=r"settings\.json.*settings of a job"):
        keep_settings(file, {}, "a job")
