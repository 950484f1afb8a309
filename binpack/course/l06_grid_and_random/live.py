"""Lesson 06: a few real runs, so that nobody has to take the record's word for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from binpack.course import short_runs
from binpack.course.progress import progress
from binpack.course.tables import Table


def search(configs: Sequence[Mapping[str, Any]], names: Sequence[str], seed: int = 0) -> Table:
    """Train each configuration for a short while, and put the scores into a table, the best first.

    Args:
        configs: values of all hyperparameters each.
        names: hyperparameters that the table shows.
        seed: of all runs.
    """
    scores = [short_runs.score(values, seed) for values in progress(configs, "runs")]
    ranked = sorted(zip(scores, configs, strict=True), key=lambda pair: -pair[0])
    rows = [[f"{score:.3f}", *(f"{values[name]:.3g}" for name in names)] for score, values in ranked]
    return Table(("utilization", *names), rows, f"{len(rows)} runs of {short_runs.STEPS} steps, seed {seed}")
