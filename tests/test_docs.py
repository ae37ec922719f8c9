"""What the documents say is so: help texts, links, commands, code, and the examples in docstrings."""

import configparser
import doctest
import importlib
import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cmrtf.data.reader_folder import read_description
from cmrtf_cli.main import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "export").rglob("*.md")])
CODE_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def text_of(name: str | Path) -> str:
    """A file of the checkout, without what HTML comments hide."""
    return re.sub(r"<!--.*?-->", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.DOTALL)


def blocks(text: str, *languages: str) -> list[str]:
    """Contents of the fenced code blocks in these languages."""
    return [content for language, content in CODE_BLOCK.findall(text) if language in languages]


def shell_lines(text: str) -> list[str]:
    """Commands in shell blocks, without prompts, comments and what a console answers."""
    lines = [line for block in blocks(text, "bash") for line in block.splitlines()]
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


def help_writer():
    """The module `docs/cli_help.py`."""
    spec = importlib.util.spec_from_file_location("cli_help", ROOT / "docs" / "cli_help.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_cli_help_is_up_to_date():
    writer = help_writer()
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


# Examples in docstrings


def modules_with_examples() -> list[str]:
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "cmrtf").rglob("*.py"))
        if ">>> " in path.read_text(encoding="utf-8")
    ]


@pytest.mark.parametrize("module", modules_with_examples())
def test_examples_in_docstrings(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0


def test_the_modules_that_should_have_examples_do():
    expected = {
        "cmrtf.data.schema",
        "cmrtf.evaluation.dice",
        "cmrtf.layers.label_neighbourhoods",
        "cmrtf.synthesis.walks",
    }
    assert expected <= set(modules_with_examples())
