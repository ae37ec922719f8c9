"""The documents of the checkout, and what is in them: code blocks, commands, links."""

import re
import shlex
from pathlib import Path
from typing import Any

import click

from cmrtf_cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = "docs", "examples", "export"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for name in FOLDERS for path in (ROOT / name).rglob("*.md"))])
OURS = [path for path in DOCUMENTS if "export" not in path.relative_to(ROOT).parts]
CODE_BLOCK = re.compile(r"^```([\w{}-]*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
TINY_PYTHON = {
    '"L6U7J9"': '"C7A8W5"',
    '"K0W7O7"': '"C7A8W5"',
    '"U6Z9J6"': '"H4V6G5"',
    "num_subjects=8, num_slices=32": "num_subjects=2, num_slices=8",
    'generate(10, pathology="DCM", where="EF<35 %"': 'generate(2, pathology="DCM", where="EF<45 %"',
    "generate(4, ": "generate(2, ",
    "num_steps=4": "num_steps=1",
    'style="A"': 'style="sample"',
}
"""What Python of documents and examples says, and what is done in its place, which takes a tenth of the time.

Two subjects of the phantom of `make demo` become two that are there.
"""


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


def run_python(code: str, name: str, namespace: dict[str, Any]) -> None:
    """Run Python of a document or an example, made tiny, as `name`."""
    for said, done in TINY_PYTHON.items():
        code = code.replace(said, done)
    exec(compile(code, name, "exec"), namespace)
