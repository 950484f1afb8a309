"""Lesson 07: a problem with one hyperparameter, cut out of the recorded study's surrogate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate

Objective = Callable[[NDArray, np.random.Generator], NDArray]
"""(places, rng) -> scores."""
NAME = "learning_rate"
POINTS = 201
TICKS = {place: f"{task.SPACE.parameters[NAME].at(place):g}" for place in (0.0, 0.25, 0.5, 0.75, 1.0)}
"""Places of the learning rate's scale, and what it is there."""


@dataclass(frozen=True)
class Line:
    """What the study's surrogate says along the learning rate, all else at its default.

    Called with places and a generator it gives noisy scores: normal, with the mean and the spread of the surrogate.

    Attributes:
        at: places on the learning rate's scale, float64, (201,).
        means: what a configuration is worth there, (201,).
        spreads: standard deviations of a single run's score, (201,).
    """

    at: NDArray
    means: NDArray
    spreads: NDArray

    @classmethod
    def of(cls, model: Surrogate) -> Line:
        """Cut it out of a surrogate.

        Args:
            model: of the study.
        """
        at = np.linspace(0, 1, POINTS)
        places = np.tile(task.SPACE.place(task.DEFAULT), (POINTS, 1))
        places[:, task.SPACE.names.index(NAME)] = at
        return cls(at, model.means(places), model.spreads(places))

    def worth(self, places: NDArray) -> NDArray:
        """Return the means at some places, float64, the shape of `places`.

        Args:
            places: from 0 to 1.
        """
        return np.interp(places, self.at, self.means)

    def __call__(self, places: NDArray, rng: np.random.Generator) -> NDArray:
        """Score one run at each place, float64, the shape of `places`.

        Args:
            places: from 0 to 1.
            rng: which seed.
        """
        noise = np.interp(places, self.at, self.spreads) * rng.standard_normal(np.shape(places))
        return np.clip(self.worth(places) + noise, 0.0, 1.0)

    @property
    def noise(self) -> float:
        """The middle of the spreads: what a model that knows one number for them would be told."""
        return float(np.median(self.spreads))


def rate(place: float) -> float:
    """Return the learning rate at a place of its scale.

    Args:
        place: from 0 to 1.
    """
    return float(task.SPACE.parameters[NAME].at(place))
