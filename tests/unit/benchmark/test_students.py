import pytest

from cmrtf.benchmark import students
from cmrtf.benchmark.arms import ARMS, OURS, RANDOMISED, REAL
from cmrtf.benchmark.students import CONFIGS, train_student, training_subjects

SOURCES = {REAL: ["r1", "r2"], OURS: ["o1", "o2", "o3", "o4"], RANDOMISED: ["x1", "x2", "x3", "x4"]}


def test_real_subjects_are_repeated_to_be_as_many_as_synthetic_ones():
    assert training_subjects((REAL, OURS), SOURCES) == ["r1", "r2"] * 2 + SOURCES[OURS]
    both = training_subjects((REAL, OURS, RANDOMISED), SOURCES)
    assert both == ["r1", "r2"] * 4 + SOURCES[OURS] + SOURCES[RANDOMISED]


def test_alone_nothing_is_repeated():
    assert training_subjects((REAL,), SOURCES) == SOURCES[REAL]
    assert training_subjects((OURS,), SOURCES) == SOURCES[OURS]


class Student:
    """Notes where it is saved."""

    def save(self, folder):
        folder.mkdir()


@pytest.fixture
def calls(monkeypatch):
    """What `train_segmenter` is called with."""
    noted = []

    def train(images, label_ids, steps, seed, **settings):
        noted.append((len(images), steps, seed, settings["config"], settings["start"]))
        return Student()

    monkeypatch.setattr(students, "train_segmenter", train)
    return noted


def test_a_student_is_trained_as_its_arm_says(tmp_path, calls, training):
    sources = {REAL: training}
    train_student(tmp_path / "one", ARMS["strong"], sources, 10, 3, progress=False)
    slices = sum(stack.num_slices for subject in training for stack in subject.stacks.values())
    assert calls == [(slices, 10, 3, CONFIGS["strong"], None)]
    assert (tmp_path / "one").is_dir()


def test_pretraining_takes_half_of_the_steps(tmp_path, calls, training):
    sources = {REAL: training[:1], OURS: training}
    train_student(tmp_path / "one", ARMS["pretrained"], sources, 11, 0, progress=False)
    (first, steps_first, *_, start), (second, steps_second, *_, then) = calls
    assert (steps_first, steps_second) == (5, 6)
    assert first == 6 * second
    assert start is None
    assert isinstance(then, Student)
