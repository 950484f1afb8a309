"""What a search's choice is worth, which of two searches is better, and what each hyperparameter did in a grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise


@exercise(
    minutes=12,
    difficulty=2,
    hints=(
        "Begin with a loop over the trials that remembers the place of the best score so far, 0 at first.",
        "Where `scores[trial] > scores[leader]` the trial becomes the leader. Note `worth[leader]` after every trial, "
        "whether the leader has changed or not.",
        "`for trial in range(len(scores)): if scores[trial] > scores[leader]: leader = trial`, then "
        "`found.append(worth[leader])`.",
    ),
    returns=promise.an_array("the worth", float),
)
def worth_so_far(scores: NDArray, worth: NDArray) -> NDArray:
    """Follow what the leading configuration of a search is truly worth.

    Args:
        scores: what each trial scored, in the order in which they were made, (trials,).
        worth: what each trial's configuration is truly worth, (trials,).

    Returns:
        After each trial: the worth of the configuration with the highest score so far, (trials,). Of equal scores the
        first one leads.
    """
    leader, found = 0, []
    for trial in range(len(scores)):
        # 1. a higher score takes the lead
        if scores[trial] > scores[leader]:
            leader = trial
        # 2. what the leader is worth, not what it scored
        found.append(worth[leader])
    return np.array(found)


def _last_of_equals(scores: NDArray, worth: NDArray) -> NDArray:
    leader, found = 0, []
    for trial in range(len(scores)):
        if scores[trial] >= scores[leader]:
            leader = trial
        found.append(worth[leader])
    return np.array(found)


def _before(scores: NDArray, worth: NDArray) -> NDArray:
    right = worth_so_far.reference(scores, worth)
    return np.concatenate([right[:1], right[:-1]])


worth_so_far.examine(
    cases=lambda: [
        (np.array([0.80, 0.85, 0.82]), np.array([0.81, 0.79, 0.84])),
        (np.array([0.70, 0.70, 0.75, 0.60, 0.75]), np.array([0.68, 0.72, 0.71, 0.74, 0.77])),
        (np.array([0.90, 0.10, 0.95, 0.94, 0.99]), np.array([0.85, 0.20, 0.80, 0.91, 0.88])),
        (np.array([-0.5, -0.7, -0.2, -0.2]), np.array([-0.4, -0.6, -0.3, -0.1])),
    ],
    draw=lambda rng: (rng.random(9).round(3), rng.random(9).round(3)),
    mistakes={
        "this is the best score so far: return what its configuration is worth": (
            lambda scores, worth: np.maximum.accumulate(scores)
        ),
        "this is the highest worth so far: the search sees scores only, and the highest score leads": (
            lambda scores, worth: np.maximum.accumulate(worth)
        ),
        "it returns the worth of each trial: a trial counts only where it takes the lead": lambda scores, worth: worth,
        "it knows the end from the beginning: after each trial only the trials up to it count": (
            lambda scores, worth: np.full(len(scores), worth[np.argmax(scores)])
        ),
        "of equal scores the last one leads: it is the first": _last_of_equals,
        "it is one trial late: the trial itself counts": _before,
        "the lowest score leads: a higher score is better": (
            lambda scores, worth: worth_so_far.reference(-np.asarray(scores), worth)
        ),
    },
)


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with all pairs at once: `first[:, None] > second` has a row for each of the first and a column for each "
        "of the second.",
        "Its mean is the share of pairs in which the first is higher. Pairs that are equal count half.",
        "`return (first[:, None] > second).mean() + 0.5 * (first[:, None] == second).mean()`.",
    ),
    returns=promise.a_float("the chance"),
)
def chance_better(first: NDArray, second: NDArray) -> float:
    """Say how likely a run of the first kind is to be better than one of the second.

    Args:
        first: results of the first kind, (n,).
        second: results of the second kind, (m,); they belong to no run of the first in particular.

    Returns:
        The share of all n * m pairs in which the first is higher; equal pairs count half.
    """
    # 1. every one of the first with every one of the second
    higher = first[:, None] > second[None, :]
    equal = first[:, None] == second[None, :]
    # 2. the share of pairs, with half of the equal ones
    return float(higher.mean() + 0.5 * equal.mean())


def _by_place(first: NDArray, second: NDArray) -> float:
    size = min(len(first), len(second))
    one, other = first[:size], second[:size]
    return float((one > other).mean() + 0.5 * (one == other).mean())


chance_better.examine(
    cases=lambda: [
        (np.array([3.0, 1.0]), np.array([2.0])),
        (np.array([1.0, 1.0, 2.0]), np.array([1.0, 0.0])),
        (np.array([0.7, 0.9, 0.8]), np.array([0.75, 0.85, 0.6])),
        (np.array([0.5, 0.5]), np.array([0.5, 0.5, 0.5])),
    ],
    draw=lambda rng: (rng.integers(0, 9, 6) / 10, rng.integers(0, 9, 5) / 10),
    mistakes={
        "equal pairs count as lost: they count half": lambda first, second: float((first[:, None] > second).mean()),
        "equal pairs count as won: they count half": lambda first, second: float((first[:, None] >= second).mean()),
        "it pairs by place: the results belong to no run of the other kind, so take every pair": _by_place,
        "this is how likely the second is to be better": lambda first, second: chance_better.reference(second, first),
        "this is a number of pairs: divide by how many there are": lambda first, second: float(
            (first[:, None] > second).sum() + 0.5 * (first[:, None] == second).sum()
        ),
        "each of the first is compared with the mean of the second: take every pair": lambda first, second: float(
            (first > second.mean()).mean() + 0.5 * (first == second.mean()).mean()
        ),
    },
)


@exercise(
    minutes=12,
    difficulty=3,
    hints=(
        "Begin with the axes over which to average: all but `axis`, "
        "`tuple(each for each in range(scores.ndim) if each != axis)`.",
        "`scores.mean(axis=those)` is one mean for each value of the hyperparameter. Its variance, `np.var`, is what "
        "the hyperparameter alone explains.",
        "Divide by the variance of all cells: `return scores.mean(axis=those).var() / scores.var()`.",
    ),
    returns=promise.a_float("the share"),
)
def main_effect(scores: NDArray, axis: int) -> float:
    """Say which share of the variance in a full grid one hyperparameter explains on its own.

    Args:
        scores: one for each cell, an axis for each hyperparameter and an entry for each of its values.
        axis: which hyperparameter.

    Returns:
        The variance of the means over all others, divided by the variance of all cells: 0 where the hyperparameter
        changes no mean, 1 where nothing else changes anything. The cells are not all equal.
    """
    # 1. one mean for each value, over everything else
    others = tuple(each for each in range(scores.ndim) if each != axis)
    means = scores.mean(axis=others)
    # 2. how much they vary, of how much there is
    return float(means.var() / scores.var())


def _grid(seed: int, *sizes: int) -> NDArray:
    rng = np.random.default_rng(seed)
    parts = [
        rng.normal(0, 1, size).reshape([-1 if each == place else 1 for each in range(len(sizes))])
        for place, size in enumerate(sizes)
    ]
    return (sum(parts) + 0.3 * rng.normal(size=sizes)).round(3)


main_effect.examine(
    cases=lambda: [
        (np.array([[1.0, 3.0], [2.0, 4.0]]), 0),
        (np.array([[1.0, 3.0], [2.0, 4.0]]), 1),
        (np.array([[0.0, 1.0], [1.0, 0.0]]), 1),
        (_grid(0, 3, 4, 2), 1),
        (_grid(1, 2, 3, 3, 4), 3),
    ],
    draw=lambda rng: (_grid(int(rng.integers(2, 999)), 3, 2, 4), int(rng.integers(3))),
    mistakes={
        "it averages over the hyperparameter itself: average over all others": lambda scores, axis: float(
            scores.mean(axis=axis).var() / scores.var()
        ),
        "this is a variance: divide it by the variance of all cells": lambda scores, axis: float(
            scores.mean(axis=tuple(each for each in range(scores.ndim) if each != axis)).var()
        ),
        "this is a share of standard deviations: divide variances": lambda scores, axis: float(
            np.sqrt(main_effect.reference(scores, axis))
        ),
        "the variance of the means has another divisor than that of the cells: use the same for both": (
            lambda scores, axis: float(
                scores.mean(axis=tuple(each for each in range(scores.ndim) if each != axis)).var(ddof=1) / scores.var()
            )
        ),
        "this is what is left without the hyperparameter: the share that it explains is wanted": (
            lambda scores, axis: 1 - main_effect.reference(scores, axis)
        ),
        "it takes the first line through the grid: average over all others": lambda scores, axis: float(
            np.moveaxis(scores, axis, 0).reshape(scores.shape[axis], -1)[:, 0].var() / scores.var()
        ),
    },
)
