"""Records ``rivals.json``: A2C and DQN on packing, and PPO, SAC and TD3 on a pendulum.

    python -m binpack.course.l04_ppo.record_rivals

Ten seeds an arm. PPO's own runs on packing, with masks and without, are in ``masking.json``. It trains on every core
and can be killed and run again: what is finished is in the file beside it. Seeds, validation streams, starts and scores
were declared before the first run. The settings named "adapted" were chosen by single runs of seed 100, three for PPO
and one for DQN, before any seed of the record was run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from binpack.course.l04_ppo.masking import ENV, STREAMS, VALIDATION_SEED, learn, validation_streams
from binpack.course.l04_ppo.record_masking import AT, LIBRARIES, SEEDS
from binpack.course.l04_ppo.rivals import (
    EPISODE_SEED,
    EPISODES,
    LONG,
    PACKING,
    PENDULUM,
    SHORT,
    SWINGING,
    swing,
)
from binpack.course.records.rows import Recorder
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("rivals.json")
ELSEWHERE = ("PPO", "PPO, no mask")
"""Arms of packing that ``masking.json`` has."""
AT_SHORT = tuple(range(500, SHORT + 1, 500))
AT_LONG = (*AT_SHORT, *range(SHORT + 5_000, LONG + 1, 5_000))


def run(job: Job) -> dict[str, Any]:
    """Train one seed of one arm.

    Args:
        job: its key holds the seed, and as the arm the task and the name of the algorithm: "packing: DQN".
    """
    task, _, name = job.key["arm"].partition(": ")
    seed = job.key["seed"]
    if task == "packing":
        chosen = PACKING[name]
        curves = learn(chosen.make(seed), chosen.score(validation_streams()), AT)
    else:
        curves = learn(SWINGING[name](seed), swing, places(name))
    return {**curves.scores, "seconds": curves.seconds}


def places(name: str) -> tuple[int, ...]:
    """Return the environment steps at which a run on the pendulum is scored: PPO learns for longer than the others.

    Args:
        name: of `SWINGING`.
    """
    return AT_LONG if name.startswith("PPO") else AT_SHORT


def jobs() -> list[Job]:
    """List the runs: every arm with the first seed, then with the next."""
    arms = [f"packing: {name}" for name in PACKING if name not in ELSEWHERE]
    arms += [f"pendulum: {name}" for name in SWINGING]
    return [Job({"arm": arm, "seed": seed}) for seed in SEEDS for arm in arms]


def said(rows: Sequence[Job]) -> dict[str, Any]:
    """Return what holds for all rows.

    Args:
        rows: all of them.
    """
    return {
        "environment": ENV.model_dump(mode="json"),
        "streams": STREAMS,
        "validation_seed": VALIDATION_SEED,
        "steps": AT,
        "pendulum": {"environment": PENDULUM, "episodes": EPISODES, "seed": EPISODE_SEED, "short": SHORT, "long": LONG},
        "pendulum_steps": {name: places(name) for name in SWINGING},
    }


RECORDER = Recorder(FILE, LIBRARIES, jobs, run, said)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:])
