import contextlib
import json
import logging
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from cmrtf.errors import CmrtfError
from cmrtf.evaluation import evaluate as evaluation_module
from cmrtf.evaluation.evaluate import evaluate
from cmrtf.synthesis.appearance import Appearance
from cmrtf.synthesis.appearance_bank import AppearanceBank
from cmrtf.training import segmenter_store
from evaluation_doubles import ExactModels, GreySegmenter, real_subjects

pytestmark = pytest.mark.slow

DATA_HASH = "0123456789abcdef"
SECTIONS = ["label_vae", "label_validity", "images", "faithfulness", "clinical", "privacy"]


class Bundle:
    """Knows the appearances of its training subjects, and too few anatomies to draw from."""

    sha256 = "5" * 64
    path = Path("bundle")

    models = ExactModels()

    def __init__(self, gan_data_hash=DATA_HASH):
        self.description = {
            "label_vae": {"data_hash": DATA_HASH},
            "spade_gan": {"data_hash": gan_data_hash},
        }

    @property
    def appearance_bank(self):
        return AppearanceBank(
            {
                subject.name: Appearance(np.full((1, 1), number, np.float32), (0.0, 1.0), subject.vendor)
                for number, subject in enumerate(real_subjects()[0])
            }
        )

    @property
    def anatomy_prior(self):
        raise CmrtfError("no prior")


class Cohort:
    """Of arrays."""

    path = "cohort"
    data_hash = DATA_HASH

    def __init__(self, num_held_out=4):
        training, held_out = real_subjects()
        self.splits = {"train": training, "validation": held_out[:num_held_out]}

    def held(self):
        return contextlib.nullcontext()

    def codes(self, split):
        return tuple(subject.name for subject in self.splits[split])

    def __getitem__(self, code):
        return next(s for subjects in self.splits.values() for s in subjects if s.name == code)


class Store:
    """Gives the segmenter that needs no training, and notes where it would be kept."""

    folders: ClassVar = []

    def __init__(self, folder, steps, progress):
        self.folders.append(folder)
        self.steps = steps

    def trained(self, images, label_ids, seed, name, unknown):
        return GreySegmenter()


@pytest.fixture(autouse=True)
def store(monkeypatch):
    monkeypatch.setattr(segmenter_store, "SegmenterStore", Store)
    monkeypatch.setattr(Store, "folders", [])
    return Store


def test_all_sections_are_written_and_progress_is_logged(tmp_path, store, caplog):
    out = tmp_path / "out"
    with caplog.at_level(logging.INFO, "cmrtf"):
        evaluation = evaluate(Bundle(), Cohort(), out, num_subjects=4, training_steps=3, seed=1)
    data = json.loads((out / "evaluation.json").read_text())
    assert list(data["sections"]) == SECTIONS == [section.key for section in evaluation.sections]
    assert {key: value for key, value in data.items() if key != "sections"} == {
        "bundle_sha256": "5" * 64,
        "data_hash": DATA_HASH,
        "training_subjects": 6,
        "held_out_subjects": 4,
        "synthetic_subjects": 4,
        "segmenter_steps": 3,
        "seed": 1,
    }
    assert caplog.messages == [
        "No new subjects: no prior",
        "label VAE ...",
        "valid labels ...",
        "images ...",
        "label fidelity ...",
        "clinical measures ...",
        "privacy ...",
    ]
    assert store.folders == [tmp_path / "out-segmenters"]


@pytest.fixture
def no_sections(monkeypatch):
    monkeypatch.setattr(evaluation_module, "_sections", lambda *_: [])


@pytest.mark.usefixtures("no_sections")
def test_without_a_folder_nothing_is_left_on_the_disk(store):
    evaluate(Bundle(), Cohort())
    (folder,) = store.folders
    assert not folder.exists()


@pytest.mark.usefixtures("no_sections")
def test_segmenters_are_kept_where_it_is_said(tmp_path, store):
    evaluate(Bundle(), Cohort(), tmp_path / "out", segmenters=str(tmp_path / "kept"))
    assert store.folders == [tmp_path / "kept"]


def test_a_taken_folder_is_refused_before_the_work(tmp_path, store):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(CmrtfError, match=str(tmp_path)):
        evaluate(Bundle(), Cohort(), tmp_path)
    assert store.folders == []


def test_models_behind_a_server_are_refused(monkeypatch):
    monkeypatch.setattr(Bundle, "path", None)
    with pytest.raises(CmrtfError, match="expected a bundle on disk to evaluate"):
        evaluate(Bundle(), Cohort())


def test_a_bundle_of_another_cohort_is_refused():
    with pytest.raises(CmrtfError, match=f"spade_gan was trained on, data hash other. Received: {DATA_HASH}"):
        evaluate(Bundle(gan_data_hash="other"), Cohort())


def test_one_held_out_subject_is_too_few():
    with pytest.raises(CmrtfError, match="Received: 6 and 1"):
        evaluate(Bundle(), Cohort(num_held_out=1))


def test_folders_are_opened(tmp_path):
    with pytest.raises(CmrtfError, match="prepared"):
        evaluate(tmp_path / "bundle", tmp_path / "prepared")
    with pytest.raises(CmrtfError, match="bundle"):
        evaluate(str(tmp_path / "bundle"), Cohort())
