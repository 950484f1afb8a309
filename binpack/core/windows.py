"""Windows over height maps: what lies under every base of every item, for a batch of bins at once.

``B`` is the number of bins and ``K`` the number of candidate items of each. No Python loop runs over bins, items or
cells; the only loops run over the different edges of the items and over the powers of two up to the longest. A window
of any length is put together from windows whose lengths are powers of two, and two adjacent windows merge in constant
time: the larger maximum wins, and equal maxima add their counts.

What makes it fast is the layout. The maps of all bins lie in one row of cells, in integers as small as their heights
allow. The cell ``d`` further along x is ``d * W`` places on, so one slice moves every window of every bin, and each
operation is one pass over contiguous memory. A window that sticks out of its bin reads cells of the next line or bin;
what it finds there is never used, for its cell is marked ``OUTSIDE``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from binpack.files import InputError

OUTSIDE = -1
"""Landing height of a cell at which the item would stick out of the bin."""

_LARGEST_BYTE = np.iinfo(np.int8).max

Parts = Sequence[NDArray]
"""What is known of every window: one row of cells each, the highest height first."""
Merge = Callable[[Parts, Parts], Parts]
"""Joins each window with the one behind it."""


class Groups:
    """Rows in order of one of their edges, so that rows with the same edge lie side by side.

    Attributes:
        order: the rows in that order, integers (R,); ``None`` where there is only one.
        back: where each row is in that order, integers (R,).
        spans: each edge, ascending, with its first place in that order and the one behind its last; edges that are
            below 1 or beyond ``size`` come behind them.
    """

    def __init__(self, edges: NDArray, size: int) -> None:
        if len(edges) == 1:
            edge = int(edges[0])
            self.order = self.back = None
            self.spans = [(edge, 0, 1)] if 1 <= edge <= size else []
            return
        # Read as an unsigned number, an edge below 1 is beyond every size.
        edges = np.minimum((edges - 1).view(np.uint64), size).view(np.int64) + 1
        self.order = edges.argsort(kind="stable")
        self.back = self.order.argsort(kind="stable")
        counts = np.bincount(edges, minlength=size + 1)
        ends = counts.cumsum().tolist()
        self.spans = [(edge, ends[edge - 1], ends[edge]) for edge in counts[: size + 1].nonzero()[0].tolist()]

    @property
    def longest(self) -> int:
        """The longest edge in the spans, 0 without one."""
        return self.spans[-1][0] if self.spans else 0


class Bases:
    """The bases of a batch of items, one row per (bin, candidate).

    Args:
        shape: length and width of the bins.
        repeat: K, the number of rows that stand on each bin.
        long: edges along x, int64, (B * K,).
        wide: edges along y, int64, (B * K,).

    Attributes:
        cells: cells of a bin.
        area: cells of each base, int64, (B * K,).
        along_x: the rows by length.
        along_y: the rows by width.
    """

    def __init__(self, shape: tuple[int, int], repeat: int, long: NDArray, wide: NDArray) -> None:
        self.shape, self.repeat, self.long, self.wide = shape, repeat, long, wide
        self.cells = shape[0] * shape[1]
        self.area = long * wide
        self.along_x, self.along_y = Groups(long, shape[0]), Groups(wide, shape[1])

    @classmethod
    def of(cls, heights: NDArray, items: NDArray) -> Bases:
        """Return the bases of oriented items (B, K, 3) over height maps (B, L, W)."""
        long, wide = items[..., 0].reshape(-1).astype(np.int64), items[..., 1].reshape(-1).astype(np.int64)
        return cls((heights.shape[1], heights.shape[2]), items.shape[1], long, wide)

    def ones(self) -> NDArray:
        """Return a count of 1 for every cell of the bins, in integers that hold the largest base and one more."""
        largest = self.along_x.longest * self.along_y.longest
        dtype = np.uint8 if largest < _LARGEST_BYTE else np.min_scalar_type(largest + 1)
        return np.ones(len(self.area) // self.repeat * self.cells, dtype)


def flat_maps(heights: NDArray) -> NDArray:
    """Return a copy of the maps as one row of cells, (B * L * W,), in a byte each where they are low enough."""
    if heights.dtype.kind != "i":
        raise InputError(f"height maps must be signed integers, for {OUTSIDE} marks cells outside: got {heights.dtype}")
    low = heights.max(initial=0) <= _LARGEST_BYTE
    return heights.astype(np.int8 if low else heights.dtype).reshape(-1)


def under(bases: Bases, parts: Parts, merge: Merge) -> Parts:
    """Reduce the cells under each base, first along x and then along y, from B * L * W cells to B * K * L * W."""
    length, width = bases.shape
    parts = _slide(parts, bases.along_x, bases, (length, width, bases.repeat), merge)
    return _slide(parts, bases.along_y, bases, (width, 1, 1), merge)


def _slide(parts: Parts, groups: Groups, bases: Bases, axis: tuple[int, int, int], merge: Merge) -> Parts:
    """Reduce windows of a length of its own for each row, along one axis.

    ``axis`` is its size, how many places on its next cell is, and how many rows of the result read from each row of
    ``parts``. Where a window sticks out, the first part of the result is ``OUTSIDE``.

    A window of length 6 = 2 + 4 is the merge of the window of 4 that starts at the cell and of the window of 2 that
    starts 4 cells on. So the loop below runs over the bits of the edges, lowest first: ``window`` holds all windows of
    that power of two, and groups whose edge has the bit put them in front of what they have so far.
    """
    _, stride, repeat = axis
    cells = bases.cells
    found: dict[int, Parts] = {}
    # Rows that share a map share its windows and copy what they need; otherwise the maps themselves are put in order.
    window, bit = parts if repeat > 1 else _rows(parts, groups.order, cells), 1
    while bit <= groups.longest:
        for edge, start, stop in groups.spans:
            if edge & bit:
                if repeat > 1:
                    assert groups.order is not None  # as there are more rows than one
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


def _together(found: dict[int, Parts], like: Parts, groups: Groups, bases: Bases, axis: tuple[int, int, int]) -> Parts:
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


def merge_max(left: Parts, right: Parts) -> Parts:
    """Join the maxima of windows."""
    return (np.maximum(left[0], right[0]),)


def merge_max_and_min(left: Parts, right: Parts) -> Parts:
    """Join the maxima and the minima of windows."""
    return np.maximum(left[0], right[0]), np.minimum(left[1], right[1])


def merge_max_and_count(left: Parts, right: Parts) -> Parts:
    """Join the maxima of windows, and how many cells are that high."""
    top = np.maximum(left[0], right[0])
    cells = left[1] * (left[0] == top)
    cells += right[1] * (right[0] == top)
    return top, cells


def bearing_corners(bases: Bases, flat: NDArray, rest: NDArray) -> NDArray:
    """Count the corner cells that lie at the height ``rest``, int8, (B * K * L * W,)."""
    near = flat if bases.repeat == 1 else flat.reshape(-1, bases.cells).repeat(bases.repeat, axis=0).reshape(-1)
    far = _shift(near, bases.along_x, bases, bases.shape[1])
    corners = (near == rest).view(np.int8) + (far == rest).view(np.int8)
    for corner in (near, far):
        corners += (_shift(corner, bases.along_y, bases, 1) == rest).view(np.int8)
    return corners


def quarters(bases: Bases, flat: NDArray) -> tuple[NDArray, list[NDArray]]:
    """Return landing heights, and which quarters of each base rest there.

    A quarter is every cell that touches it, its edges included: along an edge of 4 or of 5 cells those are 3. The
    highest of the four quarters is the highest cell under the base, so windows of that size tell both.

    Returns:
        Landing heights, and a bool for the quarters at low x and low y, at low x and high y, at high x and low y, and
        at high x and high y; all (B * K * L * W,).
    """
    halves = Bases(bases.shape, bases.repeat, bases.long // 2 + 1, bases.wide // 2 + 1)
    (low,) = under(halves, (flat,), merge_max)
    high = _half_on(low, bases.along_x, bases, (bases.shape[0], bases.shape[1]))
    four = [low, _half_on(low, bases.along_y, bases, (bases.shape[1], 1))]
    four += [high, _half_on(high, bases.along_y, bases, (bases.shape[1], 1))]
    top = np.maximum(np.maximum(four[0], four[1]), np.maximum(four[2], four[3]))
    # The last quarter is OUTSIDE, whose bits are all set, where the base sticks out.
    top |= np.minimum(four[3], 0)
    return top, [quarter == top for quarter in four]


def _half_on(values: NDArray, groups: Groups, bases: Bases, axis: tuple[int, int]) -> NDArray:
    """Return the cells half of each row's edge on: ``out[r, x] = values[r, x + (edge[r] - 1) // 2]``.

    ``axis`` is its size and how many places on its next cell is. Where the edge sticks out, the result is ``OUTSIDE``.
    """
    (values,), (size, stride) = _rows((values,), groups.order, bases.cells), axis
    out = np.full(len(values), OUTSIDE, values.dtype)
    for edge, start, stop in groups.spans:
        first, shift, end = start * bases.cells, (edge - 1) // 2 * stride, stop * bases.cells
        out[first : end - shift] = values[first + shift : end]
        out[first:end].reshape(-1, size, stride)[:, size - edge + 1 :] = OUTSIDE
    return _rows((out,), groups.back, bases.cells)[0]


def _shift(values: NDArray, groups: Groups, bases: Bases, stride: int) -> NDArray:
    """Return the cells at the far end of each row's edge: ``out[r, x] = values[r, x + edge[r] - 1]``.

    Cells for which that lies beyond the map are meaningless.
    """
    (values,) = _rows((values,), groups.order, bases.cells)
    out = values.copy()
    for edge, start, stop in groups.spans:
        first, shift, end = start * bases.cells, (edge - 1) * stride, stop * bases.cells
        out[first : end - shift] = values[first + shift : end]
    return _rows((out,), groups.back, bases.cells)[0]
