"""The placement core: where an item can stand in a bin, for a whole batch of bins at once.

A bin of size ``(L, W, H)`` is described by its height map, an integer array ``(L, W)``: the height of the material
above each cell of the floor. Items come from above, so a height map says all there is to know about where the next one
can go.

Everything here is a function of arrays and keeps no state; ``place`` alone changes what it is given, the height maps.
``B`` is the number of bins and ``K`` the number of candidate items of each bin (visible items times orientations). No
Python loop runs over bins, items or cells; see ``windows``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from binpack.core import windows
from binpack.core.bearing import Bearing, FloorBearing, TableBearing, WindowBearing
from binpack.core.support import SupportRule, support_rule
from binpack.core.windows import OUTSIDE, Bases
from binpack.files import InputError

ORIENTATIONS: tuple[tuple[int, int, int], ...] = ((0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 0, 1), (1, 2, 0), (2, 1, 0))
"""Edge orders: entry ``o`` says which original edges lie along x, y and z; the last number is the upright edge."""

ROTATIONS: dict[str, int] = {"none": 1, "z": 2, "all": 6}
"""How many of ``ORIENTATIONS`` each rotation mode allows: as given, turned about z, all six."""

_BLOCK = 1 << 17
"""About how many cells of landing height ``feasible`` works out at a time."""

_SMALL_TABLE = 1 << 14
"""Up to this many cells under all bases, one item alone in one bin is looked up in a table; see ``TableBearing``."""


class Candidates(NamedTuple):
    """Every placement that is open to an agent, for a batch of bins."""

    heights: NDArray
    """Height maps, integers, (B, L, W)."""
    items: NDArray
    """Oriented items, integers, (B, K, 3): edges along x, y, z."""
    landing: NDArray
    """Landing heights, integers, (B, K, L, W); ``OUTSIDE`` where the item sticks out of the bin's floor."""
    mask: NDArray
    """Feasible placements, bool, (B, K, L, W)."""
    bin_height: int
    """Height of the bin, in cells."""


def orient(items: NDArray, rotation: str) -> NDArray:
    """Turn items into all orientations that a rotation mode allows.

    >>> orient(np.array([1, 2, 3]), "z").tolist()
    [[1, 2, 3], [2, 1, 3]]

    Args:
        items: edges as given, integers, (..., 3).
        rotation: ``none``, ``z`` or ``all``.

    Returns:
        Oriented edges, (..., O, 3) with O = 1, 2 or 6, in the order of ``ORIENTATIONS``.

    Raises:
        ValueError: for an unknown rotation mode.
    """
    if rotation not in ROTATIONS:
        raise InputError(f"rotation {rotation!r} is not one of {', '.join(ROTATIONS)}")
    if rotation == "none":
        return items[..., None, :].copy()
    return items[..., np.array(ORIENTATIONS[: ROTATIONS[rotation]])]


def landing_heights(heights: NDArray, items: NDArray) -> NDArray:
    """Return the height at which each item comes to rest at each cell.

    >>> landing_heights(np.array([[[0, 3, 1]]]), np.array([[[1, 2, 1]]])).tolist()
    [[[[3, 3, -1]]]]

    Args:
        heights: height maps, signed integers, (B, L, W).
        items: oriented items, integers, (B, K, 3).

    Returns:
        Integers of the height maps' dtype, (B, K, L, W): the maximum of the map under the item's base when the base's
        lowest corner is at that cell, and ``OUTSIDE`` where the base would stick out.
    """
    (top,) = windows.under(Bases.of(heights, items), (windows.flat_maps(heights),), windows.merge_max)
    return _as_planes(top, heights, items)


def supported_cells(heights: NDArray, items: NDArray) -> tuple[NDArray, NDArray]:
    """Return landing heights, and how many cells of the base rest at the landing height.

    Args:
        heights: height maps, signed integers, (B, L, W).
        items: oriented items, integers, (B, K, 3).

    Returns:
        ``(landing, cells)``, both (B, K, L, W); ``cells`` is meaningless where ``landing`` is ``OUTSIDE``.
    """
    bases = Bases.of(heights, items)
    top, cells = windows.under(bases, (windows.flat_maps(heights), bases.ones()), windows.merge_max_and_count)
    return _as_planes(top, heights, items), cells.astype(np.int32).reshape(*items.shape[:2], *heights.shape[1:])


