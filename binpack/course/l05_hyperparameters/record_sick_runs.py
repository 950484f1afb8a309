"""Records ``sick_runs.json``, the healthy and the sick runs of lesson 05b.

    python -m binpack.course.l05_hyperparameters.record_sick_runs

It trains on every core and can be killed and run again: what is finished is in the file beside it. A number of seeds
after the command records only so many.
"""

from __future__ import annotations

import sys
from typing import Any

from binpack.course.l05_hyperparameters.by_seed import record
from binpack.course.l05_hyperparameters.sick_runs import CASES, FILE, train_case
from binpack.search.recorder import Job


def run(job: Job) -> dict[str, Any]:
    """Train one run and return its diagnostics; None where there is none.

    Args:
        job: its key holds ``case`` and ``seed``.
    """
    curves = train_case(CASES[job.key["case"]], job.key["seed"])
    return {name: [None if value != value else value for value in row.tolist()] for name, row in curves.items()}


if __name__ == "__main__":
    record(FILE, "case", CASES, run, *map(int, sys.argv[1:]))
