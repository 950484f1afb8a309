"""What the recorded study trains: the task, the space of eleven hyperparameters, and the list of all runs.

The task is that of lesson 05: a bin of 6 x 6 x 6 cells, items cut from a full one, each on a wholly supported base. A
run takes about 6 s of one core, and its result depends strongly on the hyperparameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.env.config import EnvConfig
from binpack.files import read_json
from binpack.search.space import Float, Int, Space

LED = Path(__file__).with_name("led.json")
STEPS, POINTS, ENVS = 40_960, 20, 32
EVERY = STEPS // POINTS
VALIDATION_STREAMS, VALIDATION_SEED = 200, 10_000
TEST_STREAMS, TEST_SEED = 1000, 20_000

TASKS: Mapping[str, EnvConfig] = {
    "cut": EnvConfig(bin_size=(6, 6, 6), items="cut_2:2-4", support="full"),
    "random": EnvConfig(bin_size=(6, 6, 6), items="random:2-4", support="full"),
}
"""The study's task, and the second one, with other items."""

SPACE = Space(
    parameters={
        "learning_rate": Float(low=1e-5, high=1e-1, log=True),
        "n_steps": Int(low=8, high=128, log=True),
        "batch_size": Int(low=32, high=512, log=True),
        "n_epochs": Int(low=1, high=20, log=True),
        "gamma": Float(low=0.8, high=1.0),
        "gae_lambda": Float(low=0.5, high=1.0),
        "clip_range": Float(low=0.05, high=0.5, log=True),
        "ent_coef": Float(low=1e-5, high=0.1, log=True),
        "vf_coef": Float(low=0.1, high=2.0, log=True),
        "max_grad_norm": Float(low=0.1, high=5.0, log=True),
        "width": Int(low=16, high=128, log=True),
    }
)
"""Ranges that guides recommend, and some way beyond; ``width`` is that of both hidden layers. A batch that is larger
than the rollout of ``32 * n_steps`` transitions is the whole rollout."""

DEFAULT: Mapping[str, Any] = {
    "learning_rate": 3e-4,
    "n_steps": 64,
    "batch_size": 64,
    "n_epochs": 10,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_range": 0.2,
    "ent_coef": 1e-5,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
    "width": 64,
}
"""Stable-Baselines3's defaults, with its rollout of 2,048 transitions. Its entropy coefficient is 0, which has no place
on a log scale; 1e-5 is as good as none."""

GRID: Mapping[str, tuple[Any, ...]] = {
    "learning_rate": (1e-4, 3e-4, 1e-3, 3e-3),
    "n_epochs": (4, 10, 20),
    "gamma": (0.9, 0.95, 0.99),
    "clip_range": (0.1, 0.2, 0.3),
}
"""The grid of lesson 06: what guides list for these four; all else is at its default."""

BOX = Space(
    parameters={
        "learning_rate": Float(low=1e-4, high=3e-3, log=True),
        "n_epochs": Int(low=4, high=20, log=True),
        "gamma": Float(low=0.9, high=0.99),
        "clip_range": Float(low=0.1, high=0.3),
    }
)
"""What the grid spans: where random search draws that is to be compared with it."""


def study_configs(count: int = 256, seed: int = 0) -> tuple[dict[str, Any], ...]:
    """Return the first points of a scrambled Sobol sequence over the space (Owen, 1998).

    Args:
        count: a power of two.
        seed: of the scrambling.
    """
    from scipy.stats import qmc

    points = qmc.Sobol(len(SPACE), rng=seed).random(count)
    return tuple(short(SPACE.at(point)) for point in points)


def grid_configs() -> tuple[dict[str, Any], ...]:
    """Return the cells of the grid."""
    return tuple({**DEFAULT, **dict(zip(GRID, cell, strict=True))} for cell in product(*GRID.values()))


def box_configs(count: int = 108, seed: int = 2) -> tuple[dict[str, Any], ...]:
    """Return configurations drawn at random between the ends of the grid; all else is at its default.

    Args:
        count: how many.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    return tuple({**DEFAULT, **short(BOX.sample(rng))} for _ in range(count))


def fresh_configs(count: int = 20, seed: int = 1) -> tuple[dict[str, Any], ...]:
    """Return configurations drawn at random that the study does not hold, for judging what predicts it.

    Args:
        count: how many.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    return tuple(short(SPACE.sample(rng)) for _ in range(count))


def short(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with three digits of each number: enough, and it can be read and typed.

    Args:
        values: of the hyperparameters.
    """
    return {name: float(f"{value:.3g}") if isinstance(value, float) else value for name, value in values.items()}


def led_configs() -> tuple[dict[str, Any], ...]:
    """Return the configurations at which searches of the surrogate ended (`leaders`); none before the first round."""
    if not LED.exists():
        return ()
    return tuple(row["values"] for row in read_json(LED, "the surrogate's leaders")["runs"])


def train_config(values: Mapping[str, Any], seed: int, task: str = "cut", steps: int = STEPS) -> TrainConfig:
    """Return the run of a configuration and a seed.

    Args:
        values: of the eleven hyperparameters.
        seed: of the run.
        task: a name of `TASKS`.
        steps: environment steps.
    """
    ppo = {name: value for name, value in values.items() if name != "width"}
    rollout = ENVS * values["n_steps"]
    ppo["batch_size"] = min(ppo["batch_size"], rollout)
    return TrainConfig(
        env=TASKS[task],
        ppo=PPOConfig(policy="mlp", net_arch=(values["width"], values["width"]), **ppo),
        total_steps=steps,
        n_envs=ENVS,
        seed=seed,
        eval_every=EVERY,
        eval_streams=VALIDATION_STREAMS,
        eval_seed=VALIDATION_SEED,
        device="cpu",
        tensorboard=False,
    )
