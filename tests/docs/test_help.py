"""What commands and bundles say of themselves is what the documents say."""

import re
import subprocess
import sys

import click
import pytest

from cmrtf_cli.main import COMMANDS, cli
from documents import ROOT, parse, text_of


def test_cli_help_is_up_to_date(script):
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
