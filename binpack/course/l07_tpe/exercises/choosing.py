"""Drawing candidates, ranking them, and choices that have no order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from binpack.course.exercises import exercise, expect, expect_shape, global_randomness_untouched, promise


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with the bump of each draw: `which = rng.choice(len(centres), size=size, p=weights)`, then "
        "`centres[which]` and `widths[which]`.",
        "The part of a bump left of 0 is `lower = norm.cdf((0 - centre) / width)`, that left of 1 is "
        "`upper = norm.cdf((1 - centre) / width)`. An even draw between the two, sent back through `norm.ppf`, lies "
        "within the scale.",
        "`return centre + width * norm.ppf(rng.uniform(lower, upper))`.",
    ),
    returns=promise.an_array("the draws", float),
)
def draw_mixture(size: int, centres: NDArray, widths: NDArray, weights: NDArray, rng: np.random.Generator) -> NDArray:
    """Draw places from a sum of normal bumps, each of them cut off at 0 and 1.

    Args:
        size: how many.
        centres: of the bumps, (n,).
        widths: their standard deviations, (n,).
        weights: how likely each bump is, which together are 1, (n,).
        rng: draws.

    Returns:
        Places between 0 and 1, (size,).
    """
    # 1. a bump for each draw
    which = rng.choice(len(centres), size=size, p=weights)
    centre, width = centres[which], widths[which]
    # 2. evenly within the part of the bump that lies between 0 and 1
    lower, upper = norm.cdf((0 - centre) / width), norm.cdf((1 - centre) / width)
    share = rng.uniform(lower, upper)
    # 3. back to a place
    return centre + width * norm.ppf(share)


@draw_mixture.check
def _check_draw_mixture(answer: Callable) -> None:
    narrow = np.array([0.2, 0.8]), np.array([0.01, 0.01]), np.array([0.9, 0.1])
    with global_randomness_untouched():
        drawn = np.asarray(answer(1000, *narrow, np.random.default_rng(0)))
    expect_shape(drawn, (1000,), "the draws")
    left = float((drawn < 0.5).mean())
    said = "centres 0.2 and 0.8, widths 0.01 both, weights 0.9 and 0.1"
    expect(
        0 < left < 1,
        "all draws come from one bump: choose a bump for each draw",
        got=f"{left:.0%} near 0.2",
        wanted="about 90 %",
        given=said,
    )
    expect(
        abs(left - 0.9) < 0.05,
        "the bumps are not drawn with their weights",
        got=f"{left:.0%} near 0.2",
        wanted="about 90 %",
        given=said,
    )
    spread = float(np.std(drawn[drawn < 0.5]))
    expect(
        0.007 < spread < 0.013,
        "the draws around a centre are not spread by its width",
        got=f"standard deviation {spread:.4f}",
        wanted="about 0.01",
        given=said,
    )
    _check_ends(answer)
    few = np.array([0.3, 0.6]), np.array([0.2, 0.5]), np.array([0.5, 0.5])
    one, two = (np.asarray(answer(5, *few, np.random.default_rng(1))) for _ in range(2))
    expect(np.array_equal(one, two), "the same generator draws other places: draw from `rng` alone", got=two)
    other = np.asarray(answer(5, *few, np.random.default_rng(2)))
    expect(not np.array_equal(one, other), "another generator draws the same places: draw from `rng`", got=other)


def _check_ends(answer: Callable) -> None:
    """Look at bumps of which half is cut off, at either end."""
    for centre in (0.0, 1.0):
        drawn = np.asarray(answer(3000, np.array([centre]), np.array([0.5]), np.array([1.0]), np.random.default_rng(3)))
        said = f"one bump with its centre at {centre:.0f} and a width of 0.5"
        outside = float(((drawn < -1e-9) | (drawn > 1 + 1e-9)).mean())
        expect(outside == 0, "a draw lies outside 0 and 1", got=f"{outside:.0%} outside", wanted="none", given=said)
        ends = float(((drawn <= 0) | (drawn >= 1)).mean())
        expect(
            ends < 0.01,
            "draws pile up at an end: one that falls outside is not to be moved there",
            got=f"{ends:.0%} at 0 or 1",
            wanted="none",
            given=said,
        )
        # half of a normal bump, cut off at two deviations: 0.6827 / 0.9545 of it lies within one
        near = float((np.abs(drawn - centre) < 0.5).mean())
        expect(
            abs(near - 0.7153) < 0.04,
            "within the scale the draws do not follow the bump",
            got=f"{near:.0%} within 0.5 of the centre",
            wanted="about 72 %",
            given=said,
        )


@exercise(
    minutes=5,
    difficulty=1,
    hints=(
        "Begin with the ratio for all candidates at once: `good / bad`.",
        "`np.argmax` gives the place of the largest entry, the first one where several are equal.",
        "`return int(np.argmax(good / bad))`.",
    ),
    returns=promise.an_int("the number of a candidate"),
)
def best_candidate(good: NDArray, bad: NDArray) -> int:
    """Choose the candidate that is likely among the good trials and unlikely among the others.

    Args:
        good: density of the good trials at each candidate, (n,).
        bad: density of the other trials there, above 0, (n,).

    Returns:
        The number of the candidate with the highest ratio good / bad; of equal ones the first.
    """
    # 1. how much likelier among the good ones
    ratio = good / bad
    # 2. the highest
    return int(np.argmax(ratio))


best_candidate.examine(
    cases=lambda: [
        (np.array([2.0, 1.5, 0.3]), np.array([1.6, 0.5, 0.2])),
        (np.array([0.5, 3.0, 1.0, 2.9]), np.array([0.1, 2.0, 0.5, 0.5])),
        (np.array([1.0, 2.0, 0.1]), np.array([0.5, 1.0, 0.02])),
        (np.array([2.0, 4.0, 1.0, 1.0]), np.array([1.0, 2.0, 0.5, 0.1])),
        (np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 2.0])),
        (np.array([3.0, 1.0, 1.5]), np.array([1.5, 1.0, 0.75])),
    ],
    draw=lambda rng: (rng.uniform(0.1, 3, 6).round(2), rng.uniform(0.1, 3, 6).round(2)),
    mistakes={
        "it takes the candidate that is likeliest among the good ones: divide by how likely it is among the others": (
            lambda good, bad: int(np.argmax(good))
        ),
        "it takes the candidate that is least likely among the bad ones: it should be likely among the good ones too": (
            lambda good, bad: int(np.argmin(bad))
        ),
        "it takes the largest difference: take the largest ratio": lambda good, bad: int(np.argmax(good - bad)),
        "the ratio is upside down, or its lowest is taken": lambda good, bad: int(np.argmax(bad / good)),
        "of equal ratios it takes the last: take the first": lambda good, bad: (
            len(good) - 1 - int(np.argmax((good / bad)[::-1]))
        ),
        "the ratio is multiplied out: divide, do not multiply": lambda good, bad: int(np.argmax(good * bad)),
    },
)


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with a table `rows` of n rows, one for each trial, filled with `1 / (n + 1)` everywhere; then "
        "`rows[np.arange(n), observed] += 1`.",
        "Divide each row by its sum, `rows / rows.sum(axis=1, keepdims=True)`, and put a row of `1 / choices` below "
        "it for the prior.",
        "`return weights @ np.vstack([rows / rows.sum(axis=1, keepdims=True), np.full(choices, 1 / choices)])`.",
    ),
    returns=promise.an_array("the probabilities", float),
)
def choice_probabilities(observed: NDArray, weights: NDArray, choices: int) -> NDArray:
    """Say how likely each choice is among some trials, for a hyperparameter whose choices have no order.

    Args:
        observed: the number of the choice that each trial took, int, one or more trials, (n,).
        weights: the share of each trial and, last, that of the prior, which together are 1, (n + 1,).
        choices: how many choices there are.

    Returns:
        A probability for each choice, (choices,). A trial's own row has 1 / (n + 1) for every choice and 1 more for
        the one it took, divided by the row's sum. The row of the prior has the same for every choice. The rows are
        added with their weights.
    """
    # 1. a row for each trial: a little for every choice, much for its own
    count = len(observed)
    rows = np.full((count, choices), 1 / (count + 1))
    rows[np.arange(count), observed] += 1
    rows /= rows.sum(axis=1, keepdims=True)
    # 2. the prior's row, which knows nothing
    rows = np.vstack([rows, np.full(choices, 1 / choices)])
    # 3. each with its share
    return weights @ rows


def _rows(observed: NDArray, choices: int, little: float, own: float = 1.0) -> NDArray:
    rows = np.full((len(observed), choices), little)
    rows[np.arange(len(observed)), observed] += own
    return rows


def _normal(rows: NDArray) -> NDArray:
    return rows / rows.sum(axis=1, keepdims=True)


def _observed(seed: int) -> tuple[NDArray, NDArray, int]:
    rng = np.random.default_rng(seed)
    choices, count = int(rng.integers(2, 5)), int(rng.integers(2, 7))
    weights = rng.integers(1, 6, count + 1).astype(float)
    return rng.integers(choices, size=count), weights / weights.sum(), choices


choice_probabilities.examine(
    cases=lambda: [
        (np.array([0, 0, 1]), np.full(4, 0.25), 3),
        (np.array([1]), np.array([0.5, 0.5]), 2),
        (np.array([2, 0, 2, 2]), np.array([0.1, 0.2, 0.3, 0.2, 0.2]), 4),
    ],
    draw=lambda rng: _observed(int(rng.integers(999))),
    mistakes={
        "these are plain shares of the trials: a choice that no trial took may never be drawn again": (
            lambda observed, weights, choices: np.bincount(observed, minlength=choices) / len(observed)
        ),
        "the prior is left out: its row is the last": lambda observed, weights, choices: (
            weights[:-1] @ _normal(_rows(observed, choices, 1 / (len(observed) + 1))) / weights[:-1].sum()
        ),
        "the rows of the trials are not divided by their sums": lambda observed, weights, choices: (
            weights @ np.vstack([_rows(observed, choices, 1 / (len(observed) + 1)), np.full((1, choices), 1 / choices)])
        ),
        "every row counts alike: each has its weight": lambda observed, weights, choices: (
            choice_probabilities.reference(observed, np.full(len(weights), 1 / len(weights)), choices)
        ),
        "a row has 1 / n for every choice: it is 1 / (n + 1)": lambda observed, weights, choices: (
            weights @ np.vstack([_normal(_rows(observed, choices, 1 / len(observed))), np.full(choices, 1 / choices)])
        ),
        "a row has nothing for the choices that its trial did not take: it is 1 / (n + 1)": (
            lambda observed, weights, choices: (
                weights @ np.vstack([_rows(observed, choices, 0.0), np.full(choices, 1 / choices)])
            )
        ),
    },
)
