from PIL import Image

from cmrtf.core.labels import LABEL_COLOURS, SCHEMA
from cmrtf.core.subject import in_order
from cmrtf.report.figure import PAGE_WIDTH, write_figure


def draw(path, walk) -> Image.Image:
    write_figure(path, in_order(*walk), SCHEMA)
    with Image.open(path) as figure:
        return figure.copy()


def test_each_phase_adds_its_panels(make_walk, tmp_path) -> None:
    one = draw(tmp_path / "one.png", make_walk(phases=("ED",)))
    two = draw(tmp_path / "two.png", make_walk())
    assert one.width == two.width == PAGE_WIDTH
    assert two.height > 1.7 * one.height
    colours = {colour for _, colour in one.getcolors(maxcolors=1 << 24)}
    assert set(LABEL_COLOURS[1:4]) <= colours


def test_without_b_there_is_no_intersubject_panel(make_walk, tmp_path) -> None:
    alone = draw(tmp_path / "alone.png", make_walk(code_b=None, phases=("ED",)))
    both = draw(tmp_path / "both.png", make_walk(phases=("ED",)))
    assert alone.height < 0.5 * both.height


def test_any_subject_code_can_be_written(make_walk, tmp_path) -> None:
    draw(tmp_path / "figure.png", make_walk(code_a="a$b^{", code_b="x" * 60))


def test_hearts_that_vanished_can_still_be_drawn(make_walk, tmp_path) -> None:
    subjects, references = make_walk(phases=("ED",))
    for stack in (*subjects, *references):
        stack.label_ids[:] = 0
    draw(tmp_path / "figure.png", (subjects, references))
