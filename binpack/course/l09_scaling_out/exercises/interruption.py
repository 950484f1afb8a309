"""Machines that are taken away: how often a run should write down where it stands."""

from __future__ import annotations

import math

from binpack.course.exercises import exercise, promise


@exercise(
    minutes=6,
    difficulty=1,
    hints=(
        "Begin with the interval: multiply 2, `cost` and `between`, and take the root of the product.",
        "The share has two parts. Checkpoints take `cost` out of each `interval`. An interruption throws away half an "
        "interval on average, once in `between`.",
        "`share = cost / interval + interval / (2 * between)`.",
    ),
    returns=promise.a_tuple("the result", promise.a_float("the interval"), promise.a_float("the share")),
)
def checkpoint_plan(cost: float, between: float) -> tuple[float, float]:
    """Say how often to write a checkpoint, and what share of the work is lost all the same.

    Args:
        cost: how long it takes to write one, s.
        between: the mean time between two interruptions, s, much longer than ``cost``.

    Returns:
        The interval between two checkpoints by Young's approximation, s, and the time that is lost with it for each
        second of work: what the checkpoints take, and what interruptions throw away, half an interval each time.
    """
    # 1. Young's interval
    interval = math.sqrt(2 * cost * between)
    # 2. what the checkpoints take, and what interruptions throw away
    share = cost / interval + interval / (2 * between)
    return interval, share


def _share(interval: float, cost: float, between: float) -> float:
    return cost / interval + interval / (2 * between)


def _young(cost: float, between: float) -> float:
    return math.sqrt(2 * cost * between)


checkpoint_plan.examine(
    cases=lambda: [(2.0, 100.0), (8.0, 3600.0), (0.5, 10000.0), (30.0, 86400.0)],
    draw=lambda rng: (round(float(rng.uniform(0.5, 20)), 1), float(rng.integers(500, 50_000))),
    mistakes={
        "the 2 under the root is missing": lambda cost, between: (
            math.sqrt(cost * between),
            _share(math.sqrt(cost * between), cost, between),
        ),
        "the root is missing": lambda cost, between: (
            2 * cost * between,
            _share(2 * cost * between, cost, between),
        ),
        "the 2 stands before the root: it belongs under it": lambda cost, between: (
            2 * math.sqrt(cost * between),
            _share(2 * math.sqrt(cost * between), cost, between),
        ),
        "one part of the share is missing: checkpoints take time, and interruptions throw work away": (
            lambda cost, between: (_young(cost, between), cost / _young(cost, between))
        ),
        "an interruption throws away a whole interval: it is half of one on average": lambda cost, between: (
            _young(cost, between),
            cost / _young(cost, between) + _young(cost, between) / between,
        ),
        "the share counts a checkpoint for each interruption: there is one for each interval": lambda cost, between: (
            _young(cost, between),
            cost / between + _young(cost, between) / (2 * between),
        ),
        "the second number is a time: asked is a share of the work": lambda cost, between: (
            _young(cost, between),
            cost + _young(cost, between) / 2,
        ),
        "the share stands before the interval": lambda cost, between: (
            _share(_young(cost, between), cost, between),
            _young(cost, between),
        ),
    },
)
