"""Stopping early with many workers: a bracket of successive halving, Hyperband's brackets, and ASHA's promotion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise


@exercise(
    minutes=7,
    difficulty=2,
    hints=(
        "Begin with the counts: the first is `trials`, and each further one is the one before divided by `factor`, "
        "without the rest, but at least 1.",
        "What one trial costs from one rung to the next is `np.diff(rungs, prepend=0)`: it goes on where it stood.",
        "`return counts, (counts * np.diff(rungs, prepend=0)).sum()`.",
    ),
    returns=promise.a_tuple(
        "the result", promise.an_array("how many trials reach each rung", int), promise.an_int("the cost")
    ),
)
def halving_plan(trials: int, rungs: NDArray, factor: int) -> tuple[NDArray, int]:
    """Plan a bracket of successive halving.

    Args:
        trials: how many begin.
        rungs: after how many points of a run there is a rung, ascending, int, (n,). The last is the end of a run.
        factor: of the trials at a rung one in so many goes on, in whole numbers, but at least one.

    Returns:
        How many trials reach each rung, int, (n,), and how many points are trained, all trials together. A trial that
        goes on does so from where it stood.
    """
    # 1. how many reach each rung
    counts = [trials]
    for _ in rungs[1:]:
        counts.append(max(1, counts[-1] // factor))
    # 2. from one rung to the next a trial pays for the points between them
    stretches = np.diff(rungs, prepend=0)
    return np.array(counts), (np.array(counts) * stretches).sum()


def _planned(
    trials: int,
    rungs: NDArray,
    factor: int,
    *,
    on: Callable[[int, int], int] = lambda count, factor: max(1, count // factor),
    cost: Callable[[NDArray, NDArray], int] = lambda counts, rungs: int((counts * np.diff(rungs, prepend=0)).sum()),
    late: bool = False,
) -> tuple[NDArray, int]:
    """Plan with a mistake: another number that goes on, another cost, or counts after the decision at a rung."""
    counts = [trials]
    for _ in rungs:
        counts.append(on(counts[-1], factor))
    chosen = np.array(counts[1:] if late else counts[:-1])
    return chosen, cost(chosen, rungs)


halving_plan.examine(
    cases=lambda: [
        (8, np.array([1, 2, 4]), 2),
        (16, np.array([1, 5, 20]), 4),
        (27, np.array([1, 3, 9, 27]), 3),
        (10, np.array([2, 6, 20]), 3),
        (7, np.array([1, 4, 16]), 4),
        (5, np.array([4, 10, 20]), 3),
        (2, np.array([1, 2, 4, 8]), 2),
        (11, np.array([3, 8]), 2),
    ],
    draw=lambda rng: (
        int(rng.integers(6, 60)),
        np.cumsum(rng.integers(1, 6, size=int(rng.integers(3, 5)))),
        int(rng.integers(2, 5)),
    ),
    mistakes={
        "every rung is trained from the start: a trial goes on from where it stood": lambda trials, rungs, factor: (
            _planned(trials, rungs, factor, cost=lambda counts, rungs: int((counts * rungs).sum()))
        ),
        "all trials are trained to the end": lambda trials, rungs, factor: _planned(
            trials, rungs, factor, cost=lambda counts, rungs: int(counts[0] * rungs[-1])
        ),
        "the cost leaves out the way to the first rung": lambda trials, rungs, factor: _planned(
            trials, rungs, factor, cost=lambda counts, rungs: int((counts[1:] * np.diff(rungs)).sum())
        ),
        "the cost is a number of trials: multiply each count by the points to that rung": (
            lambda trials, rungs, factor: _planned(trials, rungs, factor, cost=lambda counts, rungs: int(counts.sum()))
        ),
        "it gives how many leave each rung: asked is how many reach it": lambda trials, rungs, factor: _planned(
            trials, rungs, factor, late=True
        ),
        "it rounds the number that goes on up: take whole numbers": lambda trials, rungs, factor: _planned(
            trials, rungs, factor, on=lambda count, factor: -(-count // factor)
        ),
        "one in `factor` is stopped: one in `factor` goes on": lambda trials, rungs, factor: _planned(
            trials, rungs, factor, on=lambda count, factor: max(1, count - count // factor)
        ),
        "it may end with no trial at all: at least one goes on": lambda trials, rungs, factor: _planned(
            trials, rungs, factor, on=lambda count, factor: count // factor
        ),
        "half of the trials go on, whatever `factor` is": lambda trials, rungs, factor: _planned(
            trials, rungs, factor, on=lambda count, factor: max(1, count // 2)
        ),
        "all trials reach every rung": lambda trials, rungs, factor: _planned(
            trials, rungs, factor, on=lambda count, factor: count
        ),
    },
)


@exercise(
    minutes=9,
    difficulty=3,
    hints=(
        "Begin with the number of brackets: there is one for each power of `factor` that is not above `last`, and "
        "the first power is 1.",
        "The hastiest bracket divides `last` by `factor` as often as it can, `count - 1` times; the next one once "
        "less, and the last not at all: `for times in reversed(range(count))`.",
        "In each of them `first = last // factor**times`, and `trials` is `count * factor**times / (times + 1)`, "
        "rounded up by `math.ceil`.",
    ),
    returns=promise.an_array("the brackets", int),
)
def hyperband_brackets(last: int, factor: int) -> NDArray:
    """List Hyperband's brackets.

    Args:
        last: how many points a whole run has.
        factor: of the trials at a rung one in so many goes on.

    Returns:
        For each bracket how many trials begin and their first rung, int, (brackets, 2), the hastiest bracket first.
        A bracket divides ``last`` by ``factor`` s times, without the rest. The first has the largest s that leaves 1 or
        more, and s falls by 1 from bracket to bracket to 0. Of B brackets each begins with
        B * factor^s / (s + 1) trials, rounded up.
    """
    # 1. as many brackets as there are powers of the factor, from 1 up, that do not exceed the last point
    count = sum(factor**times <= last for times in range(last))
    # 2. the hastiest divides most often
    brackets = []
    for times in reversed(range(count)):
        trials = -(-count * factor**times // (times + 1))
        brackets.append((trials, last // factor**times))
    return np.array(brackets)


def _brackets(
    last: int,
    factor: int,
    *,
    fewer: int = 0,
    trials: Callable[[int, int, int], float] = lambda count, factor, times: -(-count * factor**times // (times + 1)),
    first: Callable[[int, int, int], int] = lambda last, factor, times: last // factor**times,
    turned: bool = False,
) -> NDArray:
    """List brackets with a mistake: another number of them, of their trials, another first rung or order."""
    count = sum(factor**times <= last for times in range(last)) - fewer
    made = [(trials(count, factor, times), first(last, factor, times)) for times in reversed(range(count))]
    return np.array(made[::-1] if turned else made)


hyperband_brackets.examine(
    cases=lambda: [(4, 2), (9, 3), (20, 4), (27, 3), (81, 3), (20, 2), (16, 4), (100, 5)],
    draw=lambda rng: (int(rng.integers(6, 130)), int(rng.integers(2, 6))),
    mistakes={
        "there is a bracket too few: the last one has s = 0, and its trials run to their ends at once": (
            lambda last, factor: _brackets(last, factor)[:-1]
        ),
        "the hastiest bracket is missing, whose first rung is the earliest": (
            lambda last, factor: _brackets(last, factor)[1:]
        ),
        "the number of brackets is one too small, so that every bracket has too few trials": (
            lambda last, factor: _brackets(last, factor, fewer=1)
        ),
        "there is a bracket too many: its first rung would be 0": lambda last, factor: _brackets(
            last, factor, fewer=-1
        ),
        "the number of trials is rounded down": lambda last, factor: _brackets(
            last, factor, trials=lambda count, factor, times: count * factor**times // (times + 1)
        ),
        "it does not divide by s + 1": lambda last, factor: _brackets(
            last, factor, trials=lambda count, factor, times: count * factor**times
        ),
        "it does not multiply by the number of brackets": lambda last, factor: _brackets(
            last, factor, trials=lambda count, factor, times: -(-(factor**times) // (times + 1))
        ),
        "every bracket begins with as many trials as the hastiest": lambda last, factor: _brackets(
            last, factor, trials=lambda count, factor, times: factor ** (count - 1)
        ),
        "the first rung is factor^s: the hastiest bracket has the earliest one": lambda last, factor: _brackets(
            last, factor, first=lambda last, factor, times: factor**times
        ),
        "all brackets begin at the first point": lambda last, factor: _brackets(
            last, factor, first=lambda last, factor, times: 1
        ),
        "the order is turned round: the hastiest bracket comes first": lambda last, factor: _brackets(
            last, factor, turned=True
        ),
        "in each bracket the first rung stands before the number of trials": lambda last, factor: _brackets(
            last, factor
        )[:, ::-1],
    },
)


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with the places: `len(scores) // factor` trials may go on, and that may be none.",
        "The best of all, the best first: `top = np.argsort(-scores, kind='stable')[:places]`.",
        "Of these, leave out those that went on before: `left = top[~promoted[top]]`. The first one is the answer, "
        "`-1` if there is none.",
    ),
    returns=promise.an_int("the trial"),
)
def promotable(scores: NDArray, promoted: NDArray, factor: int) -> int:
    """Choose the trial that ASHA lets go on from a rung.

    Args:
        scores: of the trials that have come to the rung so far, in the order in which they came, (n,).
        promoted: which of them have gone on already, bool, (n,).
        factor: of the n trials, the best n // ``factor`` may go on; of equal ones the earlier is better.

    Returns:
        The place in ``scores`` of the best trial that may go on and has not yet; -1 if there is none.
    """
    # 1. who may go on: the best of all that have come so far
    places = len(scores) // factor
    top = np.argsort(-scores, kind="stable")[:places]
    # 2. the best of them that has not gone on yet
    left = top[~promoted[top]]
    return int(left[0]) if len(left) else -1


def _chosen(
    scores: NDArray,
    promoted: NDArray,
    factor: int,
    *,
    places: Callable[[NDArray, int], int] = lambda promoted, factor: len(promoted) // factor,
    order: Callable[[NDArray], NDArray] = lambda scores: np.argsort(-scores, kind="stable"),
    pick: Callable[[NDArray], int] = lambda left: left[0],
    heed: bool = True,
) -> int:
    """Choose with a mistake: other places, another order, another one of those that are left, or those gone on too."""
    top = order(scores)[: max(places(promoted, factor), 0)]
    left = top[~promoted[top]] if heed else top
    return int(pick(left)) if len(left) else -1


def _waiting_alone(scores: NDArray, promoted: NDArray, factor: int) -> int:
    waiting = np.flatnonzero(~promoted)
    found = _chosen(scores[waiting], promoted[waiting], factor)
    return int(waiting[found]) if found >= 0 else -1


def _rung(rng: np.random.Generator) -> tuple[NDArray, NDArray, int]:
    count = int(rng.integers(4, 12))
    scores = rng.integers(40, 90, size=count) / 100
    return scores, rng.random(count) < 0.3 * (scores > 0.6), int(rng.integers(2, 4))


promotable.examine(
    cases=lambda: [
        (np.array([0.5, 0.7, 0.6, 0.4]), np.zeros(4, bool), 2),
        (np.array([0.5, 0.7, 0.6, 0.4]), np.array([False, True, False, False]), 2),
        (np.array([0.5, 0.7, 0.6, 0.4]), np.array([False, True, True, False]), 2),
        (np.array([0.5, 0.7]), np.zeros(2, bool), 3),
        (np.array([0.9]), np.zeros(1, bool), 4),
        (np.array([0.5, 0.7, 0.8, 0.9]), np.array([True, False, False, False]), 2),
        (np.array([0.5, 0.6, 0.8, 0.9]), np.array([True, True, False, False]), 2),
        (np.array([0.5, 0.6, 0.8, 0.9]), np.array([True, True, True, False]), 2),
        (np.array([0.6, 0.8, 0.8, 0.1]), np.zeros(4, bool), 2),
        (np.array([0.6, 0.8, 0.7, 0.5, 0.3]), np.array([False, True, False, False, False]), 2),
        (np.array([0.6, 0.8, 0.7, 0.5, 0.3]), np.array([False, True, True, False, False]), 2),
        (np.array([0.6, 0.8, 0.7, 0.5, 0.3]), np.array([False, True, False, False, False]), 4),
        (np.array([0.2, 0.9, 0.7, 0.5, 0.3, 0.6, 0.8]), np.array([0, 1, 0, 0, 0, 0, 0], bool), 3),
        (np.array([0.2, 0.9, 0.7, 0.5, 0.3, 0.6, 0.8]), np.array([0, 1, 0, 0, 0, 0, 1], bool), 3),
        (np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]), np.zeros(6, bool), 3),
    ],
    draw=_rung,
    mistakes={
        "it ranks those that wait among themselves: the places are shared with those that have gone on": _waiting_alone,
        "it takes those that have gone on off the places: they count only while they are among the best": (
            lambda scores, promoted, factor: _chosen(
                scores,
                promoted,
                factor,
                order=lambda scores: np.argsort(np.where(promoted, np.inf, -scores), kind="stable"),
                places=lambda promoted, factor: len(promoted) // factor - int(promoted.sum()),
            )
        ),
        "it forgets who has gone on already": lambda scores, promoted, factor: _chosen(
            scores, promoted, factor, heed=False
        ),
        "at least one goes on: while fewer than `factor` are there nobody may": lambda scores, promoted, factor: (
            _chosen(scores, promoted, factor, places=lambda promoted, factor: max(1, len(promoted) // factor))
        ),
        "it rounds the number of places up: only whole groups give a place": lambda scores, promoted, factor: _chosen(
            scores, promoted, factor, places=lambda promoted, factor: -(-len(promoted) // factor)
        ),
        "the worst go on": lambda scores, promoted, factor: _chosen(
            scores, promoted, factor, order=lambda scores: np.argsort(scores, kind="stable")
        ),
        "it takes the worst of those that may go on: the best goes first": lambda scores, promoted, factor: _chosen(
            scores, promoted, factor, pick=lambda left: left[-1]
        ),
        "it takes the one that came first of those that may go on: the best goes first": (
            lambda scores, promoted, factor: _chosen(scores, promoted, factor, pick=lambda left: left.min())
        ),
        "it takes the best that waits, whether or not it may go on": lambda scores, promoted, factor: _chosen(
            scores, promoted, factor, places=lambda promoted, factor: len(promoted)
        ),
        "it gives a rank: asked is the place in `scores`": lambda scores, promoted, factor: (
            -1
            if _chosen(scores, promoted, factor) < 0
            else int((scores > scores[_chosen(scores, promoted, factor)]).sum())
        ),
    },
)
