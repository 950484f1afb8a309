"""The placement core: where an item can stand in a bin, for a whole batch of bins at once.

A bin of size ``(L, W, H)`` is described by its height map, an integer array ``(L, W)``: the height of the material
above each cell of the floor. Items come from above, so a height map says all there is to know about where the next one
can go.

Everything here is a pure function of arrays. ``B`` is the number of bins and ``K`` the number of candidate items of
each bin (visible items times orientations). No Python loop runs over bins, items or cells; the only loops run over the
powers of two up to an item's edge. A window of any length is put together from windows whose lengths are powers of two,
and two adjacent windows merge in constant time: the larger maximum wins, and equal maxima add their counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

OUTSIDE = -1
"""Landing height of a cell at which the item would stick out of the bin."""

ORIENTATIONS: tuple[tuple[int, int, int], ...] = ((0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 0, 1), (1, 2, 0), (2, 1, 0))
"""Edge orders: entry ``o`` says which original edges lie along x, y and z; the last number is the upright edge."""

ROTATIONS: dict[str, int] = {"none": 1, "z": 2, "all": 6}
"""How many of ``ORIENTATIONS`` each rotation mode allows: as given, turned about z, all six."""

_DEFAULT_SHARES: dict[str, tuple[float, ...]] = {
    "full": (),
    "fraction": (0.8,),
    "corners": (0.95, 0.80, 0.60),
    "none": (),
}


@dataclass(frozen=True)
class Support:
    """A rule that says how much of an item's base must rest at its landing height.

    - ``full``: the whole base.
    - ``fraction``: at least the share ``shares[0]`` of the base.
    - ``corners``: the supported share exceeds ``shares[0]``; or it exceeds ``shares[1]`` and at least 3 corner cells of
      the base are supported; or it exceeds ``shares[2]`` and all 4 are. Zhao et al., "Online 3D Bin Packing with
      Constrained Deep Reinforcement Learning" (AAAI 2021).
    - ``none``: an item may rest on anything.

    Shares are kept to six decimals, so that they are compared in whole numbers and never by float rounding.

    Raises:
        ValueError: for an unknown name, a wrong number of shares, or a share outside [0, 1].
    """

    name: str = "corners"
    shares: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.name not in _DEFAULT_SHARES:
            raise ValueError(f"support rule {self.name!r} is not one of {', '.join(_DEFAULT_SHARES)}")
        default = _DEFAULT_SHARES[self.name]
        shares = default if self.shares is None else tuple(round(float(share), 6) for share in self.shares)
        if len(shares) != len(default):
            raise ValueError(f"support rule {self.name!r} takes {len(default)} shares, got {len(shares)}")
        for share in shares:
            if not 0.0 <= share <= 1.0:
                raise ValueError(f"support rule {self.name!r}: share {share:g} is not in [0, 1]")
        object.__setattr__(self, "shares", shares)
        exact = [Fraction(str(share)) for share in shares]
        object.__setattr__(self, "_ratios", [(share.numerator, share.denominator) for share in exact])

    @classmethod
    def parse(cls, text: str | Support) -> Support:
        """Read a rule from text such as ``"full"``, ``"fraction:0.8"`` or ``"corners:0.95,0.85,0.50"``.

        Args:
            text: name, optionally a colon and the shares, comma-separated; a ``Support`` is returned as it is.

        Returns:
            The rule; shares that are left out take their published defaults.

        Raises:
            ValueError: one line saying what is wrong.
        """
        if isinstance(text, Support):
            return text
        name, colon, rest = str(text).partition(":")
        try:
            shares = tuple(float(share) for share in rest.split(",")) if colon else None
        except ValueError:
            raise ValueError(f"support rule {text!r}: expected numbers after the colon, got {rest!r}") from None
        return cls(name.strip(), shares)

    def __str__(self) -> str:
        return self.name + (":" + ",".join(f"{share:g}" for share in self.shares) if self.shares else "")

    def minimum_cells(self, area: NDArray) -> list[NDArray]:
        """Return, for each share, how many supported cells a base of ``area`` cells needs.

        Computed in whole numbers from the decimal text of the share, so that 19 of 20 cells do not exceed 0.95.

        Args:
            area: cells of the base, any integer array.

        Returns:
            One int64 array of ``area``'s shape per share.
        """
        scaled = [(area.astype(np.int64) * numerator, denominator) for numerator, denominator in self._ratios]
        if self.name == "fraction":
            return [-(-product // denominator) for product, denominator in scaled]
        return [product // denominator + 1 for product, denominator in scaled]


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
    _check_signed(heights)
    lengths, widths = _edges(items)
    (top,) = _slide((heights,), lengths, axis=1, merge=_merge_max, identity=(OUTSIDE,))
    (top,) = _slide((top,), widths, axis=2, merge=_merge_max, identity=(OUTSIDE,))
    return _mark_outside(top, heights, items)


def supported_cells(heights: NDArray, items: NDArray) -> tuple[NDArray, NDArray]:
    """Return landing heights, and how many cells of the base rest at the landing height.

    Args:
        heights: height maps, signed integers, (B, L, W).
        items: oriented items, integers, (B, K, 3).

    Returns:
        ``(landing, cells)``, both (B, K, L, W); ``cells`` is meaningless where ``landing`` is ``OUTSIDE``.
    """
    _check_signed(heights)
    lengths, widths = _edges(items)
    counts = np.int16 if heights[0].size <= np.iinfo(np.int16).max else np.int32
    ones = np.ones(heights.shape, counts)
    parts = _slide((heights, ones), lengths, axis=1, merge=_merge_max_and_count, identity=(OUTSIDE, 0))
    top, cells = _slide(parts, widths, axis=2, merge=_merge_max_and_count, identity=(OUTSIDE, 0))
    return _mark_outside(top, heights, items), cells.reshape(*items.shape[:2], *heights.shape[1:])


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
    lengths, widths = _edges(items)
    rest = landing.reshape(-1, *heights.shape[1:])
    near = heights if items.shape[1] == 1 else np.repeat(heights, items.shape[1], axis=0)
    far = _shift(near, lengths - 1, axis=1)
    corners = (near == rest).view(np.int8) + (far == rest).view(np.int8)
    corners += _shift(near, widths - 1, axis=2) == rest
    corners += _shift(far, widths - 1, axis=2) == rest
    return corners.reshape(landing.shape)


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
    if support.name == "none":
        landing = landing_heights(heights, items)
    else:
        landing, cells = supported_cells(heights, items)
    # An item too tall for the bin, or no item at all, gets a limit below every landing height.
    room = bin_height - items[..., 2].astype(np.int64)
    limit = np.where((items > 0).all(axis=-1), room, OUTSIDE - 1)[..., None, None]
    mask = (landing <= limit) & (landing != OUTSIDE)
    if support.name == "none":
        return landing, mask
    area = items[..., 0].astype(np.int64) * items[..., 1]
    if support.name == "full":
        mask &= cells == area[..., None, None].astype(cells.dtype)
        return landing, mask
    needed = [cells_needed[..., None, None] for cells_needed in support.minimum_cells(area)]
    enough = cells >= needed[0].astype(np.int32)
    if support.name == "corners":
        corners = supported_corners(heights, items, landing)
        enough |= (cells >= needed[1].astype(np.int32)) & (corners >= 3)
        enough |= (cells >= needed[2].astype(np.int32)) & (corners == 4)
    mask &= enough
    return landing, mask


def place(heights: NDArray, items: NDArray, x: NDArray, y: NDArray) -> NDArray:
    """Place one item in each bin, changing ``heights`` in place.

    Args:
        heights: height maps, signed integers, (B, L, W).
        items: one oriented item a bin, integers, (B, 3); an item with an edge of 0 leaves its bin as it is.
        x: lowest x of the base, integers, (B,).
        y: lowest y of the base, integers, (B,).

    Returns:
        The height at which each item came to rest, in the dtype of ``heights``, (B,).
    """
    _, length, width = heights.shape
    along_x = np.arange(length) - x[:, None]
    along_y = np.arange(width) - y[:, None]
    base = ((along_x >= 0) & (along_x < items[:, :1]))[:, :, None] & ((along_y >= 0) & (along_y < items[:, 1:2]))[
        :, None
    ]
    rest = (heights * base).max(axis=(1, 2))
    top = (rest + items[:, 2]).astype(heights.dtype)
    np.copyto(heights, top[:, None, None], where=base)
    return rest


def _check_signed(heights: NDArray) -> None:
    if heights.dtype.kind != "i":
        raise ValueError(f"height maps must be signed integers, for {OUTSIDE} marks cells outside: got {heights.dtype}")


def _edges(items: NDArray) -> tuple[NDArray, NDArray]:
    """Return the bases' lengths and widths, one row per (bin, candidate), each int64 (B * K,)."""
    return items[..., 0].reshape(-1).astype(np.int64), items[..., 1].reshape(-1).astype(np.int64)


