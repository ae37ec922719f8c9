"""From raw data to synthetic subjects through the command line, and what it says to wrong input."""

import csv
import gzip
import json
import subprocess
import sys
import zipfile

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

from cmrtf.cohort.cohort import PreparedCohort
from cmrtf_cli.main import cli, main
from prepared_cohort import write_cohort


def _interpolate(story, out, *arguments):
    paths = ["--model", story.bundle, "--data", story.prepared, "--out", out]
    result = CliRunner().invoke(cli, ["interpolate", *map(str, [*paths, *arguments])], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def codes(story):
    """Two subjects, one of which is stored base first."""
    records = PreparedCohort.open(story.prepared).records
    flipped = [record.subject for record in records if record.stack_flipped]
    others = [record.subject for record in records if not record.stack_flipped]
    return (flipped or others)[0], others[-1]


@pytest.fixture(scope="module")
def between(story, codes, tmp_path_factory):
    """The intersubject job at end diastole, with two subjects in between, of eight slices."""
    out = tmp_path_factory.mktemp("walk") / "between"
    settings = ["--phase", "ED", "--subjects", 2, "--slices", 8]
    return _interpolate(story, out, "--subject-a", codes[0], "--subject-b", codes[1], *settings)


@pytest.fixture(scope="module")
def within(story, codes, tmp_path_factory):
    """The intrasubject job in both phases."""
    return _interpolate(story, tmp_path_factory.mktemp("walk") / "within", "--subject-a", codes[0])


def _fail(capsys, monkeypatch, *arguments):
    """Exit code and error of the console entry point, without the line that says what was called."""
    monkeypatch.setattr(sys, "argv", ["cmrtf", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    said = capsys.readouterr().err.splitlines(keepends=True)
    return stop.value.code, "".join(line for line in said if not line.startswith("cmrtf "))


def test_every_command_says_what_it_did_and_where(story):
    assert f"Wrote 4 subjects to {story.raw}" in story.said["phantom"]
    assert "Prepared 4 subjects (mnms)" in story.said["prepare"]
    assert f"Trained: {story.vae_run}" in story.said["train-vae"]
    assert f"Trained: {story.gan_run}" in story.said["train-gan"]
    assert f"Exported: {story.bundle}" in story.said["export"]


def test_folders_are_named_after_subject_and_phase(within, between, codes):
    a, b = codes
    outputs = {"figure.png", "measures.csv", "provenance.json", "report.html"}
    assert {path.name for path in within.iterdir()} == outputs | {f"intra_{a}_ED", f"intra_{a}_ES"}
    walk = {f"intra_{a}_ED", "inter_01_ED", "inter_02_ED", f"intra_{b}_ED"}
    assert {path.name for path in between.iterdir()} == outputs | walk


def test_volumes_have_32_slices_or_as_many_as_said_and_labels_of_the_schema(within, between):
    folders = [
        (path, n) for out, n in ((within, 32), (between, 8)) for path in out.iterdir() if path.is_dir()
    ]
    assert len(folders) == 6
    for folder, num_slices in folders:
        image, label = (nib.load(folder / name) for name in ("image.nii.gz", "label.nii.gz"))
        assert image.shape == label.shape == (128, 128, num_slices)
        assert (image.get_data_dtype(), label.get_data_dtype()) == (np.float32, np.uint8)
        np.testing.assert_array_equal(image.affine, label.affine)
        assert np.isfinite(image.get_fdata()).all()
        assert set(np.unique(label.dataobj)) <= {0, 1, 2, 3}


def test_synthetic_stacks_lie_on_their_source(story, within, codes):
    """From the centre of its apical slice to that of its basal one, 32 slices over the same extent."""
    source = nib.load(story.raw / codes[0] / f"{codes[0]}_sa.nii.gz")
    x, y, n = source.shape[:3]
    for phase in ("ED", "ES"):
        synthetic = nib.load(within / f"intra_{codes[0]}_{phase}" / "image.nii.gz")
        to_source = np.linalg.inv(source.affine) @ synthetic.affine
        ends = to_source @ np.array([[63.5, 63.5, 0, 1], [63.5, 63.5, 31, 1]]).T
        flipped = PreparedCohort.open(story.prepared).record(codes[0]).stack_flipped
        np.testing.assert_allclose(ends[2], [n - 1, 0] if flipped else [0, n - 1], atol=1e-3)
        assert (np.abs(ends[0] - (x - 1) / 2) < x / 4).all()
        assert (np.abs(ends[1] - (y - 1) / 2) < y / 4).all()
        spacing = synthetic.header.get_zooms()
        expected = (1.5, 1.5, (n - 1) * source.header.get_zooms()[2] / 31)
        np.testing.assert_allclose(spacing, expected, rtol=1e-4)


def test_those_between_stand_in_the_place_of_the_first(between, codes):
    first, middle = (
        nib.load(between / name / "label.nii.gz").affine for name in (f"intra_{codes[0]}_ED", "inter_01_ED")
    )
    centre = [63.5, 63.5, 3.5, 1]
    np.testing.assert_allclose(middle @ centre, first @ centre, atol=1e-3)


def test_images_are_in_the_units_of_the_source(story, within, codes):
    record = PreparedCohort.open(story.prepared).record(codes[0])
    for phase in ("ED", "ES"):
        low, high = record.intensity_window[phase]
        image = nib.load(within / f"intra_{codes[0]}_{phase}" / "image.nii.gz").get_fdata()
        margin = 1e-4 * (high - low)
        assert low - margin <= image.min() < image.max() <= high + margin


def test_the_table_lists_sources_and_synthetic_subjects_from_a_to_b(between, codes):
    a, b = codes
    with (between / "measures.csv").open(newline="") as file:
        rows = [row["subject"] for row in csv.DictReader(file)]
    assert rows == [f"source_{a}", f"intra_{a}", "inter_01", "inter_02", f"intra_{b}", f"source_{b}"]


def test_provenance_names_bundle_data_and_walk_and_no_folder(story, between, codes):
    text = (between / "provenance.json").read_text()
    provenance = json.loads(text)
    assert provenance["synthetic"] is True
    assert (provenance["subject_a"], provenance["subject_b"]) == codes
    assert provenance["data_hash"] == PreparedCohort.open(story.prepared).data_hash
    assert len(provenance["bundle_sha256"]) == 64
    assert set(provenance["outputs_sha256"]) == {
        path.relative_to(between).as_posix() for path in between.rglob("*") if path.is_file()
    } - {"provenance.json"}
    assert str(story.bundle.parent) not in text + (between / "report.html").read_text()


def test_labels_can_be_painted(story, within, codes, tmp_path):
    labels = within / f"intra_{codes[0]}_ED" / "label.nii.gz"
    painted = nib.load(labels)
    heart = np.zeros(painted.shape, np.uint8)
    heart[44:84, 44:84], heart[54:74, 54:74], heart[44:84, 28:42] = 2, 1, 3
    nib.save(nib.Nifti1Image(heart, painted.affine), tmp_path / "label.nii.gz")
    arguments = ["--model", story.bundle, tmp_path / "label.nii.gz", "--out", tmp_path / "image.nii.gz"]
    result = CliRunner().invoke(cli, ["synthesize", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    image = nib.load(tmp_path / "image.nii.gz")
    assert image.shape == heart.shape
    np.testing.assert_allclose(image.affine, painted.affine, atol=1e-4)


@pytest.fixture(scope="module")
def painted(story, codes, tmp_path_factory):
    """A raw patient's own labels, painted in the appearance of that patient's raw image."""
    folder = tmp_path_factory.mktemp("painted")
    for kind in ("sa", "sa_gt"):
        cine = nib.load(story.raw / codes[0] / f"{codes[0]}_{kind}.nii.gz")
        frame = PreparedCohort.open(story.prepared).record(codes[0]).frames["ED"]
        one = nib.Nifti1Image(np.asanyarray(cine.dataobj)[..., frame], cine.affine, cine.header)
        nib.save(one, folder / f"{story.patient_name}_{kind}.nii.gz")
    image, label = (folder / f"{story.patient_name}_{kind}.nii.gz" for kind in ("sa", "sa_gt"))
    assert all(story.patient_name.encode() in b"".join(_contents(path)) for path in (image, label))
    arguments = ["--model", story.bundle, label, "--style", image, "--out", folder / "image.nii.gz"]
    result = CliRunner().invoke(cli, ["synthesize", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder / "image.nii.gz"


def _contents(path):
    """The bytes of a file, and of what is packed in it."""
    yield path.read_bytes()
    if path.name.endswith(".gz"):
        yield gzip.decompress(path.read_bytes())
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist())


def test_no_name_of_a_patient_travels(story, within, between, painted):
    """It stands in headers, the table and the raw folder's name, and in none of the bytes made from them."""
    folders = (story.prepared, story.vae_run, story.gan_run, story.bundle, within, between)
    made = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(made) > 50
    for path in [*made, painted]:
        assert not any(story.patient_name.encode() in content for content in _contents(path)), path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"--subject-a": "NOBODY"}, "expected one of its 4 subjects. Received: 'NOBODY'"),
        ({"--model": "prepared"}, "expected a bundle made by `cmrtf export`"),
        ({"--data": "bundle"}, "manifest.json: expected the manifest.json of a cohort"),
        ({"--out": "prepared"}, "expected a folder that does not exist yet, or an empty one"),
    ],
)
def test_wrong_input_is_one_paragraph_and_exit_code_1(
    story, codes, tmp_path, capsys, monkeypatch, changes, message
):
    folders = {"prepared": story.prepared, "bundle": story.bundle}
    settings = {"--model": story.bundle, "--data": story.prepared, "--subject-a": codes[0], "--out": tmp_path}
    settings |= {option: folders.get(value, value) for option, value in changes.items()}
    code, error = _fail(
        capsys, monkeypatch, "interpolate", *(part for pair in settings.items() for part in pair)
    )
    assert code == 1
    assert error.startswith("Error: ")
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_phase_that_a_subject_does_not_have_is_refused(story, tmp_path, capsys, monkeypatch):
    cohort = write_cohort(tmp_path / "cohort", phases={"S1": ("ED",)})
    paths = ["--model", story.bundle, "--data", cohort, "--out", tmp_path / "out"]
    subjects = ["--subject-a", "S1", "--subject-b", "S2", "--phase", "ES"]
    code, error = _fail(capsys, monkeypatch, "interpolate", *paths, *subjects)
    assert code == 1
    assert "expected phase ES of every subject. Received: S1 has ED; S2 has ED, ES." in error


def test_a_run_is_not_started_twice(story, capsys, monkeypatch):
    settings = ["--run", story.vae_run, "--preset", story.preset]
    code, error = _fail(capsys, monkeypatch, "train-vae", story.prepared, *settings)
    assert code == 1
    assert "Continue the run that it holds with --resume" in error


@pytest.mark.parametrize(
    "arguments",
    [
        ("interpolate", "--subject-a", "X"),
        ("interpolate", "--data", "d", "--subject-a", "X", "--out", "o"),
        (
            "interpolate",
            "--server",
            "s",
            "--deadline",
            "nan",
            "--data",
            "d",
            "--subject-a",
            "X",
            "--out",
            "o",
        ),
        ("interpolate", "--model", "m", "--server", "s", "--data", "d", "--subject-a", "X", "--out", "o"),
        ("interpolate", "--model", "m", "--data", "d", "--subject-a", "X", "--subject-b", "X", "--out", "o"),
        ("interpolate", "--model", "m", "--data", "d", "--subject-a", "X", "--out", "o", "--slices", "1"),
        ("interpolate", "--model", "m", "--data", "d", "--subject-a", "X", "--out", "o", "--phase", "MD"),
        ("train-vae", "p", "--run", "r", "--steps", "0"),
        ("train-gan", "p"),
        ("export", "bundle"),
        ("export", "--check", "bundle", "--vae", "v"),
        ("unknown",),
    ],
)
def test_wrong_usage_is_exit_code_2(story, capsys, monkeypatch, arguments):
    paths = {"d": story.prepared, "m": story.bundle}
    code, error = _fail(capsys, monkeypatch, *(paths.get(argument, argument) for argument in arguments))
    assert code == 2
    assert "Error: " in error


@pytest.mark.parametrize(("arguments", "code"), [(("prepare", "nowhere", "out"), 1), (("prepare",), 2)])
def test_the_process_itself_returns_these_codes(tmp_path, arguments, code):
    done = subprocess.run(
        [sys.executable, "-m", "cmrtf_cli", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == code
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_evaluation_has_all_sections(evaluated):
    assert sorted(path.name for path in evaluated.iterdir()) == ["evaluation.json", "report.html"]
    data = json.loads((evaluated / "evaluation.json").read_text())
    assert list(data["sections"]) == [
        "label_vae",
        "label_validity",
        "images",
        "faithfulness",
        "clinical",
        "privacy",
    ]
    assert (data["training_subjects"], data["held_out_subjects"], data["synthetic_subjects"]) == (2, 2, 4)
    valid = data["sections"]["label_validity"]["tables"][0]["rows"]
    assert valid["synthetic, repaired"]["slices"]["mean"] == 100.0


def test_an_evaluation_keeps_its_segmenter(evaluated):
    assert len(list(evaluated.with_name("evaluation-segmenters").iterdir())) == 1


def test_a_cohort_that_a_bundle_was_not_trained_on_is_refused(story, capsys, monkeypatch, tmp_path):
    cohort = write_cohort(tmp_path / "cohort", num_validation=2)
    paths = ["--model", story.bundle, "--data", cohort, "--out", tmp_path / "out"]
    code, error = _fail(capsys, monkeypatch, "evaluate", *paths)
    assert code == 1
    assert "expected the cohort that the bundle's label_vae was trained on" in error


def test_what_is_no_bundle_fails_the_check(story, capsys, monkeypatch):
    code, error = _fail(capsys, monkeypatch, "export", "--check", story.prepared)
    assert code == 1
    assert "expected a bundle made by `cmrtf export`" in error


def test_a_server_that_is_none_is_named(story, codes, capsys, monkeypatch, tmp_path):
    paths = ["--data", story.prepared, "--subject-a", codes[0], "--out", tmp_path / "out"]
    code, error = _fail(capsys, monkeypatch, "interpolate", "--server", "localhost:8500", *paths)
    assert code == 1
    assert "expected the address of a server" in error
    assert not (tmp_path / "out").exists()
