"""The runs behind lesson 05: one hyperparameter at a time, a few two at a time, all else at the default.

The task is small enough for hundreds of runs and hard enough that settings matter: a bin of 6 x 6 x 6 cells, items cut
from a full one, each to stand on a wholly supported base.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.env.config import EnvConfig
from binpack.search.recorder import Job

ENV = EnvConfig(bin_size=(6, 6, 6), items="cut_2:2-4", support="full")
STEPS, POINTS, STREAMS, ENVS = 40_000, 20, 200, 32
SEEDS = tuple(range(10))
VALIDATION_SEED = 10_000

DEFAULT: Mapping[str, Any] = {
    "learning_rate": 3e-4,
    "n_steps": 64,
    "batch_size": 64,
    "n_epochs": 10,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_range": 0.2,
    "ent_coef": 0.0,
    "vf_coef": 0.5,
    "normalize_advantage": True,
    "max_grad_norm": 0.5,
}
"""Stable-Baselines3's defaults; 64 steps of 32 environments are its rollout of 2,048 transitions."""

NO_LIMIT = 1e6
"""A `max_grad_norm` that no gradient here reaches."""

VALUES: Mapping[str, tuple[Any, ...]] = {
    "learning_rate": (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "n_steps": (8, 16, 32, 64, 128, 256, 512),
    "batch_size": (16, 32, 64, 128, 256, 1024, 2048),
    "n_epochs": (1, 2, 4, 10, 20, 30),
    "gamma": (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0),
    "gae_lambda": (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.0),
    "clip_range": (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8),
    "ent_coef": (0.0, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3),
    "vf_coef": (0.0, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0),
    "normalize_advantage": (True, False),
    "max_grad_norm": (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, NO_LIMIT),
}
"""The values of each hyperparameter, the default among them."""

N_ENVS = (1, 4, 8, 32, 128, 256)
"""Numbers of environments that share a rollout of 2,048 transitions."""

GRIDS: Mapping[tuple[str, str], tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    ("learning_rate", "n_epochs"): ((1e-4, 3e-4, 1e-3, 3e-3), (1, 4, 10, 20)),
    ("n_steps", "batch_size"): ((16, 64, 256), (32, 64, 256, 512)),
}
"""Pairs that matter together, with the values of either."""

OTHERS: tuple[Mapping[str, Any], ...] = (
    {"learning_rate_schedule": "linear"},
    {"learning_rate_schedule": "linear", "learning_rate": 1e-3},
    {"learning_rate_schedule": "linear", "learning_rate": 3e-3},
    {"clip_range_schedule": "linear"},
    {"target_kl": 0.01},
    {"target_kl": 0.03},
    {"learning_rate": 3e-3, "target_kl": 0.03},
)
"""Schedules and an early stop of the epochs."""


def changes() -> Iterator[dict[str, Any]]:
    """Yield what each setting changes of the default, each once; the default itself changes nothing and comes first."""
    seen: list[dict[str, Any]] = []
    for change in _all():
        left = {name: value for name, value in change.items() if name not in DEFAULT or value != DEFAULT[name]}
        if left not in seen:
            seen.append(left)
            yield left


def _all() -> Iterator[dict[str, Any]]:
    yield {}
    for name, values in VALUES.items():
        yield from ({name: value} for value in values)
    rollout = ENVS * DEFAULT["n_steps"]
    yield from ({"n_envs": count, "n_steps": rollout // count} for count in N_ENVS if count != ENVS)
    for (one, other), (ones, others) in GRIDS.items():
        yield from ({one: first, other: second} for first in ones for second in others)
    yield from map(dict, OTHERS)


def config(change: Mapping[str, Any], seed: int, steps: int = STEPS) -> TrainConfig:
    """Return the run of a setting and a seed.

    Args:
        change: what it changes of the default; `n_envs` is the number of environments.
        seed: of the run.
        steps: environment steps.
    """
    ppo = {**DEFAULT, **{name: value for name, value in change.items() if name != "n_envs"}}
    return TrainConfig(
        env=ENV,
        ppo=PPOConfig(policy="mlp", net_arch=(64, 64), **ppo),
        total_steps=steps,
        n_envs=change.get("n_envs", ENVS),
        seed=seed,
        eval_every=steps // POINTS,
        eval_streams=STREAMS,
        eval_seed=VALIDATION_SEED,
        device="cpu",
        tensorboard=False,
    )


def jobs(seeds: tuple[int, ...] = SEEDS, steps: int = STEPS) -> list[Job]:
    """List the runs: every setting with the first seed, then with the next, so that a record is of use before its end.

    Args:
        seeds: training seeds.
        steps: environment steps of each run.
    """
    settings = list(changes())
    return [Job({"change": change, "seed": seed}, config(change, seed, steps)) for seed in seeds for change in settings]
