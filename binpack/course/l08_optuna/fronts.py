"""Lesson 08b: two objectives at once, on the recorded runs and on the surrogate.

Everything is turned so that more is better: a cost, and a spread over seeds, stand with a minus.

References:
    Deb, Pratap, Agarwal, Meyarivan (2002). A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II. IEEE
        Transactions on Evolutionary Computation 6.
    Ozaki, Tanigaki, Watanabe, Onishi (2020). Multiobjective Tree-structured Parzen Estimator for Computationally
        Expensive Optimization Problems. GECCO.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler

from binpack.course.asking import asked
from binpack.course.l08_optuna.shares import frozen
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.landscape.table import Runs

SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = {
    "random": lambda seed: RandomSampler(seed=seed),
    "NSGA-II": lambda seed: NSGAIISampler(seed=seed, population_size=20),
    "TPE": lambda seed: TPESampler(seed=seed, constant_liar=False),
}
"""Samplers that know several objectives. NSGA-II's population is smaller than Optuna's 50: there are few trials."""
SEEDS = 5
"""Runs of a trial, so that it has a spread."""
AGAINST = ("stability", "gradient steps")
"""What utilization is set against."""


def gradient_steps(values: Mapping[str, Any]) -> int:
    """Count the optimizer steps of a recorded run: the part of its time that hyperparameters decide on any machine.

    Args:
        values: of the eleven hyperparameters.
    """
    rollout = task.ENVS * values["n_steps"]
    batches = -(-rollout // min(values["batch_size"], rollout))
    return -(-task.STEPS // rollout) * batches * values["n_epochs"]


def measured(runs: Runs, seeds: NDArray | slice = slice(None)) -> dict[str, NDArray]:
    """Return what recorded configurations reach in pairs of objectives: name -> float64, (C, 2).

    Args:
        runs: the configurations.
        seeds: which of their seeds count.

    Returns:
        Utilization against each of: "stability", minus its standard deviation over seeds; "seconds", minus the
        processor time of a run; "gradient steps", minus their thousands.
    """
    finals = runs.final[:, seeds]
    costs = {
        "stability": finals.std(axis=1, ddof=1),
        "seconds": np.nanmax(runs.seconds[:, seeds].astype(float), axis=2).mean(axis=1),
        "gradient steps": np.array([gradient_steps(values) for values in runs.configs]) / 1000,
    }
    return {name: np.column_stack([finals.mean(axis=1), -cost]) for name, cost in costs.items()}


def study_of(runs: Runs, points: NDArray) -> optuna.Study:
    """Put recorded configurations into a study with two objectives, the second of which is to be low.

    Args:
        runs: the configurations.
        points: as `measured` returns them, (C, 2).
    """
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=RandomSampler(seed=0))
    study.add_trials(
        [frozen(values, float(good), float(-bad)) for values, (good, bad) in zip(runs.configs, points, strict=True)]
    )
    return study


def searched(model: Surrogate, against: str, sampler: str, trials: int, seed: int) -> NDArray:
    """Search the surrogate for two objectives, and return what the trials are truly worth in both, (trials, 2).

    A trial has several runs; its scores are their mean, and against it their standard deviation or the cost.

    Args:
        model: of the recorded study.
        against: a name of `AGAINST`.
        sampler: a name of `SAMPLERS`.
        trials: how many.
        seed: of the sampler and of the noise.
    """
    rng = np.random.default_rng([seed, trials])
    study = optuna.create_study(directions=["maximize", "maximize"], sampler=SAMPLERS[sampler](seed))
    true = np.empty((trials, 2))
    for number, (trial, values, place) in enumerate(asked(study, trials)):
        finals, means = model.finals(np.tile(place, (SEEDS, 1)), rng)
        cost = gradient_steps(values) / 1000
        if against == "stability":
            study.tell(trial, [float(finals.mean()), -float(finals.std(ddof=1))])
            true[number] = means[0], -float(model.spreads(place[None])[0])
        else:
            study.tell(trial, [float(finals.mean()), -cost])
            true[number] = means[0], -cost
    return true


def covered(points: NDArray, reference: NDArray, at: NDArray, area: Callable[[NDArray, NDArray], float]) -> NDArray:
    """Return the area that the first few trials cover, float64, (len(at),).

    Args:
        points: of the trials in their order, (n, 2).
        reference: what has to be exceeded in both columns, (2,).
        at: numbers of trials.
        area: (points, reference) -> what the points cover.
    """
    return np.array([area(points[:count], reference) for count in at])


def stays(first: NDArray, second: NDArray, front: Callable[[NDArray], NDArray]) -> tuple[int, int, float]:
    """Say what becomes of a front on seeds that it was not chosen by.

    Args:
        first: points by the seeds that chose, (C, 2).
        second: points of the same configurations by other seeds, (C, 2).
        front: says which points are on the front.

    Returns:
        How many are on the first front; how many of them on the second; and by how much the utilization of the first
        front's points is lower, on average, by the other seeds.
    """
    one, two = front(first), front(second)
    fall = first[one, 0] - second[one, 0]
    return int(one.sum()), int((one & two).sum()), float(fall.mean())
