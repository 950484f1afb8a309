"""Lesson 08b: searches of the surrogate with more or fewer trials, in all eleven hyperparameters or in a few.

A trial is one run; what a search found is the true worth of the trial that scored highest. Hyperparameters that a space
leaves out keep their defaults.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import optuna
from numpy.typing import NDArray

from binpack.course.asking import search
from binpack.course.l08_optuna.shares import SAMPLERS
from binpack.course.searching import worth_of_leaders
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate

SPACES: Mapping[str, tuple[str, ...]] = {
    "all eleven": tuple(task.SPACE.names),
    "five of the guides": ("learning_rate", "n_steps", "n_epochs", "gamma", "ent_coef"),
    "three of the guides": ("learning_rate", "n_steps", "ent_coef"),
    "five that matter": (),
    "three that matter": (),
}
"""What is searched; those that matter are what the record's importance says, see `members`."""


def members(name: str, in_all: NDArray) -> tuple[str, ...]:
    """Return the hyperparameters of a space.

    Args:
        name: of `SPACES`.
        in_all: how much each hyperparameter matters, (11,).
    """
    if SPACES[name]:
        return SPACES[name]
    order = np.argsort(-in_all, kind="stable")
    return tuple(task.SPACE.names[place] for place in order[: {"five": 5, "three": 3}[name.split()[0]]])


def searched(model: Surrogate, sampler: str, names: tuple[str, ...], trials: int, seed: int) -> NDArray:
    """Search the surrogate, and return what the leader is truly worth after each trial, float64, (trials,).

    Args:
        model: of the recorded study.
        sampler: "random" or "TPE".
        names: the hyperparameters that are searched.
        trials: how many.
        seed: of the sampler and of the noise.
    """
    rng = np.random.default_rng([seed, len(names)])
    study = optuna.create_study(direction="maximize", sampler=SAMPLERS[sampler](seed))
    return worth_of_leaders(*search(study, model, trials, rng, space=task.SPACE.only(*names)))
