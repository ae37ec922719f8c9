"""Stopping when asked to: SIGTERM, Ctrl-C and a terminal that is closed end a job with `Stopped`.

A signal handler that raises is heard nearly everywhere, but not in a finaliser or in the garbage collector:
Python prints what is raised there and goes on. So what came is remembered too. A request that was lost so is
made again a moment later, one that other code swallowed comes up where files are written, and whatever else
a block that was asked to stop ends with, it has been stopped.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final, Self

SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""SIGHUP is let be where the process was started to ignore it, by `nohup`."""

AGAIN_S: Final = 0.05
"""From a request that was lost to its repetition: a finaliser is over by then."""

_received: signal.Signals | None = None


class Stopped(SystemExit):
    """One of `SIGNALS` came, and the work is not done. Uncaught it ends the process, with its exit code.

    Args:
        number: the signal.
        saved: what is safe, for a message.

    Attributes:
        code: the exit code, 143 after SIGTERM, 130 after Ctrl-C and 129 after SIGHUP.
        is_told: whether somebody has shown it, so that nobody does again.
    """

    def __init__(self, number: signal.Signals, saved: str = "") -> None:
        super().__init__(128 + number)
        self.number = number
        self.saved = saved
        self.is_told = False

    def __str__(self) -> str:
        """What happened, as a sentence."""
        name = "Ctrl-C" if self.number == signal.SIGINT else self.number.name
        return f"Stopped by {name}{self.saved and ', '}{self.saved}."


@contextlib.contextmanager
def stopping_when_asked() -> Iterator[None]:
    """A block that `SIGNALS` end at once; in the main thread, since no other may handle signals.

    While it ends, further ones are ignored.

    Raises:
        Stopped: one of them came and the block did not end well.
    """
    global _received
    if not _is_main_thread():
        yield
        return
    before = _handle(_stop, *SIGNALS, signal.SIGALRM)
    hook, sys.unraisablehook = sys.unraisablehook, _asking_again(sys.unraisablehook)
    try:
        yield
    except Stopped:
        raise
    except BaseException as error:  # an import that is interrupted says that it failed, for one
        if _received is None:
            raise
        raise Stopped(_received) from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _restore(before)
        sys.unraisablehook, _received = hook, None


def raise_if_stopped() -> None:
    """A point at which to stop is safe, for requests that other code swallowed.

    Raises:
        Stopped: a signal came.
    """
    if _received is not None:
        raise Stopped(_received)


class StopRequest:
    """`SIGNALS` as a request to stop at the next good moment, or at the end of the block.

    While entered, the first signal is remembered; a second one acts as it would have without this, but for
    SIGHUP: of a terminal that is closed both the shell and the kernel tell.

    Attributes:
        received: the signal, if one came.

    Raises:
        Stopped: at the end of the block, where a signal came and the block did not see to it.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if _is_main_thread():
            self._before = _handle(self._remember, *SIGNALS)
        return self

    def __exit__(self, error: object, *_: object) -> None:
        _restore(self._before)
        if self.received is not None and error is None:
            raise Stopped(self.received)

    def _remember(self, number: int, _: FrameType | None) -> None:
        self.received = signal.Signals(number)
        _restore(self._before)
        if signal.SIGHUP in self._before:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)


@contextlib.contextmanager
def starting_processes() -> Iterator[None]:
    """A block in which processes are started that Ctrl-C is not meant for: a terminal tells them too."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which a new process inherits
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent() -> None:
    """End this process when the one that started it does, however that ends."""
    parent = multiprocessing.parent_process()
    assert parent is not None, "called in a process that multiprocessing started"

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _is_main_thread() -> bool:
    """Whether this thread may handle signals."""
    return threading.current_thread() is threading.main_thread()


def _handle(
    handler: Callable[[int, FrameType | None], Any], *numbers: signal.Signals
) -> dict[signal.Signals, Any]:
    """Let a function handle signals, but for a SIGHUP that is ignored; returns the handlers that they had."""
    ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else set()
    return {number: signal.signal(number, handler) for number in numbers if number not in ignored}


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _stop(number: int, _: FrameType | None) -> None:
    global _received
    if _is_stopping():
        return  # another request would cut the way out short
    if number != signal.SIGALRM:
        _received = signal.Signals(number)
    raise_if_stopped()


def _is_stopping() -> bool:
    """Whether what runs now runs because a request was heard: on the way out, or where it is told."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, Stopped):
        error = error.__context__
    return error is not None


def _asking_again(hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """What to do with exceptions that nobody can catch: as `hook` does, but for a request to stop."""

    def ask(unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, Stopped):
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
        else:
            hook(unraisable)

    return ask
