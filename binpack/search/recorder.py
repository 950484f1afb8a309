"""Records many training runs in one file, on every core, in pieces: a recorder that is killed goes on where it stopped.

Each run is a row: its key, the steps and the utilization at each evaluation, the run's diagnostics there, its seconds.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from binpack.agents.config import TrainConfig
from binpack.agents.diagnostics import NAMES
from binpack.agents.learner import DivergedError
from binpack.agents.training import TrainResult, train
from binpack.files import read_json, write_record
from binpack.search.workers import Workers

DIGITS = 4
"""Significant digits of a diagnostic; a utilization has so many decimals."""


@dataclass(frozen=True)
class Job:
    """One run to record.

    Attributes:
        key: values for JSON that tell it from all others, a seed among them.
        config: the run.
    """

    key: Mapping[str, Any]
    config: TrainConfig


def record_runs(
    path: str | Path,
    jobs: Iterable[Job],
    folder: str | Path,
    *,
    about: Mapping[str, Any],
    processes: int = 2,
    piece: int = 8,
    progress: bool = True,
) -> list[dict[str, Any]]:
    """Train the runs that the file does not hold yet, and write it after each piece of them.

    Args:
        path: the file; a record whose table ``runs`` has a row for each run, in the order of the jobs.
        jobs: all runs; the same list goes on where an earlier call was stopped.
        folder: where runs are trained; each run's own folder goes when it is recorded.
        about: where the record comes from; kept under ``about``.
        processes: how many runs at a time.
        piece: runs between two writes of the file.
        progress: show a bar on stderr.

    Returns:
        The rows.
    """
    path, folder, jobs = Path(path), Path(folder), list(jobs)
    before = read_json(path, "a record of runs")["runs"] if path.exists() else []
    rows = {_name(key_of(row)): row for row in before}
    missing = [job for job in jobs if _name(job.key) not in rows]
    order = [_name(job.key) for job in jobs]
    with Workers(processes) as workers, tqdm(total=len(missing), unit="run", disable=not progress) as bar:
        for start in range(0, len(missing), piece):
            some = missing[start : start + piece]
            places = [folder / _name(job.key) for job in some]
            workers.train_ahead(train, [(job.config, place) for job, place in zip(some, places, strict=True)])
            for job, place in zip(some, places, strict=True):
                rows[_name(job.key)] = {**job.key, **_row(job.config, place)}
            kept = [rows[name] for name in order if name in rows]
            write_record(path, {"about": dict(about)}, {"runs": kept})
            for place in places:
                shutil.rmtree(place)
            bar.update(len(some))
    return [rows[name] for name in order]


RESULT = ("steps", "utilization", "seconds", "diverged", *NAMES)
"""What a row holds beside its key."""


def key_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells a row from others.

    Args:
        row: of a record of runs.
    """
    return {name: value for name, value in row.items() if name not in RESULT}


def _row(config: TrainConfig, folder: Path) -> dict[str, Any]:
    """Return what is recorded of a run, which a worker has trained already unless it failed there."""
    curve: list[tuple[int, float]] = []
    try:
        result = train(config, folder, on_evaluation=lambda step, score: curve.append((step, score)))
    except DivergedError:
        return {**_curve(curve), "seconds": None, "diverged": True}
    return {**_curve(result.history), "seconds": round(result.seconds, 2), "diverged": False, **_said(result)}


def _curve(history: Sequence[tuple[int, float]]) -> dict[str, list]:
    return {"steps": [step for step, _ in history], "utilization": [round(score, DIGITS) for _, score in history]}


def _said(result: TrainResult) -> dict[str, list]:
    return {name: [_short(row.get(name)) for row in result.diagnostics] for name in NAMES}


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def _name(key: Mapping[str, Any]) -> str:
    """Return a name that is a folder's as well."""
    text = "_".join(f"{name}={value}" for name, value in key.items())
    return "".join(letter if letter.isalnum() or letter in "=_.-" else "-" for letter in text)
