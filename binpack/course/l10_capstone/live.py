"""Lesson 10: a search so small that it is made while one reads, with everything that a large one has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from binpack.course.l10_capstone import task
from binpack.search.report import TuneResult
from binpack.search.study import tune

CELL, TRIALS, STEPS, STREAMS = 100, 4, 4096, 20


def search(folder: Path, items: Path = task.PARCELS, size: Sequence[int] = task.BIN) -> TuneResult:
    """Run a small study, or go on with it: large cells, few trials of one seed, short runs.

    Args:
        folder: for its journal and its runs.
        items: the file.
        size: the bin's edges, mm, multiples of `CELL`.
    """
    study = task.study(task.env(items, CELL, size), TRIALS, STEPS, seeds=1, streams=STREAMS)
    sides = "x".join(map(str, size))
    return tune(study, folder / f"small_{items.stem}_{sides}.journal", progress=False)
