"""Records ``penalty.json``: the training episodes of PPO where an illegal action costs as much as an item brings.

    python -m binpack.course.l04_ppo.record_penalty

Ten seeds of the arm "stays, 0.1" of ``masking.json``, with its settings. It trains on every core and can be killed and
run again: what is finished is in the file beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from binpack.course.l04_ppo.masking import ARMS, ENV, LIMIT, N_ENVS, POINTS, PPO_SETTINGS, STEPS
from binpack.course.l04_ppo.penalty import ARM, training_episodes
from binpack.course.records.rows import Recorder
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("penalty.json")
LIBRARIES = ("numpy", "torch", "gymnasium", "stable-baselines3", "sb3-contrib")
SEEDS = tuple(range(10))
AT = tuple(range(STEPS // POINTS, STEPS + 1, STEPS // POINTS))


def run(job: Job) -> dict[str, Any]:
    """Train one seed.

    Args:
        job: its key holds the arm and the seed.
    """
    return training_episodes(AT, job.key["seed"], job.key["arm"])


def jobs() -> list[Job]:
    """List the runs."""
    return [Job({"arm": ARM, "seed": seed}) for seed in SEEDS]


def said(rows: Sequence[Job]) -> dict[str, Any]:
    """Return what holds for all rows.

    Args:
        rows: all of them.
    """
    return {
        "environment": ENV.model_dump(mode="json"),
        "n_envs": N_ENVS,
        "settings": dict(PPO_SETTINGS),
        "penalty": ARMS[ARM],
        "limit": LIMIT,
        "steps": AT,
    }


RECORDER = Recorder(FILE, LIBRARIES, jobs, run, said)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:])
