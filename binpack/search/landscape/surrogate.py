"""A model of the recorded study for configurations that were not run: their mean curve, and runs that might have been.

The mean is a Gaussian process on the unit cube of the space, with a length for each hyperparameter (Rasmussen and
Williams, 2006), fitted to the means over seeds and aware of how well each of these is known. What one seed differs by
is taken from recorded runs, whole curves at a time: from a configuration whose mean and spread are like those that are
predicted, the spread by a second process. So an invented run has the ups and downs of real ones, and a poor
configuration does not become the luckiest of a search: real seeds of poor ones fall far below their mean, not above.

``python -m binpack.search.landscape.surrogate`` fits the lengths, which takes minutes, and records them with the errors
of the model; with lengths given, a model is made at once.

References:
    Rasmussen, Williams (2006). Gaussian Processes for Machine Learning. MIT Press.
    Eggensperger, Lindauer, Hoos, Hutter, Leyton-Brown (2018). Efficient Benchmarking of Algorithm Configurators via
        Model-Based Surrogates. Machine Learning 107.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from binpack.files import read_json, write_json
from binpack.search.landscape.table import Landscape, Runs, load
from binpack.search.provenance import about
from binpack.search.recorder import rounded

FILE = Path(__file__).with_name("surrogate.json")
COMMAND = "python -m binpack.search.landscape.surrogate"
NEIGHBOURS = 8
"""A run's deviation comes from one of so many recorded configurations."""
ALIKE = (0.03, 0.3)
"""Configurations have the same kind of luck where means, and logarithms of spreads, differ by so little."""
FOLDS = 8
FITTED: Mapping[str, int] = {"study": 10, "default": 10, "grid": 3, "box": 3, "led": 3}
"""Groups that it is fitted to, and how many of their seeds; it has seen no others, so they are there to check it."""


@dataclass(frozen=True, eq=False)
class Table:
    """What a surrogate is fitted to.

    Attributes:
        places: configurations in the unit cube, float64, (C, D).
        curves: mean utilization over seeds, float64, (C, P).
        spread: standard deviation of the final score over seeds, float64, (C,).
        error: standard error of the final mean, from the spread of all configurations alike where seeds are few, (C,).
        residuals: for each configuration, what its runs differ from its mean curve by, (S, P) each.
    """

    places: NDArray
    curves: NDArray
    spread: NDArray
    error: NDArray
    residuals: tuple[NDArray, ...]

    @classmethod
    def of(cls, runs: Sequence[Runs]) -> Table:
        """Put runs together.

        Args:
            runs: with two seeds or more each.
        """
        values = [np.nan_to_num(each.utilization.astype(float)) for each in runs]
        means = [each.mean(axis=1) for each in values]
        spreads = np.concatenate([each[..., -1].std(axis=1, ddof=1) for each in values])
        seeds = np.concatenate([np.full(len(each), each.shape[1]) for each in values])
        typical = np.sqrt(np.mean(spreads**2))
        residuals = [run - mean[:, None] for run, mean in zip(values, means, strict=True)]
        return cls(
            np.concatenate([each.places for each in runs]),
            np.concatenate(means),
            spreads,
            np.sqrt((spreads**2 + typical**2) / 2 / seeds),
            tuple(each for group in residuals for each in group),
        )

    def part(self, index: NDArray) -> Table:
        """Return some of its configurations.

        Args:
            index: int64, (n,).
        """
        residuals = tuple(self.residuals[each] for each in index)
        return Table(self.places[index], self.curves[index], self.spread[index], self.error[index], residuals)


@dataclass(frozen=True)
class Kernel:
    """The fitted parameters of a process.

    Attributes:
        lengths: how far one goes along each edge of the cube until scores have little in common, (D,).
        level: variance of the process, in units of the variance of what it is fitted to.
        nugget: variance of what it does not explain, in the same units.
    """

    lengths: tuple[float, ...]
    level: float
    nugget: float


