"""Lesson 10b: a support rule of one's own as a config names it, and the same rule by a slow loop over cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.core import placement
from binpack.core.bearing import Bearing
from binpack.course.l10_capstone.exercises.own import three_feet as _exercise


def three_feet(bearing: Bearing) -> NDArray:
    """Accept what stands on four corners, or on three and half of its base; see the exercise."""
    return _exercise.reference(bearing)


def by_loop(heights: NDArray, item: NDArray, bin_height: int) -> NDArray:
    """Say where an item may stand by the rule of three feet, cell by cell.

    Args:
        heights: a height map, (L, W).
        item: edges, (3,).
        bin_height: of the bin, in cells.

    Returns:
        Bool, (L, W).
    """
    length, width = heights.shape
    long, wide, tall = map(int, item)
    fine = np.zeros((length, width), bool)
    for x in range(length - long + 1):
        for y in range(width - wide + 1):
            under = heights[x : x + long, y : y + wide]
            top = under.max()
            resting = under == top
            corners = sum(bool(resting[i, j]) for i in (0, -1) for j in (0, -1))
            enough = corners == 4 or (corners == 3 and 2 * int(resting.sum()) >= long * wide)
            fine[x, y] = enough and top + tall <= bin_height
    return fine


def compared(rule: Callable[[Any], NDArray], bins: int, rng: np.random.Generator) -> tuple[int, int, int]:
    """Compare a rule with the loop on bins drawn at random.

    Args:
        rule: from what bears each base to what it accepts.
        bins: how many.
        rng: the source of randomness.

    Returns:
        Placements looked at, of them accepted by the rule, and those on which the two disagree.
    """
    heights = rng.integers(0, 4, size=(bins, 6, 5)).astype(np.int16)
    items = rng.integers(1, 5, size=(bins, 1, 3))
    _, fast = placement.feasible(heights, items, 8, rule)
    fast = np.asarray(fast).reshape(bins, 6, 5)
    slow = np.array([by_loop(heights[each], items[each, 0], 8) for each in range(bins)])
    return fast.size, int(fast.sum()), int((fast != slow).sum())
