"""What bears a base: all that a support rule can ask about every placement at once.

A rule is handed a `Bearing` and answers which placements it accepts. What it asks for is worked out then and not
before, so a rule pays for nothing that it does not use. There are three ways to the same answers, and a rule need not
know which it is: windows that slide over the maps of many bins, a table of the cells under one small item in one bin,
and bins that are empty, where every base is borne as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from binpack.core import windows
from binpack.core.windows import Bases

_LARGEST_BYTE = np.iinfo(np.uint8).max


if TYPE_CHECKING:
    from functools import cached_property as _once
else:

    class _once:
        """functools.cached_property, which takes a lock in Python 3.11 and a microsecond for it."""

        def __init__(self, work_out: Callable[[Any], Any]) -> None:
            self._work_out = work_out

        def __set_name__(self, owner: type, name: str) -> None:
            self._name = name

        def __get__(self, bearing: Any, owner: type | None = None) -> Any:
            value = bearing.__dict__[self._name] = self._work_out(bearing)
            return value


class Patterns(NamedTuple):
    """The cells that bear each of M bases."""

    cells: NDArray
    """Bool, (M, l, w), where l and w are the longest edges among the bases; False beyond a base's own edges."""
    long: NDArray
    """Edges along x, int64, (M,)."""
    wide: NDArray
    """Edges along y, int64, (M,)."""


class Bearing(Protocol):
    """What bears each base at its landing height.

    The arrays hold one entry a placement, for many placements, in a shape that means nothing to a rule: they broadcast
    against each other, so a rule works on them entry by entry. Where a placement sticks out of the bin the entries mean
    nothing, and what a rule answers there is not used.
    """

    @property
    def long(self) -> NDArray | int:
        """Edges of the bases along x, integers."""

    @property
    def wide(self) -> NDArray | int:
        """Edges of the bases along y, integers."""

    @property
    def area(self) -> NDArray | int:
        """Cells of the bases, integers."""

    @property
    def landing(self) -> NDArray:
        """Height at which each item comes to rest, integers."""

    @property
    def room(self) -> NDArray:
        """Where the item lies inside the bin and ends at or below its top, bool."""

    @property
    def whole(self) -> NDArray:
        """Where every cell of the base bears it, bool."""

    @property
    def cells(self) -> NDArray:
        """How many cells bear each base, int32, at least 1."""

    @property
    def corners(self) -> NDArray:
        """How many of the base's four corner cells bear it, int8; corner cells that coincide count one by one."""

    @property
    def quarters(self) -> list[NDArray]:
        """Whether any cell that touches a quarter of the base bears it, bool, for the four quarters.

        They lie at low x and low y, at low x and high y, at high x and low y, and at high x and high y. A cell on the
        line between two quarters touches both, and so does one that only shares an edge with that line.
        """

    def exceeds(self, share: float) -> NDArray:
        """Say where more than a share of the base is borne, bool; compared in whole numbers."""

    def reaches(self, share: float) -> NDArray:
        """Say where at least a share of the base is borne, bool; compared in whole numbers."""

    def patterns(self, where: NDArray) -> Patterns:
        """Return the bearing cells of some bases one by one, for what no count can tell.

        This is the dear part, so ask for few: those that the other arrays leave open and that have ``room``.

        Args:
            where: which placements, bool, of the shape that ``room`` has.

        Returns:
            Their bearing cells, in the order of ``np.nonzero(where)``.
        """


def least_cells(share: float, area: NDArray, *, more: bool) -> NDArray:
    """Return how many cells of a base must bear it for a share to be reached.

    Worked out in whole numbers from the decimal text of the share, so that 19 of 20 cells do not exceed 0.95.

    Args:
        share: share of the base, in [0, 1].
        area: cells of the base, any integer array.
        more: whether the share must be exceeded.

    Returns:
        int64, of ``area``'s shape.
    """
    numerator, denominator = _ratio(share)
    scaled = np.asarray(area, np.int64) * numerator
    return scaled // denominator + 1 if more else -(-scaled // denominator)


@lru_cache(maxsize=64)
def _ratio(share: float) -> tuple[int, int]:
    return Fraction(str(share)).as_integer_ratio()


@lru_cache(maxsize=1024)
def _least_cells_alone(share: float, area: int, more: bool) -> int:
    return int(least_cells(share, np.array(area), more=more))


@lru_cache(maxsize=64)
def _least_cells_in_bytes(share: float, more: bool) -> NDArray:
    """Return ``least_cells`` for bases of 0 to 254 cells, uint8, (255,)."""
    return least_cells(share, np.arange(_LARGEST_BYTE), more=more).astype(np.uint8)


