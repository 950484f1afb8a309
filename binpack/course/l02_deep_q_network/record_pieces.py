"""Records ``pieces.json`` and ``pieces.pt``: what the replay buffer and the target network are worth on CartPole.

    python -m binpack.course.l02_deep_q_network.record_pieces FOLDER

Four arms, ten seeds each, the same number of steps: all parts; updates that draw from the last 128 steps instead of a
large buffer; an update after every step, with that step alone; and a target network that is copied after every update,
which is to have none. Every finished run
is kept in FOLDER and not run again, so the command may be killed and repeated. Seeds, validation episodes and the score
(the mean of the validation episodes) were declared before the first run. The weights are those of the seed that did
best on fresh episodes: a network to look at, not a result.
"""

from __future__ import annotations

import dataclasses
import sys
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from binpack.course.l02_deep_q_network import exercises as dqn
from binpack.course.l02_deep_q_network.agent import (
    VALIDATION_SEED,
    Agent,
    DQNConfig,
    Validation,
    with_weights,
)
from binpack.course.l02_deep_q_network.probes import random_steps
from binpack.course.records import about, kept, write_record

FILE = Path(__file__).with_name("pieces.json")
WEIGHTS = FILE.with_suffix(".pt")
ENV = "CartPole-v1"
CONFIG = DQNConfig(
    total_steps=10_000,
    learning_rate=5e-4,
    gamma=0.98,
    batch_size=128,
    learning_starts=500,
    epsilon_steps=2_500,
)
ARMS = {
    "all parts": CONFIG,
    "last 128 steps": CONFIG.replace(buffer_size=CONFIG.batch_size),
    "every step once": CONFIG.replace(buffer_size=1, batch_size=1, train_every=1),
    "no target network": CONFIG.replace(target_update=CONFIG.train_every),
}
SEEDS = tuple(range(10))
EVERY, EPISODES, TEST_EPISODES, TEST_SEED = 500, 5, 20, 2_000_000
LIBRARIES = ("numpy", "torch", "gymnasium")


class Watch(Validation):
    """Also notes how large the network thinks its values are: the mean, over fixed observations, of the best Q-value.

    Attributes:
        values: environment step to that mean.
    """

    def __init__(self) -> None:
        """Prepare it, with observations of 400 random steps."""
        super().__init__(dqn.evaluate, gym.make(ENV), EVERY, EPISODES, VALIDATION_SEED)
        steps = random_steps(gym.make(ENV), 400, seed=0)
        self._seen = torch.from_numpy(np.stack([step.observation for step in steps]))
        self.values: dict[int, float] = {}

    def __call__(self, step: int, agent: Agent) -> bool:
        """Look at the agent after a step, from 1 up; never stops the run."""
        if step % EVERY == 0:
            with torch.inference_mode():
                self.values[step] = float(agent.network(self._seen).max(dim=1).values.mean())
        return super().__call__(step, agent)


def one(arm: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train one seed of one arm, choose the checkpoint on the validation episodes and test it on fresh ones.

    Args:
        arm: of `ARMS`.
        seed: of the run.
        folder: gets the checkpoint.
    """
    watch = Watch()
    run = dqn.train(gym.make(ENV), ARMS[arm], dqn.REFERENCE, seed, watch)
    step, score, weights = watch.best
    network = with_weights(run.agent.network, weights)
    torch.save(weights, folder / f"{arm.replace(' ', '_')}_{seed}.pt")
    return {
        "arm": arm,
        "seed": seed,
        "validation": {str(at): round(mean, 1) for at, mean in watch.scores.items()},
        "values": {str(at): round(mean, 2) for at, mean in watch.values.items()},
        "chosen_step": step,
        "chosen_score": round(score, 1),
        "test": dqn.evaluate(network, gym.make(ENV), TEST_EPISODES, TEST_SEED).tolist(),
    }


def record(folder: Path) -> None:
    """Run what is missing and write both files.

    Args:
        folder: keeps finished runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [(arm, seed) for seed in SEEDS for arm in ARMS]
    rows = [
        kept(folder / f"{arm.replace(' ', '_')}_{seed}.json", partial(one, arm, seed, folder)) for arm, seed in pairs
    ]
    rows.sort(key=lambda row: (list(ARMS).index(row["arm"]), row["seed"]))
    best = max((row for row in rows if row["arm"] == "all parts"), key=lambda row: np.mean(row["test"]))
    torch.save(torch.load(folder / f"all_parts_{best['seed']}.pt", weights_only=True), WEIGHTS)
    made = {
        "about": about("python -m binpack.course.l02_deep_q_network.record_pieces FOLDER", LIBRARIES),
        "environment": ENV,
        "arms": {arm: dataclasses.asdict(config) for arm, config in ARMS.items()},
        "episodes": EPISODES,
        "validation_seed": VALIDATION_SEED,
        "test_seed": TEST_SEED,
        "shipped_seed": best["seed"],
    }
    write_record(FILE, made | {"runs": rows})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("expected one argument: a folder")
    torch.set_num_threads(1)
    record(Path(sys.argv[1]))
