import csv

import tensorflow as tf

from cmrtf.training.reporting import MetricsLog, Progress, TensorBoardWriter


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_log_has_a_row_per_interval(tmp_path):
    path = tmp_path / "log.csv"
    log = MetricsLog(path, first_step=0)
    log.add(10, {"loss": 1 / 3, "kl": 2})
    log.add(20, {"loss": 1234567.0, "kl": 3})
    assert _rows(path) == [
        {"step": "10", "loss": "0.333333", "kl": "2"},
        {"step": "20", "loss": "1.23457e+06", "kl": "3"},
    ]
    assert list(tmp_path.iterdir()) == [path]


def test_continuing_drops_rows_from_after_the_checkpoint(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n10,3\n20,2\n30,1\n")
    MetricsLog(path, first_step=20).add(30, {"loss": 1.5})
    assert [(row["step"], row["loss"]) for row in _rows(path)] == [("10", "3"), ("20", "2"), ("30", "1.5")]


def _points(folder):
    read = tf.compat.v1.train.summary_iterator
    events = [event for file in sorted(folder.iterdir()) for event in read(str(file))]
    return [
        (event.step, value.tag, float(tf.make_ndarray(value.tensor)))
        for event in events
        for value in event.summary.value
    ]


def test_tensorboard_has_every_point_of_the_log_once_however_often_the_run_was_continued(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,loss,kl\n10,3,\n20,2,0.5\n30,1,0.5\n")
    for _ in range(2):
        writer = TensorBoardWriter(tmp_path / "tensorboard", MetricsLog(path, first_step=20))
        writer.add(30, {"loss": 1.5})
    assert _points(tmp_path / "tensorboard") == [
        (10, "loss", 3.0),
        (20, "loss", 2.0),
        (20, "kl", 0.5),
        (30, "loss", 1.5),
    ]


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
