import json
import shutil
from dataclasses import replace

import pytest
from tensorflow.core.protobuf import fingerprint_pb2

from cmrtf.bundle.contents import model_folder
from cmrtf.core.json_files import with_checksum
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.appearance_bank import AppearanceBank
from cmrtf.training.run import RunDirectory
from cmrtf_export import export
from cmrtf_export.export import export_bundle


def test_nothing_but_the_bundle_is_left(story):
    assert sorted(path.name for path in story.bundle.iterdir()) == [
        "README.md",
        "anatomy_bank.npz",
        "bundle.json",
        "label_vae",
        "serving",
        "spade_gan",
        "style_bank.json",
    ]
    assert not [path for path in story.bundle.parent.iterdir() if "partial" in path.name]


def test_fingerprints_hold_nothing_random(story):
    for model in ("label_vae", "spade_gan"):
        file = story.bundle / model / "1" / "fingerprint.pb"
        fingerprint = fingerprint_pb2.FingerprintDef.FromString(file.read_bytes())
        assert fingerprint.uuid == str(fingerprint.saved_model_checksum)


def test_a_taken_folder_is_refused(story):
    with pytest.raises(CmrtfError, match="expected a folder that does not exist yet"):
        export_bundle(story.vae_run, story.gan_run, story.bundle)


def test_runs_must_be_of_the_right_kind(story, tmp_path):
    with pytest.raises(CmrtfError, match=r"expected a run of kind label_vae\. Received: spade_gan"):
        export_bundle(story.gan_run, story.vae_run, tmp_path / "bundle")
    with pytest.raises(CmrtfError, match=r"expected a training run, but it holds no run\.json"):
        export_bundle(tmp_path, story.gan_run, tmp_path / "bundle")


@pytest.mark.parametrize(
    ("kind", "file", "command"),
    [("vae_run", "coordinates.npz", "train-vae"), ("gan_run", "style_bank.json", "train-gan")],
)
def test_an_unfinished_run_is_refused(story, tmp_path, kind, file, command):
    """As is a finished VAE of before there were coordinates, which the command then finishes."""
    runs = {"vae_run": story.vae_run, "gan_run": story.gan_run}
    runs[kind] = shutil.copytree(runs[kind], tmp_path / "run", ignore=shutil.ignore_patterns(file))
    message = rf"{file}: expected this file of a finished run.*cmrtf {command} --resume"
    with pytest.raises(CmrtfError, match=message):
        export_bundle(*runs.values(), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_a_run_without_a_checkpoint_is_refused_and_leaves_nothing(story, tmp_path):
    run = shutil.copytree(story.vae_run, tmp_path / "vae", ignore=shutil.ignore_patterns("checkpoints"))
    with pytest.raises(CmrtfError, match=r"checkpoints: expected a checkpoint of a trained model"):
        export_bundle(run, story.gan_run, tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["vae"]


def test_too_few_subjects_for_a_bundle_without_their_codes_are_refused(story, tmp_path):
    with pytest.raises(CmrtfError, match=r"expected 5 training subjects or more.*--patient-codes"):
        export_bundle(story.vae_run, story.gan_run, tmp_path / "bundle")
    assert not list(tmp_path.iterdir())


def test_too_few_hearts_are_left_out_and_named(story, caplog):
    assert len(export._hearts(story.vae_run / "anatomy_bank.npz", 2).codes) == 2
    assert export._hearts(story.vae_run / "anatomy_bank.npz", 5) is None
    assert "on 5 subjects or more with both phases. Received: one of 2; the bundle cannot" in caplog.text


def test_small_groups_are_not_counted_where_nobody_is_named(story):
    appearance, *_ = AppearanceBank.load(story.gan_run / "style_bank.json").subjects.values()
    bank = AppearanceBank({str(n): replace(appearance, vendor=vendor) for n, vendor in enumerate("ABAAAAB")})
    pathologies = ["NOR"] * 5 + ["DCM"]
    assert export._trained_on(bank, pathologies, patient_codes=True)["vendor"] == {"A": 5, "B": 2}
    assert export._trained_on(bank, pathologies, patient_codes=False) == {
        "subjects": 7,
        "vendor": {"A": 5},
        "centre": {},
        "pathology": {"NOR": 5},
    }


def _copy_models(bundle, folders):
    """In place of tracing both models again, which takes longest."""
    for model, folder in folders.items():
        shutil.copytree(model_folder(bundle, model), folder, ignore=shutil.ignore_patterns("assets.extra"))


def test_a_run_without_an_anatomy_bank_and_of_another_cohort_is_exported_and_both_named(
    story, tmp_path, caplog, monkeypatch
):
    """The checkpoints are of before they said of which run they are; the SavedModels are the story's."""
    monkeypatch.setattr(RunDirectory, "origin", "")
    monkeypatch.setattr(export, "save_models", lambda *arguments: _copy_models(story.bundle, arguments[-1]))
    run = shutil.copytree(story.vae_run, tmp_path / "vae", ignore=shutil.ignore_patterns("anatomy_bank.npz"))
    record = json.loads((run / "run.json").read_text()) | {"data_hash": "0" * 16}
    (run / "run.json").write_text(json.dumps(with_checksum(record)))
    export_bundle(run, story.gan_run, tmp_path / "bundle", patient_codes=True)
    assert "the bundle cannot generate or remodel hearts" in caplog.text
    assert "bundle: expected both models to be trained on one cohort. Received: two" in caplog.text
    assert not (tmp_path / "bundle" / "anatomy_bank.npz").exists()
