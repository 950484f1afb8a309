"""Lesson 10: a search so small that it is made while one reads, with everything that a large one has."""

from __future__ import annotations

from pathlib import Path

from binpack.course.l10_capstone import task
from binpack.search.config import TuneConfig
from binpack.search.report import TuneResult
from binpack.search.study import tune

CELL, TRIALS, STEPS, STREAMS = 100, 4, 4096, 20


def study() -> TuneConfig:
    """Return the small study: large cells, few trials of one seed, short runs."""
    return task.study(TRIALS, STEPS, seeds=1, cell=CELL, streams=STREAMS)


def search(folder: Path) -> TuneResult:
    """Run the small study, or go on with it.

    Args:
        folder: for its journal and its runs.
    """
    return tune(study(), folder / "small.journal", progress=False)
