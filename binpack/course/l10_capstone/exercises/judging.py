"""What is left of a promised gain, and what may be said when several finalists are compared with one default."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise


@exercise(
    minutes=6,
    difficulty=1,
    hints=(
        "Begin with the two gains: what the search promised is `tuned - default`, two numbers that it saw.",
        "What was kept is the mean of `fresh - fresh_default`, seed by seed.",
        "`return (fresh - fresh_default).mean() / (tuned - default)`.",
    ),
    returns=promise.a_float("the share"),
)
def gain_kept(tuned: float, default: float, fresh: NDArray, fresh_default: NDArray) -> float:
    """Say which share of the gain that a search promised is still there on fresh seeds.

    Args:
        tuned: score of the search's best trial, as the search saw it.
        default: score of the default configuration in the same search, lower than ``tuned``.
        fresh: held-out scores of the best trial on fresh seeds, float64, (seeds,).
        fresh_default: of the default on the same seeds, float64, (seeds,).

    Returns:
        Gain on fresh seeds divided by the promised gain: 1 if all of it was kept, 0 if nothing, below 0 if the default
        is better after all.
    """
    # 1. what the search promised
    promised = tuned - default
    # 2. what was kept
    kept = (fresh - fresh_default).mean()
    # 3. as a share
    return kept / promised


gain_kept.examine(
    cases=lambda: [
        (0.90, 0.80, np.array([0.86, 0.84]), np.array([0.80, 0.80])),
        (0.75, 0.70, np.array([0.68, 0.71, 0.69]), np.array([0.70, 0.69, 0.72])),
        (0.88, 0.85, np.array([0.91, 0.90]), np.array([0.84, 0.85])),
    ],
    draw=lambda rng: (
        round(0.85 + 0.05 * float(rng.random()), 3),
        round(0.75 + 0.05 * float(rng.random()), 3),
        (0.80 + 0.05 * rng.random(5)).round(3),
        (0.74 + 0.05 * rng.random(5)).round(3),
    ),
    mistakes={
        "this compares the fresh score with the promised one: compare gains over the default": (
            lambda tuned, default, fresh, fresh_default: fresh.mean() / tuned
        ),
        "the fresh runs are compared with the default's tuning score: it was trained anew as well": (
            lambda tuned, default, fresh, fresh_default: (fresh.mean() - default) / (tuned - default)
        ),
        "this is the share that was lost": (
            lambda tuned, default, fresh, fresh_default: 1 - (fresh - fresh_default).mean() / (tuned - default)
        ),
        "the division is upside down": (
            lambda tuned, default, fresh, fresh_default: (tuned - default) / (fresh - fresh_default).mean()
        ),
        "this is the gain itself: divide it by what was promised": (
            lambda tuned, default, fresh, fresh_default: (fresh - fresh_default).mean()
        ),
        "it takes the best of the fresh seeds: take their mean": (
            lambda tuned, default, fresh, fresh_default: (fresh - fresh_default).max() / (tuned - default)
        ),
    },
)


@exercise(
    minutes=12,
    difficulty=3,
    hints=(
        "Begin with the order: `np.argsort(p_values, kind='stable')` names the smallest first.",
        "The smallest of m has to be at most `level / m`, the next one `level / (m - 1)`, the last one `level`.",
        "Go through them in this order, mark each that passes, and `break` at the first one that does not.",
    ),
    returns=promise.an_array("the decisions", bool),
)
def holm(p_values: NDArray, level: float = 0.05) -> NDArray:
    """Decide which of several comparisons count, so that a single one counts wrongly in 1 case of 20 at most.

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979.

    Args:
        p_values: one for each comparison: how often chance alone makes such a difference, float64, (comparisons,).
        level: how often any of them may count wrongly.

    Returns:
        For each comparison, in the order in which they came, whether it counts, bool, (comparisons,).
    """
    # 1. the smallest first
    order = np.argsort(p_values, kind="stable")
    counts = np.zeros(len(p_values), bool)
    # 2. each against what is left of the level, up to the first that fails
    for done, place in enumerate(order):
        if p_values[place] > level / (len(p_values) - done):
            break
        counts[place] = True
    return counts


def _loop(limit: Callable[[int, int, float], float], stop: bool = True) -> Callable:
    def decided(p_values: NDArray, level: float = 0.05) -> NDArray:
        counts, many = np.zeros(len(p_values), bool), len(p_values)
        for done, place in enumerate(np.argsort(p_values, kind="stable")):
            passes = p_values[place] <= limit(done, many, level)
            if stop and not passes:
                break
            counts[place] = passes
        return counts

    return decided


def _sorted(p_values: NDArray, level: float = 0.05) -> NDArray:
    return holm.reference(np.sort(p_values), level)


def _from_the_end(p_values: NDArray, level: float = 0.05) -> NDArray:
    """Hochberg's procedure, which needs more to be true."""
    order, many = np.argsort(p_values, kind="stable"), len(p_values)
    passed = [done for done, place in enumerate(order) if p_values[place] <= level / (many - done)]
    counts = np.zeros(many, bool)
    counts[order[: passed[-1] + 1 if passed else 0]] = True
    return counts


holm.examine(
    cases=lambda: [
        (np.array([0.01, 0.04, 0.03]), 0.05),
        (np.array([0.04, 0.01, 0.02]), 0.05),
        (np.array([0.03, 0.02, 0.04]), 0.05),
        (np.array([0.2]), 0.05),
        (np.array([0.012, 0.03, 0.02, 0.001]), 0.05),
        (np.array([0.06, 0.3, 0.02, 0.09]), 0.1),
        (np.array([0.04, 0.001, 0.018, 0.026]), 0.05),
    ],
    draw=lambda rng: ((rng.random(5) * 0.05).round(4), 0.05),
    mistakes={
        "each is compared with the level itself: with several, one of them passes by chance more often": _loop(
            lambda done, many, level: level, stop=False
        ),
        "each is compared with the level divided by their number: after one has passed, fewer are left": _loop(
            lambda done, many, level: level / many, stop=False
        ),
        "the level is divided the other way: the smallest has the hardest limit, level / m": _loop(
            lambda done, many, level: level / (done + 1)
        ),
        "it goes on after the first that fails: nothing larger may count": _loop(
            lambda done, many, level: level / (many - done), stop=False
        ),
        "the decisions are in the order of the sorted values: return them in the order in which they came": _sorted,
        "it begins with the largest: one that passes there carries all smaller ones with it": _from_the_end,
        "this says which do not count": lambda p_values, level=0.05: ~holm.reference(p_values, level),
    },
)
