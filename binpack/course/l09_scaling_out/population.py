"""Lesson 09: two toys for population based training, small enough to be seen whole.

In the first, after figure 2 of Jaderberg et al. (2017), a member is blind for one of two directions. In the second the
best step is a long one at first and a short one later, so that no fixed step is best.

References:
    Jaderberg, Dalibard, Osindero, Czarnecki, Donahue, Razavi, Vinyals, Green, Dunning, Simonyan, Fernando, Kavukcuoglu
        (2017). Population Based Training of Neural Networks. arXiv:1711.09846.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Step = Callable[[NDArray, NDArray, NDArray, int, NDArray], tuple[NDArray, NDArray]]
"""(scores, weights, hypers, copies, factors) -> weights and hypers, as exercise 9.7 has it."""


def nobody(
    scores: NDArray, weights: NDArray, hypers: NDArray, copies: int, factors: NDArray
) -> tuple[NDArray, NDArray]:
    """Leave every member as it is: runs side by side, each with fixed hyperparameters; see `Step`."""
    return weights, hypers


@dataclass(frozen=True, eq=False)
class Lives:
    """What became of a population.

    Attributes:
        weights: of each member after each step, float64, (steps + 1, n, d).
        hypers: the same of its hyperparameters, float64, (steps + 1, n, k).
        scores: the same of its score, float64, (steps + 1, n).
    """

    weights: NDArray
    hypers: NDArray
    scores: NDArray


def _lived(
    weights: NDArray,
    hypers: NDArray,
    learn: Callable[[NDArray, NDArray], NDArray],
    score: Callable[[NDArray], NDArray],
    step: Step,
    *,
    steps: int,
    every: int,
    copies: int,
    factors: tuple[float, float],
    most: float,
    rng: np.random.Generator,
) -> Lives:
    kept = [(weights, hypers, score(weights))]
    for number in range(1, steps + 1):
        weights = learn(weights, hypers)
        if number % every == 0:
            by = rng.choice(factors, size=hypers.shape)
            weights, hypers = step(score(weights), weights, hypers, copies, by)
            hypers = np.minimum(hypers, most)
        kept.append((weights, hypers, score(weights)))
    return Lives(*(np.array(each) for each in zip(*kept, strict=True)))


TOP = 1.2
"""The highest score of the first toy, at the origin."""
RATE = 0.02
START = (0.9, 0.8)
"""Where members of the first toy begin: off the diagonal, where both would see the same height."""


def blind(step: Step, seed: int, steps: int = 200) -> Lives:
    """Play the first toy: the score is 1.2 - x^2 - y^2, and a member climbs 1.2 - a x^2 - b y^2 in its place.

    Two members begin at (0.9, 0.8); one has a = 1 and b = 0.01, the other has them exchanged. Neither a nor b may
    exceed 1.

    Args:
        step: what happens between them, every five steps.
        seed: of the changes.
        steps: of gradient ascent.
    """
    return _lived(
        np.array([START, START]),
        np.array([[1.0, 0.01], [0.01, 1.0]]),
        lambda weights, hypers: weights - 2 * RATE * hypers * weights,
        lambda weights: TOP - (weights**2).sum(axis=1),
        step,
        steps=steps,
        every=5,
        copies=1,
        factors=(0.5, 2.0),
        most=1.0,
        rng=np.random.default_rng(seed),
    )


MEMBERS, STEPS, EVERY = 8, 200, 10
LENGTHS = tuple(np.geomspace(0.01, 0.64, MEMBERS).tolist())
"""Steps of the members of the second toy, as they begin."""
DISTANCE, EDGES = 3.0, 20


def noisy(step: Step, seed: int) -> Lives:
    """Play the second toy: every member walks to the origin in 20 directions at once, and sees its place with noise.

    The score is minus the mean square of the distance from it. A member's only hyperparameter is the length of its
    step: which share of the distance that it sees it takes off.

    Args:
        step: what happens between members, every ten steps; two of the eight give up.
        seed: of the noise and of the changes.
    """
    rng = np.random.default_rng(seed)
    return _lived(
        np.full((MEMBERS, EDGES), DISTANCE),
        np.array(LENGTHS)[:, None],
        lambda weights, hypers: weights - hypers * (weights + rng.normal(size=weights.shape)),
        lambda weights: -(weights**2).mean(axis=1),
        step,
        steps=STEPS,
        every=EVERY,
        copies=2,
        factors=(0.8, 1.25),
        most=1.0,
        rng=rng,
    )


def best_length(lives: Lives) -> NDArray:
    """Return the step of the member that is best at the moment, float64, (steps + 1,)."""
    best = lives.scores.argmax(axis=1)
    return lives.hypers[np.arange(len(best)), best, 0]


def ends(step: Step, seeds: int) -> NDArray:
    """Return what the best member of the second toy ends with, float64, (seeds,).

    Args:
        step: what happens between members.
        seeds: how many populations.
    """
    return np.array([noisy(step, seed).scores[-1].max() for seed in range(seeds)])


def fixed(seeds: int) -> NDArray:
    """Return what each fixed length ends with in the second toy, float64, (seeds, members)."""
    return np.array([noisy(nobody, seed).scores[-1] for seed in range(seeds)])


def decaying(seeds: int) -> NDArray:
    """Return what one single run of the second toy ends with whose step is 1, 1/2, 1/3 and so on, float64, (seeds,)."""
    found = []
    for seed in range(seeds):
        rng, weights = np.random.default_rng(seed), np.full(EDGES, DISTANCE)
        for number in range(1, STEPS + 1):
            weights = weights - (weights + rng.normal(size=EDGES)) / number
        found.append(-float((weights**2).mean()))
    return np.array(found)
