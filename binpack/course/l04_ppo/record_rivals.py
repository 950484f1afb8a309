"""Records ``rivals.json``: A2C and DQN on packing, and PPO, SAC and TD3 on a pendulum.

    python -m binpack.course.l04_ppo.record_rivals FOLDER [SEEDS]

Ten seeds an arm. PPO's own runs on packing, with masks and without, are in ``masking.json``. Every finished run is kept
in FOLDER and not made again, so the command may be killed and repeated; SEEDS asks for the first few only. Seeds,
validation streams, starts and scores were declared before the first run. The settings named "adapted" were chosen by
single runs of seed 100, three for PPO and one for DQN, before any seed of the record was run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from binpack.course.l04_ppo.masking import ENV, STREAMS, VALIDATION_SEED, learn, validation_streams
from binpack.course.l04_ppo.record_masking import AT, DIGITS, SEEDS
from binpack.course.l04_ppo.recording import record_arms
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

FILE = Path(__file__).with_name("rivals.json")
COMMAND = "python -m binpack.course.l04_ppo.record_rivals FOLDER"
ELSEWHERE = ("PPO", "PPO, no mask")
"""Arms of packing that ``masking.json`` has."""
AT_SHORT = tuple(range(500, SHORT + 1, 500))
AT_LONG = (*AT_SHORT, *range(SHORT + 5_000, LONG + 1, 5_000))


def run(arm: str, seed: int) -> dict[str, Any]:
    """Train one seed of one arm.

    Args:
        arm: the task and the name of the algorithm, as "packing: DQN".
        seed: of the run.
    """
    task, _, name = arm.partition(": ")
    if task == "packing":
        chosen = PACKING[name]
        curves = learn(chosen.make(seed), chosen.score(validation_streams()), AT)
    else:
        curves = learn(SWINGING[name](seed), swing, places(name))
    digits = DIGITS if task == "packing" else 1
    rounded = {name: [round(score, digits) for score in scores] for name, scores in curves.scores.items()}
    return {**rounded, "seconds": round(curves.seconds, 1)}


def places(name: str) -> tuple[int, ...]:
    """Return the environment steps at which a run on the pendulum is scored: PPO learns for longer than the others.

    Args:
        name: of `SWINGING`.
    """
    return AT_LONG if name.startswith("PPO") else AT_SHORT


def jobs(seeds: int = len(SEEDS)) -> list[tuple[str, int]]:
    """List the runs, seed by seed: those on packing, then those on the pendulum, which take longer.

    Args:
        seeds: how many of the seeds.
    """
    tasks = {"packing": [name for name in PACKING if name not in ELSEWHERE], "pendulum": list(SWINGING)}
    return [(f"{task}: {name}", seed) for task, names in tasks.items() for seed in SEEDS[:seeds] for name in names]


def main(folder: Path, seeds: int = len(SEEDS)) -> None:
    """Record what is missing.

    Args:
        folder: keeps finished runs.
        seeds: how many of the seeds.
    """
    said = {
        "environment": ENV.model_dump(mode="json"),
        "streams": STREAMS,
        "validation_seed": VALIDATION_SEED,
        "steps": AT,
        "pendulum": {"environment": PENDULUM, "episodes": EPISODES, "seed": EPISODE_SEED, "short": SHORT, "long": LONG},
        "pendulum_steps": {name: places(name) for name in SWINGING},
    }
    record_arms(FILE, COMMAND, jobs(seeds), run, folder, said)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("expected a folder, and perhaps a number of seeds")
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
