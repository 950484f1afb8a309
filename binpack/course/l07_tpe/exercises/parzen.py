"""The densities of a tree-structured Parzen estimator: which trials they are made of, how wide, and their height."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from binpack.course.exercises import exercise, expect, promise


@exercise(
    minutes=8,
    difficulty=1,
    hints=(
        "Begin with how many are good: `min(math.ceil(0.1 * len(scores)), 25)`.",
        "`np.argsort(-scores, kind='stable')` lists the trials from the best to the worst, and of equal ones the "
        "earlier first. The first so many are good; `np.sort` puts them back into the order in which they were made.",
        "`ranked = np.argsort(-scores, kind='stable')`, then `return np.sort(ranked[:count]), "
        "np.sort(ranked[count:])`.",
    ),
    returns=promise.a_tuple(
        "the two groups", promise.an_array("the good trials", int), promise.an_array("the bad trials", int)
    ),
)
def split_trials(scores: NDArray) -> tuple[NDArray, NDArray]:
    """Divide the trials into a few good ones and all others.

    Args:
        scores: of the trials in the order in which they were made, higher is better, (n,).

    Returns:
        The numbers of the good trials, and those of all others, both ascending. Good is the best tenth, rounded up,
        and at most 25 trials; of equal scores the earlier trial comes first.
    """
    # 1. how many are good
    count = min(math.ceil(0.1 * len(scores)), 25)
    # 2. from the best to the worst
    ranked = np.argsort(-scores, kind="stable")
    # 3. each group in the order in which its trials were made
    return np.sort(ranked[:count]), np.sort(ranked[count:])


def _with_count(count: Callable[[int], int]) -> Callable:
    def wrong(scores: NDArray) -> tuple[NDArray, NDArray]:
        ranked = np.argsort(-scores, kind="stable")
        return np.sort(ranked[: count(len(scores))]), np.sort(ranked[count(len(scores)) :])

    return wrong


def _by_rank(scores: NDArray) -> tuple[NDArray, NDArray]:
    count, ranked = min(math.ceil(0.1 * len(scores)), 25), np.argsort(-scores, kind="stable")
    return ranked[:count], ranked[count:]


def _later_first(scores: NDArray) -> tuple[NDArray, NDArray]:
    count = min(math.ceil(0.1 * len(scores)), 25)
    ranked = np.argsort(scores, kind="stable")[::-1]
    return np.sort(ranked[:count]), np.sort(ranked[count:])


split_trials.examine(
    cases=lambda: [
        (np.array([0.61, 0.74, 0.58, 0.70, 0.66, 0.72, 0.55, 0.69, 0.71, 0.60, 0.73, 0.40]),),
        (np.array([0.5, 0.9, 0.9, 0.9, 0.2]),),
        (np.array([0.3, 0.8, 0.8, 0.1]),),
        (np.arange(300.0) % 83,),
    ],
    draw=lambda rng: (rng.permutation(int(rng.integers(11, 400))) / 400,),
    mistakes={
        "the lowest scores are called good: a higher score is better": (
            lambda scores: split_trials.reference(-np.asarray(scores))
        ),
        "a tenth is rounded down: round up": _with_count(lambda n: min(int(0.1 * n), 25)),
        "a tenth is rounded to the nearest whole number: round up": _with_count(lambda n: min(round(0.1 * n), 25)),
        "with many trials the good group grows beyond 25": _with_count(lambda n: math.ceil(0.1 * n)),
        "a quarter is called good: it is a tenth": _with_count(lambda n: min(math.ceil(0.25 * n), 25)),
        "always one trial is good: it is a tenth of them, rounded up": _with_count(lambda n: 1),
        "the groups are in the order of the scores: put each into the order of the trials": _by_rank,
        "of equal scores the later trial comes first: it is the earlier": _later_first,
        "the two groups are exchanged: first the good ones": lambda scores: split_trials.reference(scores)[::-1],
    },
)


@exercise(
    minutes=6,
    difficulty=1,
    hints=(
        "Begin with `if log:` and replace `values`, `low` and `high` by their logarithms, all three.",
        "Then the same for both scales: how far above `low`, divided by how far `high` is above `low`.",
        "`if log: values, low, high = np.log(values), np.log(low), np.log(high)`, then "
        "`return (values - low) / (high - low)`.",
    ),
    returns=promise.an_array("the places", float),
)
def place_on_scale(values: NDArray, low: float, high: float, log: bool) -> NDArray:
    """Say where values lie between the ends of their range, from 0 to 1.

    Args:
        values: of a hyperparameter, (n,).
        low: the lower end of its range.
        high: the upper end.
        log: whether its scale is logarithmic; then all are above 0.

    Returns:
        0 at `low`, 1 at `high`, and evenly between them on the scale, (n,).
    """
    # 1. a logarithmic scale is a plain one of logarithms
    if log:
        values, low, high = np.log(values), np.log(low), np.log(high)
    # 2. the share of the way
    return (values - low) / (high - low)


def _range_in_logs(values: NDArray, low: float, high: float, log: bool) -> NDArray:
    return np.log(values) / (np.log(high) - np.log(low)) if log else (values - low) / (high - low)


place_on_scale.examine(
    cases=lambda: [
        (np.array([0.8, 0.85, 1.0]), 0.8, 1.0, False),
        (np.array([1e-5, 1e-3, 1e-1]), 1e-5, 1e-1, True),
        (np.array([8.0, 32.0, 64.0]), 8.0, 128.0, True),
    ],
    draw=lambda rng: (rng.uniform(0.05, 0.5, 4).round(3), 0.05, 0.5, bool(rng.integers(2))),
    mistakes={
        "the logarithm is missing where the scale is logarithmic": lambda values, low, high, log: (
            (values - low) / (high - low)
        ),
        "the logarithm is taken on a plain scale as well": lambda values, low, high, log: (
            np.log(values / low) / np.log(high / low)
        ),
        "it turns places into values: values into places are wanted": lambda values, low, high, log: (
            low * (high / low) ** values if log else low + values * (high - low)
        ),
        "low has no place 0: subtract it from the values": lambda values, low, high, log: (
            np.log(values) / np.log(high / low) if log else values / (high - low)
        ),
        "on the logarithmic scale low has no place 0: subtract its logarithm": _range_in_logs,
        "it runs from 1 at low to 0 at high: it is the other way round": lambda values, low, high, log: (
            1 - place_on_scale.reference(values, low, high, log)
        ),
        "it is divided by high: divide by the length of the range": lambda values, low, high, log: (
            (np.log(values) - np.log(low)) / np.log(high) if log else (values - low) / high
        ),
    },
)


@exercise(
    minutes=12,
    difficulty=3,
    hints=(
        "Begin with a single place: there `np.maximum(places, 1 - places)` is the distance to the farther end. For "
        "two or more, sort them with `order = np.argsort(places)` and take `gaps = np.diff(places[order])`.",
        "In sorted order, the gaps to the left are `np.append(gaps[0], gaps)` and those to the right "
        "`np.append(gaps, gaps[-1])`; at the two outermost the one gap stands twice. Take the larger of both.",
        "Back to the order of the trials with `widths[order] = ...`, and at last `np.clip(widths, 1 / min(100, "
        "len(places) + 2), 1.0)`.",
    ),
    returns=promise.an_array("the bandwidths", float),
)
def bandwidths(places: NDArray) -> NDArray:
    """Say how wide the bump over each trial is.

    Args:
        places: of the trials on the scale from 0 to 1, in any order, one or more, (n,).

    Returns:
        The distance of each place to the farther one of its two neighbours, (n,), in the order of `places`. The two
        outermost have one neighbour only; a single place takes the farther end of the scale. What is below
        1 / (n + 2), or below 1/100 where n is large, is raised to that, and nothing is above 1.
    """
    # 1. distances between neighbours
    order = np.argsort(places, kind="stable")
    gaps = np.diff(places[order])
    # 2. the farther neighbour of each, the outermost have one; a single place has the ends of the scale
    widths = np.maximum(places, 1 - places)
    if len(gaps):
        widths[order] = np.maximum(np.append(gaps[0], gaps), np.append(gaps, gaps[-1]))
    # 3. neither too narrow nor too wide
    return np.clip(widths, 1 / min(100, len(places) + 2), 1.0)


def _widths(
    places: NDArray, *, choose: Callable = np.maximum, ends: bool = False, least: Callable | None = None
) -> NDArray:
    order = np.argsort(places, kind="stable")
    gaps = np.diff(places[order])
    widths = np.maximum(places, 1 - places)
    if ends:
        gaps = np.diff(np.concatenate([[0.0], places[order], [1.0]]))
        widths[order] = choose(gaps[:-1], gaps[1:])
    elif len(gaps):
        widths[order] = choose(np.append(gaps[0], gaps), np.append(gaps, gaps[-1]))
    lowest = 1 / min(100, len(places) + 2) if least is None else least(len(places))
    return np.clip(widths, lowest, 1.0)


bandwidths.examine(
    cases=lambda: [
        (np.array([0.2, 0.5, 0.6]),),
        (np.array([0.3]),),
        (np.array([0.9, 0.1, 0.5, 0.45]),),
        (np.arange(120.0)[::-1] / 240,),
        (np.concatenate([np.linspace(0.2, 0.3, 130), [0.9]]),),
    ],
    draw=lambda rng: (rng.random(int(rng.integers(2, 9))).round(3),),
    mistakes={
        "it takes the nearer neighbour: take the farther one": lambda places: _widths(places, choose=np.minimum),
        "it takes the mean of both distances: take the larger one": lambda places: _widths(
            places, choose=lambda one, other: (one + other) / 2
        ),
        "the ends of the scale count as neighbours: for two places or more they do not": lambda places: _widths(
            places, ends=True
        ),
        "the widths are in ascending order of the places: put them into the order of `places`": lambda places: (
            bandwidths.reference(np.sort(places))
        ),
        "nothing is raised: what is below 1 / (n + 2) is raised to that": lambda places: _widths(
            places, least=lambda n: 0.0
        ),
        "it is raised to 1 / n: raise it to 1 / (n + 2)": lambda places: _widths(
            places, least=lambda n: 1 / min(100, n)
        ),
        "with many trials the lower limit falls below 1/100": lambda places: _widths(
            places, least=lambda n: 1 / (n + 2)
        ),
        "it is always raised to 1/100: with few trials to 1 / (n + 2)": lambda places: _widths(
            places, least=lambda n: 0.01
        ),
    },
)


@exercise(
    minutes=12,
    difficulty=3,
    hints=(
        "Begin with a table: `z = (at[:, None] - centres) / widths` has a row for each place and a column for each "
        "bump. `norm.pdf(z) / widths` is the height of each whole bump there.",
        "The part of each bump that lies between 0 and 1 is `norm.cdf((1 - centres) / widths) - "
        "norm.cdf((0 - centres) / widths)`. Divide each column by its own.",
        "`return (norm.pdf(z) / widths / inside) @ weights`.",
    ),
    returns=promise.an_array("the densities", float),
)
def mixture_density(at: NDArray, centres: NDArray, widths: NDArray, weights: NDArray) -> NDArray:
    """Give the height of a sum of normal bumps, each of them cut off at 0 and 1.

    Args:
        at: where the height is wanted, on the scale from 0 to 1, (m,).
        centres: of the bumps, (n,).
        widths: their standard deviations, above 0, (n,).
        weights: the share of each bump, which together are 1, (n,).

    Returns:
        The density at each place, (m,). Each bump is divided by the part of it that lies between 0 and 1, so that the
        whole has an area of 1 there.
    """
    # 1. the height of each whole bump at each place
    z = (at[:, None] - centres) / widths
    heights = norm.pdf(z) / widths
    # 2. the part of each bump between 0 and 1
    inside = norm.cdf((1 - centres) / widths) - norm.cdf((0 - centres) / widths)
    # 3. each with its share
    return (heights / inside) @ weights


def _heights(at: NDArray, centres: NDArray, widths: NDArray) -> tuple[NDArray, NDArray]:
    inside = norm.cdf((1 - centres) / widths) - norm.cdf(-centres / widths)
    return norm.pdf((at[:, None] - centres) / widths) / widths, inside


def _mixture(seed: int, size: int) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    rng = np.random.default_rng(seed)
    weights = rng.integers(1, 9, size).astype(float)
    return (
        rng.random(4).round(2),
        rng.random(size).round(2),
        rng.uniform(0.1, 1.0, size).round(2),
        weights / weights.sum(),
    )


mixture_density.examine(
    cases=lambda: [
        (np.array([0.5, 0.0]), np.array([0.5]), np.array([0.5]), np.array([1.0])),
        (np.array([0.2, 0.6, 1.0]), np.array([0.2, 0.9]), np.array([0.1, 0.4]), np.array([0.75, 0.25])),
        (np.array([0.0, 0.3]), np.array([0.0, 0.5]), np.array([0.2, 1.0]), np.array([0.4, 0.6])),
    ],
    draw=lambda rng: _mixture(int(rng.integers(999)), int(rng.integers(2, 6))),
    mistakes={
        "the bumps are not cut off: divide each by the part of it that lies between 0 and 1": (
            lambda at, centres, widths, weights: _heights(at, centres, widths)[0] @ weights
        ),
        "it is multiplied by the part inside: divide by it, so that the area becomes 1": (
            lambda at, centres, widths, weights: (
                (_heights(at, centres, widths)[0] * _heights(at, centres, widths)[1]) @ weights
            )
        ),
        "the sum is cut off as a whole: divide each bump by its own part inside": (
            lambda at, centres, widths, weights: (
                _heights(at, centres, widths)[0] @ weights / (_heights(at, centres, widths)[1] @ weights)
            )
        ),
        "the height is not divided by the width: a narrow bump is as much as a wide one, and so higher": (
            lambda at, centres, widths, weights: (
                (_heights(at, centres, widths)[0] * widths / _heights(at, centres, widths)[1]) @ weights
            )
        ),
        "all bumps count alike: each has its weight": lambda at, centres, widths, weights: mixture_density.reference(
            at, centres, widths, np.full(len(centres), 1 / len(centres))
        ),
        "the weights are left out: multiply each bump by its share": lambda at, centres, widths, weights: (
            mixture_density.reference(at, centres, widths, np.ones(len(centres)))
        ),
        "these are logarithms: the density itself is wanted": lambda at, centres, widths, weights: np.log(
            mixture_density.reference(at, centres, widths, weights)
        ),
        "this is the area to the left: `norm.cdf` where `norm.pdf` is wanted": lambda at, centres, widths, weights: (
            (norm.cdf((at[:, None] - centres) / widths) / widths / _heights(at, centres, widths)[1]) @ weights
        ),
    },
    also=lambda answer: _area_is_one(answer),
)


def _area_is_one(answer: Callable) -> None:
    at = (np.arange(2000) + 0.5) / 2000
    area = float(np.mean(answer(at, np.array([0.02, 0.5]), np.array([0.2, 1.0]), np.array([0.7, 0.3]))))
    expect(abs(area - 1) < 1e-3, "the area between 0 and 1 is not 1", got=area, wanted=1.0)
