"""The search ``basicvariantgenerator``: every cell of the grids, for every sample, and all else drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from binpack.search.action.distributions import Distribution, GridSearch


class Variants:
    """The configurations of a job, each by its number alone, so that a resumed job has the same ones.

    A sample is one run through all cells of the ``grid_search`` parameters, the last one changing fastest; what is not
    a grid is drawn anew for each cell. A point to evaluate stands for one of the samples: where it gives a grid's
    value, only that one is run.

    Args:
        varied: what varies.
        samples: how many samples.
        points: the points to evaluate, no more than samples.
        seed: of what is drawn.
    """

    def __init__(
        self,
        varied: Sequence[Distribution],
        samples: int,
        points: Sequence[Mapping[str, Any]] = (),
        seed: int = 0,
    ) -> None:
        self._varied = varied
        self._samples = samples
        self._points = points
        self._seed = seed
        self._grids = [each for each in varied if isinstance(each, GridSearch)]

    @property
    def total(self) -> int:
        """How many configurations there are."""
        pointed = sum(self._cells(point) for point in self._points)
        return pointed + (self._samples - len(self._points)) * self._cells({})

    def config(self, number: int) -> dict[str, Any]:
        """Return a configuration, name to value.

        Args:
            number: from 0 up to ``total``.
        """
        point, cell = self._at(number)
        rng = np.random.default_rng([self._seed, number])
        options = [[point[grid.name]] if grid.name in point else grid.options for grid in self._grids]
        gridded = next(itertools.islice(itertools.product(*options), cell, None))
        fixed = dict(point) | dict(zip((grid.name for grid in self._grids), gridded, strict=True))
        # Everything is drawn, also what is not needed: a point changes nothing in the others' draws.
        drawn = {each.name: each.sample(rng) for each in self._varied}
        return {name: fixed.get(name, value) for name, value in drawn.items()}

    def _at(self, number: int) -> tuple[Mapping[str, Any], int]:
        """Return the point (empty for none) and the cell of a configuration."""
        for point in self._points:
            if number < (cells := self._cells(point)):
                return point, number
            number -= cells
        return {}, number % self._cells({})

    def _cells(self, point: Mapping[str, Any]) -> int:
        return math.prod(len(grid.options) for grid in self._grids if grid.name not in point)
