"""Maximal free spaces: what is left of a bin once blocks of boxes stand in it, without any grid.

A free space is a cuboid with nothing in it that nothing free can be added to; together, spaces overlap and cover all
that is free (Lai and Chan, "Developing a simulated annealing algorithm for the cutting stock problem", Computers and
Industrial Engineering 1997; for loading: Parreno et al., "A maximal-space algorithm for the container loading problem",
INFORMS Journal on Computing 2008). Their number grows with the number of blocks and not with that of cells, so a bin of
587 x 233 x 220 cells is as quick as one of 10 x 10 x 10.

``S`` is the number of spaces; a space, as a box, is ``x1, y1, z1, x2, y2, z2``: its lowest corner and its highest.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

_LOW, _HIGH = np.arange(3), np.arange(3, 6)


def whole(size: tuple[int, int, int]) -> NDArray:
    """Return the one space of an empty bin, int64 (1, 6)."""
    return np.array([[0, 0, 0, *size]], np.int64)


def cut(spaces: NDArray, box: NDArray, *, above: bool) -> NDArray:
    """Take a box out of the free spaces.

    >>> cut(whole((4, 4, 4)), np.array([0, 0, 0, 4, 2, 3]), above=True).tolist()
    [[0, 2, 0, 4, 4, 4], [0, 0, 3, 4, 4, 4]]

    Args:
        spaces: integers (S, 6).
        box: what is no longer free, integers (6,).
        above: whether what is above the box is a space as well. Where all that stands is to be borne whole, it is not:
            there ``on_top`` says what can stand on the box.

    Returns:
        The spaces that are left, int64 (S', 6), none inside another.
    """
    hit = ((spaces[:, :3] < box[3:]) & (spaces[:, 3:] > box[:3])).all(axis=1)
    if not hit.any():
        return spaces
    struck, rest = spaces[hit], spaces[~hit]
    parts = np.repeat(struck[None], 6, axis=0)
    parts[_LOW, :, _HIGH] = box[:3, None]
    parts[_HIGH, :, _LOW] = box[3:, None]
    if not above:
        parts = parts[:5]
    parts = parts.reshape(-1, 6)
    parts = parts[(parts[:, 3:] > parts[:, :3]).all(axis=1)]
    return np.concatenate([rest, _largest(parts, rest)])


def _largest(parts: NDArray, others: NDArray) -> NDArray:
    """Return those parts that lie in no other part and in none of the others, the first of equals."""
    if not len(parts):
        return parts
    every = np.concatenate([parts, others])
    within = (parts[:, None, :3] >= every[None, :, :3]) & (parts[:, None, 3:] <= every[None, :, 3:])
    inside: NDArray = np.all(within, axis=2)
    count = np.arange(len(parts))
    inside[count, count] = False
    same = inside[:, : len(parts)] & inside[:, : len(parts)].T
    inside[:, : len(parts)] &= ~same | (count < count[:, None])
    return parts[~inside.any(axis=1)]


def on_top(spaces: NDArray, tops: NDArray, tall: int) -> NDArray:
    """Add what can stand on the tops of a block, borne whole.

    Tops that lie side by side at one height, those of the block and those that are spaces already, bear together.

    >>> spaces = np.array([[0, 0, 2, 2, 3, 9]])
    >>> on_top(spaces, np.array([[2, 1, 2, 4, 4]]), 9).tolist()
    [[0, 0, 2, 2, 3, 9], [2, 1, 2, 4, 4, 9], [0, 1, 2, 4, 3, 9]]

    Args:
        spaces: integers (S, 6), each borne whole.
        tops: rectangles, integers (R, 5): x1, y1, the height at which they lie, x2, y2.
        tall: the bin's height.

    Returns:
        The spaces, int64 (S', 6), none inside another.
    """
    tops = tops[tops[:, 2] < tall]
    for height in dict.fromkeys(tops[:, 2].tolist()):
        level = spaces[:, 2] == height
        known = [(x1, y1, x2, y2) for x1, y1, _, x2, y2, _ in spaces[level].tolist()]
        new = [(x1, y1, x2, y2) for x1, y1, _, x2, y2 in tops[tops[:, 2] == height].tolist()]
        found = [(x1, y1, height, x2, y2, tall) for x1, y1, x2, y2 in rectangles(new, known)]
        spaces = np.concatenate([spaces[~level], np.array(found, np.int64)])
    return spaces


Rectangle = tuple[int, int, int, int]
"""x1, y1, x2, y2."""


def rectangles(new: Iterable[Rectangle], known: Iterable[Rectangle] = ()) -> list[Rectangle]:
    """Return the maximal rectangles of a union of rectangles.

    Of two that touch or overlap along an axis the one across both is added, until nothing new comes (the method of
    consensus, Quine 1955).

    >>> rectangles([(0, 0, 2, 2), (2, 1, 4, 4)])
    [(0, 0, 2, 2), (2, 1, 4, 4), (0, 1, 4, 2)]

    Args:
        new: rectangles.
        known: others, all the maximal ones of their union.
    """
    open_, done = list(new), list(known)
    while open_:
        one = open_.pop(0)
        if any(_within(one, other) for other in done):
            continue
        done = [other for other in done if not _within(other, one)]
        x1, y1, x2, y2 = one
        for a1, b1, a2, b2 in done:
            if a1 <= x2 and x1 <= a2 and max(y1, b1) < min(y2, b2):
                open_.append((min(x1, a1), max(y1, b1), max(x2, a2), min(y2, b2)))
            if b1 <= y2 and y1 <= b2 and max(x1, a1) < min(x2, a2):
                open_.append((max(x1, a1), min(y1, b1), min(x2, a2), max(y2, b2)))
        done.append(one)
    return done


def _within(one: Rectangle, other: Rectangle) -> bool:
    return one[0] >= other[0] and one[1] >= other[1] and one[2] <= other[2] and one[3] <= other[3]
