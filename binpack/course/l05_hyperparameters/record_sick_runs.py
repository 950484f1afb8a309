"""Records ``sick_runs.json``, the healthy and the sick runs of lesson 05b.

    python -m binpack.course.l05_hyperparameters.record_sick_runs

It trains on every core and can be killed and run again: what is finished is in the file beside it. A number of seeds
after the command records only so many.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import torch

from binpack.course.l05_hyperparameters.recording import record
from binpack.course.l05_hyperparameters.sick_runs import CASES, FILE, train_case

COMMAND = "python -m binpack.course.l05_hyperparameters.record_sick_runs"
SEEDS = tuple(range(10))


def jobs(seeds: tuple[int, ...] = SEEDS) -> list[dict[str, Any]]:
    """List the runs: every case with the first seed, then with the next.

    Args:
        seeds: training seeds.
    """
    return [{"case": case, "seed": seed} for seed in seeds for case in CASES]


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Train one run and return its diagnostics; None where there is none.

    Args:
        job: ``case`` and ``seed``.
    """
    torch.set_num_threads(1)
    curves = train_case(CASES[job["case"]], job["seed"])
    return {name: [None if value != value else value for value in row.tolist()] for name, row in curves.items()}


def main(seeds: int = len(SEEDS)) -> None:
    """Record what is missing.

    Args:
        seeds: how many.
    """
    record(FILE, jobs(SEEDS[:seeds]), run, command=COMMAND)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