def _merge_max(left: tuple[NDArray, ...], right: tuple[NDArray, ...]) -> tuple[NDArray, ...]:
    return (np.maximum(left[0], right[0]),)


def _merge_max_and_count(left: tuple[NDArray, ...], right: tuple[NDArray, ...]) -> tuple[NDArray, ...]:
    top = np.maximum(left[0], right[0])
    count = left[1] * (left[0] == top)
    count += right[1] * (right[0] == top)
    return top, count


def _slide(parts, edges: NDArray, *, axis: int, merge, identity) -> tuple[NDArray, ...]:
    """Reduce windows of a length of its own for each row, along one axis.

    ``parts`` are arrays with R rows; the result has ``len(edges)`` rows, a multiple of R, ``len(edges) // R`` of them
    reading from each row of ``parts``. Where a window sticks out at the far end the result is meaningless.

    A window of length 6 = 2 + 4 is the merge of the window of 4 that starts at the cell and of the window of 2 that
    starts 4 cells on. So the loop below runs over the bits of the edges, lowest first: ``window`` holds all windows of
    that power of two, and rows whose edge has the bit put it in front of what they have so far.
    """
    if axis == 2:
        parts = tuple(part.swapaxes(1, 2) for part in parts)
    rows, size, other = parts[0].shape
    repeat = len(edges) // rows
    # One cell more than the map: a window that ends exactly at the border merges with the identity beyond it.
    result = tuple(
        np.full((len(edges), size + 1, other), value, part.dtype) for part, value in zip(parts, identity, strict=True)
    )
    window, bit, longest = parts, 1, min(int(edges.max(initial=0)), size)
    while bit <= longest:
        count = size - bit + 1
        chosen = (edges & bit).nonzero()[0]
        if len(chosen):
            source = chosen // repeat if repeat > 1 else chosen
            if len(chosen) == rows == len(edges):
                chosen = source = slice(None)
            ahead = tuple(part[chosen, bit : bit + count] for part in result)
            merged = merge(tuple(part[source] for part in window), ahead)
            for part, new in zip(result, merged, strict=True):
                part[chosen, :count] = new
        if 2 * bit <= longest:
            window = merge(tuple(part[:, : count - bit] for part in window), tuple(part[:, bit:] for part in window))
        bit *= 2
    cut = tuple(part[:, :size] for part in result)
    return tuple(part.swapaxes(1, 2) for part in cut) if axis == 2 else cut


