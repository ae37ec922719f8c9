"""The documents of the checkout, and what is in them: code blocks, commands, links."""

import re
import shlex
from pathlib import Path

import click

from cmrtf_cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = "docs", "examples", "export"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for name in FOLDERS for path in (ROOT / name).rglob("*.md"))])
OURS = [path for path in DOCUMENTS if "export" not in path.relative_to(ROOT).parts]
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
    # A command remembers the names of its help option, which are the group's to say.
    group = click.Context(cli, **cli.context_settings)
    command = cli.get_command(group, words[0])
    assert command is not None, f"there is no command {words[0]}"
    command.make_context(words[0], words[1:], parent=group)
