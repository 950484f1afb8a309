"""Lesson 09: what workers do side by side, as bars along the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """A stretch of work.

    Attributes:
        worker: who does it, from 0.
        start: when it begins.
        end: when it ends.
        trial: what is worked on.
        kind: what sort of work it is; each has a colour.
    """

    worker: int
    start: float
    end: float
    trial: int
    kind: str = "at work"


def pool(lengths: Sequence[float], workers: int) -> list[Bar]:
    """Return what a pool does with trials that wait in a row.

    Args:
        lengths: of the trials, (n,).
        workers: how many.
    """
    free = [0.0] * workers
    bars = []
    for trial, length in enumerate(lengths):
        worker = min(range(workers), key=free.__getitem__)
        bars.append(Bar(worker, free[worker], free[worker] + length, trial))
        free[worker] += length
    return bars


def idle(bars: Sequence[Bar], workers: int) -> float:
    """Return the share of the workers' time, until the last bar ends, in which they do nothing.

    Args:
        bars: what they do.
        workers: how many there are.
    """
    whole = workers * max(bar.end for bar in bars)
    return 1 - sum(bar.end - bar.start for bar in bars) / whole if whole else 0.0
