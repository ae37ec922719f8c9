import numpy as np
from PIL import Image

from cmrtf.core.labels import LABEL_COLOURS
from cmrtf.report.figure_page import (
    MARGIN,
    PAGE_WIDTH,
    SOURCE,
    Page,
    framed,
    label_tile,
    middle_of_column,
    shortened,
    tile_size,
)


def saved(page, path):
    page.save(path)
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def test_a_page_is_as_long_as_its_lines(tmp_path):
    page = Page()
    for _ in range(2):
        page.draw_line("caption", [np.zeros((100, 100, 3), np.uint8)] * 3)
    pixels = saved(page, tmp_path / "page.png")
    assert pixels.shape[1] == PAGE_WIDTH
    assert 2 * 100 < pixels.shape[0] - 2 * MARGIN < 2 * 120
    assert np.count_nonzero((pixels == 0).all(axis=-1)) == 6 * 100 * 100


def test_text_that_looks_like_mathematics_is_written_as_it_is(tmp_path):
    page = Page(y=200)
    page.write(100, 100, "a$b^{")
    assert (saved(page, tmp_path / "page.png") < 128).any()


def test_columns_fill_the_page():
    for columns in (4, 16):
        size = tile_size(columns)
        right = middle_of_column(columns - 1, size) + size / 2
        assert PAGE_WIDTH - MARGIN - columns < right <= PAGE_WIDTH - MARGIN


def test_a_label_tile_has_the_colours_of_its_labels():
    labels = np.zeros((20, 20), np.uint8)
    labels[:, 10:] = 3
    tile = label_tile(labels, 40)
    assert tuple(tile[20, -1]) == LABEL_COLOURS[3]
    assert tuple(tile[20, 0]) != LABEL_COLOURS[0]


def test_a_frame_covers_the_border_only():
    tile = framed(np.zeros((20, 20, 3), np.uint8))
    assert {tuple(pixel) for pixel in tile[0]} == {SOURCE}
    assert (tile[4:-4, 4:-4] == 0).all()


def test_a_long_name_keeps_its_end():
    assert shortened("inter_01") == "inter_01"
    assert shortened("patient_code_0017") == "…_code_0017"
