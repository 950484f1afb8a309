"""A limit of time for an answer that may never end, whatever it does to keep going.

One exception out of a signal's handler ends a plain endless loop. ``while True: try: ... except: pass`` swallows it and
every later one that comes inside the ``try`` again. So the timer fires again and again, and an answer that goes on
nevertheless is interrupted at nearly every place where the interpreter looks for signals (each jump back, each call):
an endless loop comes to a jump that no ``try`` surrounds, or it would not come back to its start.
"""

from __future__ import annotations

import _thread
import random
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from binpack.course.exercises._judging import Stop, unwrapped

EVERY = 0.2
"""Seconds after which an answer that goes on is interrupted again."""
PATIENCE = 2
"""So many interruptions leave an answer the time to clean up; if it goes on then, it is given none."""


class TooLong(Exception):
    """What was called did not end in time."""


class Interrupted(BaseException):
    """Somebody pressed Ctrl-C; a `KeyboardInterrupt` that the answer raises is the answer's."""


class _Signal(int):
    """A signal's number. Reading `again` sends it once more.

    A call would do so too early: after it the interpreter looks for signals and would find this one in the handler. It
    does not look after reading an attribute, so the signal waits for the code that the handler returns to.
    """

    again = property(_thread.interrupt_main)


class _Watch:
    """The handler of the timer's signal."""

    def __init__(self, home: dict[str, Any] | None) -> None:
        self.home = home
        self.over = False
        self.interrupted = 0
        self._next = 0.0
        self._signal = _Signal(signal.SIGALRM)
        # not at every place: Python 3.12 takes an exception at the jump out of a handler for one inside its try again
        self._dice = random.Random(0)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.over:
            return
        now = time.monotonic()
        rings = now >= self._next
        inside = frame is not None and frame.f_globals is self.home and self._dice.random() < 0.9
        if rings:
            self._next = now + EVERY / 2
            self.interrupted += 1
        if self.interrupted > PATIENCE:
            self._signal.again  # noqa: B018
        # between two rings only the answer's own code is interrupted: what it calls may be cleaning up
        if rings or inside:
            raise Stop


def call_within(seconds: float, function: Callable[[Callable], Any], answer: Callable) -> None:
    """Call a function with an answer and stop it after a while.

    It is stopped where the platform can: not on Windows, nor outside the main thread.

    Args:
        seconds: the limit.
        function: what is called.
        answer: the learner's function, its only argument.

    Raises:
        TooLong: it did not end in time, even if it ended somehow after it was interrupted.
        Interrupted: Ctrl-C.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        function(answer)
        return
    watch = _Watch(_namespace(answer))
    previous = signal.signal(signal.SIGALRM, watch)
    usual = signal.getsignal(signal.SIGINT)
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        if callable(usual):
            usual(number, frame)

    if callable(usual):
        signal.signal(signal.SIGINT, press)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, EVERY)
        function(answer)
    except BaseException:
        watch.over = True  # before anything is called: a signal may be waiting
        if pressed:
            raise Interrupted from None
        if not watch.interrupted:
            raise
    finally:
        watch.over = True
        if callable(usual):
            signal.signal(signal.SIGINT, usual)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    if pressed:
        raise Interrupted
    if watch.interrupted:
        raise TooLong


def _namespace(answer: Callable) -> dict[str, Any] | None:
    """Return the global names of a learner's function, which all functions of the notebook share, or None."""
    for each in unwrapped(answer), type(answer).__call__:
        if hasattr(each, "__globals__"):
            return each.__globals__
    return None
