import json
import os

import pytest
from msgspec import Struct

from cmrtf.core.json_files import Affine, Code, Count, IntensityWindow, read_json, with_checksum
from cmrtf.errors import CmrtfError


class Entry(Struct):
    name: Code
    number: Count
    window: IntensityWindow
    affine: Affine


IDENTITY = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
GOOD = {"name": "A", "number": 1, "window": [-1, 2.5], "affine": IDENTITY}


@pytest.fixture
def read(tmp_path):
    def read(text, max_bytes=1000):
        file = tmp_path / "file.json"
        file.write_bytes(text if isinstance(text, bytes) else json.dumps(text).encode())
        return read_json(file, Entry, "an entry", max_bytes)

    return read


def test_what_fits_is_returned_as_it_is_with_entries_that_have_no_type(read):
    assert read(GOOD | {"later": None}) == GOOD | {"later": None}


@pytest.mark.parametrize(
    ("text", "received"),
    [
        (b"", "truncated"),
        (b"\xff", "malformed"),
        (b'"\\ud800"', "Received: "),
        (b"[" * 999, "recursion"),
        (b"[" + b"1" * 800, "Received: "),
        ([], "Expected `object`, got `array`"),
        ({"name": "A"}, "missing required field `number`"),
        (GOOD | {"name": "../A"}, r"regex .* at `\$\.name`"),
        (GOOD | {"name": ""}, "length >= 1"),
        (GOOD | {"number": "1"}, r"Expected `int`, got `str` - at `\$\.number`"),
        (GOOD | {"number": 1.0}, "Expected `int`, got `float`"),
        (GOOD | {"number": True}, "Expected `int`, got `bool`"),
        (GOOD | {"number": 0}, ">= 1"),
        (GOOD | {"number": 10**40}, "Received: "),
        (GOOD | {"window": [float("nan"), 1]}, "malformed"),
        (GOOD | {"window": [0, float("inf")]}, "malformed"),
        (GOOD | {"window": [0, 1e300]}, "<= 1"),
        (GOOD | {"window": [1, 0]}, r"window that rises, got \[1, 0\]"),
        (GOOD | {"window": [0, 1e-300]}, "window that rises"),
        (GOOD | {"window": [0]}, "length 2"),
        (GOOD | {"affine": [[0.0] * 4, *IDENTITY[1:]]}, "voxels that have a volume"),
        (GOOD | {"affine": [[1.0, 0.0, 0.0, 1e9], *IDENTITY[1:]]}, "voxels that have a volume"),
        (GOOD | {"affine": [*IDENTITY[:3], [0.0] * 4]}, "last row"),
    ],
)
def test_what_does_not_fit_is_named(read, text, received):
    with pytest.raises(CmrtfError, match=rf"file\.json: expected an entry\. .*{received}"):
        read(text)


def test_a_file_that_is_too_large_is_not_read(read):
    with pytest.raises(CmrtfError, match=r"of 10 bytes at most\. Received: \d+ bytes"):
        read(GOOD, max_bytes=10)


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "endless"])
def test_what_is_no_file_is_refused_at_once(tmp_path, kind):
    file = tmp_path / "file.json"
    make = {
        "missing": lambda: None,
        "folder": file.mkdir,
        "pipe": lambda: os.mkfifo(file),
        "endless": lambda: file.symlink_to("/dev/zero"),
    }
    make[kind]()
    with pytest.raises(CmrtfError, match=r"file\.json: expected an entry\. Received: (No such|what is not)"):
        read_json(file, Entry, "an entry")


def test_a_checksum_holds_whatever_the_layout(read):
    """Not the order of entries, nor what Python writes for what JSON has but one form of."""
    content = with_checksum(GOOD | {"numbers": (1, 0.1, 1e300), "text": "é\x1b", 5: None})
    assert read(dict(reversed(json.loads(json.dumps(content)).items())))["number"] == 1


def test_what_was_changed_since_it_was_written_is_refused(read):
    """A number that might be right too: no type can tell."""
    with pytest.raises(CmrtfError, match=r"file\.json: expected an entry, as cmrtf wrote it.*damaged"):
        read(with_checksum(GOOD) | {"number": 2})
    with pytest.raises(CmrtfError, match=r"changed or damaged"):
        read(with_checksum(GOOD) | {"checksum": None})
