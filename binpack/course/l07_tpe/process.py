"""Lesson 07: Bayesian search with a Gaussian process, step by step, for one hyperparameter.

The process has a Matérn kernel of smoothness 5/2 and is scikit-learn's (Rasmussen and Williams, 2006; Snoek, Larochelle
and Adams, 2012). How noisy a single score is, it is told.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from binpack.course.l07_tpe.line import Line

FIRST = (0.08, 0.5, 0.92)
"""Where the first three trials lie."""
Improvement = Callable[[NDArray, NDArray, float], NDArray]


@dataclass(frozen=True)
class Model:
    """What the process says of the trials so far.

    Attributes:
        mean: at each place of the line, (201,).
        sd: how unsure it is of the mean there, (201,).
        at_trials: its mean at the trials, (n,).
    """

    mean: NDArray
    sd: NDArray
    at_trials: NDArray


def fit(places: NDArray, scores: NDArray, at: NDArray, noise: float) -> Model:
    """Fit the process.

    Args:
        places: of the trials, (n,).
        scores: of the trials, (n,).
        at: where its predictions are wanted, (m,).
        noise: standard deviation of a score around the mean of its configuration.
    """
    middle, scale = float(np.mean(scores)), float(np.std(scores)) or 1.0
    kernel = ConstantKernel(1.0, (0.3, 10.0)) * Matern(0.2, (0.08, 1.0), nu=2.5)
    process = GaussianProcessRegressor(kernel, alpha=(noise / scale) ** 2)
    with warnings.catch_warnings():
        # With a handful of trials a length may well end at its bound.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(places[:, None], (scores - middle) / scale)
    mean, sd = process.predict(at[:, None], return_std=True)
    return Model(mean * scale + middle, sd * scale, process.predict(places[:, None]) * scale + middle)


@dataclass(frozen=True)
class Step:
    """One step of the search.

    Attributes:
        places: of the trials so far, (n,).
        scores: of these, (n,).
        model: fitted to them.
        best: what is to be exceeded: the highest mean of the model among the trials.
        improvement: the expected one at each place of the line, (201,).
        chosen: the place to try next.
    """

    places: NDArray
    scores: NDArray
    model: Model
    best: float
    improvement: NDArray
    chosen: float


def step(line: Line, places: NDArray, scores: NDArray, improvement: Improvement, *, lucky: bool = False) -> Step:
    """Fit a model to the trials, and choose the next.

    Args:
        line: where it searches.
        places: of the trials, (n,).
        scores: of the trials, (n,).
        improvement: the learner's `expected_improvement`.
        lucky: take the highest score for the best, noise and all.
    """
    model = fit(places, scores, line.at, line.noise)
    best = float(np.max(scores if lucky else model.at_trials))
    found = improvement(model.mean, model.sd, best)
    return Step(places, scores, model, best, found, float(line.at[int(np.argmax(found))]))


def search(
    line: Line, improvement: Improvement, steps: int, rng: np.random.Generator, *, lucky: bool = False
) -> list[Step]:
    """Begin with three trials, and try where the expected improvement is highest.

    Args:
        line: where it searches.
        improvement: the learner's `expected_improvement`.
        steps: how many models are fitted.
        rng: draws the scores.
        lucky: take the highest score for the best, noise and all.

    Returns:
        The steps, the first with three trials, each with one more.
    """
    places = np.array(FIRST)
    scores = line(places, rng)
    found: list[Step] = []
    for _ in range(steps):
        found.append(step(line, places, scores, improvement, lucky=lucky))
        places = np.append(places, found[-1].chosen)
        scores = np.append(scores, line(places[-1:], rng))
    return found
