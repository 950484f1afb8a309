"""How much a parameter matters, by two methods, and how far either can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from binpack.course.l08_optuna.recorded import drawn_trials


@dataclass(frozen=True)
class Importance:
    """How important a parameter is, by two methods, each with its level of chance.

    Attributes:
        name: the parameter.
        ped: share by PED-ANOVA.
        ped_chance: 95th percentile of that share when the scores are shuffled among the trials.
        fanova: share by first-order functional ANOVA.
        fanova_chance: the same percentile of it.
    """

    name: str
    ped: float
    ped_chance: float
    fanova: float
    fanova_chance: float

    @property
    def above_chance(self) -> str:
        """By which methods the parameter matters more than one without any effect would."""
        clear = {"PED-ANOVA": self.ped > self.ped_chance, "fANOVA": self.fanova > self.fanova_chance}
        return ", ".join(name for name, above in clear.items() if above)


def importances(study: optuna.Study, *, permutations: int = 100, seed: int = 0) -> list[Importance]:
    """Compare two measures of importance with what they say about parameters that have no effect at all.

    Args:
        study: a study of random search.
        permutations: how often the scores are shuffled.
        seed: of the shuffling.

    Returns:
        One entry a parameter, the largest share by functional ANOVA first.
    """
    trials, rng = drawn_trials(study), np.random.default_rng(seed)
    scores = np.array([trial.value for trial in trials])
    shuffled = [_with_scores(trials, rng.permutation(scores)) for _ in range(permutations)]
    columns = []
    for method in (ped_anova, main_effects):
        by_chance = [method(these) for these in shuffled]
        columns.append((method(trials), lambda name, runs=by_chance: np.quantile([run[name] for run in runs], 0.95)))
    (ped, ped_chance), (fanova, fanova_chance) = columns
    rows = [
        Importance(name, ped[name], float(ped_chance(name)), fanova[name], float(fanova_chance(name)))
        for name in fanova
    ]
    return sorted(rows, key=lambda row: (-round(row.fanova, 6), row.name))


def _with_scores(trials: Sequence[optuna.trial.FrozenTrial], scores: NDArray) -> list[optuna.trial.FrozenTrial]:
    return [
        optuna.trial.create_trial(value=float(score), params=trial.params, distributions=trial.distributions)
        for trial, score in zip(trials, scores, strict=True)
    ]


def ped_anova(trials: Sequence[optuna.trial.FrozenTrial]) -> dict[str, float]:
    """PED-ANOVA importance (Watanabe et al. 2023) of complete trials whose scores are to be high; shares sum to 1."""
    study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    return optuna.importance.get_param_importances(study, evaluator=optuna.importance.PedAnovaImportanceEvaluator())


def main_effects(trials: Sequence[optuna.trial.FrozenTrial], *, groups: int = 4) -> dict[str, float]:
    """First-order functional ANOVA (Hutter et al. 2014) with groups of values in the place of a random forest.

    Args:
        trials: complete trials of a random search.
        groups: number of groups of nearly equal size for a parameter with more values than that; equal values stay
            together.

    Returns:
        Parameter to the variance of its groups' mean scores over the variance of the scores.
    """
    scores = np.array([trial.value for trial in trials])
    return {
        name: _between(_groups([trial.params[name] for trial in trials], groups), scores) for name in trials[0].params
    }


def _groups(values: Sequence[Any], groups: int) -> NDArray:
    """Label each value with its group: its own if few, else by sorted shares, ties together."""
    known = sorted(set(values), key=str)
    if len(known) <= groups:
        return np.array([known.index(value) for value in values])
    ordered = np.sort(values)
    middles = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")  # twice the rank
    return middles * groups // (2 * len(values))


def _between(labels: NDArray, scores: NDArray) -> float:
    """Variance of the group means, weighted by the groups' sizes, over the variance of the scores."""
    means = np.array([scores[labels == label].mean() for label in labels])
    return float(means.var() / scores.var())


def same_winner(
    study: optuna.Study,
    sizes: Sequence[int],
    method: Callable[[Sequence[optuna.trial.FrozenTrial]], dict[str, float]],
    *,
    repeats: int = 50,
    seed: int = 0,
) -> dict[int, float]:
    """How often part of a study names the same most important parameter as the whole of it.

    Args:
        study: a study of random search.
        sizes: numbers of trials.
        method: ``ped_anova`` or ``main_effects``.
        repeats: how many parts of each size are drawn.
        seed: of the drawing.

    Returns:
        Size to the share of its parts.
    """

    def first(these: Sequence[optuna.trial.FrozenTrial]) -> str:
        shares = method(these)
        return min(shares, key=lambda name: (-round(shares[name], 6), name))

    trials, rng = drawn_trials(study), np.random.default_rng(seed)
    winner, shares = first(trials), {}
    for size in sizes:
        parts = (rng.choice(len(trials), size, replace=False) for _ in range(repeats))
        shares[size] = float(np.mean([first([trials[i] for i in sorted(part)]) == winner for part in parts]))
    return shares
