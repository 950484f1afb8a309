"""Lesson 08: runs that fail, and what a study may be told of them.

The machine of this module is too small: a run fails where its network's width times its rollout's length is more than
`LARGEST`. Nothing else is wrong with such a configuration, and nobody knows the rule beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from optuna.importance import BaseImportanceEvaluator, FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from binpack.course.asking import asked
from binpack.course.tables import Table
from binpack.search import landscape
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.storage import quiet

LARGEST = 4096
STARTUP = 10
"""Trials that TPE draws at random."""
WAYS = ("failed", "score 0", "pruned")
"""What a study is told of a run that failed: that the trial failed, that it scored 0, or that it was pruned."""


def fits(values: Mapping[str, Any]) -> bool:
    """Say whether a run of a configuration ends well on the small machine.

    Args:
        values: of all hyperparameters of the recorded study.
    """
    return values["width"] * values["n_steps"] <= LARGEST


def small_machine(trial: optuna.Trial) -> float:
    """Run a configuration of two hyperparameters on the small machine, which is switched off in every seventh trial.

    Args:
        trial: suggests the width of the network and the length of the rollout.

    Returns:
        The score, from the recorded study.

    Raises:
        MemoryError: the configuration does not fit.
        OSError: the machine was switched off.
    """
    space = task.SPACE.only("width", "n_steps")
    values = {**task.DEFAULT, **space.suggest(trial)}
    if not fits(values):
        raise MemoryError(f"width {values['width']} with n_steps {values['n_steps']} does not fit")
    if trial.number % 7 == 6:
        raise OSError("the machine was switched off")
    return float(landscape.curve(values, trial.number)[-1])


def share(draws: int = 10_000, seed: int = 0) -> float:
    """Return which share of random configurations fails.

    Args:
        draws: how many are drawn.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    return float(np.mean([not fits(task.SPACE.sample(rng)) for _ in range(draws)]))


DIVERGES = 1e-2
"""Learning rate above which every run of `diverging` fails."""


def diverging(ask: Callable[[optuna.Trial], Mapping[str, Any]], way: str, trials: int, seed: int) -> float:
    """Search with TPE where every high learning rate fails.

    Args:
        ask: asks a trial for a configuration of the recorded study.
        way: one of `WAYS`.
        trials: how many.
        seed: of the sampler.

    Returns:
        Which share of the trials failed that were not drawn at random.
    """
    failed = []
    with quiet():
        study = optuna.create_study(direction="maximize", sampler=TPESampler(seed=seed))
        for _ in range(trials):
            trial = study.ask()
            values = ask(trial)
            failed.append(values["learning_rate"] > DIVERGES)
            if failed[-1]:
                _tell_failure(study, trial, way)
            else:
                study.tell(trial, float(landscape.curve(values, trial.number)[-1]))
    return float(np.mean(failed[STARTUP:]))


@dataclass(frozen=True)
class Found:
    """A search on the small machine.

    Attributes:
        study: its trials.
        failed: which of them failed, in order.
        worth: what the trial that leads is truly worth; a trial that failed never leads.
    """

    study: optuna.Study
    failed: tuple[bool, ...]
    worth: float


def search(model: Surrogate, way: str, trials: int, sampler: BaseSampler, rng: np.random.Generator) -> Found:
    """Search the recorded study's surrogate where some runs fail.

    Args:
        model: the surrogate.
        way: one of `WAYS`.
        trials: how many.
        sampler: chooses them.
        rng: draws each trial's luck.
    """
    failed, scores, worth = [], [], []
    with quiet():
        study = optuna.create_study(direction="maximize", sampler=sampler)
        for trial, values, place in asked(study, trials):
            failed.append(not fits(values))
            if failed[-1]:
                _tell_failure(study, trial, way)
                continue
            (score,), (true,) = model.finals(place[None], rng)
            score = round(float(score), 6)  # the last digits are rounding, and a forest of trees splits by them
            study.tell(trial, score)
            scores.append(score)
            worth.append(true)
    return Found(study, tuple(failed), float(worth[int(np.argmax(scores))]) if worth else 0.0)


def _tell_failure(study: optuna.Study, trial: optuna.Trial, way: str) -> None:
    if way == "score 0":
        study.tell(trial, 0.0)
    else:
        study.tell(trial, state={"failed": TrialState.FAIL, "pruned": TrialState.PRUNED}[way])


_TREES = 16
"""Of the forest that fANOVA grows; its default of 64 takes four times as long."""


def importances(model: Surrogate, trials: int, most: int = 3, seed: int = 0) -> Table:
    """Say which hyperparameters seem important after random search on the small machine.

    Two ways are compared: failed and pruned trials are both left out, so the third says the same as the first.

    Args:
        model: the surrogate.
        trials: of the random search, the same for all ways.
        most: how many hyperparameters are named.
        seed: of everything.
    """
    rows = []
    for way in WAYS[:2]:
        found = search(model, way, trials, RandomSampler(seed=seed), np.random.default_rng(seed))
        counted = len(found.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
        evaluators: dict[str, BaseImportanceEvaluator] = {
            "PED-ANOVA": PedAnovaImportanceEvaluator(),
            "fANOVA": FanovaImportanceEvaluator(n_trees=_TREES, seed=seed),
        }
        for name, evaluator in evaluators.items():
            with quiet():
                shares = optuna.importance.get_param_importances(found.study, evaluator=evaluator)
            first = sorted(shares, key=lambda each: (-round(shares[each], 6), each))[:most]
            rows.append([way, name, str(counted), ", ".join(f"{each} {shares[each]:.2f}" for each in first)])
    return Table(("told as", "method", "trials counted", "the most important"), rows)
