"""Lesson 07: a thousand searches side by side, as arrays with a row for each.

Searches that learn nothing (random, a grid, a low-discrepancy sequence) are drawn beforehand; the tree-structured
Parzen estimator follows `tpe`, which follows Optuna 5, with every hyperparameter on its scale from 0 to 1.

References:
    Bergstra, Bardenet, Bengio, Kégl (2011). Algorithms for Hyper-Parameter Optimization. NeurIPS.
    Falkner, Klein, Hutter (2018). BOHB: Robust and Efficient Hyperparameter Optimization at Scale. ICML.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

from binpack.course.l07_tpe.tpe import CANDIDATES, RECENT, STARTUP, shares
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.space import Int

Field = Callable[[NDArray, np.random.Generator], tuple[NDArray, NDArray]]
"""(places (n, D), rng) -> what a trial at each place scores, and what its place is truly worth, (n,) each."""
_PIECE = 2**18
"""Numbers of one intermediate array: more do not fit into a core's cache."""
_AT_ONCE = 4096


@dataclass(frozen=True)
class Searches:
    """Trials of many searches.

    Attributes:
        scores: what each trial scored, float64, (repeats, trials).
        worth: what its configuration is truly worth, (repeats, trials).
        places: where it lies, (repeats, trials, D).
    """

    scores: NDArray
    worth: NDArray
    places: NDArray


@dataclass(frozen=True)
class Cells:
    """The whole numbers along an edge, each with its part of the scale.

    Attributes:
        bounds: where the parts begin and end, ascending from 0 to 1, (K + 1,).
        places: of the numbers, (K,).
    """

    bounds: NDArray
    places: NDArray

    @classmethod
    def of(cls, parameter: Int) -> Cells:
        """Divide the scale of a hyperparameter.

        Args:
            parameter: with whole numbers on a logarithmic scale.
        """
        numbers = np.arange(parameter.low, parameter.high + 1)
        ends = np.log(np.append(numbers - 0.5, parameter.high + 0.5))
        return cls((ends - ends[0]) / (ends[-1] - ends[0]), (np.log(numbers) - ends[0]) / (ends[-1] - ends[0]))

    def number(self, places: NDArray) -> NDArray:
        """Return in which part each place lies, int64, the shape of `places`."""
        return np.searchsorted(self.bounds[1:-1], places, side="right")


Whole = Mapping[int, Cells]
"""Edge of the cube to the whole numbers along it."""
NONE: Whole = {}
WHOLE: Whole = {
    edge: Cells.of(parameter)
    for edge, parameter in enumerate(task.SPACE.parameters.values())
    if isinstance(parameter, Int)
}
"""Those of the recorded study."""


def moved(places: NDArray, whole: Whole = WHOLE) -> NDArray:
    """Move places to configurations that can be run: to whole numbers where there are whole numbers.

    Args:
        places: float64, (..., D); they are copied.
        whole: which edges have whole numbers.
    """
    found = np.array(places, float)
    for edge, cells in whole.items():
        found[..., edge] = cells.places[cells.number(found[..., edge])]
    return found


