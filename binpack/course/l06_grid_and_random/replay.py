"""Lesson 06: searches replayed on the recorded study, a thousand of them in a moment.

A replayed trial is a recorded run: a configuration, with one of its seeds drawn at random. What the trial is truly
worth is the configuration's mean score on the test streams over all other seeds, since the luck of this one would count
twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from binpack.course.searching import leaders as leaders
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.landscape.table import Runs


def searches(
    runs: Runs, trials: int, repeats: int, rng: np.random.Generator, *, in_order: bool = False
) -> tuple[NDArray, NDArray]:
    """Search recorded configurations again and again.

    Args:
        runs: the configurations, of which each is tried at most once.
        trials: how many are tried.
        repeats: how many searches.
        rng: draws the order of the configurations, and the seed of each trial.
        in_order: try them as nested loops would, from the first one on.

    Returns:
        What each trial scores on the validation streams, and what its configuration is worth by its other seeds,
        float64, (repeats, trials) each.
    """
    configs = np.tile(np.arange(len(runs.configs)), (repeats, 1))
    if not in_order:
        configs = rng.permuted(configs, axis=1)
    configs = configs[:, :trials]
    seeds = rng.integers(len(runs.seeds), size=configs.shape)
    return runs.final[configs, seeds], runs.others[configs, seeds]


@dataclass(frozen=True)
class Choice:
    """How well a search chooses, over many searches.

    Attributes:
        best: share of the searches in which the chosen configuration is truly the best of those tried.
        worth: what the chosen one is truly worth, on average.
        promised: what it scored when it was chosen, on average.
        regret: by how much the truly best of those tried is better, on average.
    """

    best: float
    worth: float
    promised: float
    regret: float


def choices(runs: Runs, trials: int, seeds: int, repeats: int, rng: np.random.Generator) -> Choice:
    """Try some configurations with some seeds each, and choose the one with the highest mean.

    The recorded runs of a configuration stand for all that it could have: its worth is the mean of their validation
    scores, and a search draws from them, with replacement. So here the truth is known exactly.

    Args:
        runs: the configurations.
        trials: how many are tried in a search.
        seeds: how many runs of each.
        repeats: how many searches.
        rng: draws them.
    """
    truth = runs.final.mean(axis=1)
    tried = rng.permuted(np.tile(np.arange(len(runs.configs)), (repeats, 1)), axis=1)[:, :trials]
    drawn = rng.integers(len(runs.seeds), size=(repeats, trials, seeds))
    seen = runs.final[tried[..., None], drawn].mean(axis=2)
    rows, chosen = np.arange(repeats), seen.argmax(axis=1)
    worth, top = truth[tried[rows, chosen]], truth[tried].max(axis=1)
    return Choice(
        float((worth == top).mean()), float(worth.mean()), float(seen.max(axis=1).mean()), float((top - worth).mean())
    )


def points(kind: str, trials: int, edges: int, rng: np.random.Generator) -> NDArray:
    """Draw points of a unit cube, float64, (trials, edges).

    Args:
        kind: "random" or "Sobol".
        trials: how many; a power of two for "Sobol".
        edges: of the cube.
        rng: draws them, or scrambles the sequence (Owen, 1998).
    """
    return rng.random((trials, edges)) if kind == "random" else qmc.Sobol(edges, rng=rng).random(trials)


def largest_gaps(drawn: NDArray) -> NDArray:
    """Return the longest stretch of each edge of the cube without a point, float64, (edges,).

    Args:
        drawn: points, (trials, edges).
    """
    ends = np.zeros((1, drawn.shape[1])), np.ones((1, drawn.shape[1]))
    return np.diff(np.sort(np.concatenate([ends[0], drawn, ends[1]]), axis=0), axis=0).max(axis=0)


def model_searches(
    model: Surrogate, kind: str, trials: int, repeats: int, rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    """Search the surrogate, which knows every point of the space.

    Args:
        model: of the recorded study.
        kind: "random" or "Sobol".
        trials: how many points.
        repeats: how many searches.
        rng: draws the points and the seed of each trial.

    Returns:
        As `searches` does.
    """
    drawn = np.concatenate([points(kind, trials, 11, rng) for _ in range(repeats)])
    shape = repeats, trials
    return model.draw(drawn, rng)[:, -1].reshape(shape), model.means(drawn).reshape(shape)
