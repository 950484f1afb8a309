"""Maximal free spaces against grids of cells."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from binpack.core import spaces

SIZE = (4, 3, 3)


def largest(open_: np.ndarray) -> set[tuple[int, ...]]:
    """Return the cuboids of free cells that cannot grow by a layer on any side, by trying all."""
    closed = np.pad(~open_, 1, constant_values=True)  # walls all around; a cell is one further on

    def free(low: list[int], high: list[int]) -> bool:
        return not closed[tuple(slice(a + 1, b + 1) for a, b in zip(low, high, strict=True))].any()

    ranges = [[(a, b) for a in range(n) for b in range(a + 1, n + 1)] for n in open_.shape]
    found = set()
    for each in product(*ranges):
        low, high = [list(ends) for ends in zip(*each, strict=True)]
        if free(low, high):
            grown = [([*low[:i], low[i] - 1, *low[i + 1 :]], high) for i in range(3)]
            grown += [(low, [*high[:i], high[i] + 1, *high[i + 1 :]]) for i in range(3)]
            if not any(free(*larger) for larger in grown):
                found.add((*low, *high))
    return found


def box(rng: np.random.Generator) -> np.ndarray:
    low = rng.integers(0, SIZE)
    return np.concatenate([low, rng.integers(low + 1, np.array(SIZE) + 1)])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_what_is_cut_leaves_all_largest_free_spaces_and_no_other(seed, count):
    rng, open_ = np.random.default_rng(seed), np.ones(SIZE, bool)
    left = spaces.whole(SIZE)
    for _ in range(count):
        one = box(rng)
        open_[one[0] : one[3], one[1] : one[4], one[2] : one[5]] = False
        left = spaces.cut(left, one, above=True)
    rows = [tuple(row) for row in left.tolist()]
    assert len(rows) == len(set(rows)) and set(rows) == largest(open_)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 5))
def test_all_maximal_rectangles_of_a_union_are_found(seed, count):
    rng, covered = np.random.default_rng(seed), np.zeros((5, 5, 1), bool)
    some = []
    for _ in range(count):
        x1, y1 = rng.integers(0, 5, 2)
        x2, y2 = rng.integers(x1 + 1, 6), rng.integers(y1 + 1, 6)
        some.append((int(x1), int(y1), int(x2), int(y2)))
        covered[x1:x2, y1:y2] = True
    wanted = {(x1, y1, x2, y2) for x1, y1, _, x2, y2, _ in largest(covered)}
    for known in range(count + 1):  # in one go, and some after others
        found = spaces.rectangles(some[known:], spaces.rectangles(some[:known]))
        assert len(found) == len(set(found)) and set(found) == wanted


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 8))
def test_what_stands_on_spaces_borne_whole_is_borne_whole(seed, count):
    """Boxes at the low corner of a space, one after another: a map of heights says what is under each."""
    rng, heights = np.random.default_rng(seed), np.zeros((6, 5), int)
    left = spaces.whole((6, 5, 7))
    for _ in range(count):
        if not len(left):
            break
        x, y, z, x2, y2, z2 = left[rng.integers(len(left))].tolist()
        edges = [int(rng.integers(1, room + 1)) for room in (x2 - x, y2 - y, z2 - z)]
        under = heights[x : x + edges[0], y : y + edges[1]]
        assert (under == z).all()
        under[...] = z + edges[2]
        one = np.array([x, y, z, x + edges[0], y + edges[1], z + edges[2]])
        left = spaces.cut(left, one, above=False)
        left = spaces.on_top(left, one[[0, 1, 5, 3, 4]][None], 7)
        # the spaces of each height are the maximal rectangles at that height
        for height in range(7):
            at = {(a, b, c, d) for a, b, low, c, d, _ in left.tolist() if low == height}
            assert at == {(a, b, c, d) for a, b, _, c, d, _ in largest((heights == height)[..., None])}
