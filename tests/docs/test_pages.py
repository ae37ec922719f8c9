"""The pages of the site are followed: the tutorial with tiny models, and all Python in documents."""

import json
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from cmrtf_cli.main import cli
from documents import DOCUMENTS, ROOT, TINY_PYTHON, blocks, run_python, shell_lines, text_of
from story_fixtures import EVALUATION

TINY = {
    "phantom --subjects 24": "phantom --subjects 4 --frames 2",
    "prepare phantom prepared": "prepare phantom prepared --validation-fraction 0.5",
    "--preset demo": "--preset tiny.yaml",
    "L6U7J9": "C7A8W5",
    "--out walk": "--out walk --subjects 2 --slices 8",
    "inter_04": "inter_02",
    "--style A": "--style sample",
    "--subjects 12": "--subjects 2",
    "--subjects 5 ": "--subjects 2 ",
    "EDV>200 ml, EF<35 %": "EDV>100 ml, EF<45 %",
    "--walks 8 --training-steps 300": "--walks 4 --training-steps 2",
}
"""What the tutorial says, and what is done in its place, since that would take a quarter of an hour."""


def run(line: str) -> str:
    """Run a `cmrtf ...` line in this process, and return what it says."""
    result = CliRunner().invoke(cli, shlex.split(line)[1:], catch_exceptions=False)
    assert result.exit_code == 0, f"{line}\n{result.output}"
    return result.output


def follow_python(document: str) -> None:
    """Every Python block of a document, one after the other, as a reader types them."""
    namespace = {"__name__": "__main__"}
    for number, code in enumerate(blocks(text_of(document), "python"), start=1):
        run_python(code, f"{document}, Python block {number}", namespace)


@pytest.fixture
def told(story, hearts_given, tmp_path, monkeypatch) -> Path:
    """A folder, the current one, that looks as the tutorial's does when the story has been told."""
    made = {"phantom": story.raw, "prepared": story.prepared, "bundle": story.bundle}
    made |= {"runs/vae": story.vae_run, "runs/gan": story.gan_run, "OpenDataset": story.raw}
    (tmp_path / "runs").mkdir()
    for name, path in made.items():
        (tmp_path / name).symlink_to(path)
    (tmp_path / "demo").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_tutorial_can_be_followed_and_figures_can_be_made_of_it(story, told, script, monkeypatch):
    text = "\n".join(" ".join(line.split()) for line in shell_lines(text_of("docs/tutorial.md")))
    for said, done in TINY.items():
        assert said in text, f"the tutorial no longer says {said}"
        text = text.replace(said, done)
    lines = text.splitlines()
    beginning = len(story.commands)
    assert tuple(lines[:beginning]) == story.commands
    assert story.said["export --check"].count("ok  ") == 8
    lines.remove(EVALUATION)  # which tests/integration/test_end_to_end.py looks at
    for line in lines[beginning:]:
        run(line)
    follow_python("docs/tutorial.md")

    figures = script("figures")
    monkeypatch.setattr(figures, "SUBJECTS", ("C7A8W5", "H4V6G5"))
    figures.main(told, told / "images")
    made, committed = (
        {path.name for path in folder.iterdir()} for folder in (told / "images", figures.IMAGES)
    )
    assert made == committed


def test_the_page_on_nnunet_keeps_phases_together_and_synthetic_hearts_out_of_validation(told):
    root = told / "Dataset027_ACDC"
    (root / "labelsTr").mkdir(parents=True)
    for subject in range(6):
        for phase in ("ED", "ES"):
            (root / "labelsTr" / f"patient{subject:03d}_{phase}.nii.gz").touch()
    labels = {"background": 0, "RV": 1, "MLV": 2, "LVC": 3}
    description = {"channel_names": {"0": "MRI"}, "labels": labels, "numTraining": 12}
    (root / "dataset.json").write_text(json.dumps(description))
    (line,) = [line for line in shell_lines(text_of("docs/how-to/nnunet.md")) if line.startswith("cmrtf ")]
    run(line.replace("--subjects 50", "--subjects 1"))
    assert json.loads((root / "dataset.json").read_text())["numTraining"] == 14
    splits = json.loads((root / "splits_final.json").read_text())
    assert len(splits) == 5
    assert splits[0]["val"] == [
        f"patient{subject}_{phase}" for subject in ("000", "005") for phase in ("ED", "ES")
    ]
    for split in splits:
        assert {"SYN00001_ED", "SYN00001_ES"} < set(split["train"])
        assert not set(split["train"]) & set(split["val"])


def test_the_page_on_mnms_makes_a_folder_that_can_be_read(told):
    follow_python("docs/how-to/mnms.md")
    assert len(list((told / "mnms-ab").iterdir())) == 5
    run("cmrtf check mnms-ab")


def test_what_tiny_python_stands_for_is_still_said():
    files = "".join(text_of(path) for path in (*DOCUMENTS, *(ROOT / "examples").glob("*.py")))
    assert not [said for said in TINY_PYTHON if said not in files]


TESTED_ELSEWHERE = {"tutorial.md", "nnunet.md", "mnms.md", "serving.md"}
"""Above, and by tests/unit/export/test_saved_models.py without cmrtf."""
OTHER_PAGES_WITH_PYTHON = [
    path for path in DOCUMENTS if path.name not in TESTED_ELSEWHERE and blocks(text_of(path), "python")
]


@pytest.mark.parametrize("document", OTHER_PAGES_WITH_PYTHON, ids=lambda path: path.name)
def test_python_in_all_other_pages_runs(told, document):
    follow_python(str(document.relative_to(ROOT)))
