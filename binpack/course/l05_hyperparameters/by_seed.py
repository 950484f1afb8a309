"""How lesson 05b records its runs: every setting with the first seed, then with the next, on every core, resumable."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from binpack.course.records.store import read_record
from binpack.search.provenance import about
from binpack.search.recorder import Job, record_rows

SEEDS = tuple(range(10))
LIBRARIES = ("numpy", "torch", "stable-baselines3", "sb3-contrib")


def jobs(what: str, names: Iterable[str], seeds: Iterable[int] = SEEDS) -> list[Job]:
    """List the runs seed by seed, so that a record is of use before its end.

    Args:
        what: what tells the runs of a seed apart: "setting", "arm" or "case".
        names: of the settings.
        seeds: training seeds.
    """
    names = list(names)
    return [Job({what: name, "seed": seed}) for seed in seeds for name in names]


def record(
    path: Path, what: str, names: Iterable[str], run: Callable[[Job], Mapping[str, Any]], seeds: int = len(SEEDS)
) -> None:
    """Record what is missing.

    Args:
        path: NAME.json, which the module ``record_NAME`` makes.
        what: see `jobs`.
        names: see `jobs`.
        run: see `record_rows`.
        seeds: how many.
    """
    command = f"python -m {__package__}.record_{path.stem}"
    names, cores = list(names), os.cpu_count() or 1
    asked = jobs(what, names, SEEDS[:seeds])
    keys = [job.key for job in asked]
    before = [{what: row[what], "seed": row["seed"]} for row in read_record(path)["runs"]] if path.exists() else []
    # seeds that are not asked for and recorded already stay in the file
    listed = asked + [Job(key) for key in before if key not in keys and key[what] in names]
    record_rows(path, listed, run, about=about(command, LIBRARIES), processes=cores, piece=1)
