"""Not a test: trains in processes that are killed, in two at a time, on two devices, and with the same bits.

Run as `python train_in_processes.py COHORT PRESET OUT KILL_SECONDS ...`. Processes are forked before
TensorFlow wakes, so that it is imported once.
"""

import importlib
import json
import os
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import tensorflow as tf
import train_on_devices
from PIL import Image

from cmrtf.training import loop
from cmrtf_cli.main import main as cmrtf


def start(said, arguments, after_step=lambda model, step: None):
    """`cmrtf ARGUMENTS` in a process, where `after_step` is called after every step; returns its id."""
    if process := os.fork():
        return process
    make = loop.step_function

    def make_watched(model, batches):
        take, count = make(model, batches), iter(range(1, 1000))

        def watched():
            bad = take()
            after_step(model, next(count))
            return bad

        return watched

    loop.step_function = make_watched
    loop.draw_curves = lambda *_: None  # a third of the time of a run that is as short as these
    with open(said, "w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = ["cmrtf", *map(str, arguments)]
    code = 1
    try:
        cmrtf()
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def wait(*processes):
    return [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]


def kill_again_and_again(train, out, delays):
    """The same run in one process after the other, each killed so many seconds after its first step."""
    codes = []
    for delay in delays:

        def arm(model, step, delay=delay):
            if step == 1:
                threading.Timer(delay, os.kill, (os.getpid(), signal.SIGKILL)).start()

        codes += wait(start(out / "killed.txt", [*train, "--run", out / "killed"], arm))
    return codes


def train_on_two(train, out, name, after_step):
    """One run in two processes that know each other; the second has nothing to write with."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    workers = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    processes = []
    for index in range(2):
        task = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        os.environ["TF_CONFIG"] = json.dumps(task)
        before = (loop.MetricsLog, loop.TensorBoardWriter, tf.train.Checkpoint.write)
        if index == 1:
            loop.MetricsLog = loop.TensorBoardWriter = tf.train.Checkpoint.write = None
        arguments = [*train, "--run", out / "machines"]
        processes.append(start(out / f"{name}-{index}.txt", arguments, lambda *a, i=index: after_step(i, *a)))
        loop.MetricsLog, loop.TensorBoardWriter, tf.train.Checkpoint.write = before
    del os.environ["TF_CONFIG"]
    return wait(*processes)


def train_with_same_bits(train, out):
    """One run in one process, and the same in two: the first is killed after the third of four steps."""

    def kill(model, step):
        if step == 3:
            os.kill(os.getpid(), signal.SIGKILL)

    once, again = (
        (out / f"{name}.txt", [*train, "--deterministic", "--run", out / name])
        for name in ("same-1", "same-2")
    )
    return [*wait(start(*once), start(*again, kill)), *wait(start(*again))]


def train_on_two_devices(*arguments):
    """Start a process for it: TensorFlow takes logical devices only before it starts."""
    if process := os.fork():
        return process
    code = 1
    try:
        train_on_devices.main(*arguments)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def optimise_graphs(whether):
    """To optimise a graph takes longer than the few steps of it, in every process."""
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": not whether})


def main(cohort, preset, out, *delays):
    out = Path(out)
    for name in ("train_vae", "train_gan"):  # once, and not in every process
        importlib.import_module(f"cmrtf.training.{name}")
    Image.preinit()
    optimise_graphs(False)
    (out / "devices").mkdir()
    devices = train_on_two_devices(cohort, preset, out / "devices")
    train_vae = ["train-vae", cohort, "--preset", preset, "--resume"]
    codes = {"killed": kill_again_and_again(train_vae, out, map(float, delays))}

    def die(index, model, step):
        if (index, step) == (1, 7):
            os.kill(os.getpid(), signal.SIGKILL)

    codes["one dies"] = train_on_two(train_vae, out, "dies", die)

    def stop(index, model, step):
        if (index, step) == (1, 1):
            os.kill(os.getpid(), signal.SIGTERM)

    codes["one is stopped"] = train_on_two(train_vae, out, "stopped", stop)

    def keep(index, model, step):
        np.savez(out / f"weights-{index}.npz", *model.get_weights())

    codes["both return"] = train_on_two(train_vae, out, "return", keep)
    optimise_graphs(True)
    codes["same bits"] = train_with_same_bits(["train-gan", cohort, "--preset", preset, "--resume"], out)
    codes["devices"] = wait(devices)
    (out / "codes.json").write_text(json.dumps(codes))


if __name__ == "__main__":
    main(*sys.argv[1:])
