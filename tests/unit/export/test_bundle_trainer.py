from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

from cmrtf.errors import CmrtfError
from cmrtf_export import bundle_trainer
from cmrtf_export.bundle_trainer import BundleTrainer, export_in_new_process


def test_the_recipe_is_that_of_the_preset():
    recipe = BundleTrainer("cpu", seed=3).recipe
    assert recipe["seed"] == 3
    assert recipe["vae"]["latent_dim"] == 128
    assert recipe["gan"]["batch_size"] == 4
    assert BundleTrainer("demo").recipe != recipe


def test_what_is_no_preset_is_refused_at_once():
    with pytest.raises(CmrtfError, match="expected a preset"):
        BundleTrainer("no-such-preset")


def test_a_bundle_that_is_there_is_opened(tmp_path, monkeypatch):
    def no_training(*_, **__):
        pytest.fail("trained again")

    for name in ("train_vae", "train_gan"):
        monkeypatch.setattr(bundle_trainer, name, no_training)
    monkeypatch.setattr(bundle_trainer.Bundle, "open", lambda folder: folder)
    (tmp_path / "bundle").mkdir()
    assert BundleTrainer().bundle(tmp_path / "prepared", tmp_path) == tmp_path / "bundle"


def test_both_models_are_trained_on_the_cohort_and_go_on(tmp_path, monkeypatch):
    calls = []
    for name in ("train_vae", "train_gan"):
        monkeypatch.setattr(
            bundle_trainer, name, lambda *args, name=name, **settings: calls.append((name, args, settings))
        )
    monkeypatch.setattr(bundle_trainer, "export_in_new_process", lambda *args, **_: calls.append(args))
    monkeypatch.setattr(bundle_trainer.Bundle, "open", lambda folder: folder)
    BundleTrainer("cpu", seed=5).bundle(tmp_path / "prepared", tmp_path)
    wanted = {"seed": 5, "resume": True}
    assert calls == [
        ("train_vae", (tmp_path / "prepared", tmp_path / "vae", "cpu"), wanted),
        ("train_gan", (tmp_path / "prepared", tmp_path / "gan", "cpu"), wanted),
        (tmp_path / "vae", tmp_path / "gan", tmp_path / "bundle"),
    ]


def test_an_export_that_is_ended_from_outside_is_one_message(tmp_path, monkeypatch):
    """As is a process that the system kills for its memory."""

    class Ended(ThreadPoolExecutor):
        def __init__(self, workers, context):
            super().__init__(workers)

        def submit(self, *_):
            return super().submit(self._end)

        def _end(self):
            raise BrokenProcessPool

    monkeypatch.setattr(bundle_trainer, "ProcessPoolExecutor", Ended)
    with pytest.raises(CmrtfError, match="bundle: expected a process that exports"):
        export_in_new_process(tmp_path, tmp_path, tmp_path / "bundle", patient_codes=False)
