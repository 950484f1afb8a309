"""What a grid holds and costs, and what a random draw finds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, expect, expect_shape, global_randomness_untouched, promise


@exercise(
    minutes=8,
    difficulty=1,
    hints=(
        "Begin with the combinations: `itertools.product(*values.values())` yields a tuple for each cell.",
        "Each tuple becomes a dictionary again with the names: `dict(zip(values, cell))`.",
        "`return [dict(zip(values, cell)) for cell in itertools.product(*values.values())]`.",
    ),
    returns=promise.a_list("the cells", promise.an_instance("a cell", dict)),
)
def grid_cells(values: dict[str, list]) -> list[dict[str, Any]]:
    """List the cells of a grid.

    Args:
        values: name of each hyperparameter to its values.

    Returns:
        One dictionary for each combination, name to value, in the order of nested loops: the first name is the
        outermost loop, the last name changes fastest.
    """
    # 1. all combinations, one value of each list
    cells = product(*values.values())
    # 2. each with its names
    return [dict(zip(values, cell, strict=True)) for cell in cells]


def _one_at_a_time(values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    first = {name: each[0] for name, each in values.items()}
    return [{**first, name: value} for name, each in values.items() for value in each]


def _side_by_side(values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(values, cell, strict=True)) for cell in zip(*values.values(), strict=False)]


def _first_fastest(values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    turned = dict(reversed(list(values.items())))
    return [{name: cell[name] for name in values} for cell in grid_cells.reference(turned)]


grid_cells.examine(
    cases=lambda: [
        ({"learning_rate": [0.001, 0.01], "n_epochs": [4, 10]},),
        ({"a": [1, 2, 3], "b": ["x"], "c": [True, False]},),
        ({"gamma": [0.9, 0.95, 0.99]},),
    ],
    draw=lambda rng: (
        {name: [round(float(each), 3) for each in rng.random(int(rng.integers(2, 4)))] for name in "abc"},
    ),
    mistakes={
        "it pairs the first values, then the second ones and so on: a grid has every combination": _side_by_side,
        "it changes one hyperparameter at a time from the first values: a grid has every combination": _one_at_a_time,
        "the first name changes fastest: it is the outermost loop, and the last name changes fastest": _first_fastest,
    },
)


@exercise(
    minutes=6,
    difficulty=1,
    hints=(
        "Begin with the number of runs: `values` choices for each of `hyperparameters`, so `values**hyperparameters`.",
        "All runs together take `runs * minutes`, shared by the machines. A year has 365 * 24 * 60 minutes.",
        "`return values**hyperparameters * minutes / machines / (365 * 24 * 60)`.",
    ),
    returns=promise.a_float("the years"),
)
def search_years(hyperparameters: int, values: int, minutes: float, machines: int = 1) -> float:
    """Say how long a full grid takes.

    Args:
        hyperparameters: how many are searched.
        values: how many values each of them has.
        minutes: that one run takes.
        machines: that work side by side, a run each.

    Returns:
        Years of 365 days.
    """
    # 1. every value of one with every value of all others
    runs = values**hyperparameters
    # 2. shared by the machines
    total = runs * minutes / machines
    # 3. minutes to years
    return total / (365 * 24 * 60)


search_years.examine(
    cases=lambda: [(1, 3, 525_600.0, 1), (2, 3, 10.0, 1), (4, 5, 10.0, 2), (10, 10, 10.0, 1)],
    draw=lambda rng: (int(rng.integers(2, 6)), int(rng.integers(3, 7)), float(rng.integers(1, 30)), 3),
    mistakes={
        "the number of runs is a product, not a power: every value of one meets every value of all others": (
            lambda h, v, minutes, machines=1: h * v * minutes / machines / 525_600
        ),
        "the power is upside down: each of the hyperparameters has so many values": (
            lambda h, v, minutes, machines=1: h**v * minutes / machines / 525_600
        ),
        "the machines are left out: they share the runs": (lambda h, v, minutes, machines=1: v**h * minutes / 525_600),
        "the machines make it slower: they share the runs, so divide": (
            lambda h, v, minutes, machines=1: v**h * minutes * machines / 525_600
        ),
        "these are days, not years": lambda h, v, minutes, machines=1: v**h * minutes / machines / 1440,
        "these are hours, not years": lambda h, v, minutes, machines=1: v**h * minutes / machines / 60,
        "these are minutes, not years": lambda h, v, minutes, machines=1: v**h * minutes / machines,
    },
)


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with the ends on the logarithmic scale: `np.log(low)` and `np.log(high)`.",
        "Draw between them with `rng.uniform(..., size=size)`; `np.exp` leads back.",
        "`return np.exp(rng.uniform(np.log(low), np.log(high), size=size))`.",
    ),
    returns=promise.an_array("the values", float),
)
def log_uniform(low: float, high: float, size: int, rng: np.random.Generator) -> NDArray:
    """Draw values whose logarithms are equally likely everywhere: each decade gets the same share.

    Args:
        low: the lowest value, above 0.
        high: the highest value.
        size: how many.
        rng: draws them.

    Returns:
        The values, float64, (size,).
    """
    # 1. evenly on the logarithmic scale
    places = rng.uniform(np.log(low), np.log(high), size=size)
    # 2. back to values
    return np.exp(places)


@log_uniform.check
def _check_log_uniform(answer: Callable) -> None:
    with global_randomness_untouched():
        drawn = np.asarray(answer(1e-5, 1e-1, 4000, np.random.default_rng(0)))
    expect_shape(drawn, (4000,), "the values")
    outside = drawn[(drawn < 1e-5 * (1 - 1e-9)) | (drawn > 1e-1 * (1 + 1e-9))]
    logs = bool(len(outside)) and float(np.min(drawn)) > -12 and float(np.max(drawn)) < -2
    expect(not logs, "these are logarithms: lead them back to values with an exponential", got=drawn[:3])
    expect(not len(outside), "a value lies outside low and high", got=outside[:3], wanted="1e-05 to 0.1")
    shares = [float(((drawn >= low) & (drawn < 10 * low)).mean()) for low in (1e-5, 1e-4, 1e-3, 1e-2)]
    expect(
        shares[3] < 0.8,
        "nine in ten lie in the highest decade: they are drawn evenly on the plain scale, not on that of logarithms",
        got=f"shares of the four decades {_listed(shares)}",
        wanted="about 0.25 each",
    )
    expect(
        max(abs(share - 0.25) for share in shares) < 0.05,
        "the decades do not get the same share",
        got=f"shares of the four decades {_listed(shares)}",
        wanted="about 0.25 each",
    )
    one, two = (np.asarray(answer(0.5, 8.0, 5, np.random.default_rng(seed))) for seed in (1, 1))
    expect(
        np.array_equal(one, two), "the same generator draws other values: draw from `rng` alone", got=two, wanted=one
    )
    other = np.asarray(answer(0.5, 8.0, 5, np.random.default_rng(2)))
    expect(not np.array_equal(one, other), "another generator draws the same values: draw from `rng`", got=other)
    expect(len(set(one.tolist())) == 5, "one value is repeated: draw `size` of them", got=one)


def _listed(shares: Sequence[float]) -> str:
    return ", ".join(f"{share:.2f}" for share in shares)


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with a single draw: it misses the top `share` with probability `1 - share`, and `n` draws all miss it "
        "with `(1 - share)**n`.",
        "At least one hits with `1 - (1 - share)**n`. Ask for the smallest whole `n` for which that is `confidence` or "
        "more: solve for `n` with logarithms.",
        "`return math.ceil(math.log(1 - confidence) / math.log(1 - share))`, or count `n` up in a loop.",
    ),
    returns=promise.an_int("the number of trials"),
)
def trials_needed(share: float, confidence: float) -> int:
    """Say how many random trials hit the best part of a space.

    Args:
        share: of the space that counts as good, between 0 and 1: 0.05 is the best twentieth.
        confidence: how likely at least one of the trials is to lie in it, between 0 and 1.

    Returns:
        The smallest number of trials.
    """
    # 1. n trials all miss with (1 - share)**n, which may be 1 - confidence at most
    exact = math.log(1 - confidence) / math.log(1 - share)
    # 2. the next whole number
    return math.ceil(exact)


trials_needed.examine(
    cases=lambda: [(0.3, 0.4), (0.05, 0.95), (0.1, 0.9), (0.25, 0.99)],
    draw=lambda rng: (round(float(rng.uniform(0.02, 0.3)), 3), round(float(rng.uniform(0.6, 0.99)), 3)),
    mistakes={
        "rounded down: with so few trials the chance is still below `confidence`": (
            lambda share, confidence: math.floor(math.log(1 - confidence) / math.log(1 - share))
        ),
        "rounded to the nearest whole number: it may be too few, so round up": (
            lambda share, confidence: round(math.log(1 - confidence) / math.log(1 - share))
        ),
        "it adds the chances up: two draws of 0.3 do not hit with 0.6, since both may": (
            lambda share, confidence: math.ceil(confidence / share)
        ),
        "it asks for how many trials hit on average: ask how likely it is that all of them miss": (
            lambda share, confidence: math.ceil(1 / share)
        ),
        "share and confidence are exchanged": (
            lambda share, confidence: math.ceil(math.log(1 - share) / math.log(1 - confidence))
        ),
    },
)
