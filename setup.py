"""What setup.cfg cannot say: the README as a package index shows it."""

import configparser
import re
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
RELATIVE_LINK = re.compile(r"\]\((?!https?://|#)([^)]+)\)")


def long_description() -> str:
    """The README, its links to files of the repository made absolute."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    urls = dict(line.split(" = ") for line in config["metadata"]["project_urls"].split("\n") if line)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link[1].endswith(".png") else "blob"
        return f"]({urls['Source']}/{kind}/main/{link[1]})"

    return RELATIVE_LINK.sub(absolute, readme)


setup(long_description=long_description(), long_description_content_type="text/markdown")
