"""Records ``cartpole.json``: how reliably lesson 02's agent solves CartPole.

    python -m binpack.course.l02_deep_q_network.record_cartpole FOLDER

Every finished run is kept in FOLDER and not run again, so the command may be killed and repeated. It trains ten seeds
with the default settings, chooses a checkpoint of each on validation episodes, and tests it on fresh ones.
"""

from __future__ import annotations

import dataclasses
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch

from binpack.course.l02_deep_q_network import exercises as dqn
from binpack.course.l02_deep_q_network.agent import VALIDATION_SEED, DQNConfig, Validation, with_weights
from binpack.course.records import about, kept, write_record

FILE = Path(__file__).with_name("cartpole.json")
ENV = "CartPole-v1"
CONFIG = DQNConfig()
SEEDS = tuple(range(10))
EVERY, VALIDATION_EPISODES, TEST_EPISODES, TEST_SEED = 1_000, 10, 20, 2_000_000
HIGHEST = 500.0  # no episode returns more, so a validation that reaches it ends the training
LIBRARIES = ("numpy", "torch", "gymnasium")


def solve(seed: int) -> dict[str, Any]:
    """Train with the default settings, choose the checkpoint on validation episodes, test it on fresh ones.

    Args:
        seed: of the run.
    """
    start = time.process_time()
    validation = Validation(dqn.evaluate, gym.make(ENV), EVERY, VALIDATION_EPISODES, VALIDATION_SEED, enough=HIGHEST)
    run = dqn.train(gym.make(ENV), CONFIG, dqn.REFERENCE, seed, validation)
    step, score, weights = validation.best
    network = with_weights(run.agent.network, weights)
    return {
        "seed": seed,
        "validation": {str(at): round(mean, 1) for at, mean in validation.scores.items()},
        "chosen_step": step,
        "chosen_score": round(score, 1),
        "test": dqn.evaluate(network, gym.make(ENV), TEST_EPISODES, TEST_SEED).tolist(),
        "cpu_seconds": round(time.process_time() - start),
    }


def record(folder: Path) -> None:
    """Run what is missing and write the file.

    Args:
        folder: keeps finished runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "about": about("python -m binpack.course.l02_deep_q_network.record_cartpole FOLDER", LIBRARIES),
        "environment": ENV,
        "config": dataclasses.asdict(CONFIG),
        "test_seed": TEST_SEED,
    }
    write_record(FILE, made | {"runs": [kept(folder / f"solve_{seed}.json", partial(solve, seed)) for seed in SEEDS]})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument: a folder")
    torch.set_num_threads(1)
    record(Path(sys.argv[1]))
