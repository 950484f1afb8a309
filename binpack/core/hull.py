"""Whether the centre of a base lies inside the convex hull of the cells that bear it, for many bases at once.

Cells are unit squares, and the hull's edge counts as inside. Everything is counted in half cells from the centre, in
whole numbers: cell ``i`` of ``l`` reaches from ``2 i - l`` to ``2 i + 2 - l``.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from math import atan2, gcd

import numpy as np
from numpy.typing import NDArray

_BITS = 64


def centre_is_inside(cells: NDArray, long: NDArray, wide: NDArray) -> NDArray:
    """Say where the centre of a base lies inside the convex hull of its bearing cells, or on the hull's edge.

    >>> tip, bridge = [[1, 1], [0, 0], [0, 0]], [[1, 0], [0, 0], [0, 1]]
    >>> centre_is_inside(np.array([tip, bridge], bool), np.array([3, 3]), np.array([2, 2]))
    array([False,  True])

    Args:
        cells: bearing cells, bool, (M, l, w), at least one a base; False beyond a base's own edges.
        long: edges along x, integers, (M,), at most l.
        wide: edges along y, integers, (M,), at most w.

    Returns:
        Bool, (M,).
    """
    count, longest, widest = cells.shape
    if not count:
        return np.zeros(0, bool)
    return (_by_tips if longest * widest <= _BITS else _by_slopes)(cells, long, wide)


def _by_tips(cells: NDArray, long: NDArray, wide: NDArray) -> NDArray:
    """Do what ``centre_is_inside`` does, for bases of at most 64 cells: the bits of one number.

    An item tips over a line through the centre if every bearing cell lies beyond it. Few sets of cells are the largest
    that lie beyond such a line, so a table of them answers.
    """
    count, longest, widest = cells.shape
    octets = np.zeros((count, _BITS // 8), np.uint8)
    packed = np.packbits(cells.reshape(count, -1), axis=1, bitorder="little")
    octets[:, : packed.shape[1]] = packed
    return (octets.view("<u8") & _tips(longest, widest)[long, wide] != 0).all(axis=1)


@lru_cache(maxsize=_BITS)
def _tips(longest: int, widest: int) -> NDArray:
    """Return the cells of which one must bear for each way of tipping, as bits, uint64, (longest + 1, widest + 1, D).

    The first two indices are the edges of the base. Bases with fewer ways than others have some that any cell prevents.
    """
    ways = {(i, j): _ways_to_tip(i, j) for i in range(1, longest + 1) for j in range(1, widest + 1)}
    table = np.full((longest + 1, widest + 1, max(map(len, ways.values()))), ~np.uint64(0))
    for (long, wide), sets in ways.items():
        cells = np.zeros((len(sets), longest, widest), np.uint64)
        cells[:, :long, :wide] = ~sets
        bits = np.uint64(1) << np.arange(longest * widest, dtype=np.uint64)
        table[long, wide, : len(sets)] = cells.reshape(len(sets), -1) @ bits
    return table


@lru_cache(maxsize=_BITS * _BITS)
def _ways_to_tip(long: int, wide: int) -> NDArray:
    """Return the largest sets of cells that lie beyond a line through the centre, bool, (D, long, wide).

    As the line turns, its set changes where it meets a corner of a cell, so one line between each two such is enough.
    """
    meets = [(x, y) for x in range(-wide, wide + 1) for y in range(-long, long + 1) if gcd(x, y) == 1]
    meets.sort(key=lambda normal: atan2(normal[1], normal[0]))
    # The sum of two normals lies between them.
    x, y = np.array([(a[0] + b[0], a[1] + b[1]) for a, b in pairwise([*meets, meets[0]])]).T[..., None, None]
    centres_x, centres_y = 2 * np.arange(long)[:, None] + 1 - long, 2 * np.arange(wide) + 1 - wide
    beyond = np.unique(x * centres_x + y * centres_y > abs(x) + abs(y), axis=0)
    flat = beyond.reshape(len(beyond), -1).astype(int)
    missing = flat @ (1 - flat).T  # how many cells of one set another lacks
    np.fill_diagonal(missing, 1)
    return beyond[missing.all(axis=1)]


def _by_slopes(cells: NDArray, long: NDArray, wide: NDArray) -> NDArray:
    """Do what ``centre_is_inside`` does, for bases of any size.

    The hull is cut along the line through the centre that runs along x: the centre is inside if it lies between the
    ends of that cut. A corner at (x, y) ahead of the line and one at (x', y') behind it span the line at or beyond the
    centre if x / y >= x' / y'. So the steepest corners decide, and only the outermost corners of each row of cells can
    be steepest. x / y is compared as floor(x s / y) with s the square of the largest y: this keeps the order of
    fractions whose denominators are no larger, and tells different ones apart.
    """
    count, longest, widest = cells.shape
    # How far to the right, and how far to the left, the cells of each row reach: (2, M, w).
    right = 2 * np.arange(1, longest + 1) - long[:, None]
    sides = np.stack([right, 2 - right])
    scale, nowhere = widest * widest, 2 * longest * widest + 1
    reach = np.where(cells, sides[..., None], -nowhere).max(axis=2)
    # The corners lie on the lines between rows, (2, M, w + 1).
    corner = np.full((2, count, widest + 1), -nowhere)
    corner[..., :-1] = reach
    np.maximum(corner[..., 1:], reach, out=corner[..., 1:])
    y = 2 * np.arange(widest + 1) - wide[:, None]
    slope = corner * scale // np.where(y == 0, 1, y)
    ahead = np.where(y > 0, slope, -nowhere * scale).max(axis=2)
    behind = np.where(y < 0, slope, nowhere * scale).min(axis=2)
    level = ((y == 0) & (corner >= 0)).any(axis=2)
    return ((ahead >= behind) | level).all(axis=0)
