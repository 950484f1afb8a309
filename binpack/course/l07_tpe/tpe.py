"""Lesson 07: a search put together from the learner's functions, for one hyperparameter on a scale from 0 to 1.

It does what Optuna's TPESampler does for a single hyperparameter (Optuna 5; Akiba et al., 2019): a tenth of the trials
is good, at most 25; the bumps of the others weigh less the older they are; the prior is one more bump.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from binpack.course.l07_tpe.line import Objective

STARTUP = 10
"""Trials that are drawn at random before the first model."""
CANDIDATES = 24
RECENT = 25
"""The latest trials of a group count in full."""


@dataclass(frozen=True)
class Parts:
    """The parts of the search, each a function; `exercises.REFERENCE` holds the reference solutions.

    Attributes:
        split_trials: (scores) -> numbers of the good trials and of the others.
        bandwidths: (places) -> widths.
        mixture_density: (at, centres, widths, weights) -> densities.
        draw_mixture: (size, centres, widths, weights, rng) -> places.
        best_candidate: (good, bad) -> number of a candidate.
    """

    split_trials: Callable[[NDArray], tuple[NDArray, NDArray]]
    bandwidths: Callable[[NDArray], NDArray]
    mixture_density: Callable[..., NDArray]
    draw_mixture: Callable[..., NDArray]
    best_candidate: Callable[[NDArray, NDArray], int]


def shares(count: int) -> NDArray:
    """Say how much each trial of a group counts, and last the prior; together they are 1.

    Args:
        count: how many trials the group has, the oldest first.

    Returns:
        Equal shares for up to 25 trials and the prior; of more, the latest 25 count in full and the share of older
        ones falls evenly to nearly nothing (Bergstra, Yamins and Cox, 2013), float64, (count + 1,).
    """
    weights = np.ones(count + 1)
    old = max(count - RECENT, 0)
    if old:
        weights[:old] = np.linspace(1 / count, 1, old)
    return weights / weights.sum()


@dataclass(frozen=True)
class Mixture:
    """The bumps of one group of trials, and the prior's.

    Attributes:
        centres: (n + 1,).
        widths: (n + 1,).
        weights: together 1, (n + 1,).
    """

    centres: NDArray
    widths: NDArray
    weights: NDArray


def mixture(places: NDArray, bandwidths: Callable[[NDArray], NDArray]) -> Mixture:
    """Put a bump over each trial, and the prior's over the middle, as wide as the scale.

    Args:
        places: of the trials, the oldest first, (n,).
        bandwidths: the learner's.
    """
    widths = bandwidths(places) if len(places) else np.empty(0)
    return Mixture(np.append(places, 0.5), np.append(widths, 1.0), shares(len(places)))


@dataclass(frozen=True)
class Suggestion:
    """What the model says and chooses.

    Attributes:
        good: numbers of the good trials.
        bad: numbers of the others.
        of_good: the density of the good ones.
        of_bad: that of the others.
        candidates: places that were drawn from the first.
        chosen: the place to try.
    """

    good: NDArray
    bad: NDArray
    of_good: Mixture
    of_bad: Mixture
    candidates: NDArray
    chosen: float


def suggest(
    places: NDArray, scores: NDArray, parts: Parts, rng: np.random.Generator, candidates: int = CANDIDATES
) -> Suggestion:
    """Model the trials so far, and choose where to try next.

    Args:
        places: of the trials, (n,).
        scores: of the trials, (n,).
        parts: the functions.
        rng: draws the candidates.
        candidates: how many.
    """
    good, bad = parts.split_trials(scores)
    of_good, of_bad = (mixture(places[group], parts.bandwidths) for group in (good, bad))
    drawn = parts.draw_mixture(candidates, of_good.centres, of_good.widths, of_good.weights, rng)
    heights = [parts.mixture_density(drawn, each.centres, each.widths, each.weights) for each in (of_good, of_bad)]
    chosen = float(drawn[parts.best_candidate(*heights)])
    return Suggestion(good, bad, of_good, of_bad, drawn, chosen)


def search(
    objective: Objective, trials: int, parts: Parts, rng: np.random.Generator, startup: int = STARTUP
) -> tuple[NDArray, NDArray]:
    """Search one hyperparameter.

    Args:
        objective: (places, rng) -> scores.
        trials: how many.
        parts: the functions.
        rng: draws everything.
        startup: how many of the trials are drawn at random first.

    Returns:
        Places and scores of the trials, float64, (trials,) each.
    """
    places, scores = np.empty(trials), np.empty(trials)
    for trial in range(trials):
        if trial < startup:
            places[trial] = rng.random()
        else:
            places[trial] = suggest(places[:trial], scores[:trial], parts, rng).chosen
        scores[trial] = objective(places[trial : trial + 1], rng)[0]
    return places, scores
