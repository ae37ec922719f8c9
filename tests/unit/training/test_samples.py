import matplotlib
import matplotlib.image
import numpy as np
import pytest

from cmrtf.core.labels import LABEL_COLOURS
from cmrtf.training.samples import draw_reconstructions, draw_syntheses

LABEL_IDS = np.random.default_rng(0).integers(0, 4, (3, 8, 8)).astype(np.uint8)


def _picture(path):
    pixels = matplotlib.image.imread(path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # nothing half-written is left
    return pixels


@pytest.mark.parametrize("num_slices", [1, 3, 20])
def test_reconstructions_are_drawn_for_any_number_of_slices(tmp_path, num_slices):
    label_ids = np.resize(LABEL_IDS, (num_slices, 8, 8))
    draw_reconstructions(tmp_path / "picture.png", label_ids, label_ids, {"LV": 0.5, "RV": float("nan")})
    assert _picture(tmp_path / "picture.png").ndim == 3


def test_labels_are_drawn_in_their_colours_and_images_in_grey(tmp_path):
    label_ids = np.full((1, 8, 8), 1, np.uint8)
    draw_syntheses(tmp_path / "a.png", {"labels": label_ids}, "")
    pixels = (_picture(tmp_path / "a.png")[..., :3] * 255).round()
    assert (pixels == LABEL_COLOURS[1]).all(-1).mean() > 0.2
    (tmp_path / "a.png").unlink()
    draw_syntheses(tmp_path / "b.png", {"image": np.zeros((1, 8, 8), np.float32)}, "")
    grey = _picture(tmp_path / "b.png")[..., :3]
    assert (np.abs(grey - 0.5).max(-1) < 0.01).mean() > 0.2


def test_figures_do_not_depend_on_a_matplotlibrc(tmp_path):
    values = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 8, 8)
    draw_syntheses(tmp_path / "a.png", {"image": values}, "title")
    with matplotlib.rc_context({"savefig.facecolor": "red", "font.size": 30, "text.usetex": True}):
        draw_syntheses(tmp_path / "b.png", {"image": values}, "title")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
