"""Lesson 09: a sampler that is asked for several trials at once, and knows fewer results when it answers."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from binpack.course.asking import asked
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate

SPREAD = 0.4
"""Standard deviation of the logarithm of a trial's length; the median length is 1."""
SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = {
    "random": lambda seed: RandomSampler(seed=seed),
    "TPE": lambda seed: TPESampler(seed=seed, constant_liar=True),
    "TPE without the liar": lambda seed: TPESampler(seed=seed, constant_liar=False),
}
"""What is asked; Optuna's default is the second."""


@dataclass(frozen=True, eq=False)
class Crowd:
    """A search by several workers, its trials in the order in which they ended.

    Attributes:
        scores: of the trials, float64, (trials,).
        worth: what their configurations are truly worth, float64, (trials,).
        ends: when they ended, float64, (trials,).
        known: how many results there were when each was asked for, int64, (trials,).
    """

    scores: NDArray
    worth: NDArray
    ends: NDArray
    known: NDArray


def search(model: Surrogate, sampler: BaseSampler, workers: int, trials: int, rng: np.random.Generator) -> Crowd:
    """Search the surrogate with workers side by side; who is done asks for the next trial at once.

    Args:
        model: of the recorded study.
        sampler: chooses.
        workers: how many.
        trials: how many in all.
        rng: draws the luck of each run and its length.
    """
    study = optuna.create_study(direction="maximize", sampler=sampler)
    questions = asked(study, trials)
    running: list[tuple[float, int, optuna.Trial, float, float, int]] = []
    found: list[tuple[float, float, float, int]] = []
    now = 0.0
    while len(found) < trials:
        while len(running) < workers and (question := next(questions, None)) is not None:
            trial, _, place = question
            finals, means = model.finals(place, rng)
            end = now + float(rng.lognormal(0.0, SPREAD))
            heapq.heappush(running, (end, trial.number, trial, float(finals[0]), float(means[0]), len(found)))
        now, _, trial, score, worth, known = heapq.heappop(running)
        study.tell(trial, score)
        found.append((score, worth, now, known))
    scores, worths, ends, knew = zip(*found, strict=True)
    return Crowd(np.array(scores), np.array(worths), np.array(ends), np.array(knew))


def at_once(model: Surrogate, name: str, told: int, count: int, seed: int) -> NDArray:
    """Search the learning rate alone; return those of some trials that are asked for at once, float64, (count,).

    Args:
        model: of the recorded study.
        name: of the sampler, in `SAMPLERS`.
        told: how many trials it knows.
        count: how many it is asked for.
        seed: of the sampler and of the luck of each run.
    """
    rng, space = np.random.default_rng(seed), task.SPACE.only("learning_rate")
    study = optuna.create_study(direction="maximize", sampler=SAMPLERS[name](seed))
    for trial, _, place in asked(study, told, space):
        study.tell(trial, float(model.finals(place, rng)[0][0]))
    return np.array([config["learning_rate"] for _, config, _ in asked(study, count, space)])


def nearest(rates: NDArray) -> float:
    """Return how far the nearest other one of some learning rates is from each, on average, in powers of ten.

    Args:
        rates: two or more, (n,).
    """
    gaps = np.diff(np.sort(np.log10(rates)), prepend=-np.inf, append=np.inf)
    return float(np.minimum(gaps[:-1], gaps[1:]).mean())
