"""Records ``masking.json``: PPO on packing with masks, and with three things that may become of an illegal action.

    python -m binpack.course.l04_ppo.record_masking

Ten seeds an arm, the same number of environment steps and the same hyperparameters. It trains on every core and can be
killed and run again: what is finished is in the file beside it. Seeds, validation streams and the scores (mean
utilization of the greedy policy, with masks in play and without) were declared before the first run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from binpack.course.l04_ppo.masking import (
    ARMS,
    ENV,
    LIMIT,
    N_ENVS,
    POINTS,
    PPO_SETTINGS,
    STEPS,
    STREAMS,
    VALIDATION_SEED,
    both_ways,
    learn,
    make_model,
    validation_streams,
)
from binpack.course.records.rows import Recorder
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("masking.json")
LIBRARIES = ("numpy", "torch", "gymnasium", "stable-baselines3", "sb3-contrib")
SEEDS = tuple(range(10))
AT = tuple(range(STEPS // POINTS, STEPS + 1, STEPS // POINTS))


def run(job: Job) -> dict[str, Any]:
    """Train one seed of one arm.

    Args:
        job: its key holds the arm, of `ARMS`, and the seed.
    """
    curves = learn(make_model(job.key["arm"], job.key["seed"]), both_ways(validation_streams()), AT)
    return {**curves.scores, "seconds": curves.seconds}


def jobs() -> list[Job]:
    """List the runs: every arm with the first seed, then with the next."""
    return [Job({"arm": arm, "seed": seed}) for seed in SEEDS for arm in ARMS]


def said(rows: Sequence[Job]) -> dict[str, Any]:
    """Return what holds for all rows.

    Args:
        rows: all of them.
    """
    return {
        "environment": ENV.model_dump(mode="json"),
        "n_envs": N_ENVS,
        "settings": dict(PPO_SETTINGS),
        "penalties": dict(ARMS),
        "limit": LIMIT,
        "streams": STREAMS,
        "validation_seed": VALIDATION_SEED,
        "steps": AT,
    }


RECORDER = Recorder(FILE, LIBRARIES, jobs, run, said)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:])
