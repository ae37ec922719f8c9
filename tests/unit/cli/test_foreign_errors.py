import re

import pytest
import tensorflow as tf

from cmrtf_cli import main
from cmrtf_cli.foreign_errors import message_of


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            MemoryError("Unable to allocate 745 GiB"),
            r"expected enough memory\. Received: Unable to allocate 745 GiB",
        ),
        (MemoryError(), r"expected enough memory\. Received: none left"),
        (ImportError("a.so: failed to map segment"), r"expected enough memory\. Received: a\.so: failed"),
        (
            tf.errors.ResourceExhaustedError(None, None, "OOM when\n allocating"),
            "memory.*Received: OOM when alloc",
        ),
        (
            tf.errors.DataLossError(None, None, "corrupted record"),
            r"expected TensorFlow .*Received: corrupted record",
        ),
    ],
)
def test_what_a_user_can_act_on_is_one_paragraph(error, message, monkeypatch, capsys):
    def fails(**options):
        raise error

    monkeypatch.setattr(main, "cli", fails)
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: expected ")
    assert said.count("\n") == 1
    assert re.search(message, said)


def test_a_fault_of_ours_has_no_message():
    assert message_of(ZeroDivisionError()) is None
