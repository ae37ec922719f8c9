import csv

import pytest

from cmrtf.errors import CmrtfError
from cmrtf.training.metrics_log import MetricsLog, read_log


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


def test_a_log_is_read_as_numbers_and_what_a_row_lacks_is_left_out(tmp_path):
    path = tmp_path / "log.csv"
    assert read_log(path) == []
    path.write_text("step,loss,kl\n10,3,\n20,2.5,0.5\n")
    assert read_log(path) == [(10, {"loss": 3.0}), (20, {"loss": 2.5, "kl": 0.5})]


def test_a_link_that_leads_nowhere_is_no_log(tmp_path):
    (tmp_path / "log.csv").symlink_to("nothing")
    with pytest.raises(CmrtfError, match=r"log\.csv: expected a log of metrics. Received: No such file"):
        read_log(tmp_path / "log.csv")


@pytest.mark.parametrize(
    "content",
    [
        b"loss\n3\n",
        b"step,loss\nten,3\n",
        b"step,loss\n10,much\n",
        b"step,loss\n10,3,4\n",
        b"step\n\xff\n",
        b"step,loss\n10,3\n10,2\n",
        b"step,loss\n20,3\n10,2\n",
        b"step,loss\n0,3\n",
        b"step,loss\n" + b"9" * 400 + b",3\n",
    ],
)
def test_what_is_no_log_is_named(tmp_path, content):
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(
        CmrtfError, match=r"log\.csv: expected a row of numbers for each interval, with its step"
    ):
        read_log(path)
    with pytest.raises(CmrtfError, match=r"log\.csv: expected a row of numbers"):
        MetricsLog(path, first_step=0)
