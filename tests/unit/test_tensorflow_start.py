import os
import signal
import subprocess
import sys

import keras
import pytest
import tensorflow as tf

from cmrtf.core.stopping import Stopped
from cmrtf.errors import CmrtfError
from cmrtf.tensorflow_start import _stderr_held_back, literal_path, own_keras_settings, tensorflow_writing_to

NAMES = ["a[1]", "b*c", "d?e", r"f\g", "caf\udce9", r"[*]?\ "]


@pytest.fixture(params=NAMES)
def folder(request, tmp_path):
    folder = tmp_path / request.param
    folder.mkdir()
    return folder


def test_a_checkpoint_is_found_again(folder):
    variable = tf.Variable(1.0)
    checkpoint = tf.train.Checkpoint(variable=variable)
    with literal_path(folder / "ckpt-1") as prefix:
        checkpoint.write(prefix)
    variable.assign(2.0)
    with literal_path(folder / "ckpt-1") as prefix:
        checkpoint.read(prefix).assert_consumed()
    assert variable.numpy() == 1.0
    assert sorted(path.name for path in folder.iterdir()) == ["ckpt-1.data-00000-of-00001", "ckpt-1.index"]


def test_a_saved_model_loads_again(folder):
    module = tf.Module()
    module.variable = tf.Variable(3.0)
    with literal_path(folder / "1") as path:
        tf.saved_model.save(module, path)
    with literal_path(folder / "1") as path:
        assert tf.saved_model.load(path).variable.numpy() == 3.0


def test_records_are_read_again(folder):
    with literal_path(folder / "records") as path, tf.io.TFRecordWriter(path) as writer:
        writer.write(b"one")
    with literal_path(folder / "records") as path:
        assert list(tf.data.TFRecordDataset(path).as_numpy_iterator()) == [b"one"]


def test_the_handle_is_given_back(folder):
    def handles():
        return len(os.listdir("/proc/self/fd"))

    before = handles()
    with literal_path(folder / "1"):
        assert handles() == before + 1
    assert handles() == before


def test_a_plain_name_stays_as_it_is(tmp_path):
    with literal_path(tmp_path / "a b" / "ckpt-1") as path:
        assert path == str(tmp_path / "a b" / "ckpt-1")


@pytest.fixture
def another_program():
    """Keras as a program around us may have set it."""
    config = keras.config
    before = config.floatx(), config.epsilon(), config.image_data_format()
    config.set_floatx("float64")
    config.set_epsilon(1e-2)
    config.set_image_data_format("channels_first")
    yield lambda: (config.floatx(), config.epsilon(), config.image_data_format(), config.dtype_policy().name)
    config.set_floatx(before[0])
    config.set_epsilon(before[1])
    config.set_image_data_format(before[2])


def test_keras_is_set_inside_and_as_it_was_afterwards(another_program):
    keras.config.set_dtype_policy("float64")
    outside = another_program()
    with own_keras_settings():
        assert another_program() == ("float32", 1e-7, "channels_last", "float32")
        keras.config.set_dtype_policy("mixed_bfloat16")
    assert another_program() == outside == ("float64", 1e-2, "channels_first", "float64")


def test_keras_on_something_else_is_one_message(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    with (
        pytest.raises(CmrtfError, match=r"expected Keras on TensorFlow\. Received: Keras on torch"),
        own_keras_settings(),
    ):
        pass


@pytest.mark.parametrize(("error", "shown"), [(ImportError("broken"), "note"), (Stopped(signal.SIGTERM), "")])
def test_notes_are_shown_where_the_start_fails_but_not_where_it_is_stopped(error, shown, capfd):
    def start():
        with _stderr_held_back():
            os.write(2, b"note")
            raise error

    with pytest.raises(type(error)):
        start()
    assert capfd.readouterr().err == shown


FAULTS = """
import os, resource, sys, threading
if sys.argv[1] == "left alone":
    os.environ["MALLOC_ARENA_TEST"] = "8"
from cmrtf.tensorflow_start import _keep_freed_memory
_keep_freed_memory()

def work():
    for number in range(6):
        if number == 1:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        blocks = [b"x" * 2**24 for _ in range(8)]
        del blocks
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
"""Page faults of a thread that needs the same 128 MB five times more; they are 32,768 pages."""


@pytest.mark.parametrize(("how", "least", "most"), [("kept", 0, 500), ("left alone", 50_000, 10**6)])
def test_freed_memory_is_kept_unless_the_environment_says_how(how, least, most):
    """In processes of their own, whose memory nobody else has used."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", FAULTS, how], env=clean, capture_output=True, text=True, check=True
    )
    assert least <= int(done.stdout) <= most


def test_a_full_disk_is_said_without_the_words_of_tensorflow(tmp_path):
    text = "{{function_node __wrapped__SaveV2}} out/part-00000; No space left on device [Op:SaveV2]"
    message = r"out: expected to be able to write here\. Received: No space left on device\.$"
    with pytest.raises(CmrtfError, match=message), tensorflow_writing_to(tmp_path / "out"):
        raise tf.errors.ResourceExhaustedError(None, None, text)