class WindowBearing:
    """Bases over a batch of bins, by windows that slide over the maps; arrays are (B * K, L * W) or (B * K, 1).

    Args:
        heights: height maps, signed integers, (B, L, W).
        items: oriented items, integers, (B, K, 3).
        bin_height: height of the bin, in cells.
    """

    def __init__(self, heights: NDArray, items: NDArray, bin_height: int) -> None:
        self._bases, self._flat = Bases.of(heights, items), windows.flat_maps(heights)
        self._tall, self._bin_height = items[..., 2].reshape(-1, 1), bin_height

    @_once
    def long(self) -> NDArray:
        return self._bases.long[:, None]

    @_once
    def wide(self) -> NDArray:
        return self._bases.wide[:, None]

    @_once
    def area(self) -> NDArray:
        return self._bases.area[:, None]

    @_once
    def landing(self) -> NDArray:
        # What needs another reduction of the same windows finds these maxima on the way.
        (top,) = windows.under(self._bases, (self._flat,), windows.merge_max)
        return self._rows(top)

    @_once
    def room(self) -> NDArray:
        tall = self._tall.astype(np.int64)
        # Read as an unsigned number, OUTSIDE is beyond every bound.
        unsigned = self.landing.view(f"u{self.landing.itemsize}")
        bound = np.where((tall > 0) & (tall <= self._bin_height), self._bin_height + 1 - tall, 0)
        bound = np.minimum(bound, min(self._bin_height + 1, 1 << (8 * unsigned.itemsize - 1)))
        return unsigned < bound.astype(unsigned.dtype)

    @_once
    def whole(self) -> NDArray:
        # The whole base rests where the highest cell under it is also the lowest.
        top, bottom = windows.under(self._bases, (self._flat, self._flat), windows.merge_max_and_min)
        self.landing = self._rows(top)
        return self._rows(top == bottom)

    @property
    def cells(self) -> NDArray:
        return self._counted.astype(np.int32)

    @_once
    def corners(self) -> NDArray:
        return self._rows(windows.bearing_corners(self._bases, self._flat, self.landing.reshape(-1)))

    @_once
    def quarters(self) -> list[NDArray]:
        top, borne = windows.quarters(self._bases, self._flat)
        self.landing = self._rows(top)
        return [self._rows(quarter) for quarter in borne]

    def exceeds(self, share: float) -> NDArray:
        return self._counted >= self._least(share, more=True)

    def reaches(self, share: float) -> NDArray:
        return self._counted >= self._least(share, more=False)

    def patterns(self, where: NDArray) -> Patterns:
        places = np.flatnonzero(np.broadcast_to(where, self.landing.shape))
        rows = places // self._bases.cells
        long, wide = self._bases.long[rows], self._bases.wide[rows]
        within = _within(long, wide)
        _, longest, widest = within.shape
        first = places - (rows - rows // self._bases.repeat) * self._bases.cells
        steps = np.arange(longest)[:, None] * self._bases.shape[1] + np.arange(widest)
        # What lies beyond the last bin is beyond every base as well.
        under = self._flat.take(first[:, None] + steps.reshape(-1), mode="clip")
        bearing = under == self.landing.reshape(-1).take(places)[:, None]
        return Patterns(bearing.reshape(within.shape) & within, long, wide)

    @_once
    def _counted(self) -> NDArray:
        """How many cells bear each base, in integers as small as the largest base allows."""
        parts = (self._flat, self._bases.ones())
        top, cells = windows.under(self._bases, parts, windows.merge_max_and_count)
        self.landing = self._rows(top)
        return self._rows(cells)

    def _least(self, share: float, more: bool) -> NDArray:
        """Return how many cells reach a share of each base, in the integers of ``_counted``, (B * K, 1)."""
        if self._counted.itemsize == 1:
            return _least_cells_in_bytes(share, more).take(self.area, mode="clip")
        return least_cells(share, self.area, more=more).astype(self._counted.dtype)

    def _rows(self, flat: NDArray) -> NDArray:
        return flat.reshape(-1, self._bases.cells)


class TableBearing:
    """One small item in one bin, from a table of the cells under each of its N bases; arrays are (N,).

    What costs there is the number of numpy's calls and not the number of cells: a table takes a quarter of the time of
    windows.

    Args:
        heights: the height map, integers, (1, L, W).
        item: edges along x, y and z; the base fits the floor.
        bin_height: height of the bin, in cells.
    """

    def __init__(self, heights: NDArray, item: tuple[int, int, int], bin_height: int) -> None:
        self.long, self.wide, tall = item
        self.area = self.long * self.wide
        self.table = _table(heights.shape[1], heights.shape[2], self.long, self.wide)
        under = heights.take(self.table.under)
        self.landing = np.maximum.reduce(under, axis=0)
        self.room = self.landing <= bin_height - tall
        # Which cells under each base are as high as its landing height, (area, N).
        self._resting = under == self.landing

    @property
    def whole(self) -> NDArray:
        return np.logical_and.reduce(self._resting, axis=0)

    @property
    def cells(self) -> NDArray:
        return self._count.astype(np.int32)

    @property
    def corners(self) -> NDArray:
        return np.add.reduce(self._resting.take(self.table.corners, axis=0), axis=0, dtype=np.int8)

    @property
    def quarters(self) -> list[NDArray]:
        return list(np.logical_or.reduce(self._resting.take(self.table.quarters, axis=0), axis=1))

    def exceeds(self, share: float) -> NDArray:
        return self._count >= _least_cells_alone(share, self.area, True)

    def reaches(self, share: float) -> NDArray:
        return self._count >= _least_cells_alone(share, self.area, False)

    def patterns(self, where: NDArray) -> Patterns:
        chosen = self._resting[:, np.broadcast_to(where, self.landing.shape)].T
        edges = np.array([[self.long], [self.wide]]).repeat(len(chosen), axis=1)
        return Patterns(chosen.reshape(-1, self.long, self.wide), *edges)

    @_once
    def _count(self) -> NDArray:
        return np.add.reduce(self._resting, axis=0, dtype=np.int16)


class _Table(NamedTuple):
    """The cells of a bin under one base, wherever it can lie."""

    starts: NDArray
    """Cells of the lowest corners of the N bases, int64, (N,)."""
    under: NDArray
    """Cells under each base, int64, (area, N)."""
    corners: NDArray
    """Which rows of ``under`` are the four corners."""
    quarters: NDArray
    """Which rows of ``under`` touch each quarter, (4, q)."""


@lru_cache(maxsize=64)
def _table(length: int, width: int, long: int, wide: int) -> _Table:
    """Number the cells of a bin and list those under a base, wherever it can lie."""
    cells = np.arange(length * width).reshape(length, width)
    starts = cells[: length - long + 1, : width - wide + 1].reshape(-1)
    under = cells[:long, :wide].reshape(-1)
    area, rows = long * wide, np.arange(long * wide).reshape(long, wide)
    along_x, along_y = ((slice(edge // 2 + 1), slice((edge - 1) // 2, None)) for edge in (long, wide))
    quarters = np.array([rows[x, y].reshape(-1) for x in along_x for y in along_y])
    corners = np.array([0, wide - 1, area - wide, area - 1])
    table = _Table(starts, under[:, None] + starts, corners, quarters)
    for part in table:
        part.flags.writeable = False
    return table


class FloorBearing:
    """Bases in empty bins, each borne as a whole; arrays have the shape of the edges, for all places are alike.

    Args:
        long: edges along x, integers.
        wide: edges along y, integers.
        room: where the item fits the bin, bool.
    """

    def __init__(self, long: NDArray, wide: NDArray, room: NDArray) -> None:
        self.long, self.wide, self.room = long, wide, room

    @property
    def area(self) -> NDArray:
        return self.long * self.wide

    @property
    def landing(self) -> NDArray:
        return self._everywhere(0, np.int8)

    @property
    def whole(self) -> NDArray:
        return self._everywhere(True, bool)

    @property
    def cells(self) -> NDArray:
        return self.area.astype(np.int32)

    @property
    def corners(self) -> NDArray:
        return self._everywhere(4, np.int8)

    @property
    def quarters(self) -> list[NDArray]:
        return [self.whole, self.whole, self.whole, self.whole]

    def exceeds(self, share: float) -> NDArray:
        return self._everywhere(share < 1, bool)

    def reaches(self, share: float) -> NDArray:
        return self.whole

    def patterns(self, where: NDArray) -> Patterns:
        where = np.broadcast_to(where, self.room.shape)
        long, wide = self.long[where], self.wide[where]
        return Patterns(_within(long, wide), long, wide)

    def _everywhere(self, value: int, dtype: type) -> NDArray:
        values: NDArray = np.empty(self.room.shape, dtype)
        values.fill(value)
        return values


def _within(long: NDArray, wide: NDArray) -> NDArray:
    """Mark the cells of bases in arrays that hold the longest of them, bool, (M, l, w)."""
    across = np.arange(long.max(initial=0)) < long[:, None]
    along = np.arange(wide.max(initial=0)) < wide[:, None]
    return across[:, :, None] & along[:, None, :]
