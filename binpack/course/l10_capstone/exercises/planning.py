"""What a grid wastes, what a budget of hours buys, and which trials are worth training anew."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise


@exercise(
    minutes=8,
    difficulty=1,
    hints=(
        "Begin with whole cells: an edge of 25 with a cell of 10 takes 3 of them, 30 in all. `np.ceil` rounds up.",
        "`edges.prod(axis=1).sum()` is the volume of all items, and the same of `np.ceil(edges / cell) * cell` is the "
        "room that they take.",
        "`return 1 - edges.prod(axis=1).sum() / (np.ceil(edges / cell) * cell).prod(axis=1).sum()`.",
    ),
    returns=promise.a_float("the loss"),
)
def rounding_loss(edges: NDArray, cell: int) -> float:
    """Say which share of the room that items take on a grid is air, because edges are rounded up to whole cells.

    Args:
        edges: of the items, whole millimetres, int64, (items, 3).
        cell: edge of a grid's cell, whole millimetres.

    Returns:
        Air divided by room, over all items together: 0 where every edge is a multiple of the cell.
    """
    # 1. what an item takes: every edge up to whole cells
    taken = np.ceil(edges / cell) * cell
    # 2. volumes of all items together
    true, room = edges.prod(axis=1).sum(), taken.prod(axis=1).sum()
    # 3. the share that is not item
    return 1 - true / room


def _mean_of_losses(edges: NDArray, cell: int) -> float:
    taken = np.ceil(edges / cell) * cell
    return float(np.mean(1 - edges.prod(axis=1) / taken.prod(axis=1)))


rounding_loss.examine(
    cases=lambda: [
        (np.array([[25, 20, 10]]), 10),
        (np.array([[25, 18, 11], [40, 40, 39]]), 5),
        (np.array([[20, 10, 30]]), 10),
        (np.array([[250, 180, 110], [400, 300, 200], [95, 95, 95]]), 100),
    ],
    draw=lambda rng: (rng.integers(5, 60, size=(4, 3)), int(rng.integers(4, 12))),
    mistakes={
        "this is the share that is filled: the loss is the rest": lambda edges, cell: (
            edges.prod(axis=1).sum() / (np.ceil(edges / cell) * cell).prod(axis=1).sum()
        ),
        "edges are rounded down: an item of 25 does not fit into two cells of 10": lambda edges, cell: (
            1 - edges.prod(axis=1).sum() / (edges // cell * cell).prod(axis=1).sum()
        ),
        "edges are rounded to the nearest cell: an item of 21 needs three cells of 10": lambda edges, cell: (
            1 - edges.prod(axis=1).sum() / np.maximum(np.rint(edges / cell) * cell, cell).prod(axis=1).sum()
        ),
        "it takes the mean of the items' losses: a small item then counts as much as a large one": _mean_of_losses,
        "this is the loss of edges: volumes are lost in all three directions": lambda edges, cell: (
            1 - edges.sum() / (np.ceil(edges / cell) * cell).sum()
        ),
        "air is divided by the items: divide by the room that they take": lambda edges, cell: (
            (np.ceil(edges / cell) * cell).prod(axis=1).sum() / edges.prod(axis=1).sum() - 1
        ),
        "every item gets one cell more, also where an edge is a multiple of the cell": lambda edges, cell: (
            1 - edges.prod(axis=1).sum() / ((edges // cell + 1) * cell).prod(axis=1).sum()
        ),
    },
)


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with the runs that one worker ends in the time: `int(hours * 60 // minutes)`, since half a run is none.",
        "All workers together end `workers` times as many. `(finalists + 1) * seeds` of them are for the end: the "
        "finalists and the default.",
        "`return max(0, (workers * int(hours * 60 // minutes) - (finalists + 1) * seeds) // per_trial)`.",
    ),
    returns=promise.an_int("the trials"),
)
def plan_budget(hours: float, minutes: float, workers: int, finalists: int, seeds: int = 5, per_trial: int = 1) -> int:
    """Say how many trials a search may have, if its end is to be paid for as well.

    Args:
        hours: that there are.
        minutes: that one training run takes.
        workers: that train side by side, a run each at a time.
        finalists: trials that are trained anew in the end, beside the default configuration.
        seeds: fresh runs of each of these, of the default too.
        per_trial: runs of a trial.

    Returns:
        Whole trials; 0 where the time does not even do for the end.
    """
    # 1. whole runs of one worker, and of all
    runs = workers * int(hours * 60 // minutes)
    # 2. the end comes first
    left = runs - (finalists + 1) * seeds
    # 3. what remains, in whole trials
    return max(0, left // per_trial)


plan_budget.examine(
    cases=lambda: [
        (10.0, 10.0, 2, 3, 5, 1),
        (8.0, 7.0, 2, 3, 5, 1),
        (0.5, 10.0, 2, 3, 5, 1),
        (8.0, 25.0, 2, 3, 5, 2),
        (1.0, 10.0, 2, 3, 5, 1),
        (24.0, 7.0, 4, 5, 10, 3),
        (3.0, 11.0, 3, 1, 3, 2),
    ],
    draw=lambda rng: (
        float(rng.integers(12, 30)),
        float(rng.integers(7, 13)),
        int(rng.integers(2, 5)),
        int(rng.integers(2, 5)),
        int(rng.integers(4, 7)),
        int(rng.integers(2, 4)),
    ),
    mistakes={
        "nothing is kept for the end: the finalists and the default are trained anew": (
            lambda hours, minutes, workers, finalists, seeds=5, per_trial=1: (
                workers * int(hours * 60 // minutes) // per_trial
            )
        ),
        "the default is left out of the end: it is trained anew on the same seeds": (
            lambda hours, minutes, workers, finalists, seeds=5, per_trial=1: max(
                0, (workers * int(hours * 60 // minutes) - finalists * seeds) // per_trial
            )
        ),
        "finalists get one run each: each of them has so many seeds": (
            lambda hours, minutes, workers, finalists, seeds=5, per_trial=1: max(
                0, (workers * int(hours * 60 // minutes) - finalists - 1) // per_trial
            )
        ),
        "a trial is counted as one run: it has as many as `per_trial`": (
            lambda hours, minutes, workers, finalists, seeds=5, per_trial=1: max(
                0, workers * int(hours * 60 // minutes) - (finalists + 1) * seeds
            )
        ),
        "the runs of the end are divided among the runs of a trial too: take them away first": (
            lambda hours, minutes, workers, finalists, seeds=5, per_trial=1: max(
                0, workers * int(hours * 60 // minutes) // per_trial - (finalists + 1) * seeds
            )
        ),
        "the workers are left out: each of them trains for all the hours": (
            lambda hours, minutes, workers, finalists, seeds=5, per_trial=1: max(
                0, (int(hours * 60 // minutes) - (finalists + 1) * seeds) // per_trial
            )
        ),
        "half a run is counted: every worker ends whole runs only": (
            lambda hours, minutes, workers, finalists, seeds=5, per_trial=1: max(
                0, (int(workers * hours * 60 // minutes) - (finalists + 1) * seeds) // per_trial
            )
        ),
        "there cannot be fewer than 0 trials": (
            lambda hours, minutes, workers, finalists, seeds=5, per_trial=1: (
                (workers * int(hours * 60 // minutes) - (finalists + 1) * seeds) // per_trial
            )
        ),
    },
)


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with who may be chosen: the numbers of the trials whose score is not None and whose configuration is "
        "not the default.",
        "`sorted(numbers, key=lambda number: -scores[number])` has the best first, and of equal ones the earlier.",
        "Go through them and keep a number if its configuration is not among those that you kept; stop at `count`.",
    ),
    returns=promise.a_list("the finalists", promise.an_int("a number")),
)
def choose_finalists(
    scores: list[float | None], configs: list[dict[str, Any]], default: dict[str, Any], count: int
) -> list[int]:
    """Choose the trials that are trained anew, by what the search alone knows.

    Args:
        scores: of the trials; None for one that was stopped or failed.
        configs: of the trials, name to value each.
        default: the default configuration, which is in the final anyway.
        count: how many finalists there are to be.

    Returns:
        Numbers of trials, the best first and of equal ones the earlier: complete ones, no two with the same
        configuration, none with the default's; fewer than ``count`` where there are no more.
    """
    # 1. whoever may be chosen
    complete = [number for number, score in enumerate(scores) if score is not None and configs[number] != default]
    # 2. the best first
    ordered = sorted(complete, key=lambda number: -scores[number])
    # 3. each configuration once
    chosen: list[int] = []
    for number in ordered:
        if configs[number] not in [configs[other] for other in chosen]:
            chosen.append(number)
    return chosen[:count]


def _complete(scores: list[float | None]) -> list[int]:
    numbers = [number for number, score in enumerate(scores) if score is not None]
    return sorted(numbers, key=lambda number: -scores[number])


def _with_default(scores: list, configs: list, default: dict, count: int) -> list[int]:
    return choose_finalists.reference(scores, configs, {}, count)


def _with_stopped(scores: list, configs: list, default: dict, count: int) -> list[int]:
    return choose_finalists.reference([-1.0 if score is None else score for score in scores], configs, default, count)


def _with_twins(scores: list, configs: list, default: dict, count: int) -> list[int]:
    return [number for number in _complete(scores) if configs[number] != default][:count]


def _cut_first(scores: list, configs: list, default: dict, count: int) -> list[int]:
    first = _complete(scores)[:count]
    return [number for number in choose_finalists.reference(scores, configs, default, len(scores)) if number in first]


def _worst(scores: list, configs: list, default: dict, count: int) -> list[int]:
    turned = [None if score is None else -score for score in scores]
    return choose_finalists.reference(turned, configs, default, count)


def _in_order(scores: list, configs: list, default: dict, count: int) -> list[int]:
    return sorted(choose_finalists.reference(scores, configs, default, count))


_A, _B, _C, _D = {"gamma": 0.9}, {"gamma": 0.95}, {"gamma": 0.99}, {"gamma": 0.8}

choose_finalists.examine(
    cases=lambda: [
        ([0.7, 0.8, 0.9, 0.6], [_C, _A, _B, _D], _C, 2),
        ([0.7, None, 0.8, 0.9, 0.9, 0.6], [_A, _B, _A, _D, _C, _B], _D, 3),
        ([0.9, 0.8, 0.8, 0.7, None], [_C, _A, _B, _D, _A], _C, 3),
        ([0.5, None, 0.6, 0.4], [_C, _A, _C, _B], _C, 2),
        ([0.9, 0.9, 0.8, 0.7, 0.6], [_A, _A, _A, _B, _D], _C, 2),
    ],
    draw=lambda rng: (
        [None if rng.random() < 0.2 else round(float(score), 1) for score in rng.random(9)],
        [({"gamma": float(gamma), "n_epochs": 4}) for gamma in rng.choice([0.8, 0.9, 0.95, 0.99], size=9)],
        {"gamma": 0.99, "n_epochs": 4},
        3,
    ),
    mistakes={
        "the default is among them: it is in the final anyway": _with_default,
        "a trial without a score is among them: it was stopped or failed": _with_stopped,
        "a configuration is chosen twice: train it anew once": _with_twins,
        "it takes the best `count` first and leaves out of them: then there are too few finalists": _cut_first,
        "the worst are chosen: higher scores are better": _worst,
        "they are not in order: the best comes first": _in_order,
    },
)
