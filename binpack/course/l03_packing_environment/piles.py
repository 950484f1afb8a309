"""Piles of boxes that the lesson looks at: one to work on, and stands that support rules disagree about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from binpack.core import placement

BIN = (10, 8, 6)
"""Length, width and height of the bin that holds the example pile, in cells."""

STAND_BIN = (7, 6, 5)
"""Length, width and height of the bin of every stand, in cells."""

RULES = ("full", "fraction:0.8", "corners", "polygon", "none")
"""The support rules of the lesson, the strictest first."""


class Stand(NamedTuple):
    """One box, about to stand on a few others."""

    boxes: NDArray
    """What stands there already, int64, (n, 6): x, y, z, length, width, height."""
    item: tuple[int, int, int]
    """Edges of the box along x, y and z."""
    x: int
    """Lowest x of its base."""
    y: int
    """Lowest y of its base."""

    @property
    def heights(self) -> NDArray:
        """The height map, int16, (7, 6)."""
        return height_map(self.boxes, STAND_BIN)

    @property
    def bearing(self) -> NDArray:
        """Which cells under the base bear the box, bool, (length, width)."""
        under = self.heights[self.x : self.x + self.item[0], self.y : self.y + self.item[1]]
        return under == under.max()

    @property
    def corners(self) -> int:
        """How many of the four corner cells of the base bear it."""
        return int(self.bearing[:: self.item[0] - 1, :: self.item[1] - 1].sum())

    def accepted(self, rule: str) -> bool:
        """Tell whether a support rule accepts the box there."""
        return bool(places(self.heights, self.item, STAND_BIN[2], rule)[self.x, self.y])


def places(heights: NDArray, item: Sequence[int], bin_height: int, rule: str) -> NDArray:
    """Say where the corner of a box may stand under a support rule.

    Args:
        heights: the height map, integers, (L, W).
        item: edges of the box along x, y and z.
        bin_height: height of the bin, in cells.
        rule: the support rule.

    Returns:
        bool, (L, W).
    """
    _, mask = placement.feasible(heights[None], np.array([[item]]), bin_height, rule)
    return mask[0, 0]


def height_map(boxes: NDArray, bin_size: Sequence[int]) -> NDArray:
    """Return the height map of boxes that stand in a bin.

    Args:
        boxes: placed boxes in the order of placing, integers, (n, 6).
        bin_size: length, width and height of the bin, in cells.

    Returns:
        int16, (length, width).
    """
    heights = np.zeros((1, *bin_size[:2]), np.int16)
    for x, y, _, *item in np.asarray(boxes).tolist():
        placement.place(heights, np.array([item]), np.array([x]), np.array([y]))
    return heights[0]


def example_pile() -> tuple[NDArray, NDArray]:
    """Make the pile that the lesson works on, in a bin that is 10 cells long, 8 wide and 6 high.

    Returns:
        Boxes, int64, (4, 6): x, y, z, length, width, height; and the height map, int16, (10, 8).
    """
    boxes = np.array([[0, 0, 0, 4, 4, 2], [5, 0, 0, 5, 2, 3], [5, 3, 0, 5, 1, 3], [8, 6, 0, 2, 2, 1]])
    return boxes, height_map(boxes, BIN)


def stands(*names: str) -> dict[str, Stand]:
    """Return a 5 x 4 x 2 box on different piles.

    Args:
        *names: which ones; all of them where none is named.
    """
    piles = {
        "level": [(1, 1, 5, 2), (1, 3, 5, 2)],
        "three corners": [(1, 1, 5, 3), (1, 4, 2, 1)],
        "overhang": [(1, 1, 4, 4)],
        "bridge": [(1, 1, 5, 2), (1, 4, 5, 1)],
        "table": [(1, 1, 1, 1), (1, 4, 1, 1), (5, 2, 1, 2)],
        "half": [(1, 1, 2, 4)],
        "post": [(5, 4, 1, 1)],
    }
    made = {}
    for name in names or piles:
        boxes = np.array([[x, y, 0, length, width, 2] for x, y, length, width in piles[name]])
        made[name] = Stand(boxes, (5, 4, 2), 1, 1)
    return made
