"""The centre in the hull: every set of cells of small bases, and drawn ones of larger bases, against plain looks."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles import centre_in_hull
from scipy.spatial import ConvexHull

from binpack.core import geometry, hull

SMALL = [(long, wide) for long in range(1, 5) for wide in range(1, 5) if long * wide <= 12]


def subsets(long, wide):
    """Every set of cells of a base but the empty one, bool, (2 ** area - 1, long, wide)."""
    numbers = np.arange(1, 1 << (long * wide))[:, None]
    return ((numbers >> np.arange(long * wide)) & 1).astype(bool).reshape(-1, long, wide)


def answers(way, cells):
    """What one of the two ways says of bases of one size."""
    return way(cells, np.full(len(cells), cells.shape[1]), np.full(len(cells), cells.shape[2]))


def by_scipy(cells):
    """Whether the centre lies on the inner side of every edge of scipy's hull, which tells it by floats."""
    corners = [(i + a, j + b) for i, j in np.argwhere(cells) for a in (0, 1) for b in (0, 1)]
    edges = ConvexHull(corners).equations
    return bool((edges[:, :2] @ (np.array(cells.shape) / 2) + edges[:, 2] <= 1e-9).all())


@pytest.mark.parametrize(("long", "wide"), SMALL)
def test_every_set_of_cells_of_a_small_base(long, wide):
    cells = subsets(long, wide)
    expected = [centre_in_hull(np.argwhere(one), long, wide) for one in cells]
    assert answers(hull._by_tips, cells).tolist() == answers(hull._by_slopes, cells).tolist() == expected


@pytest.mark.parametrize(("long", "wide"), [(3, 3), (2, 4), (1, 4), (3, 2)])
def test_scipy_and_geometry_see_the_same_hulls(long, wide):
    cells = subsets(long, wide)
    found = answers(hull.centre_is_inside, cells)
    assert found.tolist() == [by_scipy(one) for one in cells]
    contacts = [np.array([(i, j, 1, 1) for i, j in np.argwhere(one)]) for one in cells]
    assert found.tolist() == [geometry._centre_is_borne(long, wide, squares) for squares in contacts]


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 2**32 - 1))
@example(5, 5, 0)
def test_bases_of_several_sizes_together(longest, widest, seed):
    rng = np.random.default_rng(seed)
    long, wide = rng.integers(1, longest, 40, endpoint=True), rng.integers(1, widest, 40, endpoint=True)
    cells = rng.random((40, longest, widest)) < rng.choice([0.05, 0.15, 0.4], 40)[:, None, None]
    cells[np.arange(40), rng.integers(0, long), rng.integers(0, wide)] = True
    cells &= (np.arange(longest)[:, None] < long[:, None, None]) & (np.arange(widest) < wide[:, None, None])
    expected = [centre_in_hull(np.argwhere(one), *edges) for one, *edges in zip(cells, long, wide, strict=True)]
    assert hull._by_tips(cells, long, wide).tolist() == expected
    assert hull._by_slopes(cells, long, wide).tolist() == expected


@settings(max_examples=60, deadline=None)
@given(st.integers(9, 60), st.integers(8, 60), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_bases_of_more_cells_than_a_number_has_bits(long, wide, count, seed):
    # A few cells, so that the centre is often near an edge of the hull; every other time an edge runs through it.
    rng = np.random.default_rng(seed)
    cells = np.zeros((30, long, wide), bool)
    for one in cells:
        one[rng.integers(0, long, count), rng.integers(0, wide, count)] = True
    cells[::2] |= rng.permuted(np.eye(1, long * wide, dtype=bool).repeat(15, 0), axis=1).reshape(15, long, wide)
    cells[0] = False
    cells[0, 0, 0] = cells[0, -1, -1] = True
    expected = [centre_in_hull(np.argwhere(one), long, wide) for one in cells]
    assert expected[0] and answers(hull.centre_is_inside, cells).tolist() == expected


def test_the_edge_of_the_hull_counts_as_inside():
    half, less = np.zeros((2, 12, 7), bool)
    half[:6, 3], less[:5, 3] = True, True
    assert answers(hull.centre_is_inside, np.array([half, less])).tolist() == [True, False]
    assert answers(hull.centre_is_inside, np.array([half, less])[:, :, 2:5]).tolist() == [True, False]


def test_no_bases_have_no_answers():
    none = np.zeros(0, int)
    assert hull.centre_is_inside(np.zeros((0, 0, 0), bool), none, none).tolist() == []
    assert hull.centre_is_inside(np.zeros((0, 20, 20), bool), none, none).tolist() == []
