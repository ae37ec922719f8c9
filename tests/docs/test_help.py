"""What commands and bundles say of themselves is what the documents say."""

import contextlib
import io
import re
from types import SimpleNamespace

import click
import pytest
from tensorflow.python.tools import saved_model_cli

from cmrtf_cli.main import COMMANDS, cli
from documents import parse, text_of


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


def in_this_process(command: list, **_) -> SimpleNamespace:
    """What `saved_model_cli show --dir ... --all` prints, without a process that starts TensorFlow for it."""
    program, *arguments = command
    assert program.is_file()
    assert (arguments[:2], arguments[3:]) == (["show", "--dir"], ["--all"])
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        saved_model_cli._show_all(str(arguments[2]))
    return SimpleNamespace(stdout=printed.getvalue())


def test_the_documented_signatures_are_those_of_a_bundle(story, script, monkeypatch):
    """But for the dimensions of the codes, which differ from preset to preset."""
    writer = script("signatures")
    monkeypatch.setattr(writer.subprocess, "run", in_this_process)

    def comparable(text: str) -> list[str]:
        return re.sub(r"shape: \(-1, \d+\)", "shape: (-1, CODE)", text).split("\n")

    written = writer.signatures(story.bundle)
    assert comparable(written.strip()) == comparable(text_of("docs/signatures.txt").strip())