def field_of(model: Surrogate) -> Field:
    """Return what a trial of the recorded study's surrogate scores and is worth.

    Args:
        model: the surrogate.
    """

    def field(places: NDArray, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
        pieces = [model.finals(places[at : at + _AT_ONCE], rng) for at in range(0, len(places), _AT_ONCE)]
        return np.concatenate([scores for scores, _ in pieces]), np.concatenate([worth for _, worth in pieces])

    return field


def drawn(field: Field, places: NDArray, rng: np.random.Generator) -> Searches:
    """Try places that were all chosen beforehand.

    Args:
        field: what a trial scores.
        places: (repeats, trials, D).
        rng: draws the scores.
    """
    scores, worth = field(places.reshape(-1, places.shape[2]), rng)
    return Searches(scores.reshape(places.shape[:2]), worth.reshape(places.shape[:2]), places)


def shuffled(listed: NDArray, trials: int, repeats: int, rng: np.random.Generator) -> NDArray:
    """Put listed places into a random order for each search, float64, (repeats, trials or fewer, D).

    Args:
        listed: the places, (n, D).
        trials: how many are tried; no more than there are.
        repeats: how many searches.
        rng: draws the orders.
    """
    orders = rng.permuted(np.tile(np.arange(len(listed)), (repeats, 1)), axis=1)
    return listed[orders[:, :trials]]


def sobol(trials: int, repeats: int, edges: int, rng: np.random.Generator) -> NDArray:
    """Begin a scrambled Sobol sequence for each search (Owen, 1998), float64, (repeats, trials, edges).

    Args:
        trials: how many points.
        repeats: how many searches.
        edges: of the cube.
        rng: scrambles.
    """
    power = math.ceil(math.log2(max(trials, 2)))
    return np.stack([qmc.Sobol(edges, rng=rng).random_base2(power)[:trials] for _ in range(repeats)])


def tpe(
    field: Field,
    edges: int,
    trials: int,
    repeats: int,
    rng: np.random.Generator,
    *,
    joint: bool = False,
    startup: int = STARTUP,
    whole: Whole = NONE,
) -> Searches:
    """Search with a tree-structured Parzen estimator.

    Args:
        field: what a trial scores.
        edges: how many hyperparameters there are.
        trials: of each search.
        repeats: how many searches.
        rng: draws everything.
        joint: model the hyperparameters jointly, rather than each one on its own.
        startup: how many of the trials are drawn at random first.
        whole: which edges have whole numbers.
    """
    places = np.empty((repeats, trials, edges))
    scores, worth = np.empty((repeats, trials)), np.empty((repeats, trials))
    for trial in range(trials):
        if trial < startup:
            found = rng.random((repeats, edges))
        else:
            found = suggest(places[:, :trial], scores[:, :trial], rng, joint=joint, whole=whole)
        places[:, trial] = moved(found, whole)
        scores[:, trial], worth[:, trial] = field(places[:, trial], rng)
    return Searches(scores, worth, places)


def suggest(places: NDArray, scores: NDArray, rng: np.random.Generator, *, joint: bool, whole: Whole = NONE) -> NDArray:
    """Choose the next place of each search, float64, (repeats, D).

    Args:
        places: of its trials, (repeats, n, D).
        scores: of its trials, (repeats, n).
        rng: draws the candidates.
        joint: whether the hyperparameters are modelled jointly.
        whole: which edges have whole numbers.
    """
    count = min(math.ceil(0.1 * scores.shape[1]), RECENT)
    ranked = np.argsort(-scores, axis=1, kind="stable")
    groups = np.sort(ranked[:, :count], axis=1), np.sort(ranked[:, count:], axis=1)
    good, bad = (mixtures(np.take_along_axis(places, group[..., None], axis=1)) for group in groups)
    candidates = moved(good.draw(CANDIDATES, rng, joint), whole)
    if joint:
        ratio = good.joint_log_density(candidates, whole) - bad.joint_log_density(candidates, whole)
        chosen = np.argmax(ratio, axis=1)
        return candidates[np.arange(len(candidates)), chosen]
    ratio = good.log_density(candidates, whole) - bad.log_density(candidates, whole)
    return np.take_along_axis(candidates, np.argmax(ratio, axis=1)[:, None], axis=1)[:, 0]


@dataclass(frozen=True)
class Mixtures:
    """The bumps of one group of trials in each search, the prior's last.

    Attributes:
        centres: (repeats, n + 1, D).
        widths: (repeats, n + 1, D).
        lower: the part of each bump below 0.
        inside: the part between 0 and 1.
        weights: the same in every search, together 1, (n + 1,).
    """

    centres: NDArray
    widths: NDArray
    lower: NDArray
    inside: NDArray
    weights: NDArray

    def draw(self, count: int, rng: np.random.Generator, joint: bool) -> NDArray:
        """Draw places, float64, (repeats, count, D); drawn jointly, all edges of one come from the bumps of one trial.

        Args:
            count: for each search.
            rng: draws them.
            joint: whether all edges take the same trial.
        """
        repeats, _, edges = self.centres.shape
        cumulated = np.cumsum(self.weights)[:-1]
        which = np.searchsorted(cumulated, rng.random((repeats, count, 1 if joint else edges)), side="right")
        which = np.broadcast_to(which, (repeats, count, edges))
        centre, width, lower, inside = (
            np.take_along_axis(each, which, axis=1) for each in (self.centres, self.widths, self.lower, self.inside)
        )
        share = lower + rng.random(centre.shape) * inside
        return np.clip(centre + width * ndtri(share), 0.0, 1.0)

    def log_density(self, at: NDArray, whole: Whole = NONE) -> NDArray:
        """Return the logarithm of each edge's own density, or of a whole number's probability, (repeats, m, D).

        Args:
            at: places, (repeats, m, D).
            whole: which edges have whole numbers.
        """
        found = np.empty(at.shape)
        plain = [edge for edge in range(at.shape[2]) if edge not in whole]
        if plain:
            found[..., plain] = self._densities(at[..., plain], plain)
        for edge, cells in whole.items():
            for part, share in self._shares(at[..., edge], edge, cells):
                found[part, :, edge] = np.matmul(share, self.weights)
        return np.log(np.maximum(found, 1e-30))

    def _densities(self, at: NDArray, edges: Sequence[int]) -> NDArray:
        """Return densities along some edges, float64, (repeats, m, edges)."""
        found = np.empty(at.shape)
        # single precision is as good and twice as fast: nothing here is a small difference of large numbers
        centres, widths, inside = (
            each[..., edges].transpose(0, 2, 1) for each in (self.centres, self.widths, self.inside)
        )
        factor = (self.weights / (widths * inside * math.sqrt(2 * math.pi))).astype(np.float32)
        centres, narrow = centres.astype(np.float32), (math.sqrt(0.5) / widths).astype(np.float32)
        places = at.transpose(0, 2, 1).astype(np.float32)
        for part in self._pieces(at.shape[1] * len(edges)):
            z = places[part, :, :, None] - centres[part, :, None, :]
            z *= narrow[part, :, None, :]
            np.multiply(z, z, out=z)
            np.negative(z, out=z)
            np.exp(z, out=z)
            found[part] = np.matmul(z, factor[part, :, :, None])[..., 0].transpose(0, 2, 1)
        return found

    def _shares(self, at: NDArray, edge: int, cells: Cells) -> Iterator[tuple[slice, NDArray]]:
        """Yield for some searches at a time the part of each bump that belongs to a whole number, (r, m, n + 1)."""
        number = cells.number(at)
        left, right = cells.bounds[number], cells.bounds[number + 1]
        for part in self._pieces(at.shape[1]):
            centre, width = self.centres[part, None, :, edge], self.widths[part, None, :, edge]
            share = ndtr((right[part, :, None] - centre) / width) - ndtr((left[part, :, None] - centre) / width)
            yield part, share / self.inside[part, None, :, edge]

    def _pieces(self, numbers: int) -> list[slice]:
        """Divide the searches so that an array with so many numbers for each bump fits into the cache."""
        repeats, bumps, _ = self.centres.shape
        rows = max(1, _PIECE // (bumps * numbers))
        return [slice(first, first + rows) for first in range(0, repeats, rows)]

    def joint_log_density(self, at: NDArray, whole: Whole = NONE) -> NDArray:
        """Return the logarithm of the joint density, float64, (repeats, m).

        Args:
            at: places, (repeats, m, D).
            whole: which edges have whole numbers.
        """
        plain = [edge for edge in range(at.shape[2]) if edge not in whole]
        places, centres, widths, inside = (each[..., plain] for each in (at, self.centres, self.widths, self.inside))
        inverse = 1 / widths**2
        scaled = centres * inverse
        # the squared distance of every place to every centre, multiplied out
        squares = (places**2) @ inverse.transpose(0, 2, 1) - 2 * places @ scaled.transpose(0, 2, 1)
        squares += (centres * scaled).sum(axis=2)[:, None]
        heights = np.log(widths * inside).sum(axis=2) + len(plain) * 0.5 * math.log(2 * math.pi)
        logs = -0.5 * squares + (np.log(self.weights) - heights)[:, None]
        for edge, cells in whole.items():
            for part, share in self._shares(at[..., edge], edge, cells):
                logs[part] += np.log(np.maximum(share, 1e-300))
        most = logs.max(axis=2)
        return most + np.log(np.exp(logs - most[..., None]).sum(axis=2))


def mixtures(places: NDArray) -> Mixtures:
    """Put a bump over each trial, and the prior's over the middle.

    Args:
        places: of the trials of each search, the oldest first, (repeats, n, D).
    """
    repeats, count, edges = places.shape
    widths = np.maximum(places, 1 - places)
    if count > 1:
        order = np.argsort(places, axis=1, kind="stable")
        gaps = np.diff(np.take_along_axis(places, order, axis=1), axis=1)
        farther = np.maximum(np.concatenate([gaps[:, :1], gaps], axis=1), np.concatenate([gaps, gaps[:, -1:]], axis=1))
        np.put_along_axis(widths, order, farther, axis=1)
    widths = np.clip(widths, 1 / min(100, count + 2), 1.0)
    centres = np.concatenate([places, np.full((repeats, 1, edges), 0.5)], axis=1)
    widths = np.concatenate([widths, np.ones((repeats, 1, edges))], axis=1)
    lower = ndtr(-centres / widths)
    return Mixtures(centres, widths, lower, ndtr((1 - centres) / widths) - lower, shares(count))
