"""The recorded study as an objective: a search method of your own is tested on it in ten lines and a few seconds.

    import optuna
    from binpack.search import landscape

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(landscape.objective, n_trials=50)
    print(study.best_params, study.best_value, landscape.worth(study.best_params))

``best_value`` is the highest of fifty noisy scores; ``worth`` is what the configuration scores on average over seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.landscape.table import load

if TYPE_CHECKING:
    import optuna

space = task.SPACE
"""Eleven hyperparameters; ``space.sample(rng)`` draws a configuration, ``space.suggest(trial)`` asks Optuna for one."""


@cache
def _model() -> Surrogate:
    return Surrogate.recorded()


@cache
def _recorded() -> Mapping[tuple[Any, ...], tuple[int, str]]:
    """Configuration -> its number and its group."""
    groups = ("led", "box", "grid", "default", "study")  # what two groups have is looked up in the later one
    there = [group for group in groups if group in load().groups]
    return {_key(values): (place, group) for group in there for place, values in enumerate(load().configs(group))}


def _key(config: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(config[name] for name in space.names)


def curve(config: Mapping[str, Any], seed: int) -> NDArray:
    """Return a run's utilization on the validation streams after each 2,048 environment steps, float64, (20,).

    A run that was recorded is returned as it was. Any other one is drawn from a model of the recorded ones: a likely
    run, with a likely deviation from the mean over seeds.

    Args:
        config: a value for each hyperparameter of `space`.
        seed: of the run; the same one gives the same curve.

    Raises:
        SearchError: one line: a value is missing or outside its range.
    """
    place = space.place(config)
    number, group = _recorded().get(_key(config), (-1, ""))
    if number >= 0:
        runs = load().runs(group)
        if seed in runs.seeds:
            return np.nan_to_num(runs.utilization[number, runs.seeds.index(seed)].astype(float))
    return _model().draw(np.array(place), np.random.default_rng(seed))[0]


def worth(config: Mapping[str, Any]) -> float:
    """Return the score that a configuration has on average over seeds, by the model.

    Args:
        config: a value for each hyperparameter of `space`.

    Raises:
        SearchError: one line: a value is missing or outside its range.
    """
    return float(_model().means(np.array(space.place(config)))[0])


def objective(trial: optuna.trial.Trial) -> float:
    """Train a configuration that an Optuna trial suggests, in no time: the trial's number is the seed.

    The score is reported after each 2,048 steps, so a pruner may stop the run.

    Args:
        trial: of a study that maximizes.

    Returns:
        The utilization at the end.
    """
    import optuna

    scores = curve(space.suggest(trial), trial.number)
    for point, score in enumerate(scores, start=1):
        trial.report(float(score), point * task.EVERY)
        if trial.should_prune():
            raise optuna.TrialPruned
    return float(scores[-1])
