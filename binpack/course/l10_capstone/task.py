"""Lesson 10: a depot's parcels, the bin that they go into, and the study that tunes on them.

Two files stand in for a learner's own: one month's parcels, by which everything is chosen, and the month after, which
nothing is chosen by. Whatever takes ``items`` and ``size`` takes a learner's own file and bin as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from binpack.agents.config import PPOConfig, TrainConfig
from binpack.env.config import EnvConfig
from binpack.files import InputError
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
STREAMS, LATER_SEED = 200, 30_000
SPACE = Space(
    parameters={
        "learning_rate": Float(low=1e-4, high=1e-2, log=True),
        "n_epochs": Int(low=2, high=12, log=True),
        "gamma": Float(low=0.9, high=1.0),
        "ent_coef": Float(low=1e-5, high=3e-2, log=True),
    }
)
"""What lesson 05 says is worth it, with the default inside."""
DEFAULT = PPOConfig(n_steps=64, batch_size=256, ent_coef=1e-4, precision="float32")
"""The configuration that tuning starts from: the package's, but that it has shorter rollouts of more bins, larger
minibatches, and an entropy term, which a logarithmic range cannot reach at 0."""


def env(items: Path = PARCELS, cell: int = CELL, size: Sequence[int] = BIN) -> EnvConfig:
    """Return the task.

    Args:
        items: the file.
        cell: edge of a cell, mm, that divides the bin's edges.
        size: the bin's edges, mm.

    Raises:
        InputError: a cell that does not divide them.
    """
    if any(edge % cell for edge in size):
        raise InputError(f"a cell of {cell} mm does not divide a bin of {' x '.join(map(str, size))} mm")
    length, width, height = (edge // cell for edge in size)
    return EnvConfig(bin_size=(length, width, height), items=str(items), cell=f"{cell}mm", visible=VISIBLE)


def study(
    task: EnvConfig, trials: int = TRIALS, steps: int = STEPS, seeds: int = SEEDS, streams: int = STREAMS
) -> TuneConfig:
    """Return a study of a task.

    Args:
        task: what is packed.
        trials: how many.
        steps: environment steps of a run.
        seeds: runs of a trial.
        streams: unseen streams of the final; half as many validate.
    """
    train = TrainConfig(
        env=task,
        ppo=DEFAULT,
        total_steps=steps,
        n_envs=32,
        eval_every=-(-steps // 4),
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


def edges(items: Path = PARCELS) -> NDArray:
    """Return every item's edges in whole mm, int64, (items, 3).

    Args:
        items: the file.
    """
    catalogue = read_catalogue(items, cell="1mm")
    return np.repeat(catalogue.edges, catalogue.quantity, axis=0)