def _shift(values: NDArray, offsets: NDArray, *, axis: int) -> NDArray:
    """Return ``values`` moved towards the origin by an offset for each row: ``out[r, x] = values[r, x + offsets[r]]``.

    Cells for which ``x + offset`` lies beyond the map are meaningless. The loop runs over the bits of the offsets.
    """
    out = values.copy()
    moved = out.swapaxes(1, 2) if axis == 2 else out
    size, bit, furthest = moved.shape[1], 1, int(offsets.max(initial=0))
    while bit <= furthest and bit < size:
        chosen = (offsets & bit).nonzero()[0]
        if len(chosen):
            moved[chosen, : size - bit] = moved[chosen, bit:]
        bit *= 2
    return out


def _mark_outside(top: NDArray, heights: NDArray, items: NDArray) -> NDArray:
    """Reshape row-wise landing heights to (B, K, L, W), with ``OUTSIDE`` where the base sticks out or is empty."""
    batch, length, width = heights.shape
    landing = top.reshape(batch, -1, length, width)
    fits_x = np.arange(length) + items[..., :1] <= length
    fits_y = np.arange(width) + items[..., 1:2] <= width
    return np.where(fits_x[..., :, None] & fits_y[..., None, :], landing, heights.dtype.type(OUTSIDE))
