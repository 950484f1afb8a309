"""Lesson 10: a depot's parcels, the bin that they go into, and the study that tunes on them.

Two files stand in for a learner's own: one month's parcels, by which everything is chosen, and the month after, which
nothing is chosen by.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.env.config import EnvConfig
from binpack.items.catalogue import read_catalogue
from binpack.search.config import TuneConfig
from binpack.search.samplers import SamplerConfig
from binpack.search.space import Float, Int, Space

PARCELS, LATER = (Path(__file__).with_name(name) for name in ("parcels.csv", "later.csv"))
BIN = (600, 400, 400)
"""The bin's edges, mm."""
CELL = 50
"""Edge of a cell of the recorded search, mm."""
VISIBLE = 2
STEPS, TRIALS, SEEDS, FRESH, TOP = 65_536, 24, 2, 5, 3
TEST_STREAMS, LATER_SEED = 200, 30_000
SPACE = Space(
    parameters={
        "learning_rate": Float(low=1e-4, high=1e-2, log=True),
        "n_epochs": Int(low=2, high=12, log=True),
        "gamma": Float(low=0.9, high=1.0),
        "ent_coef": Float(low=1e-5, high=3e-2, log=True),
    }
)
"""What lessons 05 to 08 say is worth it, with the default inside."""
DEFAULT = PPOConfig(n_steps=64, batch_size=256, ent_coef=1e-4, precision="float32")
"""The configuration that tuning starts from."""


def env(items: Path = PARCELS, cell: int = CELL) -> EnvConfig:
    """Return the task.

    Args:
        items: the file.
        cell: edge of a cell, mm, that divides the bin's edges.
    """
    length, width, height = (edge // cell for edge in BIN)
    return EnvConfig(bin_size=(length, width, height), items=str(items), cell=f"{cell}mm", visible=VISIBLE)


def study(
    trials: int = TRIALS, steps: int = STEPS, seeds: int = SEEDS, cell: int = CELL, streams: int = TEST_STREAMS
) -> TuneConfig:
    """Return the study.

    Args:
        trials: how many.
        steps: environment steps of a run.
        seeds: runs of a trial.
        cell: edge of a cell, mm.
        streams: unseen streams of the final; half as many validate.
    """
    train = TrainConfig(
        env=env(cell=cell),
        ppo=DEFAULT,
        total_steps=steps,
        n_envs=32,
        eval_streams=max(1, streams // 2),
        tensorboard=False,
        device="cpu",
    )
    return TuneConfig(
        name="capstone",
        train=train,
        space=SPACE,
        sampler=SamplerConfig(kind="tpe", seed=0),
        n_trials=trials,
        seeds=seeds,
        final_seeds=0,
        test_streams=streams,
    )


@cache
def _edges() -> tuple[tuple[int, ...], ...]:
    catalogue = read_catalogue(PARCELS, cell="1mm")
    return tuple(map(tuple, np.repeat(catalogue.edges, catalogue.quantity, axis=0).tolist()))


def edges() -> NDArray:
    """Return every parcel's edges in whole mm, int64, (parcels, 3)."""
    return np.array(_edges(), np.int64)
