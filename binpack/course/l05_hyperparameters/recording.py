"""How the second part of lesson 05 records its runs: on every core, in pieces, resumable."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tqdm import tqdm

from binpack.course.records.store import read_record, write_record
from binpack.search.provenance import about

Row = Mapping[str, Any]
LIBRARIES = ("numpy", "torch", "stable-baselines3", "sb3-contrib")
DIGITS = 4
"""Significant digits of a recorded number."""


def record(
    path: Path,
    jobs: Sequence[Row],
    run: Callable[[Row], dict[str, Any]],
    *,
    command: str,
    processes: int | None = None,
) -> list[dict[str, Any]]:
    """Run what a file does not hold yet, and write the file after each run.

    Args:
        path: the record; its table ``runs`` has a row for each job, in their order.
        jobs: what tells a run from all others, values for JSON; the most wanted first.
        run: job -> what is recorded of it; a function of a module, since other processes call it.
        command: what makes the record anew.
        processes: how many at a time; None is one a core.

    Returns:
        The rows.
    """
    before = read_record(path)["runs"] if path.exists() else []
    rows = {_name(row, jobs): row for row in before}
    missing = [job for job in jobs if _name(job, jobs) not in rows]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes or os.cpu_count() or 1, mp_context=context) as pool:
        running = {pool.submit(run, job): job for job in missing}
        for done in tqdm(as_completed(running), total=len(running), unit="run"):
            job = running[done]
            rows[_name(job, jobs)] = {**job, **rounded(done.result())}
            found = [rows[_name(each, jobs)] for each in jobs if _name(each, jobs) in rows]
            write_record(path, {"about": about(command, LIBRARIES), "runs": found})
    return [rows[_name(job, jobs)] for job in jobs]


def rounded(value: Any) -> Any:
    """Return a value for JSON with its numbers cut to four significant digits; integers stay whole.

    Args:
        value: numbers, and lists and mappings of them.
    """
    if isinstance(value, Mapping):
        return {name: rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _name(row: Row, jobs: Sequence[Row]) -> str:
    """Return what tells a row from others: its values under the names that every job has."""
    return json.dumps([row[name] for name in jobs[0]])
