"""Pruners: the median's decision, a replay on recorded curves, and the decision at a rung of successive halving."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise

Rule = Callable[[NDArray, NDArray], bool]


@exercise(
    minutes=7,
    difficulty=1,
    hints=(
        "Begin with the case in which nobody is stopped: fewer complete trials than `startup`. Then `return False`.",
        "Otherwise two numbers are compared: the trial's best report, `reports.max()`, and `np.median(complete)`.",
        "`return bool(reports.max() < np.median(complete))`.",
    ),
    returns=promise.a_bool("whether the trial is stopped"),
)
def median_stops(reports: NDArray, complete: NDArray, startup: int) -> bool:
    """Decide as a median pruner does.

    Args:
        reports: what the trial has reported so far, the oldest first, one report or more, (k,).
        complete: what the complete trials reported at the point that the trial has now reached, (n,).
        startup: so many trials have to be complete before any is stopped, 1 or more.

    Returns:
        Whether the trial is stopped: its best report is below the median of the complete trials.
    """
    # 1. too few to compare with
    if len(complete) < startup:
        return False
    # 2. the best so far, against the median at this point
    return bool(reports.max() < np.median(complete))


median_stops.examine(
    cases=lambda: [
        (np.array([0.3, 0.5]), np.array([0.6, 0.7, 0.8]), 1),
        (np.array([0.3, 0.9]), np.array([0.6, 0.7, 0.8]), 1),
        (np.array([0.75, 0.5]), np.array([0.6, 0.7, 0.8]), 3),
        (np.array([0.95, 0.5, 0.9]), np.array([0.6, 0.7, 0.8]), 3),
        (np.array([0.6, 0.95]), np.array([0.6, 0.75, 0.8]), 2),
        (np.array([0.72, 0.4]), np.array([0.6, 0.7, 0.8]), 3),
        (np.array([0.5]), np.array([0.6, 0.7]), 3),
        (np.array([0.1, 0.2]), np.array([0.6, 0.7, 0.8]), 5),
        (np.array([0.9]), np.array([0.6, 0.7, 0.8]), 5),
        (np.array([0.5]), np.array([0.6, 0.7, 0.8]), 3),
        (np.array([0.4, 0.7]), np.array([0.6, 0.7, 0.8]), 2),
        (np.array([0.7]), np.array([0.6, 0.7, 0.8]), 2),
        (np.array([0.6]), np.array([0.1, 0.7, 0.8]), 2),
        (np.array([0.65]), np.array([0.1, 0.2, 0.7, 0.8, 0.9]), 2),
        (np.array([0.5]), np.array([0.1, 0.3, 0.4, 0.95, 0.9]), 2),
        (np.array([0.2, 0.1]), np.array([0.5, 0.15, 0.12, 0.3]), 4),
    ],
    draw=lambda rng: (rng.random(3).round(2), rng.random(5).round(2), int(rng.integers(3, 7))),
    mistakes={
        "it compares the last report: the best so far counts": (
            lambda reports, complete, startup: len(complete) >= startup and bool(reports[-1] < np.median(complete))
        ),
        "it compares the mean of the reports: the best so far counts": (
            lambda reports, complete, startup: len(complete) >= startup and bool(reports.mean() < np.median(complete))
        ),
        "it compares the lowest report: the best so far counts": (
            lambda reports, complete, startup: len(complete) >= startup and bool(reports.min() < np.median(complete))
        ),
        "it takes the mean of the complete trials: take their median": (
            lambda reports, complete, startup: len(complete) >= startup and bool(reports.max() < complete.mean())
        ),
        "it stops before `startup` trials are complete": (
            lambda reports, complete, startup: bool(reports.max() < np.median(complete))
        ),
        "it waits for one complete trial too many: `startup` of them are enough": (
            lambda reports, complete, startup: len(complete) > startup and bool(reports.max() < np.median(complete))
        ),
        "it stops a trial that equals the median: only one below it is stopped": (
            lambda reports, complete, startup: len(complete) >= startup and bool(reports.max() <= np.median(complete))
        ),
        "it stops the good trials and lets the bad ones go on": (
            lambda reports, complete, startup: len(complete) >= startup and bool(reports.max() > np.median(complete))
        ),
        "it stops only trials that are below all complete ones": (
            lambda reports, complete, startup: len(complete) >= startup and bool(reports.max() < complete.min())
        ),
        "it stops all trials that are not above every complete one": (
            lambda reports, complete, startup: len(complete) >= startup and bool(reports.max() < complete.max())
        ),
    },
)


@dataclass(frozen=True)
class Below:
    """A rule for the check: stop what is below the median, once a few trials are complete.

    Attributes:
        startup: how many.
    """

    startup: int

    def __call__(self, reports: NDArray, complete: NDArray) -> bool:
        """Decide."""
        return len(complete) >= self.startup and bool(np.max(reports) < np.median(complete))


@exercise(
    minutes=12,
    difficulty=3,
    hints=(
        "Begin with `ends = np.full(len(curves), points)`, as if nothing were stopped, and a loop over the trials.",
        "The complete trials before number `trial` are `curves[:trial][ends[:trial] == points]`. Inside, a second loop "
        "over the points but the last.",
        "`if stops(curve[: point + 1], complete[:, point]): ends[trial] = point + 1` and then `break`.",
    ),
    returns=promise.an_array("the points", int),
)
def replay_pruner(curves: NDArray, stops: Callable[[NDArray, NDArray], bool]) -> NDArray:
    """Find out where a pruner would have stopped trials that were trained to their ends.

    Args:
        curves: what each trial reported, a row for each in the order in which they were made, (trials, points).
        stops: the pruner's rule. Called with what a trial has reported so far, (k,), and with what the complete trials
            before it reported at the same point, (n,), it says whether the trial is stopped.

    Returns:
        How many points each trial takes, int, (trials,). The rule is asked after each point but the last. A trial that
        takes all points is complete.
    """
    points = curves.shape[1]
    ends = np.full(len(curves), points)
    for trial, curve in enumerate(curves):
        # 1. the complete trials before this one
        complete = curves[:trial][ends[:trial] == points]
        # 2. ask after each point but the last
        for point in range(points - 1):
            if stops(curve[: point + 1], complete[:, point]):
                # 3. stopped: it has taken the points up to here
                ends[trial] = point + 1
                break
    return ends


def _replayed(
    curves: NDArray,
    stops: Rule,
    *,
    among: Callable[[int, NDArray, int], NDArray] | None = None,
    at: Callable[[int, int], int] = lambda point, points: point,
    so_far: Callable[[NDArray, int], NDArray] = lambda curve, point: curve[: point + 1],
    late: int = 1,
) -> NDArray:
    """Replay with a mistake: other trials to compare with, at another point, with other reports, or another count."""
    points = curves.shape[1]
    ends = np.full(len(curves), points)
    for trial, curve in enumerate(curves):
        chosen = np.arange(trial)[ends[:trial] == points] if among is None else among(trial, ends, points)
        for point in range(points - 1):
            if stops(so_far(curve, point), curves[chosen][:, at(point, points)]):
                ends[trial] = point + late
                break
    return ends


def _curves(rng: np.random.Generator, trials: int = 8, points: int = 5) -> NDArray:
    levels = rng.uniform(0.3, 0.9, (trials, 1)) * np.linspace(0.5, 1, points)
    return (levels + rng.normal(0, 0.12, (trials, points))).round(2)


replay_pruner.examine(
    cases=lambda: [
        (np.array([[0.2, 0.4, 0.6], [0.3, 0.5, 0.7], [0.1, 0.2, 0.9]]), Below(1)),
        (np.array([[0.2, 0.6, 0.7], [0.3, 0.5, 0.6], [0.1, 0.9, 0.9], [0.25, 0.4, 0.5]]), Below(1)),
        (
            np.array([[0.5, 0.6, 0.8], [0.4, 0.9, 0.9], [0.5, 0.5, 0.9], [0.45, 0.55, 0.6], [0.55, 0.58, 0.6]]),
            Below(1),
        ),
        (_curves(np.random.default_rng(1)), Below(2)),
        (_curves(np.random.default_rng(2), 12, 6), Below(1)),
    ],
    draw=lambda rng: (_curves(rng), Below(1)),
    mistakes={
        "it compares with the trials that were stopped as well: only complete ones count": lambda curves, stops: (
            _replayed(curves, stops, among=lambda trial, ends, points: np.arange(trial))
        ),
        "it compares with trials that come later: only those before count": lambda curves, stops: _replayed(
            curves,
            stops,
            among=lambda trial, ends, points: np.flatnonzero((ends == points) & (np.arange(len(ends)) != trial)),
        ),
        "it compares a trial with itself among the complete ones: it is not complete yet": lambda curves, stops: (
            _replayed(
                curves,
                stops,
                among=lambda trial, ends, points: np.append(np.arange(trial)[ends[:trial] == points], trial),
            )
        ),
        "it compares with the last point of the complete trials: take the same point": lambda curves, stops: _replayed(
            curves, stops, at=lambda point, points: points - 1
        ),
        "the complete trials are one point ahead: take the same point": lambda curves, stops: _replayed(
            curves, stops, at=lambda point, points: point + 1
        ),
        "it hands over the last report alone: all reports so far belong to it": lambda curves, stops: _replayed(
            curves, stops, so_far=lambda curve, point: curve[point : point + 1]
        ),
        "it hands over the whole curve: the rule may know the reports so far": lambda curves, stops: _replayed(
            curves, stops, so_far=lambda curve, point: curve
        ),
        "it is one point short: a trial that is stopped after its first point has taken one": lambda curves, stops: (
            _replayed(curves, stops, late=0)
        ),
    },
)


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with the places: `(len(others) + 1) // factor`, since the trial itself has reached the rung too, and "
        "at least 1.",
        "Then count who is ahead: `(others > value).sum()`.",
        "`return bool((others > value).sum() < max(1, (len(others) + 1) // factor))`.",
    ),
    returns=promise.a_bool("whether the trial goes on"),
)
def halving_goes_on(value: float, others: NDArray, factor: int) -> bool:
    """Decide at a rung of successive halving, as it is done where trials come one after the other.

    Args:
        value: what the trial has reported at the rung.
        others: what the trials that reached the rung before have reported there, stopped ones among them, (n,).
        factor: one trial in so many goes on.

    Returns:
        Whether the trial goes on: of the n + 1 trials at the rung, as many go on as there are whole groups of
        ``factor`` trials, but at least one. It does if fewer than that are ahead of it; an equal one is not ahead.
    """
    # 1. how many go on
    places = max(1, (len(others) + 1) // factor)
    # 2. how many are ahead
    ahead = (others > value).sum()
    return bool(ahead < places)


halving_goes_on.examine(
    cases=lambda: [
        (0.8, np.array([0.5, 0.6, 0.7]), 2),
        (0.4, np.array([0.5, 0.6, 0.7]), 2),
        (0.5, np.array([]), 3),
        (0.6, np.array([0.5]), 4),
        (0.4, np.array([0.5]), 4),
        (0.6, np.array([0.7, 0.3, 0.5]), 2),
        (0.6, np.array([0.7, 0.65, 0.5]), 2),
        (0.6, np.array([0.7, 0.6, 0.5]), 2),
        (0.6, np.array([0.7, 0.5, 0.5, 0.4, 0.3]), 3),
        (0.6, np.array([0.7, 0.8, 0.5, 0.4]), 2),
        (0.6, np.array([0.7, 0.65, 0.5, 0.4, 0.3, 0.2]), 3),
        (0.6, np.array([0.7, 0.65, 0.5, 0.4, 0.3]), 3),
        (0.7, np.array([0.7, 0.6, 0.5]), 4),
        (0.6, np.array([0.7, 0.3, 0.5, 0.2, 0.1, 0.1]), 4),
        (0.6, np.array([0.6, 0.6, 0.6, 0.2]), 5),
        (0.6, np.array([0.9, 0.8, 0.3, 0.5, 0.2, 0.1, 0.1, 0.2]), 3),
        (0.6, np.array([0.9, 0.3, 0.5, 0.2, 0.1, 0.1, 0.2, 0.3]), 3),
    ],
    draw=lambda rng: (round(float(rng.random()), 1), rng.random(int(rng.integers(4, 12))).round(1), 3),
    mistakes={
        "it forgets that the trial itself has reached the rung: n + 1 trials are there": (
            lambda value, others, factor: bool((others > value).sum() < max(1, len(others) // factor))
        ),
        "while fewer than `factor` trials are there nobody goes on: at least one does": (
            lambda value, others, factor: bool((others > value).sum() < (len(others) + 1) // factor)
        ),
        "it rounds the number of places up: count whole groups": (
            lambda value, others, factor: bool((others > value).sum() < max(1, -(-(len(others) + 1) // factor)))
        ),
        "one too many goes on: fewer than that must be ahead": (
            lambda value, others, factor: bool((others > value).sum() <= max(1, (len(others) + 1) // factor))
        ),
        "it counts an equal trial as ahead": (
            lambda value, others, factor: bool((others >= value).sum() < max(1, (len(others) + 1) // factor))
        ),
        "the worst go on: count those that are ahead": (
            lambda value, others, factor: bool((others < value).sum() < max(1, (len(others) + 1) // factor))
        ),
        "one in `factor` is stopped: one in `factor` goes on": (
            lambda value, others, factor: bool(
                (others > value).sum() < max(1, len(others) + 1 - (len(others) + 1) // factor)
            )
        ),
        "only the very best goes on": lambda value, others, factor: bool((others > value).sum() < 1),
    },
)
