import json

import pytest

from cmrtf.benchmark.domains import Domain
from cmrtf.benchmark.results import SETTINGS, ResultsFolder, Trial, read_scores, write_scores
from cmrtf.benchmark.scores import SCORED
from cmrtf.errors import CmrtfError

SCORES = {measure: {name: [0.5, float("nan")] for name in names} for measure, names in SCORED.items()}


class Named:
    def __init__(self, name):
        self.name = name


DOMAIN = Domain("held-out", "as prepared", [Named("P1"), Named("P2")])


def test_a_benchmark_goes_on_with_the_same_settings_alone(tmp_path):
    folder = ResultsFolder(tmp_path / "out")
    folder.start({"steps": 3})
    folder.start({"steps": 3})
    assert json.loads((folder.path / SETTINGS).read_text()) == {"version": 1, "steps": 3}
    with pytest.raises(CmrtfError, match=r"benchmark\.json.*Received: steps 4 in place of 3"):
        folder.start({"steps": 4})


def test_scores_come_back_for_the_same_patients_alone(tmp_path):
    file = tmp_path / "scores" / "one.json"
    assert read_scores(file, DOMAIN) is None
    write_scores(file, DOMAIN, SCORES)
    kept = read_scores(file, DOMAIN)
    assert kept["dice"]["LV"][0] == 0.5
    assert kept["dice"]["LV"][1] != kept["dice"]["LV"][1], "NaN"
    assert read_scores(file, Domain("held-out", "other images", DOMAIN.subjects)) is None
    assert read_scores(file, Domain("held-out", "as prepared", DOMAIN.subjects[:1])) is None


@pytest.mark.parametrize(
    "value", ["{", '{"domain": 3}', '{"domain": "a", "subjects": [], "scores": {"dice": 1}}']
)
def test_damaged_scores_are_refused(tmp_path, value):
    file = tmp_path / "one.json"
    file.write_text(value)
    with pytest.raises(CmrtfError, match=r"one\.json"):
        read_scores(file, DOMAIN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda scores: scores.pop("errors"), "Expected dice, hd95_mm, missed_percent, errors"),
        (lambda scores: scores["dice"].pop("mean"), "each with all its names"),
        (lambda scores: scores["dice"]["LV"].pop(), "Expected a value for each of 2 patients"),
    ],
)
def test_scores_that_are_not_of_all_are_refused(tmp_path, change, message):
    file = tmp_path / "one.json"
    write_scores(file, DOMAIN, SCORES)
    entries = json.loads(file.read_text())
    change(entries["scores"])
    file.write_text(json.dumps(entries | {"checksum": None}))
    with pytest.raises(CmrtfError, match=message):
        read_scores(file, DOMAIN)


def test_edited_scores_are_refused(tmp_path):
    file = tmp_path / "one.json"
    write_scores(file, DOMAIN, SCORES)
    file.write_text(file.read_text().replace("0.5", "0.9", 1))
    with pytest.raises(CmrtfError, match="changed or damaged"):
        read_scores(file, DOMAIN)


def test_everything_has_its_place(tmp_path):
    folder, trial = ResultsFolder(tmp_path), Trial(1, 10)
    assert folder.networks(trial) == tmp_path / "networks/fold1-n10"
    assert folder.student(trial, "ours", 2) == tmp_path / "students/fold1-n10-ours-seed2"
    assert folder.scores(trial, "ours", 2, "re-imaged") == (
        tmp_path / "scores/re-imaged/fold1-n10-ours-seed2.json"
    )
