"""The double of TensorFlow Serving that the tests use, in a process of its own."""

import multiprocessing
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

DOUBLES = Path(__file__).parents[2] / "tests" / "helpers"


class ServerProcess(NamedTuple):
    """Where a server listens, and as which process it runs."""

    grpc: str
    rest: str
    pid: int


@contextmanager
def server_process(
    folders: dict[str, Path], workers: int, message_limit_bytes: int = -1
) -> Iterator[ServerProcess]:
    """Serve SavedModels, each as version 1.

    Args:
        folders: of the SavedModels, by model name.
        workers: how many requests are answered at the same time.
        message_limit_bytes: larger requests are refused.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(folders, workers, message_limit_bytes, there), daemon=True)
    process.start()
    try:
        yield here.recv()
        here.send("stop")
        process.join(timeout=30)
    finally:
        process.kill()


def _serve(folders: dict[str, Path], workers: int, message_limit_bytes: int, there: Connection) -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.path.insert(0, str(DOUBLES))
    from cmrtf_export.session_model import SessionModel
    from serving_double import Models, serve

    models = Models(
        {name: {1: SessionModel(folder)} for name, folder in folders.items()},
        labels={name: {"stable": 1} for name in folders},
    )
    with serve(models, workers, message_limit_bytes) as (grpc_address, rest_address):
        there.send(ServerProcess(grpc_address, rest_address, os.getpid()))
        there.recv()
