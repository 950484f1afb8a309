"""What the lessons about searches do with the recorded study's surrogate: one of Optuna's studies asks it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.space import Space


@cache
def recorded_model() -> Surrogate:
    """Return the surrogate of the recorded study, made once in a process."""
    return Surrogate.recorded()


def search(
    study: optuna.Study,
    model: Surrogate,
    trials: int,
    rng: np.random.Generator,
    *,
    seeds: int = 1,
    space: Space = task.SPACE,
) -> tuple[NDArray, NDArray]:
    """Let a study of one objective search the surrogate.

    Args:
        study: asks, and is told the scores.
        model: of the recorded study.
        trials: how many.
        rng: draws the luck of each run.
        seeds: runs of a trial, whose mean is its score.
        space: what is varied; everything else keeps its default.

    Returns:
        What the trials score, and what their configurations are truly worth, float64, (trials,) each.
    """
    scores, worth = np.empty(trials), np.empty(trials)
    for number, (trial, _, place) in enumerate(asked(study, trials, space)):
        finals, means = model.finals(np.tile(place, (seeds, 1)), rng)
        scores[number], worth[number] = finals.mean(), means[0]
        study.tell(trial, float(scores[number]))
    return scores, worth


def asked(
    study: optuna.Study, trials: int, space: Space = task.SPACE
) -> Iterator[tuple[optuna.Trial, dict[str, Any], NDArray]]:
    """Ask a study for one trial after the other, each of which has to be told before the next.

    Args:
        study: asks.
        trials: how many.
        space: what is varied; everything else keeps its default.

    Yields:
        A trial, its configuration, and this one's place in the unit cube, float64, (11,).
    """
    for _ in range(trials):
        trial = study.ask()
        config = {**task.DEFAULT, **space.suggest(trial)}
        yield trial, config, np.array(task.SPACE.place(config))
