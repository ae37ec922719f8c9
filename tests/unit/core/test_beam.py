import importlib.util
import time
from functools import partial

import pytest

from cmrtf.core.beam import followed, require_beam, run_on_beam
from cmrtf.errors import CmrtfError


def write(folder, number):
    """What a worker does."""
    (folder / str(number)).write_text(str(number))


def test_without_beam_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(CmrtfError, match=r"pip install 'cmrtf\[beam\]'"):
        require_beam()


def test_a_bar_follows_what_is_done_and_ends_full(capsys):
    counted = []

    def num_done():
        counted.append(len(counted))
        return counted[-1]

    with followed("Write", 3, num_done, progress=True):
        time.sleep(1.5)
    assert counted
    shown = capsys.readouterr().err
    assert "Write: 0 of 3 subjects" in shown
    assert "Write: 3 of 3 subjects" in shown


@pytest.mark.slow
def test_each_task_is_done_once(tmp_path):
    pytest.importorskip("apache_beam")
    run_on_beam(partial(write, tmp_path), [1, 2, 3], workers=2, options=())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "3"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("--runner=NoSuch", "NoSuch"),
        ("--direct_num_workers=x", "invalid int value: 'x'"),
        ("--direct_num_workers=-1", ""),
    ],
)
def test_options_that_beam_does_not_take_are_named(tmp_path, capfd, option, says):
    pytest.importorskip("apache_beam")
    with pytest.raises(CmrtfError, match=rf"expected options .* Received: .*{option}; Beam says: .*{says}"):
        run_on_beam(partial(write, tmp_path), [1], workers=1, options=[option])
    assert "usage" not in capfd.readouterr().err
