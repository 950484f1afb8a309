"""Training runs side by side in processes of their own, each on one core.

A run that was trained ahead in a worker is in its folder, and whoever calls the training function on that folder
afterwards gets its result at once, history included. So nothing else about a study depends on how many workers it has.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from threadpoolctl import threadpool_limits

from binpack.system import STOPPING, signals_wait

Told = Callable[[], Any]


def nobody() -> None:
    """Be told, and do nothing."""


class Ahead(Protocol):
    """Trains runs before they are asked for; ``Workers`` does, and so does a cluster."""

    def train_ahead(
        self, train: Callable[[Any, Path], Any], runs: Iterable[tuple[Any, Path]], trained: Told = nobody
    ) -> None:
        """See ``Workers.train_ahead``; what is not trained afterwards is left to the caller."""
        ...


class Workers:
    """A pool of processes that train runs ahead; with fewer than two it does nothing, and runs train where they stand.

    Workers end with the process that started them, however that ends: each one watches a pipe whose other end closes
    then. So a study that was killed is never resumed while an orphan still writes to its folders.

    Args:
        jobs: number of processes.
    """

    def __init__(self, jobs: int) -> None:
        self._pool: ProcessPoolExecutor | None = None
        if jobs < 2:
            return
        context = multiprocessing.get_context("spawn")
        self._watched, self._alive = context.Pipe(duplex=False)
        # multiprocessing starts a process of its own here, which a closed terminal would end before its time
        with signals_wait():
            self._pool = ProcessPoolExecutor(jobs, context, initializer=begin, initargs=(self._watched,))

    def train_ahead(
        self, train: Callable[[Any, Path], Any], runs: Iterable[tuple[Any, Path]], trained: Told = nobody
    ) -> None:
        """Train runs side by side and wait for all of them.

        Args:
            train: the training function; importable by its name.
            runs: configuration and folder of each run. One that fails is left to its caller, who trains it again and
                sees the error.
            trained: is called as each of them ends.
        """
        runs = list(runs)
        if self._pool is None or len(runs) < 2:
            return
        try:
            with signals_wait():
                futures: list[Future] = [self._pool.submit(train, config, folder) for config, folder in runs]
            for _ in as_completed(futures):
                trained()
        except BrokenProcessPool:
            futures = []
        if not futures or any(isinstance(future.exception(), BrokenProcessPool) for future in futures):
            # A worker was killed, for want of memory perhaps: go on in this process alone.
            self._close()

    def results(self, run: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Yield the number of a job and its result, in the order in which they are done.

        Args:
            run: makes one, on one thread of BLAS and OpenMP; importable by its name. An error of it is raised here.
            jobs: what it is called with. Those of a worker that was killed are done in this process.
        """
        left, alone = dict(enumerate(jobs)), partial(_on_one_core, run)
        if self._pool is not None and len(left) > 1:
            with signals_wait():
                futures = {self._pool.submit(alone, job): number for number, job in left.items()}
            try:
                for future in as_completed(futures):
                    result = future.result()
                    del left[futures[future]]
                    yield futures[future], result
            except BrokenProcessPool:
                self._close()
        for number, job in left.items():
            yield number, alone(job)

    def _close(self) -> None:
        if self._pool is not None:
            self._alive.close()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._watched.close()
            self._pool = None

    def __enter__(self) -> Self:
        """Return the pool; its processes start with the first run."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers at once; what they were training goes on from its checkpoint another time."""
        self._close()


def _on_one_core(run: Callable[[Any], Any], job: Any) -> Any:
    """Run a job with one thread: processes that each take a thread for every core get in each other's way."""
    with threadpool_limits(1):
        return run(job)


def begin(watched: Connection) -> None:
    """Prepare a worker process: what stops it is the parent's business, and the parent's end is this one's too.

    A signal may come to all processes of a terminal; until here it was held back, for the worker was started so.
    """
    for each in STOPPING:
        signal.signal(each, signal.SIG_IGN)

    def end_with_parent() -> None:
        with contextlib.suppress(EOFError, OSError):
            watched.recv()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
