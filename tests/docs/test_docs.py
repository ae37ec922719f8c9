"""What the documents say is so: help texts, links, commands, code, examples in docstrings, and the site."""

import configparser
import doctest
import importlib
import importlib.util
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cmrtf.datasets.folder import read_description
from cmrtf_cli.commands import generate
from cmrtf_cli.main import COMMANDS, cli
from heart_double import heart_source

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "export").rglob("*.md")])
CODE_BLOCK = re.compile(r"^```([\w{}-]*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def text_of(name: str | Path) -> str:
    """A file of the checkout, without what HTML comments hide."""
    return re.sub(r"<!--.*?-->", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)


def blocks(text: str, *languages: str) -> list[str]:
    """Contents of the fenced code blocks in these languages."""
    return [content for language, content in CODE_BLOCK.findall(text) if language in languages]


def shell_lines(text: str) -> list[str]:
    """Commands in shell blocks, without prompts, comments and what a console answers."""
    lines = [line for block in blocks(text, "bash") for line in block.replace("\\\n", "").splitlines()]
    lines += [
        line.removeprefix("$ ")
        for block in blocks(text, "console")
        for line in block.splitlines()
        if line.startswith("$ ")
    ]
    return [stripped for line in lines if (stripped := line.split("#")[0].strip())]


def parse(command_line: str) -> None:
    """Let click parse a `cmrtf ...` line, without running it."""
    _, *words = shlex.split(command_line)
    if words[0].startswith("-"):
        cli.make_context("cmrtf", words, resilient_parsing=True)
        return
    command = cli.get_command(click.Context(cli), words[0])
    assert command is not None, f"there is no command {words[0]}"
    command.make_context(words[0], words[1:])


# The command line


def script(name: str):
    """The module `docs/<name>.py`."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_cli_help_is_up_to_date():
    writer = script("cli_help")
    committed = text_of("docs/cli-help.txt")
    if committed.splitlines()[0] != writer.heading():
        pytest.skip(f"another click: {committed.splitlines()[0]}")
    assert committed == writer.cli_help(), "run `make cli-help` and look at the difference"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_each_command(name):
    command = cli.get_command(click.Context(cli), name)
    text = f"{command.help}\n{command.epilog}"
    assert r"\b" not in text, "click's \\b must be the character, not a backslash and a b"
    examples = re.findall(rf"cmrtf {name} [^\n]*?(?=  |$)", text, re.MULTILINE)
    assert examples, "every command has an example in its help"
    for example in examples:
        parse(example)


def test_help_of_the_group():
    assert r"\b" not in cli.help, "click's \\b must be the character, not a backslash and a b"
    examples = re.findall(r"^ +(cmrtf .*)$", cli.help, re.MULTILINE)
    assert len(examples) > 3
    for example in examples:
        assert "&" not in example, "a shell takes & as its own"
        parse(example)


def test_the_documented_signatures_are_those_of_a_bundle(story):
    """But for the dimensions of the codes, which differ from preset to preset."""
    code = "import pathlib, signatures, sys; print(signatures.signatures(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(story.bundle)]
    written = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT / "docs").stdout

    def comparable(text: str) -> list[str]:
        return re.sub(r"shape: \(-1, \d+\)", "shape: (-1, CODE)", text).split("\n")

    assert comparable(written.strip()) == comparable(text_of("docs/signatures.txt").strip())


# Documents


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    prose = re.sub(r"`[^`]*`", "", CODE_BLOCK.sub("", text_of(document)))
    for target in LINK.findall(prose):
        if not target.startswith(("http://", "https://", "#")):
            assert (document.parent / target.split("#")[0]).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_in_documents_parse(document):
    for line in shell_lines(text_of(document)):
        if line.startswith("cmrtf "):
            parse(line)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_make_targets_in_documents_exist(document):
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = re.findall(r"(?:^|`)make (?:PYTHON=\S+ )?([a-z-]+)", text_of(document), re.MULTILINE)
    assert set(named) <= targets


def test_readme_opens_with_the_two_commands_and_ci_runs_one_of_them():
    first_block = blocks(text_of("README.md"), "bash")[0]
    assert [line.split("#")[0].strip() for line in first_block.splitlines()] == ["make demo", "make test"]
    assert "make test" in text_of(".ci/run")
    assert "make check" in text_of(".ci/run")


def test_readme_names_every_command_preset_and_dependency():
    readme = text_of("README.md")
    assert not [name for name in COMMANDS if f"cmrtf {name}" not in readme and f"`{name}`" not in readme]
    presets = {path.stem for path in (ROOT / "cmrtf/training/presets").glob("*.yaml")}
    assert not [name for name in presets if f"| `{name}`" not in readme]
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    requirements = setup["options"]["install_requires"].strip().splitlines()
    table = readme.split("## Dependencies")[1].split("\n## ")[0].lower()
    assert not [line for line in requirements if line.split()[0].lower() not in table]


def test_the_description_of_a_folder_in_readme_can_be_read(tmp_path):
    (example,) = blocks(text_of("README.md"), "yaml")
    (tmp_path / "cmrtf.yaml").write_text(example)
    description = read_description(tmp_path / "cmrtf.yaml")
    assert description.label_to_schema == {0: 0, 1: 1, 2: 2, 3: 3}


def test_architecture_has_every_module():
    architecture = text_of("ARCHITECTURE.md")
    modules = [
        path
        for folder in ("cmrtf", "cli/cmrtf_cli", "export/cmrtf_export")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "__init__.py" and path.parent.name != "commands"
    ]
    assert not [str(path.relative_to(ROOT)) for path in modules if f"`{path.name}`" not in architecture]


def test_python_in_readme_runs_without_cmrtf(story):
    (code,) = blocks(text_of("README.md"), "python")
    code = code.replace("demo/bundle", str(story.bundle))
    code += """
import sys
assert label_ids.shape == (8, 128, 128) and images.shape == (8, 128, 128, 1)
assert 0 <= int(tf.reduce_min(label_ids)) and int(tf.reduce_max(label_ids)) <= 3
assert float(tf.reduce_max(tf.abs(images))) <= 1.0
assert stack["label_ids"].shape == (32, 128, 128) and stack["image"].shape == (32, 128, 128, 1)
assert "cmrtf" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# The pages of the site are followed

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


def run_python(document: str) -> None:
    """Every Python block of a document."""
    for number, code in enumerate(blocks(text_of(document), "python"), start=1):
        exec(compile(code, f"{document}, Python block {number}", "exec"), {"__name__": "__main__"})


@pytest.fixture
def told(story, tmp_path, monkeypatch) -> Path:
    """A folder, the current one, that looks as the tutorial's does when the story has been told."""
    made = {"phantom": story.raw, "prepared": story.prepared, "bundle": story.bundle}
    made |= {"runs/vae": story.vae_run, "runs/gan": story.gan_run, "OpenDataset": story.raw}
    (tmp_path / "runs").mkdir()
    for name, path in made.items():
        (tmp_path / name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    # Two steps of training make no heart that passes for one.
    monkeypatch.setattr(generate, "_source", lambda model: heart_source())
    return tmp_path


def test_the_tutorial_can_be_followed_and_figures_can_be_made_of_it(story, told, monkeypatch):
    text = "\n".join(" ".join(line.split()) for line in shell_lines(text_of("docs/tutorial.md")))
    for said, done in TINY.items():
        assert said in text, f"the tutorial no longer says {said}"
        text = text.replace(said, done)
    lines = text.splitlines()
    beginning = len(story.commands)
    assert tuple(lines[:beginning]) == story.commands
    said = {line: run(line) for line in lines[beginning:]}
    assert said["cmrtf export --check bundle"].count("ok  ") == 7
    run_python("docs/tutorial.md")

    figures = script("figures")
    monkeypatch.setattr(figures, "WALK", ("C7A8W5", "H4V6G5"))
    figures.main(told, told / "images")
    made, committed = (
        {path.name for path in folder.iterdir()} for folder in (told / "images", figures.IMAGES)
    )
    assert made == committed


def test_the_page_on_nnunet_keeps_phases_together_and_synthetic_hearts_out_of_validation(told):
    (line,) = [line for line in shell_lines(text_of("docs/how-to/nnunet.md")) if line.startswith("cmrtf ")]
    run(line.replace("--subjects 50", "--subjects 1"))
    for subject in range(6):
        for phase in ("ED", "ES"):
            (told / "Dataset501_Hearts" / "labelsTr" / f"patient{subject:03d}_{phase}.nii.gz").touch()
    run_python("docs/how-to/nnunet.md")
    assert json.loads((told / "Dataset501_Hearts" / "dataset.json").read_text())["numTraining"] == 14
    splits = json.loads((told / "splits_final.json").read_text())
    assert len(splits) == 5
    assert splits[0]["val"] == [
        f"patient{subject}_{phase}" for subject in ("000", "005") for phase in ("ED", "ES")
    ]
    for split in splits:
        assert {"SYN00001_ED", "SYN00001_ES"} < set(split["train"])
        assert not set(split["train"]) & set(split["val"])


def test_the_page_on_mnms_makes_a_folder_that_can_be_read(told):
    run_python("docs/how-to/mnms.md")
    assert len(list((told / "mnms-ab").iterdir())) == 5
    run("cmrtf check mnms-ab")


TESTED_ABOVE = {"README.md", "tutorial.md", "nnunet.md", "mnms.md"}
OTHER_PAGES_WITH_PYTHON = [
    path for path in DOCUMENTS if path.name not in TESTED_ABOVE and blocks(text_of(path), "python")
]


@pytest.mark.parametrize("document", OTHER_PAGES_WITH_PYTHON, ids=lambda path: path.name)
def test_python_in_all_other_pages_runs(told, document):
    run_python(str(document.relative_to(ROOT)))


# The site


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The site, built as `make site` does: a warning fails."""
    for package in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(package, reason="`make test` installs it")
    out = tmp_path_factory.mktemp("site")
    recipe = re.search(r"^site:.*\n\t\$\(BIN\)/sphinx-build (.*)$", text_of("Makefile"), re.MULTILINE)[1]
    arguments = shlex.split(recipe.replace("build/", f"{out}/"))
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *arguments], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert built.returncode == 0, built.stderr
    return out / "site"


def test_the_site_has_every_command(site):
    page = (site / "docs/reference/commands.html").read_text()
    assert not [name for name in COMMANDS if f"Usage: cmrtf {name} " not in page]


def test_the_site_has_every_module(site):
    pages = "".join(path.read_text() for path in (site / "docs/reference/api").rglob("*.html"))
    modules = [*(ROOT / "cmrtf").rglob("*.py"), *(ROOT / "export/cmrtf_export").rglob("*.py")]
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removeprefix("export.") for path in modules
    ]
    assert not [name for name in names if f'id="module-{name.removesuffix(".__init__")}"' not in pages]


# Examples in docstrings


def modules_with_examples() -> list[str]:
    return [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for root in (ROOT, ROOT / "export", ROOT / "cli")
        for path in sorted(root.glob("cmrtf*/**/*.py"))
        if ">>> " in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("module", modules_with_examples())
def test_examples_in_docstrings(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


def test_the_modules_that_should_have_examples_do():
    expected = {
        "cmrtf.core.labels",
        "cmrtf.metrics.overlap",
        "cmrtf.layers.label_neighbourhoods",
        "cmrtf.synthesis.criteria",
        "cmrtf.synthesis.heart_axis",
    }
    assert expected <= set(modules_with_examples())
