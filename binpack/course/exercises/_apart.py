"""A check in a process of its own, a copy of this one, which can be ended whatever an answer does in it.

A signal's handler runs between two steps of the interpreter, and ``sum(range(10**13))`` is one step: nothing in the
same process ends it. Nor does anything catch an answer that ends the interpreter itself.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pickle
import select
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

from binpack.course.exercises._limit import TooLong

T = TypeVar("T")
GRACE = 3.0
"""Seconds that the other process has beyond the limit, to say itself that it was reached."""


class Crashed(Exception):
    """The other process ended without an answer; the message says how."""


def call_apart(function: Callable[[], T], seconds: float) -> T:
    """Call a function in a copy of this process and return what it returns there.

    What it changes stays in the copy. Where there is no copy to be had (not Linux, not the main thread), and where the
    function raises something there, it is called here.

    Args:
        function: returns what can be pickled, and has a limit of time for Python code itself.
        seconds: that limit.

    Raises:
        TooLong: it did not end.
        Crashed: the copy ended before it did.
    """
    if not sys.platform.startswith("linux") or threading.current_thread() is not threading.main_thread():
        return function()
    reading, writing = os.pipe()
    try:
        with warnings.catch_warnings():
            # that other threads are not in the copy; those of a kernel only talk to the browser
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
    except OSError:  # no room for another process
        os.close(reading)
        os.close(writing)
        return function()
    if child == 0:
        _answer(function, writing)
    os.close(writing)
    try:
        content = _read(reading, time.monotonic() + seconds + GRACE)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    if content is None:
        raise TooLong
    if not content:
        raise Crashed(_how(status))
    done, value = pickle.loads(content)
    return value if done else function()


def _answer(function: Callable[[], Any], writing: int) -> None:
    """Call the function and write what came of it; never returns."""
    try:
        # Ctrl-C is for the process that waits
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        faulthandler.disable()  # a crash is told in words
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)  # a copy has none of the other threads
        try:
            content = pickle.dumps((True, function()))
        except BaseException:  # raised again where it can be seen
            content = pickle.dumps((False, None))
        left = memoryview(content)
        while left:
            left = left[os.write(writing, left) :]
        os._exit(0)
    finally:
        os._exit(1)


def _read(reading: int, until: float) -> bytes | None:
    """Return what the other process writes before it closes its end; None where it does not in time."""
    parts = []
    while (left := until - time.monotonic()) > 0:
        if select.select([reading], [], [], left)[0]:
            part = os.read(reading, 1 << 16)
            if not part:
                return b"".join(parts)
            parts.append(part)
    return None


def _how(status: int) -> str:
    """Say how a process ended."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(ValueError):
            return f"ended by {signal.Signals(number).name}"
        return f"ended by signal {number}"
    return f"exit code {os.WEXITSTATUS(status)}"
