"""Records ``masking.json``: PPO on packing with masks, and with three things that may become of an illegal action.

    python -m binpack.course.l04_ppo.record_masking FOLDER [SEEDS]

Ten seeds an arm, the same number of environment steps and the same hyperparameters. Every finished run is kept in
FOLDER and not made again, so the command may be killed and repeated; SEEDS asks for the first few only. Seeds,
validation streams and the scores (mean utilization of the greedy policy, with masks in play and without) were declared
before the first run.
"""

from __future__ import annotations

import sys
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
from binpack.course.l04_ppo.recording import record_arms

FILE = Path(__file__).with_name("masking.json")
COMMAND = "python -m binpack.course.l04_ppo.record_masking FOLDER"
SEEDS = tuple(range(10))
AT = tuple(range(STEPS // POINTS, STEPS + 1, STEPS // POINTS))
DIGITS = 4


def run(arm: str, seed: int) -> dict[str, Any]:
    """Train one seed of one arm.

    Args:
        arm: of `ARMS`.
        seed: of the run.
    """
    curves = learn(make_model(arm, seed), both_ways(validation_streams()), AT)
    rounded = {name: [round(score, DIGITS) for score in scores] for name, scores in curves.scores.items()}
    return {**rounded, "seconds": round(curves.seconds, 1)}


def main(folder: Path, seeds: int = len(SEEDS)) -> None:
    """Record what is missing.

    Args:
        folder: keeps finished runs.
        seeds: how many of the seeds.
    """
    said = {
        "environment": ENV.model_dump(mode="json"),
        "n_envs": N_ENVS,
        "settings": dict(PPO_SETTINGS),
        "penalties": dict(ARMS),
        "limit": LIMIT,
        "streams": STREAMS,
        "validation_seed": VALIDATION_SEED,
        "steps": AT,
    }
    record_arms(FILE, COMMAND, [(arm, seed) for seed in SEEDS[:seeds] for arm in ARMS], run, folder, said)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("expected a folder, and perhaps a number of seeds")
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
