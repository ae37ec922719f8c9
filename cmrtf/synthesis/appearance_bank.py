"""Whose appearance is known, and how one is asked for by name."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cmrtf.core.files import sha256_of, write_text
from cmrtf.core.geometry import Geometry
from cmrtf.core.issues import listed
from cmrtf.errors import CmrtfError
from cmrtf.synthesis.appearance import Appearance, Group, appearance_of_file, average, draw_appearance
from cmrtf.synthesis.bank_files import read_style_bank
from cmrtf.synthesis.protocols import Models

SAMPLE = "sample"
"""Name of the style whose appearances are sampled."""

NAMES_IN_MESSAGES = 12
"""Of each kind, in a message."""


@dataclass(frozen=True)
class Style:
    """Which appearances were asked for.

    Args:
        name: in full, such as `"vendor:A"`; an image file's is the hash of its content.
        groups: to draw from, each as often as it has subjects. Where there is but one subject, its own
            appearance is meant.
    """

    name: str
    groups: tuple[Group, ...]

    def draw(self, rng: np.random.Generator) -> Appearance:
        """One of those that were asked for."""
        sizes = np.array([len(group) for group in self.groups])
        group = self.groups[rng.choice(len(sizes), p=sizes / sizes.sum())]
        return draw_appearance(group, rng)


@dataclass(frozen=True)
class AppearanceBank:
    """The appearances of the training subjects.

    Args:
        subjects: by their codes.
    """

    subjects: Mapping[str, Appearance]

    @classmethod
    def load(cls, path: Path) -> "AppearanceBank":
        """Read what `save` wrote.

        Raises:
            CmrtfError: the file is missing or holds something else.
        """
        return cls({code: _from_entry(entry) for code, entry in read_style_bank(path).items()})

    def save(self, path: Path) -> None:
        """Write `{"subjects": {code: entry}, "vendors": {letter: entry}, "centres": {name: entry}}`.

        An entry has `style`, a list of `style_dim` numbers for each of `PLACES`, `intensity_window`, the
        source values of -1 and 1, `vendor` and `centre`. Those of vendors and centres are means over
        subjects, for programs that do without cmrtf.
        """
        content = {
            f"{kind}s": {name: _to_entry(average(group)) for name, group in groups.items() if name}
            for kind, groups in self.groups().items()
        }
        write_text(path, json.dumps(content) + "\n")

    @property
    def style_dim(self) -> int:
        """How many numbers a style has."""
        return next(iter(self.subjects.values())).style.shape[1]

    def groups(self) -> dict[str, dict[str, Group]]:
        """By kind, `"subject"`, `"vendor"` or `"centre"`, and name; `""` stands for unknown ones."""
        known = self.subjects.values()
        vendors, centres = (sorted({getattr(a, kind) for a in known}) for kind in ("vendor", "centre"))
        return {
            "subject": {code: (appearance,) for code, appearance in self.subjects.items()},
            "vendor": {name: tuple(a for a in known if a.vendor == name) for name in vendors},
            "centre": {name: tuple(a for a in known if a.centre == name) for name in centres},
        }

    def find(self, name: str) -> Style | None:
        """What a name means.

        Args:
            name: a subject's code, a vendor's letter or a centre's name, with its kind in front
                (`"centre:1"`) where several have it; or `SAMPLE`.

        Returns:
            the subject's own appearance, or the distribution of the vendor's, of the centre's or of all; None
            if nothing here has this name.

        Raises:
            CmrtfError: the name has several meanings, or there is but one subject to draw from.
        """
        if name == SAMPLE:
            return self._sample()
        named = {
            f"{kind}:{own_name}": group
            for kind, groups in self.groups().items()
            for own_name, group in groups.items()
            if own_name
        }
        matches = [full for full in named if name in (full, full.partition(":")[2])]
        if len(matches) > 1:
            raise CmrtfError(
                f"style {name}: expected one of {' and '.join(matches)}. Received: what may be both."
            )
        if not matches:
            return None
        (full,) = matches
        if not full.startswith("subject:"):
            _require_several(full, named[full])
        return Style(full, (named[full],))

    def _sample(self) -> Style:
        """Each vendor as often as it was seen.

        Who was seen once has no distribution; where there are no others, vendors are not told apart.
        """
        several = [group for group in self.groups()["vendor"].values() if len(group) > 1]
        everyone = tuple(self.subjects.values())
        _require_several(SAMPLE, everyone)
        return Style(SAMPLE, tuple(several) or (everyone,))

    def names(self) -> str:
        """Some of the names that `find` knows, for messages."""
        called = {"subject": "an appearance", "vendor": "a vendor", "centre": "a centre"}
        return ", ".join(f"{called[kind]} ({_known(list(groups))})" for kind, groups in self.groups().items())


def find_style(models: Models, bank: AppearanceBank, name: str, geometry: Geometry | None = None) -> Style:
    """The style of a name: what the bank knows by it, or else an image file.

    Args:
        models: encode the image.
        bank: of the same bundle.
        name: as in `AppearanceBank.find`, or the path of an image, a NIfTI file or a DICOM series (`"./A"` is
            never a vendor).
        geometry: of a label file that the image may belong to.

    Raises:
        CmrtfError: the name has no meaning or several, or the file is no image.
    """
    style = bank.find(name)
    if style:
        return style
    path = Path(name)
    if os.path.exists(path):  # False too of names that no file system takes
        return Style(f"file:{sha256_of(path)}", ((appearance_of_file(models, path, geometry),),))
    raise CmrtfError(
        f"style {name}: expected {bank.names()}, an image file, a DICOM series, or {SAMPLE}. "
        f"Received: none of these."
    )


def _to_entry(appearance: Appearance) -> dict[str, Any]:
    return {
        "style": appearance.style.tolist(),
        "intensity_window": list(appearance.intensity_window),
        "vendor": appearance.vendor,
        "centre": appearance.centre,
    }


def _from_entry(entry: Mapping[str, Any]) -> Appearance:
    low, high = entry["intensity_window"]
    return Appearance(
        np.atleast_2d(np.array(entry["style"], np.float32)),
        (low, high),
        entry["vendor"],
        entry.get("centre", ""),
    )


def _known(names: Sequence[str]) -> str:
    return listed([name for name in names if name], NAMES_IN_MESSAGES) or "none known"


def _require_several(name: str, group: Group) -> None:
    if len(group) < 2:
        raise CmrtfError(
            f"style {name}: expected two appearances or more to draw others from. Received: one. Name it to "
            "have it as it is."
        )
