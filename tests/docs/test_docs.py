"""What the documents say is so: links, commands, tables, and what must not be lost."""

import configparser
import re
from pathlib import Path

import pytest
import yaml

import cmrtf
from cmrtf.datasets.folder import read_description
from cmrtf_cli.main import COMMANDS
from documents import CODE_BLOCK, DOCUMENTS, LINK, OURS, ROOT, blocks, parse, shell_lines, text_of


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


def test_the_workflow_runs_what_everybody_runs():
    (job,) = yaml.safe_load(text_of(".github/workflows/ci.yml"))["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.13"]


def test_commits_are_checked_as_make_check_does():
    (repository,) = yaml.safe_load(text_of(".pre-commit-config.yaml"))["repos"]
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", text_of("Makefile"), re.MULTILINE)[1]
    commands = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]
    assert [hook["entry"] for hook in repository["hooks"]] == commands


def test_the_citation_is_of_this_version_and_names_the_paper():
    citation = yaml.safe_load(text_of("CITATION.cff"))
    assert citation["version"] == cmrtf.__version__
    assert "Amirrajab" in [author["family-names"] for author in citation["references"][0]["authors"]]
    assert citation["references"][0]["number"] == "1838"


def test_the_image_is_made_of_files_that_exist_and_says_that_it_was_not_built():
    taken = [line[1:] for line in text_of(".dockerignore").splitlines() if line.startswith("!")]
    assert not [name for name in taken if not (ROOT / name).exists()]
    dockerfile = text_of("Dockerfile")
    assert "NOT BUILT" in dockerfile
    assert 'ENTRYPOINT ["cmrtf"]' in dockerfile
    assert re.search(r"^USER (?!root)", dockerfile, re.MULTILINE)


def table_names(document: str) -> set[str]:
    """What stands in backticks in the first column of the tables of a document."""
    first_columns = re.findall(r"^\| ([^|]*) \|", text_of(document), re.MULTILINE)
    return {name for column in first_columns for name in re.findall(r"`([^`]+)`", column)}


def test_readme_is_read_in_three_minutes():
    assert len(text_of("README.md").splitlines()) < 150
    assert len(text_of("ARCHITECTURE.md").splitlines()) < 120
    assert text_of("README.md").count("![") == 1, "one picture"


def test_readme_says_what_it_must():
    readme = " ".join(text_of("README.md").split())
    for command in ("check", "prepare", "train-vae", "train-gan", "export", "interpolate", "synthesize"):
        assert f"cmrtf {command} " in readme
    assert "For research. Not for diagnosis." in readme
    assert "tensorflow-addons" in readme
    assert "(docs/reference/licences.md)" in readme


def test_the_reference_has_every_command_preset_and_dependency():
    assert set(COMMANDS) <= table_names("docs/reference/outputs.md")
    presets = {path.stem for path in (ROOT / "cmrtf/training/presets").glob("*.yaml")}
    assert presets == table_names("docs/reference/presets.md")
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    requirements = setup["options"]["install_requires"].strip().splitlines()
    rows = re.findall(r"^\| ([^|]*) \|", text_of("docs/reference/dependencies.md"), re.MULTILINE)
    names = {name.strip().lower() for row in rows for name in row.split(",")}
    assert not [line for line in requirements if line.split()[0].lower() not in names]
    extras = set(setup["options.extras_require"])
    assert not [
        name for name in extras if not any(row.startswith("extra") and f"`{name}`" in row for row in rows)
    ]


def test_the_python_reference_has_every_public_name():
    reference = text_of("docs/reference/python.md")
    assert not [name for name in cmrtf.__all__ if name not in reference and not name.startswith("__")]


def test_the_list_of_decisions_has_each_once():
    pages = {path.name for path in (ROOT / "docs/decisions").glob("*.md")} - {"index.md"}
    listed = LINK.findall(text_of("docs/decisions/index.md"))
    assert sorted(listed) == sorted(pages)


def test_every_page_is_in_a_toctree():
    def entries(page: Path) -> set[Path]:
        toctrees = blocks(text_of(page), "{toctree}")
        lines = [line for block in toctrees for line in block.splitlines() if line and line[0] != ":"]
        names = [re.sub(r".*<(.*)>", r"\1", line) for line in lines]
        return {(ROOT / name[1:] if name[0] == "/" else page.parent / name).resolve() for name in names}

    listed = entries(ROOT / "docs/index.md")
    pages = [path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "decisions"]
    assert not [path for path in pages if path.name != "index.md" and path.with_suffix("") not in listed]


@pytest.mark.parametrize("document", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_is_wrapped_at_80_columns(document):
    text = CODE_BLOCK.sub("", document.read_text(encoding="utf-8"))
    prose = [line for line in text.splitlines() if not line.startswith("|")]
    # A name or an address that is longer than a line stands alone in it.
    assert not [line for line in prose if len(line) > 80 and " " in line.strip().removeprefix("- ")]


def test_the_description_of_a_folder_can_be_read(tmp_path):
    (example,) = blocks(text_of("docs/how-to/own-folder.md"), "yaml")
    (tmp_path / "cmrtf.yaml").write_text(example)
    description = read_description(tmp_path / "cmrtf.yaml")
    assert description.label_to_schema == {0: 0, 1: 1, 2: 2, 3: 3}


def test_architecture_has_every_room():
    rooms = {path.parent.name for path in (ROOT / "cmrtf").glob("*/__init__.py")}
    assert rooms | {"cmrtf_cli", "cmrtf_export"} == table_names("ARCHITECTURE.md")


def test_files_that_architecture_and_decisions_name_exist():
    documents = [ROOT / "ARCHITECTURE.md", *(ROOT / "docs/decisions").glob("*.md")]
    named = {
        name
        for path in documents
        for name in re.findall(r"`((?:cmrtf|cli|tests)\w*/[\w/.-]+)`", text_of(path))
    }
    assert "cmrtf/core/stack.py" in named
    roots = (ROOT, ROOT / "cli", ROOT / "export")
    assert not [name for name in named if not any((root / name).exists() for root in roots)]
