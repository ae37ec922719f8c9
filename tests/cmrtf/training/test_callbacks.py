import csv

from cmrtf.training.callbacks import MetricsLog, Progress, SaveCheckpoint


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_log_has_a_row_per_interval(tmp_path):
    path = tmp_path / "log.csv"
    log = MetricsLog(path, first_step=0, interval_steps=10)
    log.on_epoch_end(0, {"loss": 1 / 3, "kl": 2})
    log.on_epoch_end(1, {"loss": 1234567.0, "kl": 3})
    assert _rows(path) == [
        {"step": "10", "loss": "0.333333", "kl": "2"},
        {"step": "20", "loss": "1.23457e+06", "kl": "3"},
    ]
    assert list(tmp_path.iterdir()) == [path]


def test_continuing_drops_rows_from_after_the_checkpoint(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n10,3\n20,2\n30,1\n")
    MetricsLog(path, first_step=20, interval_steps=10).on_epoch_end(2, {"loss": 1.5})
    assert [(row["step"], row["loss"]) for row in _rows(path)] == [("10", "3"), ("20", "2"), ("30", "1.5")]


def test_a_checkpoint_is_saved_after_every_interval():
    class Checkpoints:
        saved = ()

        def save(self, step):
            self.saved += (step,)

    checkpoints = Checkpoints()
    callback = SaveCheckpoint(checkpoints, interval_steps=50)
    for epoch in (2, 3):
        callback.on_epoch_end(epoch)
    assert checkpoints.saved == (150, 200)


def test_progress_counts_from_where_the_run_continues_and_prints_the_figures_asked_for(capfd):
    progress = Progress("label_vae", first_step=4, total_steps=8, interval_steps=2, shown=("kl", "dice_LV"))
    progress.on_train_batch_end(0)
    progress.on_train_batch_end(1)
    assert progress.bar.n == 6
    progress.on_epoch_end(2, {"loss": 1.0, "kl": 0.12345})
    progress.on_train_end()
    printed = capfd.readouterr()
    assert "step 6: kl 0.123\n" in printed.out + printed.err
