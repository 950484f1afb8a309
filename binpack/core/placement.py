"""The placement core: where an item can stand in a bin, for a whole batch of bins at once.

A bin of size ``(L, W, H)`` is described by its height map, an integer array ``(L, W)``: the height of the material
above each cell of the floor. Items come from above, so a height map says all there is to know about where the next one
can go.

Everything here is a pure function of arrays. ``B`` is the number of bins and ``K`` the number of candidate items of
each bin (visible items times orientations). No Python loop runs over bins, items or cells; the only loops run over the
different edges of the items and over the powers of two up to the longest. A window of any length is put together from
windows whose lengths are powers of two, and two adjacent windows merge in constant time: the larger maximum wins, and
equal maxima add their counts.

What makes it fast is the layout. The maps of all bins lie in one row of cells, in integers as small as their heights
allow. The cell ``d`` further along x is ``d * W`` places on, so one slice moves every window of every bin, and each
operation is one pass over contiguous memory. A window that sticks out of its bin reads cells of the next line or bin;
what it finds there is never used, for its cell is marked ``OUTSIDE``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from binpack.core.support import Support

OUTSIDE = -1
"""Landing height of a cell at which the item would stick out of the bin."""

ORIENTATIONS: tuple[tuple[int, int, int], ...] = ((0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 0, 1), (1, 2, 0), (2, 1, 0))
"""Edge orders: entry ``o`` says which original edges lie along x, y and z; the last number is the upright edge."""

ROTATIONS: dict[str, int] = {"none": 1, "z": 2, "all": 6}
"""How many of ``ORIENTATIONS`` each rotation mode allows: as given, turned about z, all six."""

_BLOCK = 1 << 17
"""About how many cells of landing height ``feasible`` works out at a time."""

_SMALL_TABLE = 1 << 14
"""Up to this many cells under all bases, one item alone in one bin is looked up in a table; see ``_feasible_alone``."""


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

    Args:
        items: edges as given, integers, (..., 3).
        rotation: ``none``, ``z`` or ``all``.

    Returns:
        Oriented edges, (..., O, 3) with O = 1, 2 or 6, in the order of ``ORIENTATIONS``.

    Raises:
        ValueError: for an unknown rotation mode.
    """
    if rotation not in ROTATIONS:
        raise ValueError(f"rotation {rotation!r} is not one of {', '.join(ROTATIONS)}")
    if rotation == "none":
        return items[..., None, :].copy()
    return items[..., np.array(ORIENTATIONS[: ROTATIONS[rotation]])]


def landing_heights(heights: NDArray, items: NDArray) -> NDArray:
    """Return the height at which each item comes to rest at each cell.

    Args:
        heights: height maps, signed integers, (B, L, W).
        items: oriented items, integers, (B, K, 3).

    Returns:
        Integers of the height maps' dtype, (B, K, L, W): the maximum of the map under the item's base when the base's
        lowest corner is at that cell, and ``OUTSIDE`` where the base would stick out.
    """
    (top,) = _under(_Bases(heights, items), (_flat(heights),), _merge_max)
    return _as_planes(top, heights, items)


def supported_cells(heights: NDArray, items: NDArray) -> tuple[NDArray, NDArray]:
    """Return landing heights, and how many cells of the base rest at the landing height.

    Args:
        heights: height maps, signed integers, (B, L, W).
        items: oriented items, integers, (B, K, 3).

    Returns:
        ``(landing, cells)``, both (B, K, L, W); ``cells`` is meaningless where ``landing`` is ``OUTSIDE``.
    """
    bases = _Bases(heights, items)
    top, cells = _under(bases, (_flat(heights), bases.ones()), _merge_max_and_count)
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
    return _corners(_Bases(heights, items), _flat(heights), landing.reshape(-1)).reshape(landing.shape)


