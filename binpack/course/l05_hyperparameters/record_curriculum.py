"""Records ``curriculum.json``, the runs with and without a curriculum in lesson 05b.

    python -m binpack.course.l05_hyperparameters.record_curriculum

It trains on every core and can be killed and run again: what is finished is in the file beside it. A number of seeds
after the command records only so many.
"""

from __future__ import annotations

import sys
from typing import Any

from binpack.course.l05_hyperparameters.by_seed import record
from binpack.course.l05_hyperparameters.curriculum import ARMS, FILE, train_in_stages
from binpack.search.recorder import Job


def run(job: Job) -> dict[str, Any]:
    """Train one agent and return its curve.

    Args:
        job: its key holds ``arm`` and ``seed``.
    """
    lessons = train_in_stages(ARMS[job.key["arm"]], job.key["seed"])
    return {name: getattr(lessons, name).tolist() for name in ("steps", "utilization", "stages")}


if __name__ == "__main__":
    record(FILE, "arm", ARMS, run, *map(int, sys.argv[1:]))
