"""Plain-loop answers that the vectorised code is compared with."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from binpack.core.placement import OUTSIDE
from binpack.core.support import support_rule


def placement_oracle(heights: np.ndarray, item: np.ndarray, bin_height: int, support):
    """Landing height, supported cells, supported corners and legality of one item in one bin, cell by cell."""
    name, _, shares = str(support_rule(support)).partition(":")
    limits = [Fraction(share) for share in shares.split(",") if share]
    length, width = heights.shape
    landing = np.full((length, width), OUTSIDE)
    legal = np.zeros((length, width), bool)
    cells, corners = np.zeros((length, width), int), np.zeros((length, width), int)
    long, wide, high = (int(edge) for edge in item)
    for x in range(length):
        for y in range(width):
            if x + long > length or y + wide > width:
                continue
            base = [[int(heights[i, j]) for j in range(y, y + wide)] for i in range(x, x + long)]
            z = max(max(row) for row in base) if long and wide else 0
            landing[x, y] = z
            if min(long, wide, high) == 0:
                continue
            cells[x, y] = sum(value == z for row in base for value in row)
            corners[x, y] = sum(base[i][j] == z for i in (0, -1) for j in (0, -1))
            share = Fraction(int(cells[x, y]), long * wide)
            if name == "none":
                stable = True
            elif name == "full":
                stable = share == 1
            elif name == "fraction":
                stable = share >= limits[0]
            elif name == "polygon":
                bearing = [(i, j) for i in range(long) for j in range(wide) if base[i][j] == z]
                stable = centre_in_hull(bearing, long, wide) or any(share > limit for limit in limits)
            else:
                stable = (
                    share > limits[0]
                    or (share > limits[1] and corners[x, y] >= 3)
                    or (share > limits[2] and corners[x, y] == 4)
                )
            legal[x, y] = stable and z + high <= bin_height
    return landing, cells, corners, legal


def centre_in_hull(cells, long: int, wide: int) -> bool:
    """Whether the centre of a base lies in the convex hull of some of its cells, by a look at all pairs of corners.

    It does not if all corners are seen from it within less than half a turn: then, to the left of the one that is seen
    furthest to the right, lie all others.
    """
    points = {(2 * (i + di) - long, 2 * (j + dj) - wide) for i, j in cells for di in (0, 1) for dj in (0, 1)}

    def is_rightmost(p) -> bool:
        turns = [(p[0] * q[1] - p[1] * q[0], p[0] * q[0] + p[1] * q[1]) for q in points]
        return all(cross > 0 or (cross == 0 and dot > 0) for cross, dot in turns)

    return (0, 0) in points or not any(is_rightmost(p) for p in points)
