"""Lesson 05: what a hyperparameter was worth: what a wrong value costs, and what tuning it alone gains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from binpack.core.statistics import Verdict, verdict
from binpack.course.l05_hyperparameters.results import KNOBS, Sweeps, default_of, values_of

_DRAWS = 500


@dataclass(frozen=True)
class Worth:
    """What a sweep says of one hyperparameter.

    Attributes:
        name: of the hyperparameter.
        spread: highest mean of its values minus the lowest.
        chance: what that would be on average if no value were better than another.
        gain: of the value that is chosen on half of the seeds over the default, on the other half, and the other way
            round.
        best: the value with the highest mean over all seeds.
        close: the values that are not behind that one, in their order.
    """

    name: str
    spread: float
    chance: float
    gain: Verdict
    best: object
    close: tuple[object, ...]


def worth(record: Sweeps, name: str) -> Worth:
    """Say what a hyperparameter was worth.

    Args:
        record: the sweeps.
        name: one of `results.KNOBS`.
    """
    finals, values = record.finals(name), values_of(name)
    best = int(finals.mean(axis=1).argmax())
    close = tuple(
        value
        for value, runs in zip(values, finals, strict=True)
        if value == values[best] or verdict(runs, finals[best]).word != "behind"
    )
    gain = verdict(cross_fitted(finals, values.index(default_of(name))))
    return Worth(name, spread_of_means(finals), spread_by_chance(finals), gain, values[best], close)


def worths(record: Sweeps) -> list[Worth]:
    """Return what each hyperparameter was worth, in the order of `results.KNOBS`.

    Args:
        record: the sweeps.
    """
    return [worth(record, name) for name in KNOBS]


def spread_of_means(finals: NDArray[np.float64]) -> float:
    """Return how far the best value's mean lies above the worst one's.

    Args:
        finals: final scores, (values, seeds).
    """
    return float(np.ptp(finals.mean(axis=1)))


def spread_by_chance(finals: NDArray[np.float64], draws: int = _DRAWS) -> float:
    """Return what `spread_of_means` would be on average if all values had the same mean.

    The largest of several means lies above the smallest even where all values are equally good. Here each value's mean
    is taken off its scores, and seeds are drawn again with replacement (Efron, 1979), the same ones for all values, so
    that a seed that is kind to all stays so.

    Args:
        finals: final scores, (values, seeds).
        draws: how many times.
    """
    rng, n = np.random.default_rng(0), finals.shape[1]
    luck = (finals - finals.mean(axis=1, keepdims=True)) * np.sqrt(n / (n - 1))
    return float(np.mean([spread_of_means(luck[:, rng.integers(0, n, n)]) for _ in range(draws)]))


def cross_fitted(finals: NDArray[np.float64], default: int) -> NDArray[np.float64]:
    """Return for each seed by how much a value that other seeds chose is ahead of the default.

    The seeds are dealt into two halves. What is best on one half is judged on the other. So no run takes part in
    choosing what it judges, and the mean is not flattered by the choice.

    Args:
        finals: final scores, (values, seeds).
        default: the row of the default.

    Returns:
        Differences, (seeds,).
    """
    gains = np.empty(finals.shape[1])
    for half in (0, 1):
        judged = np.arange(len(gains)) % 2 == half
        chosen = finals[:, ~judged].mean(axis=1).argmax()
        gains[judged] = finals[chosen, judged] - finals[default, judged]
    return gains
