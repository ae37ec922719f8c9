import json

import pytest

from cmrtf.benchmark import page, students, trials
from cmrtf.benchmark.benchmark import benchmark
from cmrtf.cohort.cohort import PreparedCohort
from cmrtf.errors import CmrtfError
from evaluation_doubles import ExactModels, GreySegmenter
from prepared_cohort import write_cohort

SIZE = 96


class Bundle:
    models = ExactModels()


class Networks:
    """Notes what is asked for."""

    def __init__(self, recipe="usual"):
        self.recipe = {"recipe": recipe}
        self.trained = []

    def bundle(self, prepared, folder):
        if not (folder / "bundle").exists():
            (folder / "bundle").mkdir(parents=True)
            self.trained.append((folder.name, PreparedCohort.open(prepared).codes("train")))
        return Bundle()


class Student(GreySegmenter):
    """Reads grey levels; trained on synthetic subjects it sees as well as without, which is a draw."""

    def save(self, folder):
        folder.mkdir(parents=True)


@pytest.fixture(autouse=True)
def no_curves(monkeypatch):
    """Pages that nobody looks at: drawing takes as long as all else. test_page.py draws."""
    monkeypatch.setattr(page, "_curves", lambda *_: b"")


@pytest.fixture
def trainings(monkeypatch):
    """Slices that each student is trained on."""
    noted = []

    def train(images, label_ids, steps, seed, **settings):
        noted.append((len(images), seed, settings["name"]))
        return Student()

    monkeypatch.setattr(students, "train_segmenter", train)
    monkeypatch.setattr(students.TrainedSegmenter, "load", lambda _: Student())
    return noted


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark") / "cohort"
    return write_cohort(folder, size=SIZE, vendors="ABABABAB", num_validation=2)


def _run(prepared, out, networks, **settings):
    wanted = {"folds": 1, "seeds": 1, "num_synthetic": 2, "training_steps": 5, "patients": [3]} | settings
    return benchmark(prepared, out, networks, **wanted)


def test_networks_see_no_more_patients_than_the_segmenters(prepared, tmp_path, trainings):
    networks = Networks()
    _run(prepared, tmp_path / "out", networks, patients=[3, 2], folds=2, arms=["ours"])
    assert [name for name, _ in networks.trained] == ["fold0-n2", "fold0-n3", "fold1-n2", "fold1-n3"]
    codes = dict(networks.trained)
    assert [len(codes[name]) for name in codes] == [2, 3, 2, 3]
    assert set(codes["fold0-n2"]) < set(codes["fold0-n3"])
    tested = {name: _tested(tmp_path / "out", name) for name in codes}
    assert not any(set(codes[name]) & set(tested[name]) for name in codes)
    assert set(tested["fold0-n2"]) == {"S7", "S8"}
    assert not set(tested["fold1-n2"]) & {"S7", "S8"}


def _tested(out, trial):
    return json.loads((out / f"scores/held-out/{trial}-ours-seed0.json").read_text())["subjects"]


def test_all_results_are_on_the_page_and_in_the_folder(prepared, tmp_path, trainings):
    out = tmp_path / "out"
    unseen = write_cohort(tmp_path / "elsewhere", size=SIZE, vendors="CC")
    page = _run(prepared, out, Networks(), arms=["real", "strong", "ours"], unseen=[unseen])
    assert [section.key for section in page.sections] == ["held-out", "re-imaged", "elsewhere"]
    rows = page.sections[2].tables[0].rows
    assert {name: row["3 patients"].n for name, row in rows.items()} == {
        "real": 2,
        "real, strong augmentation": 2,
        "real + ours": 2,
    }
    assert json.loads((out / "results.json").read_text()) == json.loads(json.dumps(page.to_dict()))
    assert "With 3 patients" in (out / "report.html").read_text()


def test_without_ours_no_networks_are_trained(prepared, tmp_path, trainings):
    networks = Networks()
    _run(prepared, tmp_path / "out", networks, arms=["real", "randomised"])
    assert networks.trained == []
    assert [name for *_, name in trainings] == ["real", "real + randomised"]


def test_what_is_there_is_not_done_again_and_more_can_be_asked_for(
    prepared, tmp_path, trainings, monkeypatch
):
    out, networks = tmp_path / "out", Networks()
    first = _run(prepared, out, networks, arms=["real", "ours"])
    monkeypatch.setattr(trials, "score", lambda *_: pytest.fail("scored again"))
    again = _run(prepared, out, networks, arms=["real", "ours"])
    assert again.to_dict() == first.to_dict()
    assert (len(trainings), len(networks.trained)) == (2, 1)
    monkeypatch.undo()


def test_a_new_domain_needs_no_training(prepared, tmp_path, trainings):
    out = tmp_path / "out"
    _run(prepared, out, Networks(), arms=["real"])
    unseen = write_cohort(tmp_path / "elsewhere", size=SIZE, vendors="CC")
    page = _run(prepared, out, Networks(), arms=["real"], unseen=[unseen])
    assert len(trainings) == 1
    assert len(page.sections) == 3


@pytest.mark.parametrize(
    "change", [{"training_steps": 6}, {"num_synthetic": 3}, {"networks": Networks("other")}]
)
def test_other_settings_need_another_folder(prepared, tmp_path, trainings, change):
    out = tmp_path / "out"
    _run(prepared, out, Networks(), arms=["real"])
    networks = change.pop("networks", None) or Networks()
    with pytest.raises(CmrtfError, match="Name another folder"):
        _run(prepared, out, networks, arms=["real"], **change)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"patients": [7]}, "patients: expected a whole number from 2 to 6. Received: 7"),
        ({"patients": [1]}, "patients: expected"),
        ({"arms": ["theirs"]}, "arms: expected some of real, strong.*Received: theirs"),
        ({"arms": []}, "Received: none"),
        ({"folds": 0}, "folds: expected"),
        ({"folds": 9}, "folds: expected 4 or fewer"),
        ({"seeds": 0}, "seeds: expected"),
        ({"training_steps": 0}, "training_steps: expected"),
        ({"num_synthetic": 0}, "num_synthetic: expected"),
    ],
)
def test_impossible_arguments_are_refused_before_anything_is_written(prepared, tmp_path, wrong, message):
    with pytest.raises(CmrtfError, match=message):
        _run(prepared, tmp_path / "out", Networks(), **wrong)
    assert not (tmp_path / "out").exists()


def test_two_unseen_cohorts_of_one_name_are_refused(prepared, tmp_path):
    folders = [write_cohort(tmp_path / name / "B", vendors="BB") for name in ("one", "two")]
    with pytest.raises(CmrtfError, match="B twice"):
        _run(prepared, tmp_path / "out", Networks(), unseen=folders)


def test_by_default_all_patients_are_trained_on_too(prepared, tmp_path, trainings):
    page = _run(prepared, tmp_path / "out", Networks(), patients=None, arms=["real"])
    assert page.sections[0].tables[0].columns == ["5 patients", "6 patients"]