def feasible(heights: NDArray, items: NDArray, bin_height: int, support: Support) -> tuple[NDArray, NDArray]:
    """Say where each item can be placed.

    Args:
        heights: height maps, signed integers, (B, L, W).
        items: oriented items, integers, (B, K, 3); an item with an edge of 0 stands for no item.
        bin_height: height of the bin, in cells.
        support: the support rule.

    Returns:
        ``(landing, mask)``: landing heights (B, K, L, W), and bool (B, K, L, W), True where the item lies inside the
        bin and is supported. An item with an edge of 0 is feasible nowhere.
    """
    batch, candidates, cells = *items.shape[:2], heights.shape[1] * heights.shape[2]
    if batch == candidates == 1 and _table_size(heights, items) <= _SMALL_TABLE:
        return _feasible_alone(heights, items, bin_height, support)
    # Blocks of bins, or of one bin's candidates, whose intermediate results stay in the processor's cache.
    at_once = max(1, _BLOCK // cells)
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


def _feasible(heights: NDArray, items: NDArray, bin_height: int, support: Support) -> tuple[NDArray, NDArray]:
    """Do what ``feasible`` does, for one block."""
    if not heights.any():
        return _feasible_on_floor(heights, items, bin_height, support)
    bases, flat = _Bases(heights, items), _flat(heights)
    if support.name == "none":
        (top,) = _under(bases, (flat,), _merge_max)
        mask = _has_room(bases, top, items, bin_height)
    elif support.name == "full":
        # The whole base rests where the highest cell under it is also the lowest.
        top, bottom = _under(bases, (flat, flat), _merge_max_and_min)
        mask = _has_room(bases, top, items, bin_height)
        mask &= top == bottom
    else:
        top, cells = _under(bases, (flat, bases.ones()), _merge_max_and_count)
        mask = _has_room(bases, top, items, bin_height)
        mask &= _is_supported(bases, flat, top, cells, support)
    return _as_planes(top, heights, items), mask.reshape(*items.shape[:2], *heights.shape[1:])


def _feasible_on_floor(heights: NDArray, items: NDArray, bin_height: int, support: Support) -> tuple[NDArray, NDArray]:
    """Do what ``feasible`` does, for empty bins.

    Nothing needs to slide there: a base rests on all its cells or sticks out. Some bins have just been emptied in every
    step of a batch, and with windows those few took as long as all others.
    """
    length, width = heights.shape[1:]
    long, wide, tall = (items[..., axis, None].astype(np.int64) for axis in range(3))
    inside_x = (np.arange(length) <= length - long) & (long >= 1)
    inside_y = (np.arange(width) <= width - wide) & (wide >= 1)
    inside = inside_x[..., :, None] & inside_y[..., None, :]
    fine = (tall >= 1) & (tall <= bin_height)
    # All cells of a base are all four corners and exceed every share but 1.
    fine &= support.name != "corners" or min(support.shares) < 1
    # 0 on the floor and OUTSIDE, which is 1 less, elsewhere.
    return np.subtract(inside, 1, dtype=heights.dtype), inside & fine[..., None]


def _feasible_alone(heights: NDArray, items: NDArray, bin_height: int, support: Support) -> tuple[NDArray, NDArray]:
    """Do what ``feasible`` does, for one small item in one small bin.

    What costs there is the number of numpy's calls and not the number of cells: a table of the cells under each base
    takes a quarter of the time of ``_feasible``.
    """
    long, wide, tall = items.reshape(3).tolist()
    length, width = heights.shape[1:]
    landing, mask = np.full((1, 1, length, width), OUTSIDE, heights.dtype), np.zeros((1, 1, length, width), bool)
    if not (1 <= long <= length and 1 <= wide <= width):
        return landing, mask
    starts, bases, corners = _tabulated_bases(length, width, long, wide)
    under = heights.reshape(-1).take(bases)
    top = np.maximum.reduce(under, axis=0)
    landing.reshape(-1)[starts] = top
    if tall < 1:
        return landing, mask
    fine = top <= bin_height - tall
    resting = under == top
    if support.name == "full":
        fine &= np.logical_and.reduce(resting, axis=0)
    elif support.name != "none":
        cells, needed = np.add.reduce(resting, axis=0, dtype=np.int16), _needed(support, long * wide)
        enough = cells >= needed[0]
        if support.name == "corners":
            supported = np.add.reduce(resting.take(corners, axis=0), axis=0, dtype=np.int8)
            enough |= (cells >= needed[1]) & (supported >= 3)
            enough |= (cells >= needed[2]) & (supported == 4)
        fine &= enough
    mask.reshape(-1)[starts] = fine
    return landing, mask


def _table_size(heights: NDArray, items: NDArray) -> int:
    """Return how many cells lie under one item's base, added up over all places where it can stand."""
    (length, width), (long, wide, _) = heights.shape[1:], items[0, 0].tolist()
    return max(length - long + 1, 0) * max(width - wide + 1, 0) * long * wide


@lru_cache(maxsize=64)
def _tabulated_bases(length: int, width: int, long: int, wide: int) -> tuple[NDArray, NDArray, NDArray]:
    """Number the cells of a bin and list those under a base, wherever it can lie.

    Returns:
        Lowest corners of the N bases, int64 (N,); the cells under each, int64 (long * wide, N); and which rows of those
        are the four corners.
    """
    cells = np.arange(length * width).reshape(length, width)
    starts = cells[: length - long + 1, : width - wide + 1].reshape(-1)
    under = cells[:long, :wide].reshape(-1)
    area = long * wide
    tables = starts, under[:, None] + starts, np.array([0, wide - 1, area - wide, area - 1])
    for table in tables:
        table.flags.writeable = False
    return tables


@lru_cache(maxsize=1024)
def _needed(support: Support, area: int) -> list[int]:
    """Return ``support.minimum_cells`` for one base."""
    return [int(cells) for cells in support.minimum_cells(np.array(area))]


def place(heights: NDArray, items: NDArray, x: NDArray, y: NDArray) -> NDArray:
    """Place one item in each bin, changing ``heights`` in place.

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
    rows = (items > 0).all(axis=1).nonzero()[0]
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


Parts = Sequence[NDArray]
"""What is known of every window: one row of cells each, the highest height first."""
Merge = Callable[[Parts, Parts], Parts]
"""Joins each window with the one behind it."""


class _Groups:
    """Rows in order of one of their edges, so that rows with the same edge lie side by side.

    Attributes:
        order: the rows in that order, integers (R,); ``None`` where there is only one.
        back: where each row is in that order, integers (R,).
        spans: each edge, ascending, with its first place in that order and the one behind its last.
        kept: how many rows the spans hold; edges that are below 1 or beyond ``size`` come behind them.
    """

    def __init__(self, edges: NDArray, size: int) -> None:
        if len(edges) == 1:
            edge = int(edges[0])
            self.order = self.back = None
            self.spans = [(edge, 0, 1)] if 1 <= edge <= size else []
            self.kept = len(self.spans)
            return
        edges = np.where((edges - 1).view(np.uint64) < size, edges, size + 1)
        self.order = edges.argsort(kind="stable")
        self.back = self.order.argsort(kind="stable")
        counts = np.bincount(edges, minlength=size + 1)
        ends = counts.cumsum().tolist()
        self.spans = [(edge, ends[edge - 1], ends[edge]) for edge in counts[: size + 1].nonzero()[0].tolist()]
        self.kept = ends[size]

    @property
    def longest(self) -> int:
        """The longest edge in the spans, 0 without one."""
        return self.spans[-1][0] if self.spans else 0


class _Bases:
    """The bases of a batch of items, one row per (bin, candidate).

    Attributes:
        shape: length and width of the bins.
        cells: cells of a bin.
        repeat: K, the number of rows that stand on each bin.
        area: cells of each base, int64, (B * K,).
        along_x: the rows by length.
        along_y: the rows by width.
    """

    def __init__(self, heights: NDArray, items: NDArray) -> None:
        self.shape = length, width = heights.shape[1:]
        self.cells = length * width
        self.repeat = items.shape[1]
        lengths, widths = items[..., 0].reshape(-1).astype(np.int64), items[..., 1].reshape(-1).astype(np.int64)
        self.area = lengths * widths
        self.along_x, self.along_y = _Groups(lengths, length), _Groups(widths, width)

    def ones(self) -> NDArray:
        """Return a count of 1 for every cell of the bins, in integers that hold the largest base and one more."""
        largest = self.along_x.longest * self.along_y.longest
        return np.ones(len(self.area) // self.repeat * self.cells, np.min_scalar_type(largest + 1))


def _flat(heights: NDArray) -> NDArray:
    """Return a copy of the maps as one row of cells, (B * L * W,), in a byte each where they are low enough."""
    if heights.dtype.kind != "i":
        raise ValueError(f"height maps must be signed integers, for {OUTSIDE} marks cells outside: got {heights.dtype}")
    low = heights.max(initial=0) <= np.iinfo(np.int8).max
    return heights.astype(np.int8 if low else heights.dtype).reshape(-1)


def _as_planes(top: NDArray, heights: NDArray, items: NDArray) -> NDArray:
    """Return landing heights as (B, K, L, W) in the dtype of the height maps."""
    return top.astype(heights.dtype, copy=False).reshape(*items.shape[:2], *heights.shape[1:])


def _under(bases: _Bases, parts: Parts, merge: Merge) -> Parts:
    """Reduce the cells under each base, first along x and then along y, from B * L * W cells to B * K * L * W."""
    length, width = bases.shape
    parts = _slide(parts, bases.along_x, bases, (length, width, bases.repeat), merge)
    return _slide(parts, bases.along_y, bases, (width, 1, 1), merge)


def _slide(parts: Parts, groups: _Groups, bases: _Bases, axis: tuple[int, int, int], merge: Merge) -> Parts:
    """Reduce windows of a length of its own for each row, along one axis.

    ``axis`` is its size, how many places on its next cell is, and how many rows of the result read from each row of
    ``parts``. Where a window sticks out, the first part of the result is ``OUTSIDE``.

    A window of length 6 = 2 + 4 is the merge of the window of 4 that starts at the cell and of the window of 2 that
    starts 4 cells on. So the loop below runs over the bits of the edges, lowest first: ``window`` holds all windows of
    that power of two, and groups whose edge has the bit put them in front of what they have so far.
    """
    _, stride, repeat = axis
    cells, found = bases.cells, {}
    # Rows that share a map share its windows and copy what they need; otherwise the maps themselves are put in order.
    window, bit = parts if repeat > 1 else _rows(parts, groups.order, cells), 1
    while bit <= groups.longest:
        for edge, start, stop in groups.spans:
            if edge & bit:
                if repeat > 1:
                    front = _rows(window, groups.order[start:stop] // repeat, cells)
                else:
                    front = [part[start * cells : stop * cells] for part in window]
                found[edge] = _joined(front, found[edge], bit * stride, merge) if edge in found else front
        if 2 * bit <= groups.longest:
            window = _joined(window, window, bit * stride, merge)
            window = _padded(window, len(parts[0])) if repeat > 1 else window
        bit *= 2
    return _together(found, parts, groups, bases, axis)


def _joined(left: Parts, right: Parts, shift: int, merge: Merge) -> Parts:
    """Merge each window with the one that starts ``shift`` places on; the last places have none and drop out."""
    count = min(len(left[0]), len(right[0]) - shift)
    return merge([part[:count] for part in left], [part[shift : shift + count] for part in right])


def _padded(parts: Parts, count: int) -> Parts:
    """Give parts that have become shorter ``count`` places again."""
    return [np.concatenate([part, np.zeros(count - len(part), part.dtype)]) for part in parts]


def _together(
    found: dict[int, Parts], like: Parts, groups: _Groups, bases: _Bases, axis: tuple[int, int, int]
) -> Parts:
    """Join the windows of all edges, mark what is outside, and put the rows back in order."""
    size, stride, _ = axis
    cells, count = bases.cells, len(bases.area) * bases.cells
    whole = [np.full(count, OUTSIDE, like[0].dtype), *(np.zeros(count, part.dtype) for part in like[1:])]
    for edge, start, stop in groups.spans:
        for target, part in zip(whole, found[edge], strict=True):
            target[start * cells : start * cells + len(part)] = part
        whole[0][start * cells : stop * cells].reshape(-1, size, stride)[:, size - edge + 1 :] = OUTSIDE
    return _rows(whole, groups.back, cells)


def _rows(parts: Parts, rows: NDArray | None, cells: int) -> Parts:
    """Return the parts with other rows of ``cells`` cells each; ``None`` leaves them as they are."""
    if rows is None:
        return parts
    return [part.reshape(-1, cells).take(rows, axis=0).reshape(-1) for part in parts]


def _merge_max(left: Parts, right: Parts) -> Parts:
    return (np.maximum(left[0], right[0]),)


def _merge_max_and_min(left: Parts, right: Parts) -> Parts:
    return np.maximum(left[0], right[0]), np.minimum(left[1], right[1])


def _merge_max_and_count(left: Parts, right: Parts) -> Parts:
    top = np.maximum(left[0], right[0])
    cells = left[1] * (left[0] == top)
    cells += right[1] * (right[0] == top)
    return top, cells


def _has_room(bases: _Bases, top: NDArray, items: NDArray, bin_height: int) -> NDArray:
    """Say where an item of some height ends below the bin's top, bool, (B * K * L * W,)."""
    tall = items[..., 2].reshape(-1, 1).astype(np.int64)
    # Read as an unsigned number, OUTSIDE is beyond every bound.
    unsigned = top.view(f"u{top.itemsize}").reshape(-1, bases.cells)
    bound = np.where((tall > 0) & (tall <= bin_height), bin_height + 1 - tall, 0)
    bound = np.minimum(bound, min(bin_height + 1, 1 << (8 * top.itemsize - 1)))
    return (unsigned < bound.astype(unsigned.dtype)).reshape(-1)


def _is_supported(bases: _Bases, flat: NDArray, top: NDArray, cells: NDArray, support: Support) -> NDArray:
    """Say where enough cells rest at the landing height, for the rules that count them, bool, (B * K * L * W,)."""
    cells = cells.reshape(-1, bases.cells)
    if cells.dtype == np.uint8:
        needed = _needed_by_area(support).take(bases.area, axis=1, mode="clip")[..., None]
    else:
        needed = [cells_needed.astype(cells.dtype)[:, None] for cells_needed in support.minimum_cells(bases.area)]
    enough = cells >= needed[0]
    if support.name == "corners":
        corners = _corners(bases, flat, top).reshape(cells.shape)
        enough |= (cells >= needed[1]) & (corners >= 3)
        enough |= (cells >= needed[2]) & (corners == 4)
    return enough.reshape(-1)


@lru_cache(maxsize=16)
def _needed_by_area(support: Support) -> NDArray:
    """Return ``support.minimum_cells`` for bases of 0 to 254 cells, uint8, (shares, 255)."""
    return np.array(support.minimum_cells(np.arange(255))).astype(np.uint8)


def _corners(bases: _Bases, flat: NDArray, rest: NDArray) -> NDArray:
    """Count the corner cells that lie at the height ``rest``, int8, (B * K * L * W,)."""
    near = flat if bases.repeat == 1 else flat.reshape(-1, bases.cells).repeat(bases.repeat, axis=0).reshape(-1)
    far = _shift(near, bases.along_x, bases, bases.shape[1])
    corners = (near == rest).view(np.int8) + (far == rest).view(np.int8)
    for corner in (near, far):
        corners += (_shift(corner, bases.along_y, bases, 1) == rest).view(np.int8)
    return corners


def _shift(values: NDArray, groups: _Groups, bases: _Bases, stride: int) -> NDArray:
    """Return the cells at the far end of each row's edge: ``out[r, x] = values[r, x + edge[r] - 1]``.

    Cells for which that lies beyond the map are meaningless.
    """
    (values,) = _rows((values,), groups.order, bases.cells)
    out = values.copy()
    for edge, start, stop in groups.spans:
        first, shift, end = start * bases.cells, (edge - 1) * stride, stop * bases.cells
        out[first : end - shift] = values[first + shift : end]
    return _rows((out,), groups.back, bases.cells)[0]
