import numpy as np
import pytest
from PIL import Image

from cmrtf.core.labels import LABEL_COLOURS
from cmrtf.report import figure
from cmrtf.report.figure import write_figure
from cmrtf.report.figure_page import PAGE_WIDTH, Page
from cmrtf.report.sequence import in_order
from interpolated import interpolated, remodelled


def draw(path, subjects):
    write_figure(path, in_order(subjects))
    with Image.open(path) as picture:
        return picture.copy()


def texts_of(path, subjects, monkeypatch):
    """All that is written on the page."""
    texts = []

    class NotingPage(Page):
        def write(self, x, y, text, *arguments, **style):
            texts.append(text)
            super().write(x, y, text, *arguments, **style)

    monkeypatch.setattr(figure, "Page", NotingPage)
    draw(path, subjects)
    return texts


def test_each_phase_adds_its_panels(tmp_path):
    one = draw(tmp_path / "one.png", interpolated(phases=("ED",)))
    two = draw(tmp_path / "two.png", interpolated())
    assert one.width == two.width == PAGE_WIDTH
    assert two.height > 1.7 * one.height
    colours = {colour for _, colour in one.getcolors(maxcolors=1 << 24)}
    assert set(LABEL_COLOURS[1:4]) <= colours


def test_without_b_there_is_no_intersubject_panel(tmp_path):
    alone = draw(tmp_path / "alone.png", interpolated(code_b=None, phases=("ED",)))
    both = draw(tmp_path / "both.png", interpolated(phases=("ED",)))
    assert alone.height < 0.5 * both.height


def test_any_subject_code_can_be_written(tmp_path):
    draw(tmp_path / "figure.png", interpolated(code_a="a$b^{", code_b="x" * 60))


def test_hearts_that_vanished_can_still_be_drawn(tmp_path):
    subjects = interpolated(phases=("ED",))
    for subject in subjects:
        subject.ed.label_ids[:] = 0
    draw(tmp_path / "figure.png", subjects)


@pytest.mark.parametrize(
    ("subjects", "panels"),
    [
        (
            interpolated(phases=("ED",)),
            [
                "(a) Intrasubject: P001 (vendor B, DCM)",
                "(a) Intrasubject: P002 (vendor B, DCM)",
                "(b) Intersubject: 3 subjects between both ends",
            ],
        ),
        (remodelled(), 2 * ["(b) Remodelled: 2 steps from no change to the whole of it"]),
    ],
)
def test_panels_say_how_subjects_came_to_be(subjects, panels, tmp_path, monkeypatch):
    texts = texts_of(tmp_path / "figure.png", subjects, monkeypatch)
    assert [text for text in texts if text.startswith("(")] == panels


def test_a_remodelled_subject_is_measured_and_framed_as_its_source(tmp_path, monkeypatch):
    subjects = in_order(remodelled())
    texts = texts_of(tmp_path / "figure.png", subjects, monkeypatch)
    volumes = [text for text in texts if text.endswith(" ml")]
    assert volumes[:4] == [f"{subject.ed.volume_ml('LV'):.0f} ml" for subject in subjects]
    assert not [text for text in texts if "blue bars" in text or "slice centre" in text]


def test_blue_bars_mark_the_nearest_synthetic_slices(tmp_path):
    pixels = np.asarray(draw(tmp_path / "figure.png", interpolated(code_b=None, phases=("ED",))))
    bars = (pixels == (0, 114, 178)).all(axis=-1)
    # 4 source slices have a frame each, and as many of 8 synthetic ones a bar.
    size = figure.tile_size(figure.COLUMNS_PER_STACK)
    assert bars.sum() == 4 * (size**2 - (size - 8) ** 2) + 4 * size * figure.MARK_HEIGHT
