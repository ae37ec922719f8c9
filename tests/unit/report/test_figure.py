import functools
import tempfile
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from cmrtf.core.labels import LABEL_COLOURS
from cmrtf.report import figure
from cmrtf.report.figure import write_figure
from cmrtf.report.figure_page import PAGE_WIDTH, Page
from cmrtf.report.sequence import in_order
from interpolated import interpolated, remodelled

SUBJECTS = {
    "one phase": interpolated(phases=("ED",)),
    "both phases": interpolated(),
    "alone": interpolated(code_b=None, phases=("ED",)),
    "remodelled": remodelled(),
}


class NotingPage(Page):
    """Notes all that is written on it."""

    noted: ClassVar = []

    def write(self, x, y, text, *arguments, **style):
        self.noted.append(text)
        super().write(x, y, text, *arguments, **style)


def draw(subjects):
    """The picture, and all that is written on the page."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(figure, "Page", NotingPage)
        patch.setattr(NotingPage, "noted", [])
        write_figure(Path(folder) / "figure.png", in_order(subjects))
        with Image.open(Path(folder) / "figure.png") as picture:
            return picture.copy(), NotingPage.noted


@functools.cache
def drawn(name):
    """The same of `SUBJECTS`, drawn once."""
    return draw(SUBJECTS[name])


def test_each_phase_adds_its_panels():
    (one, _), (two, _) = drawn("one phase"), drawn("both phases")
    assert one.width == two.width == PAGE_WIDTH
    assert two.height > 1.7 * one.height
    colours = {colour for _, colour in one.getcolors(maxcolors=1 << 24)}
    assert set(LABEL_COLOURS[1:4]) <= colours


def test_without_b_there_is_no_intersubject_panel():
    (alone, _), (both, _) = drawn("alone"), drawn("one phase")
    assert alone.height < 0.5 * both.height


def test_any_subject_code_can_be_written():
    draw(interpolated(code_a="a$b^{", code_b="x" * 60, phases=("ED",)))


def test_hearts_that_vanished_can_still_be_drawn():
    subjects = interpolated(phases=("ED",))
    for subject in subjects:
        subject.ed.label_ids[:] = 0
    draw(subjects)


@pytest.mark.parametrize(
    ("subjects", "panels"),
    [
        (
            "one phase",
            [
                "(a) Intrasubject: P001 (vendor B, DCM)",
                "(a) Intrasubject: P002 (vendor B, DCM)",
                "(b) Intersubject: 3 subjects between both ends",
            ],
        ),
        ("remodelled", 2 * ["(b) Remodelled: 2 steps from no change to the whole of it"]),
    ],
)
def test_panels_say_how_subjects_came_to_be(subjects, panels):
    _, texts = drawn(subjects)
    assert [text for text in texts if text.startswith("(")] == panels


def test_a_remodelled_subject_is_measured_and_framed_as_its_source():
    subjects = in_order(SUBJECTS["remodelled"])
    _, texts = drawn("remodelled")
    volumes = [text for text in texts if text.endswith(" ml")]
    assert volumes[:4] == [f"{subject.ed.volume_ml('LV'):.0f} ml" for subject in subjects]
    assert not [text for text in texts if "blue bars" in text or "slice centre" in text]


def test_blue_bars_mark_the_nearest_synthetic_slices():
    pixels = np.asarray(drawn("alone")[0])
    bars = (pixels == (0, 114, 178)).all(axis=-1)
    # 4 source slices have a frame each, and as many of 8 synthetic ones a bar.
    size = figure.tile_size(figure.COLUMNS_PER_STACK)
    assert bars.sum() == 4 * (size**2 - (size - 8) ** 2) + 4 * size * figure.MARK_HEIGHT
