"""Records ``arm.json``, the runs of the robot arm in lesson 05b.

    python -m binpack.course.l05_hyperparameters.record_arm

It trains on every core and can be killed and run again: what is finished is in the file beside it. A number of seeds
after the command records only so many.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from binpack.course.l05_hyperparameters.arm_runs import greedy, score, settings, train_arm
from binpack.course.l05_hyperparameters.recording import record

FILE = Path(__file__).with_name("arm.json")
COMMAND = "python -m binpack.course.l05_hyperparameters.record_arm"
SEEDS = tuple(range(10))
KEPT = ("approx_kl", "clip_fraction", "explained_variance", "entropy")


def jobs(seeds: tuple[int, ...] = SEEDS) -> list[dict[str, Any]]:
    """List the runs: every setting with the first seed, then with the next, so that a record is of use before its end.

    Args:
        seeds: training seeds.
    """
    return [{"setting": name, "seed": seed} for seed in seeds for name in settings()]


def run(job: Mapping[str, Any]) -> dict[str, Any]:
    """Train one arm and return what is recorded of it.

    Args:
        job: ``setting`` and ``seed``.

    Returns:
        The learning curve, diagnostics at its points, and for a run with ``VecNormalize`` under ``forgotten`` the
        return that the same agent gets where its statistics are left out.
    """
    torch.set_num_threads(1)
    setting = settings()[job["setting"]]
    trained = train_arm(setting, job["seed"])
    row = {
        "steps": trained.steps.tolist(),
        "return": trained.returns.tolist(),
        "distance": trained.distances.tolist(),
        **{name: trained.diagnostics[name].tolist() for name in KEPT},
    }
    if setting.normalize:
        row["forgotten"] = score(greedy(trained.model), setting)[0]
    return row


def main(seeds: int = len(SEEDS)) -> None:
    """Record what is missing.

    Args:
        seeds: how many.
    """
    record(FILE, jobs(SEEDS[:seeds]), run, command=COMMAND)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
