"""Records many runs in one file, on every core: a recorder that is killed goes on where it stopped.

`record_rows` is for runs of any kind, `record_runs` for training runs. A row of the latter holds the run's key, the
steps and the utilization at each evaluation, the run's diagnostics there, and its seconds.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import torch
from tqdm import tqdm

from binpack.agents.config import TrainConfig
from binpack.agents.diagnostics import NAMES
from binpack.agents.learner import DivergedError
from binpack.agents.run_folder import TrainResult
from binpack.agents.training import train
from binpack.files import read_json, write_record
from binpack.search.workers import Workers
from binpack.system import stopped_by_signals

DIGITS = 4
"""Significant digits of a number in a row."""


@dataclass(frozen=True)
class Job:
    """One run to record.

    Attributes:
        key: values for JSON that tell it from all others, a seed among them; every job of a record has the same names.
        config: what the run is made from, where the key does not say it: a `TrainConfig` for `record_runs`.
    """

    key: Mapping[str, Any]
    config: Any = None


def record_rows(
    path: str | Path,
    jobs: Iterable[Job],
    run: Callable[[Job], Mapping[str, Any]],
    *,
    about: Mapping[str, Any],
    said: Mapping[str, Any] | None = None,
    **more: Any,
) -> list[dict[str, Any]]:
    """Make the runs that a file of JSON does not hold yet; see `record`.

    Args:
        path: the file; a record whose table ``runs`` has a row for each run, in the order of the jobs.
        jobs: all runs.
        run: makes a row; its floats are cut to four digits.
        about: where the record comes from; kept under ``about``.
        said: further entries of the record: what holds for all runs.
        **more: what else `record` takes.

    Returns:
        The rows.

    Raises:
        ValueError: the file is no such record.
    """
    store = _JsonStore(Path(path), {"about": dict(about), **(said or {})})
    return record(store, jobs, _Rounded(run), **more)


class Store(Protocol):
    """Where rows are kept."""

    def read(self) -> list[dict[str, Any]]:
        """Return the rows that there are."""
        ...

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Keep these, and forget all others."""
        ...


@dataclass(frozen=True)
class _JsonStore:
    path: Path
    head: Mapping[str, Any]

    def read(self) -> list[dict[str, Any]]:
        return read_json(self.path, "a record of runs")["runs"] if self.path.exists() else []

    def write(self, rows: list[dict[str, Any]]) -> None:
        write_record(self.path, self.head, {"runs": rows})


@dataclass(frozen=True)
class _Rounded:
    """What makes a row, with its floats cut; an object, since workers import it by its name."""

    run: Callable[[Job], Mapping[str, Any]]

    def __call__(self, job: Job) -> Mapping[str, Any]:
        return rounded(self.run(job))


def record(
    store: Store,
    jobs: Iterable[Job],
    run: Callable[[Job], Mapping[str, Any]],
    *,
    processes: int = 2,
    piece: int = 8,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Make the runs that a store does not hold yet, and write it after each few of them.

    Whatever ends it, an error, Ctrl-C, SIGTERM or a closed terminal, the rows that are finished are written.

    Args:
        store: a row for each run, with the run's key among its entries, in the order of the jobs.
        jobs: all runs, the most wanted first; the same list goes on where an earlier call was stopped.
        run: job -> what its row holds beside its key; a function that other processes can import.
        processes: how many runs at a time, each with one thread of torch and of BLAS.
        piece: runs between two writes of the file.
        progress: show a bar on stderr.

    Returns:
        The rows of the jobs.

    Raises:
        Interrupted: SIGTERM or SIGHUP came.
    """
    jobs = list(jobs)
    names = tuple(jobs[0].key) if jobs else ()
    rows = {_name({name: row[name] for name in names}): row for row in store.read()}
    missing = [job for job in jobs if _name(job.key) not in rows]

    def write() -> list[dict[str, Any]]:
        kept = [rows[_name(job.key)] for job in jobs if _name(job.key) in rows]
        store.write(kept)
        return kept

    try:
        with (
            stopped_by_signals(),
            Workers(processes) as workers,
            tqdm(total=len(missing), unit="run", disable=not progress) as bar,
        ):
            for done, (number, row) in enumerate(workers.results(partial(_one, run), missing), start=1):
                rows[_name(missing[number].key)] = {**missing[number].key, **row}
                if done % piece == 0:
                    write()
                bar.update()
    finally:  # whatever ends it, what is finished is kept
        kept = write()
    return kept


def _one(run: Callable[[Job], Mapping[str, Any]], job: Job) -> Mapping[str, Any]:
    torch.set_num_threads(1)
    return run(job)


def record_runs(path: str | Path, jobs: Iterable[Job], folder: str | Path, **more: Any) -> list[dict[str, Any]]:
    """Train the runs that the file does not hold yet; see `record_rows`.

    Args:
        path: the file.
        jobs: all runs, each with its `TrainConfig`.
        folder: where runs are trained; each run's own folder goes when it is done.
        **more: what else `record_rows` takes.

    Returns:
        The rows.
    """
    return record_rows(path, jobs, partial(_trained, Path(folder)), **more)


RESULT = ("steps", "utilization", "seconds", "diverged", *NAMES)
"""What a row of a training run holds beside its key."""


def key_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells a training run's row from others.

    Args:
        row: of a record of runs.
    """
    return {name: value for name, value in row.items() if name not in RESULT}


def rounded(value: Any) -> Any:
    """Return a value for JSON with its floats cut to four significant digits.

    Args:
        value: numbers, and lists and mappings of them.
    """
    if isinstance(value, Mapping):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _trained(folder: Path, job: Job) -> dict[str, Any]:
    """Train one run and return its row; one that diverged has the curve up to there."""
    curve: list[tuple[int, float]] = []
    config: TrainConfig = job.config
    place = folder / "".join(letter if letter.isalnum() or letter in "=_.-" else "-" for letter in _name(job.key))
    shutil.rmtree(place, ignore_errors=True)  # of a recorder that was killed: resumed, it would be another run
    try:
        result = train(config, place, on_evaluation=lambda step, score: curve.append((step, score)))
        row = {**_curve(result.history), "seconds": result.seconds, "diverged": False, **_said(result)}
    except DivergedError:
        row = {**_curve(curve), "seconds": None, "diverged": True}
    shutil.rmtree(place)
    return row


def _curve(history: Sequence[tuple[int, float]]) -> dict[str, list]:
    return {"steps": [step for step, _ in history], "utilization": [score for _, score in history]}


def _said(result: TrainResult) -> dict[str, list]:
    return {name: [row.get(name) for row in result.diagnostics] for name in NAMES}


def _name(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True)
