"""Plain-loop answers that the vectorised code is compared with."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from binpack.core.placement import OUTSIDE
from binpack.core.support import Support


def placement_oracle(heights: np.ndarray, item: np.ndarray, bin_height: int, support: Support):
    """Landing height, supported cells, supported corners and legality of one item in one bin, cell by cell."""
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
            limits = [Fraction(str(limit)) for limit in support.shares]
            if support.name == "none":
                stable = True
            elif support.name == "full":
                stable = share == 1
            elif support.name == "fraction":
                stable = share >= limits[0]
            else:
                stable = (
                    share > limits[0]
                    or (share > limits[1] and corners[x, y] >= 3)
                    or (share > limits[2] and corners[x, y] == 4)
                )
            legal[x, y] = stable and z + high <= bin_height
    return landing, cells, corners, legal
