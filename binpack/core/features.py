"""What an item would touch at each placement: numbers that a network would otherwise have to learn to see.

Whether an item lies snug depends on the cells along the rim of its base, and how far away those are depends on the
item. A convolution looks at fixed distances, so it needs many layers and many examples to find that out. These features
say it directly, for all placements of all bins at once; the loops below run over edges and along them, never over bins
or cells.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from binpack.core.placement import Candidates

CONTACT = (
    "buried",
    "contact_x0",
    "flush_x0",
    "contact_x1",
    "flush_x1",
    "contact_y0",
    "flush_y0",
    "contact_y1",
    "flush_y1",
)
"""Names of the contact features: x0 is the side that faces x = 0, x1 the opposite one."""


def contact(candidates: Candidates) -> NDArray:
    """Return what each placement buries and touches.

    >>> from binpack.core.placement import Candidates, feasible
    >>> heights, items = np.zeros((1, 2, 2), np.int16), np.array([[[1, 1, 1]]])
    >>> told = contact(Candidates(heights, items, *feasible(heights, items, 2, "full"), 2))
    >>> dict(zip(CONTACT, told[0, 0, :, 0, 0].tolist()))["contact_x0"]
    1.0

    The touched area of a side follows Lodi, Martello and Vigo's touching perimeter ("Heuristic and Metaheuristic
    Approaches for a Class of Two-Dimensional Bin Packing Problems", INFORMS Journal on Computing 1999), carried over to
    three dimensions; walls count as material, and a column as solid up to its height.

    Args:
        candidates: the open placements of B bins.

    Returns:
        float32, (B, K, len(CONTACT), L, W), 0 where the placement is not feasible. ``buried``: the empty volume under
        the base, over the item's volume. ``contact_*``: the share of that side that touches material or a wall.
        ``flush_*``: the share of that side's upper edge that is level with the material beside it.
    """
    batch, kinds, length, width = candidates.mask.shape
    rows = batch * kinds
    base_x, base_y, tall = candidates.items.reshape(rows, 3).astype(np.int32).T
    longest = int(max(base_x.max(initial=1), base_y.max(initial=1)))
    # Walls are higher than any item reaches. Beyond the far walls there is room for a whole base, so that no window
    # has to be cut off; what is read there belongs to placements that are not feasible.
    wall = 2 * candidates.bin_height
    # Half the bytes take half the time, where the largest number below fits: a side's area, or a wall.
    dtype = np.int16 if max(longest, 4) * candidates.bin_height < 2**15 else np.int32
    padded = np.full((rows, length + 1 + longest, width + 1 + longest), wall, dtype)
    heights = candidates.heights if kinds == 1 else np.repeat(candidates.heights, kinds, axis=0)
    padded[:, 1 : length + 1, 1 : width + 1] = heights
    bottom = np.maximum(candidates.landing.reshape(rows, length, width), 0).astype(dtype)
    out = np.empty((rows, len(CONTACT), length, width), np.float32)
    out[:, 0] = _buried(padded, bottom, base_x, base_y) / _column(base_x * base_y * tall)
    strips_x = padded[:, :length], _ahead(padded, base_x + 1, length)
    flipped = padded.swapaxes(1, 2)
    strips_y = flipped[:, :width], _ahead(flipped, base_y + 1, width)
    for side, strip in enumerate(strips_x):
        touched, level = _touch(strip, bottom, base_y, tall)
        out[:, 1 + 2 * side], out[:, 2 + 2 * side] = touched, level
    bottom = bottom.swapaxes(1, 2)
    for side, strip in enumerate(strips_y):
        touched, level = _touch(strip, bottom, base_x, tall)
        out[:, 5 + 2 * side], out[:, 6 + 2 * side] = touched.swapaxes(1, 2), level.swapaxes(1, 2)
    out *= candidates.mask.reshape(rows, 1, length, width)
    return out.reshape(batch, kinds, len(CONTACT), length, width)


def _column(values: NDArray) -> NDArray:
    """Return one divisor a row, at least 1, float32 (R, 1, 1)."""
    return np.maximum(values, 1).astype(np.float32)[:, None, None]


def _ahead(values: NDArray, offsets: NDArray, size: int) -> NDArray:
    """Return ``values[r, offsets[r] : offsets[r] + size]`` of every row; the loop runs over the distinct offsets."""
    out = np.empty((len(values), size, values.shape[2]), values.dtype)
    for offset in np.unique(offsets):
        rows = np.flatnonzero(offsets == offset)
        out[rows] = values[rows, offset : offset + size]
    return out


def _buried(padded: NDArray, bottom: NDArray, base_x: NDArray, base_y: NDArray) -> NDArray:
    """Return the empty volume between each base and the material under it, integers (R, L, W)."""
    _, length, width = bottom.shape
    sums = np.zeros(padded.shape, np.int32)
    inside = padded[:, 1 : length + 1, 1 : width + 1]
    sums[:, 1 : length + 1, 1 : width + 1] = inside.cumsum(axis=1, dtype=np.int32).cumsum(axis=2)
    slabs = _ahead(sums, base_x, length) - sums[:, :length]
    slabs = slabs.swapaxes(1, 2)
    under = (_ahead(slabs, base_y, width) - slabs[:, :width]).swapaxes(1, 2)
    return bottom * (base_x * base_y)[:, None, None] - under


def _touch(strip: NDArray, bottom: NDArray, edge: NDArray, tall: NDArray) -> tuple[NDArray, NDArray]:
    """Compare one side of each item with the material beside it.

    Args:
        strip: heights beside that side, for every position along axis 1; along axis 2 it starts one cell early.
        bottom: landing heights, (R, M, N).
        edge: length of that side along axis 2, (R,).
        tall: the items' heights, (R,).

    Returns:
        Shares of the side that touch and of its upper edge that are level, float32, (R, M, N).
    """
    size = bottom.shape[2]
    top = bottom + tall.astype(bottom.dtype)[:, None, None]
    area, level = np.zeros(bottom.shape, bottom.dtype), np.zeros(bottom.shape, bottom.dtype)
    for step in range(int(edge.max(initial=0))):
        beside = strip[:, :, 1 + step : 1 + step + size]
        counts = (step < edge)[:, None, None]
        touched = np.minimum(beside, top)
        np.maximum(touched, bottom, out=touched)
        touched -= bottom
        touched *= counts
        area += touched
        level += (beside == top) & counts
    return area / _column(edge * tall), level / _column(edge)
