"""Lesson 08: what each of Optuna's samplers can do, found out by trying.

Whether a sampler learns is asked without looking inside: two searches begin with the same trials, whose scores are high
in one where they are low in the other. A sampler that learns then asks for other values in the two.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, GridSampler, QMCSampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState

from binpack.course.tables import Table
from binpack.search.storage import quiet

TRIALS = 11
"""Of a search, one more than the random ones with which TPE and the Gaussian process begin."""
_LEVELS = [round(0.05 + 0.1 * level, 2) for level in range(10)]
_CELLS: Mapping[str, list[Any]] = {"x": _LEVELS, "y": _LEVELS, "kind": ["a", "b", "c", "d"]}

SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = {
    "RandomSampler": lambda seed: RandomSampler(seed=seed),
    "QMCSampler": lambda seed: QMCSampler(seed=seed, warn_independent_sampling=False),
    "GridSampler": lambda seed: GridSampler(_CELLS, seed=seed),
    "TPESampler": lambda seed: TPESampler(seed=seed),
    "GPSampler": lambda seed: GPSampler(seed=seed),
    "CmaEsSampler": lambda seed: CmaEsSampler(seed=seed, warn_independent_sampling=False),
}
"""The samplers as they are when nothing else is said."""

Ask = Callable[[Trial], float]
"""Asks a trial for its values, and returns their score."""


def _numbers(trial: Trial) -> float:
    return trial.suggest_float("x", 0, 1) - trial.suggest_float("y", 0, 1) ** 2


def _kinds(trial: Trial) -> float:
    worth = {"a": 0.9, "b": 0.1, "c": 0.4, "d": 0.6}[trial.suggest_categorical("kind", ["a", "b", "c", "d"])]
    return worth + trial.suggest_float("x", 0, 1) / 10


def _branches(trial: Trial) -> float:
    # every other trial takes the other branch, whatever the scores were
    return trial.suggest_float("y" if trial.number % 2 else "z", 0, 1)


@dataclass(frozen=True)
class _Question:
    """What is asked of a sampler: the space, and the values whose choice tells the answer."""

    ask: Ask
    names: tuple[str, ...]


_QUESTIONS: Mapping[str, _Question] = {
    "learns numbers": _Question(_numbers, ("x", "y")),
    "learns choices": _Question(_kinds, ("kind",)),
    "learns in branches": _Question(_branches, ("y", "z")),
}


def learns(make: Callable[[int], BaseSampler], ask: Ask, names: tuple[str, ...], repeats: int = 1) -> bool:
    """Say whether a sampler's suggestions depend on the scores.

    Args:
        make: makes the sampler from a seed.
        ask: the space.
        names: parameters of which one has to depend.
        repeats: searches that are tried, each with another seed.
    """
    return any(_taken(make(seed), ask, names, 1) != _taken(make(seed), ask, names, -1) for seed in range(repeats))


def _taken(sampler: BaseSampler, ask: Ask, names: tuple[str, ...], sign: int) -> list[tuple[Any, ...]]:
    """Values of some parameters in each trial, where a trial has them."""
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for _ in range(TRIALS):
        trial = study.ask()
        study.tell(trial, sign * ask(trial))
    return [tuple(trial.params.get(name) for name in names) for trial in study.trials]


def several(make: Callable[[int], BaseSampler]) -> bool:
    """Say whether a sampler accepts a study with two directions.

    Args:
        make: makes the sampler from a seed.
    """

    def objective(trial: Trial) -> tuple[float, float]:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        return x - y, y

    study = optuna.create_study(directions=["maximize", "maximize"], sampler=make(0))
    try:
        study.optimize(objective, n_trials=TRIALS)
    except ValueError:
        return False
    return all(trial.state is TrialState.COMPLETE for trial in study.trials)


def table() -> Table:
    """Try every sampler, and say what it can do."""
    rows = []
    with quiet(optuna.logging.ERROR), warnings.catch_warnings():
        # some say that they are experimental, and some that a parameter is not theirs: that is what is asked here
        warnings.simplefilter("ignore")
        for name, make in SAMPLERS.items():
            answers = [_answer(make, question) for question in _QUESTIONS.values()]
            rows.append([name, *answers, "yes" if several(make) else "refuses"])
    return Table(("sampler", *_QUESTIONS, "two directions"), rows)


def _answer(make: Callable[[int], BaseSampler], question: _Question) -> str:
    try:
        return "yes" if learns(make, question.ask, question.names) else "no"
    except ValueError:
        return "refuses"
