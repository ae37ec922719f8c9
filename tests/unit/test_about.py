import shutil

import pytest

import cmrtf
from cmrtf.training.train import plan_run
from prepared_cohort import write_cohort


@pytest.fixture
def cohort(tmp_path):
    return write_cohort(tmp_path / "prepared", phases={"S2": ("ED",)})


@pytest.fixture
def run(cohort, tmp_path, vae_config):
    """A run of four steps, started and not trained."""
    planned, _ = plan_run("label_vae", cohort, tmp_path / "runs" / "vae", vae_config, seed=3)
    planned.start(resume=False)
    return planned


def test_a_cohort_is_its_subjects_by_split_and_what_they_are(cohort):
    said = cmrtf.info(cohort)
    assert said.kind == "prepared cohort"
    assert said.facts["subjects"] == 4
    assert said.facts["split"]["train"] == {
        "subjects": 3,
        "slices": 15,
        "vendor": {"A": 2, "B": 1},
        "centre": {"1": 1, "2": 1, "3": 1},
        "pathology": {"NOR": 3},
        "phase": {"ED": 3, "ES": 2},
    }
    assert said.facts["split"]["validation"]["vendor"] == {"B": 1}
    assert said.facts["data_hash"] == cmrtf.open_cohort(cohort).data_hash


def test_a_run_is_how_long_it_was_trained_and_on_whom(run):
    said = cmrtf.info(str(run.path))
    assert said.kind == "run of label_vae"
    assert said.facts["steps"] == {"trained": 0, "of": 4, "before": ()}
    assert said.facts["trained_on"]["cohort"] == "../../prepared"
    assert said.facts["trained_on"]["vendor"] == {"A": 2, "B": 1}
    assert said.facts["settings"]["latent_dim"] == 3
    run.checkpoints.mkdir()
    (run.checkpoints / "ckpt-2.index").touch()
    run.log.write_text("step,loss\n2,0.5\n")
    said = cmrtf.info(run.path)
    assert (said.facts["steps"]["trained"], said.facts["last_metrics"]) == (2, {"loss": 0.5})


def test_a_run_says_when_its_cohort_is_gone_or_another_one(run, cohort):
    shutil.rmtree(cohort)
    assert cmrtf.info(run.path).facts["trained_on"] == {
        "data_hash": run.data_hash,
        "cohort": "not there any more",
    }
    write_cohort(cohort, vendors="AB")
    assert cmrtf.info(run.path).facts["trained_on"]["cohort"].endswith("../../prepared is another one")


def test_a_bundle_is_what_its_models_were_trained_on(story):
    said = cmrtf.info(story.bundle)
    assert said.kind == "bundle"
    cohort = cmrtf.info(story.prepared).facts
    assert said.facts["trained_on"]["data_hash"] == [cohort["data_hash"]]
    for entry in ("subjects", "vendor", "centre"):
        assert said.facts["trained_on"][entry] == cohort["split"]["train"][entry]
    assert said.facts["patient_codes"] is True
    assert said.facts["label_vae"]["steps_trained"] > 0
    assert "steps_trained" in str(said)


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(
        cmrtf.CmrtfError, match=r"expected a prepared cohort, with a manifest\.json, a run, with"
    ):
        cmrtf.info(tmp_path)
    (tmp_path / "run.json").write_text('{"kind": "segmenter", "config": {}, "seed": 0, "data_hash": ""}')
    with pytest.raises(cmrtf.CmrtfError, match=r"run\.json: expected a run of kind label_vae or spade_gan"):
        cmrtf.info(tmp_path)
