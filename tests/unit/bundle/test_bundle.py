import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import cmrtf
from cmrtf.bundle.bundle import Bundle
from cmrtf.core.nifti import read_nifti
from cmrtf.core.stack_files import write_stack
from cmrtf.errors import CmrtfError


@pytest.fixture(scope="module")
def cohort(story):
    return cmrtf.open_cohort(story.prepared)


@pytest.fixture(scope="module")
def ends(cohort):
    first, second, *_ = cohort.codes()
    return cohort[first], cohort[second]


def test_its_hash_is_that_of_the_description(bundle):
    assert bundle.sha256 == hashlib.sha256((bundle.path / "bundle.json").read_bytes()).hexdigest()
    assert bundle.provenance == {"bundle_sha256": bundle.sha256}


def test_opening_verifies_everything_without_tensorflow(story):
    code = "import cmrtf, sys; cmrtf.load_bundle(sys.argv[1]); assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, str(story.bundle)], check=True)


def test_a_damaged_bundle_is_refused(copied):
    (copied / "style_bank.json").write_text("{}")
    with pytest.raises(CmrtfError, match=r"style_bank\.json"):
        cmrtf.load_bundle(copied)


def test_the_appearances_of_the_training_subjects_come_along(bundle):
    subjects = bundle.appearance_bank.subjects
    assert len(subjects) > 1
    for appearance in subjects.values():
        low, high = appearance.intensity_window
        assert appearance.style.shape == (13, 4)
        assert low < high


def test_the_anatomies_of_the_training_subjects_come_along(bundle):
    """Two of the four subjects validate."""
    prior = bundle.anatomy_prior
    assert len(prior.codes) == len(prior.pathologies) == len(bundle.appearance_bank.subjects) == 2
    assert prior.codes.shape[-1] == 4
    decoded = prior.mean().decode(bundle.models, 10.0)
    assert list(decoded) == ["ED", "ES"]


def test_a_bundle_without_anatomies_says_what_they_come_from(bundle, tmp_path):
    with pytest.raises(CmrtfError, match=r"expected anatomy_bank\.npz, from a label VAE .* Received: none"):
        _ = replace(bundle, path=tmp_path).anatomy_prior


def test_models_behind_a_server_have_no_banks(bundle):
    with pytest.raises(CmrtfError, match=r"expected a bundle on disk, for anatomy_bank\.npz"):
        Bundle(bundle.models).generate(1)


def test_interpolate_makes_subjects_in_memory(bundle, ends):
    interpolated = bundle.interpolate(*ends, num_subjects=2, num_slices=5, progress=False)
    codes = [end.name for end in ends]
    assert [s.id for s in interpolated] == [f"intra_{codes[0]}", f"intra_{codes[1]}", "inter_01", "inter_02"]
    assert {stack.image.shape for s in interpolated for stack in s.stacks.values()} == {(5, 128, 128)}
    assert [(s.name, s.kind, s.weight) for s in interpolated.sources] == [
        (codes[0], "source", 0.0),
        (codes[1], "source", 1.0),
    ]
    assert interpolated.provenance["subject_a"] == codes[0]


def test_interpolating_one_subject_is_the_intrasubject_job(bundle, ends):
    (subject,) = bundle.interpolate(ends[0], num_slices=6, phases=("ES",), progress=False)
    assert (subject.kind, subject.phases, subject.es.num_slices) == ("intrasubject", ("ES",), 6)


def test_synthesize_takes_a_stack_or_a_file(bundle, ends, tmp_path):
    write_stack(ends[0].ed, tmp_path / "image.nii.gz", tmp_path / "labels.nii.gz")
    style = next(iter(bundle.appearance_bank.subjects))
    from_stack = bundle.synthesize(ends[0].ed, style=style)
    from_file = bundle.synthesize(tmp_path / "labels.nii.gz", style=style)
    assert from_stack.label_ids is ends[0].ed.label_ids
    np.testing.assert_array_equal(from_file.label_ids, from_stack.label_ids)
    np.testing.assert_array_equal(from_file.image, from_stack.image)
    assert read_nifti(tmp_path / "labels.nii.gz").data.shape == from_file.geometry.source_shape


def test_remodel_needs_something_to_change(bundle, ends):
    with pytest.raises(CmrtfError, match="expected a pathology to move towards, targets, or both"):
        bundle.remodel(ends[0])


@pytest.mark.parametrize("targets", [{"LVEDV": 200}, {"EF": 130}, {"ESV": 80, "EF": 40}, {"EDV": -1}])
def test_remodel_checks_targets_by_name_as_written_ones(bundle, ends, targets):
    with pytest.raises(CmrtfError, match=r"expected .*Received"):
        bundle.remodel(ends[0], targets=targets)


def test_what_cannot_be_interpolated_or_remodelled_is_refused(bundle, ends):
    synthetic = replace(ends[0], kind="generated")
    bright = ends[0].with_stacks({"ED": ends[0].ed.with_image(ends[0].ed.image * 9)})
    for job in (
        lambda: bundle.interpolate(ends[0], num_slices=1),
        lambda: bundle.interpolate(*ends, num_subjects=0),
        lambda: bundle.interpolate(ends[0], synthetic),
        lambda: bundle.interpolate(ends[0], ends[0]),
        lambda: bundle.interpolate(ends[0].name),
        lambda: bundle.interpolate(ends[0], phases=("ED", "XX")),
        lambda: bundle.interpolate(ends[0], facts={"exact_ends": False}),
        lambda: bundle.interpolate(bright),
        lambda: bundle.remodel(ends[0], targets="EF=30 %", facts={"note": float("nan")}),
        lambda: bundle.remodel(ends[0], towards="DCM", amount=float("nan")),
        lambda: bundle.generate(0),
        lambda: bundle.generate(1, seed=-1),
        lambda: bundle.synthesize(replace(ends[0].ed, label_ids=ends[0].ed.label_ids + np.uint8(4))),
        lambda: bundle.remodel(synthetic, targets="EF=30 %"),
        lambda: bundle.remodel(ends[0], targets="EF=30 %", num_steps=0),
    ):
        with pytest.raises(CmrtfError, match="Received: "):
            job()
