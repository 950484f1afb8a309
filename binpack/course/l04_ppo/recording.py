"""Recording many runs of several arms in one file: on every core, in pieces, and going on where it was stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from binpack.course.records import about, kept, write_record
from binpack.search.workers import Workers

LIBRARIES = ("numpy", "torch", "gymnasium", "stable-baselines3", "sb3-contrib")
PIECE = 8
"""Runs between two writes of the file."""
Job = tuple[str, int]
"""An arm and a seed."""


def record_arms(
    path: Path,
    command: str,
    jobs: Sequence[Job],
    run: Callable[[str, int], dict[str, Any]],
    folder: Path,
    said: Mapping[str, Any],
    processes: int | None = None,
) -> list[dict[str, Any]]:
    """Make the runs that are missing and write the record after each piece of them.

    Args:
        path: the record; its table ``runs`` has a row a job: ``arm``, ``seed`` and what the run returned.
        command: what makes the record anew.
        jobs: all runs.
        run: makes one, (arm, seed) -> values for JSON; a function of a module, which other processes import.
        folder: keeps a file for each finished run; the same folder goes on where an earlier call was stopped.
        said: further entries of the record: what holds for all runs.
        processes: runs at a time; as many as there are cores where it is left out.

    Returns:
        The rows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    places = {job: folder / f"{_name(job)}.json" for job in jobs}
    missing = [job for job in jobs if not places[job].exists()]
    one = partial(_one, run)

    def write() -> list[dict[str, Any]]:
        rows = [one(job, place) for job, place in places.items() if place.exists()]
        write_record(path, {"about": about(command, LIBRARIES), **said, "runs": rows})
        return rows

    with Workers(processes or os.cpu_count() or 1) as workers, tqdm(total=len(missing), unit="run") as bar:
        for start in range(0, len(missing), PIECE):
            piece = missing[start : start + PIECE]
            workers.train_ahead(one, [(job, places[job]) for job in piece])
            for job in piece:
                one(job, places[job])
            write()
            bar.update(len(piece))
    return write()


def _one(run: Callable[[str, int], dict[str, Any]], job: Job, path: Path) -> dict[str, Any]:
    """Make one run, unless its file is there."""
    torch.set_num_threads(1)
    arm, seed = job
    return kept(path, lambda: {"arm": arm, "seed": seed, **run(arm, seed)})


def _name(job: Job) -> str:
    """Return a name that is a file's as well."""
    return "".join(letter if letter.isalnum() or letter == "." else "_" for letter in f"{job[0]}_{job[1]}")
