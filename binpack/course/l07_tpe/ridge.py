"""Lesson 07: two hyperparameters of which neither has a best value of its own: what counts is that they fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from binpack.course.l07_tpe import many
from binpack.course.progress import progress
from binpack.course.searching import worth_of_leaders

NOISE = 0.01
TOP = (0.75, 0.25)


def worth(places: NDArray) -> NDArray:
    """Say what places are worth: 0.9 at most, less across the line x + y = 1, and a little less along it.

    Args:
        places: float64, (..., 2), from 0 to 1.
    """
    across, along = places.sum(axis=-1) - 1, places[..., 0] - TOP[0]
    return 0.9 - np.minimum(20 * across**2, 0.5) - 0.5 * along**2


def field(places: NDArray, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Score trials, and say what they are worth; see `many.Field`."""
    true = worth(places)
    return true + NOISE * rng.standard_normal(true.shape), true


@dataclass(frozen=True)
class Draws:
    """Where the two models would try next.

    Attributes:
        good: the good trials, (k, 2).
        apart: candidates drawn from a density for each hyperparameter, (n, 2).
        joint: candidates drawn from one density for both, (n, 2).
    """

    good: NDArray
    apart: NDArray
    joint: NDArray


def draws(trials: int, candidates: int, rng: np.random.Generator) -> Draws:
    """Draw random trials, and candidates from the densities of the best tenth.

    Args:
        trials: how many.
        candidates: how many of each kind.
        rng: draws.
    """
    places = rng.random((trials, 2))
    scores, _ = field(places, rng)
    good = places[np.sort(np.argsort(-scores, kind="stable")[: -(-trials // 10)])]
    made = many.mixtures(good[None])
    return Draws(good, made.draw(candidates, rng, joint=False)[0], made.draw(candidates, rng, joint=True)[0])


def off(places: NDArray) -> float:
    """Return how far places lie from the ridge on average, measured along either axis.

    Args:
        places: (n, 2).
    """
    return float(np.abs(places.sum(axis=1) - 1).mean())


def searches(trials: int, repeats: int, rng: np.random.Generator) -> dict[str, NDArray]:
    """Search the ridge in three ways.

    Args:
        trials: of each search.
        repeats: of each way.
        rng: draws everything.

    Returns:
        Name of a search to what its leader is worth after each trial, float64, (repeats, trials).
    """
    found = {}
    for name in progress(("random", "TPE", "joint TPE"), "searches"):
        if name == "random":
            made = many.drawn(field, rng.random((repeats, trials, 2)), rng)
        else:
            made = many.tpe(field, 2, trials, repeats, rng, joint=name == "joint TPE")
        found[name] = worth_of_leaders(made.scores, made.worth)
    return found
