"""Lesson 07: a thousand searches side by side, as arrays with a row for each.

Searches that learn nothing (random, a grid, a low-discrepancy sequence) are drawn beforehand; the tree-structured
Parzen estimator follows `tpe`, which follows Optuna 5, with every hyperparameter on its scale from 0 to 1.

References:
    Bergstra, Bardenet, Bengio, Kégl (2011). Algorithms for Hyper-Parameter Optimization. NeurIPS.
    Falkner, Klein, Hutter (2018). BOHB: Robust and Efficient Hyperparameter Optimization at Scale. ICML.
"""

from __future__ import annotations

import math
from collections.abc import Callable
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


def whole(places: NDArray) -> NDArray:
    """Move places of the study's cube to configurations that can be run: whole numbers where it has whole numbers.

    Args:
        places: float64, (n, D); it is copied.
    """
    moved = np.array(places, float)
    for edge, parameter in enumerate(task.SPACE.parameters.values()):
        if isinstance(parameter, Int):
            # place() of a whole number is the middle of its part; these are the parts of all of them
            values = np.array([parameter.place(value) for value in range(parameter.low, parameter.high + 1)])
            low, high = math.log(parameter.low - 0.5), math.log(parameter.high + 0.5)
            numbers = np.rint(np.exp(low + moved[:, edge] * (high - low))).astype(int)
            moved[:, edge] = values[np.clip(numbers, parameter.low, parameter.high) - parameter.low]
    return moved


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
    move: Callable[[NDArray], NDArray] | None = None,
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
        move: moves places to those that can be tried, (repeats, D) -> (repeats, D).
    """
    places = np.empty((repeats, trials, edges))
    scores, worth = np.empty((repeats, trials)), np.empty((repeats, trials))
    for trial in range(trials):
        if trial < startup:
            found = rng.random((repeats, edges))
        else:
            found = suggest(places[:, :trial], scores[:, :trial], rng, joint=joint)
        places[:, trial] = found if move is None else move(found)
        scores[:, trial], worth[:, trial] = field(places[:, trial], rng)
    return Searches(scores, worth, places)


def suggest(places: NDArray, scores: NDArray, rng: np.random.Generator, *, joint: bool) -> NDArray:
    """Choose the next place of each search, float64, (repeats, D).

    Args:
        places: of its trials, (repeats, n, D).
        scores: of its trials, (repeats, n).
        rng: draws the candidates.
        joint: whether the hyperparameters are modelled jointly.
    """
    count = min(math.ceil(0.1 * scores.shape[1]), RECENT)
    ranked = np.argsort(-scores, axis=1, kind="stable")
    groups = np.sort(ranked[:, :count], axis=1), np.sort(ranked[:, count:], axis=1)
    good, bad = (mixtures(np.take_along_axis(places, group[..., None], axis=1)) for group in groups)
    candidates = good.draw(CANDIDATES, rng, joint)
    if joint:
        chosen = np.argmax(good.joint_log_density(candidates) - bad.joint_log_density(candidates), axis=1)
        return candidates[np.arange(len(candidates)), chosen]
    ratio = good.log_density(candidates) - bad.log_density(candidates)
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

    def log_density(self, at: NDArray) -> NDArray:
        """Return the logarithm of each edge's own density, float64, (repeats, m, D).

        Args:
            at: places, (repeats, m, D).
        """
        repeats, bumps, edges = self.centres.shape
        found = np.empty(at.shape)
        rows = max(1, _PIECE // (bumps * edges * at.shape[1]))
        # single precision is as good and twice as fast: nothing here is a small difference of large numbers
        centres = self.centres.transpose(0, 2, 1).astype(np.float32)
        narrow = (math.sqrt(0.5) / self.widths).transpose(0, 2, 1).astype(np.float32)
        factor = (self.weights[:, None] / (self.widths * self.inside)).transpose(0, 2, 1).astype(np.float32)
        places = at.transpose(0, 2, 1).astype(np.float32)
        for first in range(0, repeats, rows):
            part = slice(first, first + rows)
            z = places[part, :, :, None] - centres[part, :, None, :]
            z *= narrow[part, :, None, :]
            np.multiply(z, z, out=z)
            np.negative(z, out=z)
            np.exp(z, out=z)
            found[part] = np.matmul(z, factor[part, :, :, None])[..., 0].transpose(0, 2, 1)
        return np.log(np.maximum(found, 1e-30) / math.sqrt(2 * math.pi))

    def joint_log_density(self, at: NDArray) -> NDArray:
        """Return the logarithm of the joint density, float64, (repeats, m).

        Args:
            at: places, (repeats, m, D).
        """
        inverse = 1 / self.widths**2
        scaled = self.centres * inverse
        # the squared distance of every place to every centre, multiplied out
        squares = (at**2) @ inverse.transpose(0, 2, 1) - 2 * at @ scaled.transpose(0, 2, 1)
        squares += (self.centres * scaled).sum(axis=2)[:, None]
        heights = np.log(self.widths * self.inside).sum(axis=2) + at.shape[2] * 0.5 * math.log(2 * math.pi)
        logs = -0.5 * squares + (np.log(self.weights) - heights)[:, None]
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
