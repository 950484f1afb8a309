"""What a model's prediction says about where to try next."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from binpack.course.exercises import exercise, promise


@exercise(
    minutes=12,
    difficulty=2,
    hints=(
        "Begin with the distance to the best in standard deviations: `z = (mean - best) / sd`, where `sd` is above 0.",
        "`norm.cdf(z)` and `norm.pdf(z)` take whole arrays. `np.where(sd > 0, ..., ...)` chooses entry by entry; put "
        "1 in place of an `sd` of 0 before you divide.",
        "`safe = np.where(sd > 0, sd, 1.0)`, `z = (mean - best) / safe`, and `return np.where(sd > 0, (mean - best) * "
        "norm.cdf(z) + sd * norm.pdf(z), np.maximum(mean - best, 0.0))`.",
    ),
    returns=promise.an_array("the expected improvement", float),
)
def expected_improvement(mean: NDArray, sd: NDArray, best: float) -> NDArray:
    """Say how much a trial is expected to exceed the best one; one that falls short of it counts 0.

    Args:
        mean: what the model predicts at some places, (n,).
        sd: how unsure it is at each of them, a standard deviation, 0 or more, (n,).
        best: what is to be exceeded.

    Returns:
        The mean of what a normal draw with this mean and deviation lies above `best`, (n,).
    """
    # 1. by how much the prediction exceeds the best, plainly and in standard deviations
    gain = mean - best
    z = gain / np.where(sd > 0, sd, 1.0)
    # 2. the normal formula
    unsure = gain * norm.cdf(z) + sd * norm.pdf(z)
    # 3. where nothing is uncertain the gain is known
    return np.where(sd > 0, unsure, np.maximum(gain, 0.0))


def _with(sure: Callable, unsure: Callable) -> Callable:
    """Make a wrong function from what it gives where nothing is uncertain, and where something is."""

    def wrong(mean: NDArray, sd: NDArray, best: float) -> NDArray:
        gain = mean - best
        z = gain / np.where(sd > 0, sd, 1.0)
        return np.where(sd > 0, unsure(gain, sd, z), sure(gain))

    return wrong


def _right(gain: NDArray, sd: NDArray, z: NDArray) -> NDArray:
    return gain * norm.cdf(z) + sd * norm.pdf(z)


def _kept(gain: NDArray) -> NDArray:
    return np.maximum(gain, 0.0)


def _drawn(rng: np.random.Generator) -> tuple[NDArray, NDArray, float]:
    sd = rng.uniform(0.02, 0.3, 5).round(3)
    sd[:2] = 0.0
    best = round(float(rng.uniform(0.5, 0.8)), 3)
    mean = (best + rng.uniform(-0.2, 0.2, 5)).round(3)
    mean[:2] = best + 0.1, best - 0.1
    return mean, sd, best


expected_improvement.examine(
    cases=lambda: [
        (np.array([0.8, 0.75, 0.9]), np.array([0.1, 0.1, 0.2]), 0.8),
        (np.array([0.7, 0.85, 0.8]), np.array([0.0, 0.0, 0.0]), 0.8),
        (np.array([0.5, 0.9, 0.6, 0.79]), np.array([0.4, 0.0, 0.0, 0.01]), 0.8),
    ],
    draw=_drawn,
    mistakes={
        "this is how likely a trial is to exceed the best: how far it exceeds it counts as well": _with(
            lambda gain: (gain > 0).astype(float), lambda gain, sd, z: norm.cdf(z)
        ),
        "the term with the density is missing: a trial at the best's own height may still exceed it": _with(
            _kept, lambda gain, sd, z: gain * norm.cdf(z)
        ),
        "the density is not multiplied by the standard deviation": _with(
            _kept, lambda gain, sd, z: gain * norm.cdf(z) + norm.pdf(z)
        ),
        "this is for a search for the lowest: here a higher score is better, so the gain is mean - best": (
            lambda mean, sd, best: expected_improvement.reference(-np.asarray(mean), sd, -best)
        ),
        "z is divided by the variance: divide by the standard deviation": _with(
            _kept, lambda gain, sd, z: _right(gain, sd, gain / np.where(sd > 0, sd, 1.0) ** 2)
        ),
        "this is the gain of the mean alone: what is unsure may turn out higher than its mean": (
            lambda mean, sd, best: np.maximum(mean - best, 0.0)
        ),
        "where sd is 0 there is no number: there the gain is known, mean - best, or 0 where it is negative": _with(
            lambda gain: np.full(gain.shape, np.nan), _right
        ),
        "where sd is 0 it says 0: a gain that is certain counts in full": _with(lambda gain: 0.0 * gain, _right),
        "where sd is 0 it may be negative: a trial that falls short counts 0": _with(lambda gain: gain, _right),
    },
)
