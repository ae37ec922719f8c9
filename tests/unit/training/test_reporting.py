import io

import numpy as np
import tensorflow as tf
from PIL import Image

from cmrtf.training.metrics_log import MetricsLog
from cmrtf.training.reporting import Progress, TensorBoardWriter
from cmrtf.training.samples import draw_syntheses, sample_file


def _points(folder):
    read = tf.compat.v1.train.summary_iterator
    events = [event for file in sorted(folder.iterdir()) for event in read(str(file))]
    return [
        (event.step, value.tag, tf.make_ndarray(value.tensor))
        for event in events
        for value in event.summary.value
    ]


def test_tensorboard_has_every_point_of_the_log_once_however_often_the_run_was_continued(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,loss,kl\n10,3,\n20,2,0.5\n30,1,0.5\n")
    for _ in range(2):
        writer = TensorBoardWriter(tmp_path / "tensorboard", MetricsLog(path, 20), tmp_path / "samples")
        writer.add(30, {"loss": 1.5})
    assert _points(tmp_path / "tensorboard") == [
        (10, "loss", 3.0),
        (20, "loss", 2.0),
        (20, "kl", 0.5),
        (30, "loss", 1.5),
    ]


def test_tensorboard_has_the_pictures_of_all_intervals(tmp_path):
    path, samples = tmp_path / "log.csv", tmp_path / "samples"
    path.write_text("step,loss\n10,3\n")
    for step in (10, 20):
        draw_syntheses(sample_file(samples, step), {"real": np.full((2, 8, 8), step / 100)}, f"step {step}")
    TensorBoardWriter(tmp_path / "tensorboard", MetricsLog(path, 10), samples).add(20, {"loss": 1.5})
    pictures = [(step, values) for step, tag, values in _points(tmp_path / "tensorboard") if tag == "samples"]
    assert [step for step, _ in pictures] == [10, 20]
    for step, (width, height, content) in pictures:
        expected = Image.open(sample_file(samples, step)).convert("RGB")
        assert (int(width), int(height)) == expected.size
        np.testing.assert_array_equal(Image.open(io.BytesIO(content)), expected)


def test_progress_counts_from_where_the_run_continues_and_prints_the_displayed_metrics(capfd):
    progress = Progress("label_vae", first_step=4, total_steps=8, displayed=("kl", "dice_LV"))
    progress.advance()
    progress.advance()
    assert progress.bar.n == 6
    progress.display(6, {"loss": 1.0, "kl": 0.12345})
    progress.close()
    printed = capfd.readouterr()
    assert "step 6: kl 0.123\n" in printed.out + printed.err


def test_silent_progress_says_nothing(capfd):
    progress = Progress("label_vae", 0, 8, displayed=("kl",), silent=True)
    progress.advance()
    progress.display(6, {"kl": 0.1})
    progress.close()
    assert capfd.readouterr() == ("", "")
