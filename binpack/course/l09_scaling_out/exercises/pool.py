"""Workers side by side: how much faster a study gets at best, and what a pool of workers does with its trials."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise


@exercise(
    minutes=4,
    difficulty=1,
    hints=(
        "Begin with the time that is left: let the whole study take 1 with one worker. How long do its two parts take?",
        "The serial part still takes `serial`. The rest is shared, and takes `(1 - serial) / workers`.",
        "`return 1 / (serial + (1 - serial) / workers)`.",
    ),
    returns=promise.a_float("the speed-up"),
)
def speed_up(serial: float, workers: int) -> float:
    """Say how many times as fast a study is with several workers.

    Args:
        serial: share of the time, with one worker, in which only one worker can work, 0 to 1.
        workers: how many, 1 or more.

    Returns:
        The time with one worker, divided by the time with all of them.
    """
    # 1. what the study takes with all workers, if it takes 1 with one
    left = serial + (1 - serial) / workers
    # 2. how many times that goes into 1
    return 1 / left


speed_up.examine(
    cases=lambda: [(0.0, 4), (0.5, 2), (0.1, 1), (0.1, 2), (0.1, 10), (1.0, 8), (0.05, 1000)],
    draw=lambda rng: (round(float(rng.uniform(0.01, 0.6)), 2), int(rng.integers(2, 40))),
    mistakes={
        "it divides the whole time among the workers: the serial part is not shared": lambda serial, workers: workers,
        "it divides the serial part: the rest is what is shared": lambda serial, workers: (
            1 / (serial / workers + 1 - serial)
        ),
        "it gives the time that is left: the speed-up is 1 divided by it": lambda serial, workers: (
            serial + (1 - serial) / workers
        ),
        "it gives the time that is saved: the speed-up is the time with one worker divided by that with all": (
            lambda serial, workers: 1 - serial - (1 - serial) / workers
        ),
        "it forgets the serial part, which takes time as well": lambda serial, workers: workers / (1 - serial),
        "it multiplies the shared part by the workers: it takes that many times less": lambda serial, workers: (
            1 / (serial + (1 - serial) * workers)
        ),
        "it takes the limit of endlessly many workers": lambda serial, workers: 1 / serial,
    },
)


@exercise(
    minutes=9,
    difficulty=2,
    hints=(
        "Begin with one number for each worker, the time at which it is free: `free = np.zeros(workers)`.",
        "Go through the trials in their order. `worker = free.argmin()` takes the trial, and is free again "
        "`lengths[trial]` later, which is when the trial ends.",
        "`order = np.argsort(ends, kind='stable')`; and the idle time is `workers * free.max() - lengths.sum()`.",
    ),
    returns=promise.a_tuple("the result", promise.an_array("the order", int), promise.a_float("the idle time")),
)
def run_pool(lengths: NDArray, workers: int) -> tuple[NDArray, float]:
    """Play what a pool of workers does with trials of known lengths.

    The trials wait in a row. A worker that is free takes the first one that waits; of several free workers any.

    Args:
        lengths: how long each trial takes, in the order in which they wait, (n,).
        workers: how many; all are free at the time 0.

    Returns:
        The numbers of the trials in the order in which they end, int, (n,), of two that end together the lower number
        first; and the time for which workers have nothing to do until the last trial ends, all workers together.
    """
    free = np.zeros(workers)
    ends = np.zeros(len(lengths))
    for trial, length in enumerate(lengths):
        # 1. who is free first takes the trial
        worker = free.argmin()
        # 2. both are done so much later
        free[worker] += length
        ends[trial] = free[worker]
    # 3. the order of the ends, and what is left of the workers' time
    idle = workers * free.max() - lengths.sum()
    return np.argsort(ends, kind="stable"), idle


def _played(
    lengths: NDArray,
    workers: int,
    *,
    chosen: Callable[[int, NDArray], int] = lambda trial, free: int(free.argmin()),
    row: Callable[[NDArray], NDArray] = lambda lengths: np.arange(len(lengths)),
    together: bool = False,
    order: Callable[[NDArray, NDArray], NDArray] = lambda ends, lengths: np.argsort(ends, kind="stable"),
    idle: Callable[[NDArray, float], float] = lambda free, work: len(free) * free.max() - work,
) -> tuple[NDArray, float]:
    """Play a pool with a mistake: another worker, another row, waiting for each other, another order or idle time."""
    free, ends = np.zeros(workers), np.zeros(len(lengths))
    for place, trial in enumerate(row(lengths)):
        if together and place % workers == 0:
            free[:] = free.max()
        worker = chosen(place, free)
        free[worker] += lengths[trial]
        ends[trial] = free[worker]
    return order(ends, lengths), idle(free, float(lengths.sum()))


run_pool.examine(
    cases=lambda: [
        (np.array([3.0, 1.0, 1.0]), 2),
        (np.array([4.0, 1.0, 2.0, 2.0]), 2),
        (np.array([5.0, 1.0, 1.0, 1.0, 6.0]), 2),
        (np.array([2.0, 2.0, 2.0, 7.0]), 3),
        (np.array([1.0, 2.0, 3.0]), 1),
        (np.array([2.0, 5.0]), 4),
        (np.array([9.0, 1.0, 3.0, 1.0, 2.0, 4.0, 8.0]), 3),
        (np.array([2.5, 0.75, 1.25, 0.5, 3.25]), 2),  # who counts seconds one by one meets no end here
    ],
    draw=lambda rng: (rng.integers(4, 40, size=9) / 4, int(rng.integers(2, 5))),
    mistakes={
        "the trials are dealt out in turn: the worker that is free first takes the next one": (
            lambda lengths, workers: _played(lengths, workers, chosen=lambda place, free: place % len(free))
        ),
        "the workers wait for each other after each round: who is free goes on": (
            lambda lengths, workers: _played(lengths, workers, together=True)
        ),
        "the longest trials are taken first: the trials wait in the order that is given": (
            lambda lengths, workers: _played(lengths, workers, row=lambda lengths: np.argsort(-lengths, kind="stable"))
        ),
        "one worker does everything": (
            lambda lengths, workers: _played(lengths, workers, chosen=lambda place, free: 0)
        ),
        "it gives the order in which trials begin: asked is the order in which they end": (
            lambda lengths, workers: _played(lengths, workers, order=lambda ends, lengths: np.arange(len(ends)))
        ),
        "it orders the trials by their lengths: a short one that began late ends late": (
            lambda lengths, workers: _played(
                lengths, workers, order=lambda ends, lengths: np.argsort(lengths, kind="stable")
            )
        ),
        "the order is that of the last to end first": (
            lambda lengths, workers: _played(
                lengths, workers, order=lambda ends, lengths: np.argsort(ends, kind="stable")[::-1]
            )
        ),
        "for each trial it gives its place in the order: asked are the numbers of the trials, the first to end first": (
            lambda lengths, workers: _played(
                lengths, workers, order=lambda ends, lengths: np.argsort(np.argsort(ends, kind="stable"))
            )
        ),
        "the idle time is that of one worker: add those of all": (
            lambda lengths, workers: _played(lengths, workers, idle=lambda free, work: free.max() - free.min())
        ),
        "the idle time is the time of the last end: take off the time in which workers work": (
            lambda lengths, workers: _played(lengths, workers, idle=lambda free, work: free.max())
        ),
        "the idle time is a share: asked is a time": (
            lambda lengths, workers: _played(
                lengths, workers, idle=lambda free, work: 1 - work / (len(free) * free.max())
            )
        ),
    },
)
