"""Records ``curriculum.json``, the runs with and without a curriculum in lesson 05b.

    python -m binpack.course.l05_hyperparameters.record_curriculum

It trains on every core and can be killed and run again: what is finished is in the file beside it. A number of seeds
after the command records only so many.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import torch

from binpack.course.l05_hyperparameters.curriculum import ARMS, FILE, train_in_stages
from binpack.course.l05_hyperparameters.recording import record

COMMAND = "python -m binpack.course.l05_hyperparameters.record_curriculum"
SEEDS = tuple(range(10))


def jobs(seeds: tuple[int, ...] = SEEDS) -> list[dict[str, Any]]:
    """List the runs: every way to train with the first seed, then with the next.

    Args:
        seeds: training seeds.
    """
    return [{"arm": arm, "seed": seed} for seed in seeds for arm in ARMS]


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Train one agent and return its curve.

    Args:
        job: ``arm`` and ``seed``.
    """
    torch.set_num_threads(1)
    lessons = train_in_stages(ARMS[job["arm"]], job["seed"])
    return {name: getattr(lessons, name).tolist() for name in ("steps", "utilization", "stages")}


def main(seeds: int = len(SEEDS)) -> None:
    """Record what is missing.

    Args:
        seeds: how many.
    """
    record(FILE, jobs(SEEDS[:seeds]), run, command=COMMAND)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