def supported_corners(heights: NDArray, items: NDArray, landing: NDArray) -> NDArray:
    """Return how many of the base's four corner cells rest at the landing height.

    A base one cell wide has corner cells that coincide; each still counts as its own corner.

    Args:
        heights: height maps, signed integers, (B, L, W).
        items: oriented items, integers, (B, K, 3).
        landing: landing heights, (B, K, L, W).

    Returns:
        int8, (B, K, L, W), in 0..4; meaningless where ``landing`` is ``OUTSIDE``.
    """
    bases, flat = Bases.of(heights, items), windows.flat_maps(heights)
    return windows.bearing_corners(bases, flat, landing.reshape(-1)).reshape(landing.shape)


def feasible(heights: NDArray, items: NDArray, bin_height: int, support: SupportRule | str) -> tuple[NDArray, NDArray]:
    """Say where each item can be placed.

    >>> steps = np.array([[[2, 2, 0, 0]]], np.int16)
    >>> landing, mask = feasible(steps, np.array([[[1, 2, 1]]]), 4, "full")
    >>> landing.tolist(), mask.astype(int).tolist()
    ([[[[2, 2, 0, -1]]]], [[[[1, 0, 1, 0]]]])

    Args:
        heights: height maps, signed integers, (B, L, W).
        items: oriented items, integers, (B, K, 3); an item with an edge of 0 stands for no item.
        bin_height: height of the bin, in cells.
        support: the support rule, or its text; see ``support.support_rule``.

    Returns:
        ``(landing, mask)``: landing heights (B, K, L, W), and bool (B, K, L, W), True where the item lies inside the
        bin and is supported. An item with an edge of 0 is feasible nowhere.

    Raises:
        ValueError: there is no such support rule, or it answers with something else than booleans.
    """
    if isinstance(support, str):
        support = support_rule(support)
    batch, candidates, _ = items.shape
    if batch == candidates == 1:
        edges = items[0, 0].tolist()
        if _table_size(heights, edges) <= _SMALL_TABLE:
            return _feasible_alone(heights, edges, bin_height, support)
    # Blocks of bins, or of one bin's candidates, whose intermediate results stay in the processor's cache.
    at_once = max(1, _BLOCK // (heights.shape[1] * heights.shape[2]))
    bins, some = max(1, at_once // candidates), min(at_once, candidates)
    if bins >= batch and some == candidates:
        return _feasible(heights, items, bin_height, support)
    shape = (batch, candidates, *heights.shape[1:])
    landing, mask = np.empty(shape, heights.dtype), np.empty(shape, bool)
    for start in range(0, batch, bins):
        for first in range(0, candidates, some):
            block = slice(start, start + bins), slice(first, first + some)
            landing[block], mask[block] = _feasible(heights[block[0]], items[block], bin_height, support)
    return landing, mask


def _feasible(heights: NDArray, items: NDArray, bin_height: int, support: SupportRule) -> tuple[NDArray, NDArray]:
    """Do what ``feasible`` does, for one block."""
    if not heights.any():
        return _feasible_on_floor(heights, items, bin_height, support)
    bearing = WindowBearing(heights, items, bin_height)
    mask = _fine(bearing, support)
    return _as_planes(bearing.landing, heights, items), mask.reshape(*items.shape[:2], *heights.shape[1:])


def _fine(bearing: Bearing, support: SupportRule) -> NDArray:
    """Say where an item has room and is supported, bool, of the shape of ``bearing.room``."""
    supported = support(bearing)
    fine = bearing.room
    if supported is True:
        return fine
    try:
        fine &= supported
    except (TypeError, ValueError):
        raise InputError(f"support rule {support} must return bool of the shape of bearing.room") from None
    return fine


def _feasible_on_floor(
    heights: NDArray, items: NDArray, bin_height: int, support: SupportRule
) -> tuple[NDArray, NDArray]:
    """Do what ``feasible`` does, for empty bins.

    Nothing needs to slide there: a base rests on all its cells or sticks out. Some bins have just been emptied in every
    step of a batch, and with windows those few took as long as all others.
    """
    length, width = heights.shape[1:]
    long, wide, tall = items.transpose(2, 0, 1).astype(np.int64, order="C")[..., None]
    inside_x = (np.arange(length) <= length - long) & (long >= 1)
    inside_y = (np.arange(width) <= width - wide) & (wide >= 1)
    inside = inside_x[..., :, None] & inside_y[..., None, :]
    # An item that lies inside the bin anywhere does so at its lowest corner.
    room = inside[:, :, 0, :1] & (tall >= 1) & (tall <= bin_height)
    fine = _fine(FloorBearing(long, wide, room), support)
    # 0 on the floor and OUTSIDE, which is 1 less, elsewhere.
    return np.subtract(inside, 1, dtype=heights.dtype), inside & fine[..., None]


def _feasible_alone(
    heights: NDArray, edges: tuple[int, int, int], bin_height: int, support: SupportRule
) -> tuple[NDArray, NDArray]:
    """Do what ``feasible`` does, for one small item in one small bin."""
    long, wide, tall = edges
    _, length, width = heights.shape
    landing, mask = np.empty((1, 1, length, width), heights.dtype), np.zeros((1, 1, length, width), bool)
    landing.fill(OUTSIDE)
    if 1 <= long <= length and 1 <= wide <= width:
        bearing = TableBearing(heights, edges, bin_height)
        landing.reshape(-1)[bearing.table.starts] = bearing.landing
        if tall >= 1:
            mask.reshape(-1)[bearing.table.starts] = _fine(bearing, support)
    return landing, mask


def _as_planes(values: NDArray, heights: NDArray, items: NDArray) -> NDArray:
    """Return one value a placement as (B, K, L, W) in the dtype of the height maps."""
    return values.astype(heights.dtype, copy=False).reshape(*items.shape[:2], *heights.shape[1:])


def _table_size(heights: NDArray, edges: tuple[int, int, int]) -> int:
    """Return how many cells lie under one item's base, added up over all places where it can stand."""
    (_, length, width), (long, wide, _) = heights.shape, edges
    return 0 if long > length or wide > width else (length - long + 1) * (width - wide + 1) * long * wide


def place(heights: NDArray, items: NDArray, x: NDArray, y: NDArray) -> NDArray:
    """Place one item in each bin, changing ``heights`` in place.

    >>> heights = np.array([[[0, 3, 1]]])
    >>> place(heights, np.array([[1, 2, 4]]), np.array([0]), np.array([1])).tolist(), heights.tolist()
    ([3], [[[0, 7, 7]]])

    Args:
        heights: height maps, signed integers, (B, L, W).
        items: one oriented item a bin, integers, (B, 3); an item with an edge of 0 leaves its bin as it is.
        x: lowest x of the base, integers in 0..L-1, (B,); what sticks out of the bin is cut off.
        y: lowest y of the base, integers in 0..W-1, (B,).

    Returns:
        The height at which each item came to rest, in the dtype of ``heights``, (B,).
    """
    if len(heights) == 1:
        return _place_alone(heights, items, x, y)
    _, length, width = heights.shape
    rest = np.zeros(len(heights), heights.dtype)
    rows = np.flatnonzero((items > 0).all(axis=1))
    if not len(rows):
        return rest
    # The numbers of all cells under all bases, one base after the other.
    long, wide = np.minimum(items[rows, 0], length - x[rows]), np.minimum(items[rows, 1], width - y[rows])
    area = (long * wide).astype(np.int64)
    starts = area.cumsum() - area
    base = np.arange(len(rows)).repeat(area)
    across, along = np.divmod(np.arange(len(base)) - starts[base], wide[base])
    cells = ((rows * length + x[rows]) * width + y[rows])[base] + across * width + along
    flat = heights.reshape(-1)
    rest[rows] = np.maximum.reduceat(flat[cells], starts)
    flat[cells] = (rest[rows] + items[rows, 2])[base]
    if not heights.flags.c_contiguous:  # then ``flat`` is a copy
        heights[...] = flat.reshape(heights.shape)
    return rest


def _place_alone(heights: NDArray, items: NDArray, x: NDArray, y: NDArray) -> NDArray:
    """Do what ``place`` does, for one bin, where a slice is the base: a third of the calls."""
    long, wide, tall = items[0].tolist()
    first_x, first_y = int(x[0]), int(y[0])
    if min(long, wide, tall) < 1:
        return np.zeros(1, heights.dtype)
    base = heights[0, first_x : first_x + long, first_y : first_y + wide]
    rest = base.max()
    base[...] = rest + tall
    return np.full(1, rest)