class Surrogate:
    """The model.

    Args:
        table: what it is fitted to.
        kernels: of the mean and of the logarithm of the spread; None: found by maximum likelihood, in minutes.
    """

    def __init__(self, table: Table, kernels: tuple[Kernel, Kernel] | None = None) -> None:
        self._table = table
        self._middle, self._scale = table.curves.mean(axis=0), float(table.curves[:, -1].std())
        noise = (table.error / self._scale) ** 2
        wanted = (table.curves - self._middle) / self._scale
        logs = np.log(np.maximum(table.spread, _LEAST))
        self._log_middle, self._log_scale = float(logs.mean()), float(logs.std()) or 1.0
        logs = (logs - self._log_middle) / self._log_scale
        if kernels is None:
            # The lengths of the final score serve all points of the curve.
            kernels = _fitted(table.places, wanted[:, -1], noise), _fitted(table.places, logs, 1e-6)
        self.kernels = kernels
        self._mean = _process(kernels[0], noise).fit(table.places, wanted)
        self._spread = _process(kernels[1], 1e-6).fit(table.places, logs)

    @classmethod
    def recorded(cls, landscape: Landscape | None = None) -> Surrogate:
        """Return the model of the whole study, with the lengths that are recorded beside it; it takes no fitting.

        Args:
            landscape: the study; None: the one that comes with the package.
        """
        stored = read_json(FILE, "a surrogate's lengths")["kernels"]
        mean, spread = (Kernel(tuple(each["lengths"]), each["level"], each["nugget"]) for each in stored)
        return cls(table_of(landscape or load()), (mean, spread))

    def curves(self, places: NDArray) -> NDArray:
        """Return mean curves over all seeds that there could be, float64, (n, P).

        Args:
            places: configurations in the unit cube, (n, D).
        """
        return self._mean.predict(np.atleast_2d(places)) * self._scale + self._middle

    def means(self, places: NDArray) -> NDArray:
        """Return mean final scores, float64, (n,).

        Args:
            places: configurations in the unit cube, (n, D).
        """
        return self.curves(places)[:, -1]

    def spreads(self, places: NDArray) -> NDArray:
        """Return standard deviations of the final score over seeds, float64, (n,).

        Args:
            places: configurations in the unit cube, (n, D).
        """
        return np.exp(self._spread.predict(np.atleast_2d(places)) * self._log_scale + self._log_middle)

    def draw(self, places: NDArray, rng: np.random.Generator) -> NDArray:
        """Invent a run of each configuration: a curve as another seed might have given it, float64, (n, P).

        Args:
            places: configurations in the unit cube, (n, D).
            rng: which seed.
        """
        places = np.atleast_2d(places)
        curves = self.curves(places)
        for row, donor in enumerate(self._donors(curves[:, -1], self.spreads(places), rng)):
            residuals = self._table.residuals[donor]
            # Runs lie nearer to the mean of a few of them than to the mean of all.
            curves[row] += residuals[rng.integers(len(residuals))] * np.sqrt(len(residuals) / (len(residuals) - 1))
        return np.clip(curves, 0.0, 1.0)

    def finals(self, places: NDArray, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        """Invent the last score of a run of each configuration: what `draw` ends with, and much sooner.

        Args:
            places: configurations in the unit cube, (n, D).
            rng: which seed.

        Returns:
            The scores, and the means around which they lie, float64, (n,) each.
        """
        places = np.atleast_2d(places)
        means = self.means(places)
        donors = self._donors(means, self.spreads(places), rng)
        last, first, count = self._last
        drawn = last[first[donors] + rng.integers(count[donors])]
        return np.clip(means + drawn * np.sqrt(count / (count - 1))[donors], 0.0, 1.0), means

    def _donors(self, means: NDArray, spreads: NDArray, rng: np.random.Generator) -> NDArray:
        """Choose for each mean and spread one of the recorded configurations that are like it, int64, (n,)."""
        near = np.argpartition(cdist(_kind(means, spreads), self._kinds), NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        return near[np.arange(len(means)), rng.integers(NEIGHBOURS, size=len(means))]

    @cached_property
    def _kinds(self) -> NDArray:
        return _kind(self._table.curves[:, -1], self._table.spread)

    @cached_property
    def _last(self) -> tuple[NDArray, NDArray, NDArray]:
        """The last residual of every run in a row, and for each configuration its first one's place and their count."""
        count = np.array([len(each) for each in self._table.residuals])
        last = np.concatenate([each[:, -1] for each in self._table.residuals])
        return last, np.cumsum(count) - count, count


_LEAST = 1e-3
"""Smallest spread: under it there are only a few different packings."""


def _kind(means: NDArray, spreads: NDArray) -> NDArray:
    """Return what kind of luck configurations have, in units of `ALIKE`, (n, 2)."""
    return np.column_stack([means, np.log(np.maximum(spreads, _LEAST))]) / ALIKE


def table_of(landscape: Landscape) -> Table:
    """Return what the model is fitted to: runs on the study's own items, of all groups but the fresh draws.

    Args:
        landscape: the study.
    """
    # the leaders of searches are found by a surrogate that was fitted without them
    there = [(group, seeds) for group, seeds in FITTED.items() if group != "led" or "led" in landscape.groups]
    return Table.of([landscape.runs(group).first_seeds(seeds) for group, seeds in there])


def _fitted(places: NDArray, values: NDArray, noise: Any) -> Kernel:
    start = ConstantKernel(1.0, (0.05, 100.0)) * Matern(np.ones(places.shape[1]), (0.05, 50.0), nu=2.5)
    process = GaussianProcessRegressor(
        start + WhiteKernel(0.1, (1e-5, 1.0)), alpha=noise, n_restarts_optimizer=1, random_state=0
    )
    with warnings.catch_warnings():
        # A length at its bound says that the score does not depend on that edge.
        warnings.simplefilter("ignore", ConvergenceWarning)
        kernel: Any = process.fit(places, values).kernel_
    product, white = kernel.k1, kernel.k2
    lengths = tuple(float(f"{each:.4g}") for each in product.k2.length_scale)
    return Kernel(lengths, float(f"{product.k1.constant_value:.4g}"), float(f"{white.noise_level:.4g}"))


def _process(kernel: Kernel, noise: Any) -> GaussianProcessRegressor:
    shape = ConstantKernel(kernel.level) * Matern(np.array(kernel.lengths), nu=2.5)
    return GaussianProcessRegressor(shape, alpha=noise + kernel.nugget, optimizer=None)


@dataclass(frozen=True)
class Errors:
    """How well predicted scores agree with recorded ones.

    Attributes:
        spearman: rank correlation of predicted and recorded means.
        rmse: root mean squared difference of the two.
        noise: what the root mean squared difference would be if the prediction were perfect, from the seeds' spread.
        one_seed: root mean squared distance of one seed's score from its configuration's mean.
    """

    spearman: float
    rmse: float
    noise: float
    one_seed: float


def cross_validated(table: Table, kernels: tuple[Kernel, Kernel], first: int) -> Errors:
    """Predict configurations from all others, in eight parts, with the lengths of the whole.

    Args:
        table: all.
        kernels: their lengths.
        first: only the first so many of the table are predicted: those of the study.
    """
    predicted = np.empty(first)
    parts = np.arange(first) % FOLDS
    for part in range(FOLDS):
        rest = np.concatenate([np.flatnonzero(parts != part), np.arange(first, len(table.places))])
        predicted[parts == part] = Surrogate(table.part(rest), kernels).means(table.places[:first][parts == part])
    return errors(predicted, table.curves[:first, -1], table.error[:first], table.spread[:first])


def errors(predicted: NDArray, found: NDArray, error: NDArray, spread: NDArray) -> Errors:
    """Compare means.

    Args:
        predicted: float, (n,).
        found: means over seeds, (n,).
        error: their standard errors, (n,).
        spread: standard deviations over seeds, (n,).
    """
    rank = float(spearmanr(predicted, found).statistic)
    rmse, noise, one = (float(np.sqrt(np.mean(each**2))) for each in (predicted - found, error, spread))
    return Errors(rank, rmse, noise, one)


def main() -> None:
    """Fit the lengths to the study, measure the errors, and write both."""
    landscape = load()
    table, fresh = table_of(landscape), landscape.runs("fresh")
    surrogate = Surrogate(table)
    new = Table.of([fresh])
    said: Mapping[str, Any] = {
        "about": about(COMMAND, ("numpy", "scikit-learn", "scipy")),
        "kernels": [asdict(each) for each in surrogate.kernels],
        "cross_validated": asdict(cross_validated(table, surrogate.kernels, len(landscape.runs("study").configs))),
        "fresh": asdict(errors(surrogate.means(new.places), new.curves[:, -1], new.error, new.spread)),
    }
    write_json(FILE, rounded(said))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit("expected no arguments")
    main()
