"""An independent check of a finished packing, from the placed boxes alone.

Nothing here knows about height maps, masks or environments, and no code is shared with ``placement``: every rule is
worked out again from rectangles that intersect, so that an error in the core cannot hide itself.

A packing is an integer array ``(n, 6)``: ``x, y, z, length, width, height`` of each box, in the order of placing. It is
valid if

- every box has whole coordinates and positive edges and lies inside the bin;
- no two boxes overlap;
- every box was loadable from above: no earlier box stands over its footprint;
- every box rests on something: on the floor, or on the top of an earlier box;
- the supported share of every base satisfies the support rule.

Boxes are numbered from 1 in the messages, as in the pictures of ``viewer``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.files import InputError

_DEFAULT_SHARES: dict[str, tuple[str, ...]] = {
    "full": (),
    "fraction": ("0.8",),
    "corners": ("0.95", "0.8", "0.6"),
    "none": (),
}

_PAIRS_AT_ONCE = 1_000_000
_LARGEST = 2**28
"""Products of two coordinates must stay far inside int64."""


class GeometryError(InputError):
    """A packing that is not valid, or an argument that describes no packing; the message is one line."""


class SupportRule(Protocol):
    """What a support rule must tell: its name, and its shares of the base, largest first."""

    name: str
    shares: Sequence[float] | None


def verify(boxes: ArrayLike, bin_size: Sequence[int], support: SupportRule | str = "corners") -> list[str]:
    """List everything that is wrong with a finished packing.

    Args:
        boxes: placed boxes in the order of placing, (n, 6): x, y, z, length, width, height, in cells.
        bin_size: length, width and height of the bin, in cells.
        support: the support rule: text such as ``"full"``, ``"fraction:0.8"``, ``"corners:0.95,0.80,0.60"`` or
            ``"none"``, or an object with ``name`` and ``shares``. ``fraction`` asks for at least its share of the base.
            ``corners`` asks that the supported share exceeds the first share; or exceeds the second, with at least 3 of
            the base's corner cells supported; or exceeds the third, with all 4 (Zhao et al., "Online 3D Bin Packing
            with Constrained Deep Reinforcement Learning", AAAI 2021). Shares are compared exactly, as decimals.

    Returns:
        One readable line per violation; empty for a valid packing.

    Raises:
        GeometryError: if ``boxes`` is not an (n, 6) array of numbers, ``bin_size`` is not three positive integers, or
            the support rule is not one.
    """
    name, shares = _rule(support)
    size = _bin_size(bin_size)
    array = _box_array(boxes)
    if not len(array):
        return []
    whole = array if array.dtype.kind == "i" else array.astype(np.int64)
    if whole is not array and not np.array_equal(whole, array):
        rows = np.flatnonzero((whole != array).any(axis=1))
        return [f"box {row + 1} is not on whole cells: {', '.join(f'{v:g}' for v in array[row])}" for row in rows]
    low, high = whole[:, :3].T.copy(), (whole[:, :3] + whole[:, 3:]).T
    violations = _edge_violations(whole) + _inside_violations(whole, high, size)
    for start, stop in _blocks(len(whole)):
        violations += _pair_violations(whole, low, high, start, stop, name, shares)
    return violations


def check(boxes: ArrayLike, bin_size: Sequence[int], support: SupportRule | str = "corners") -> None:
    """Raise unless a finished packing is valid.

    Args:
        boxes: placed boxes in the order of placing, (n, 6), as for ``verify``.
        bin_size: length, width and height of the bin, in cells.
        support: the support rule, as for ``verify``.

    Raises:
        GeometryError: with the first violation and the number of others, in one line.
    """
    violations = verify(boxes, bin_size, support)
    if violations:
        others = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        raise GeometryError(violations[0] + others)


def utilization(boxes: ArrayLike, bin_size: Sequence[int]) -> float:
    """Return the share of the bin's volume that the boxes fill.

    Args:
        boxes: placed boxes, (n, 6), disjoint.
        bin_size: length, width and height of the bin, in cells.

    Returns:
        Packed volume over bin volume, in [0, 1].

    Raises:
        GeometryError: if ``boxes`` is not an (n, 6) array of numbers or ``bin_size`` is not three positive integers.
    """
    length, width, height = _bin_size(bin_size)
    return float(_box_array(boxes)[:, 3:].prod(axis=1).sum()) / (length * width * height)


def _pair_violations(
    boxes: NDArray, low: NDArray, high: NDArray, start: int, stop: int, name: str, shares: tuple[Fraction, ...]
) -> list[str]:
    """Check the boxes ``start..stop`` against all boxes before them: overlap, loading from above, support."""
    block = slice(start, stop)
    earlier = np.arange(stop) < np.arange(start, stop)[:, None]
    shared = np.minimum(high[:2, block, None], high[:2, None, :stop]) - np.maximum(
        low[:2, block, None], low[:2, None, :stop]
    )
    over = (shared > 0).all(axis=0) & earlier
    area = np.where(over, shared[0] * shared[1], 0)
    above_top = over & (high[2, None, :stop] > low[2, block, None])
    touching = high[2, None, :stop] == low[2, block, None]
    cells = (area * touching).sum(axis=1)
    base = boxes[block, 3] * boxes[block, 4]
    cells[low[2, block] == 0] = base[low[2, block] == 0]
    enough = _enough(name, shares, cells, base, low, high, block, over & touching)
    floating = (cells <= 0) & (low[2, block] != 0)
    if not above_top.any() and enough.all() and not floating.any():
        return []
    sound = (boxes[block, 3:] > 0).all(axis=1)
    under = low[2, None, :stop] >= high[2, block, None]
    lines = [
        f"{_named(boxes, start + i)} has box {j + 1} above it, so it was not loadable from above"
        if under[i, j]
        else f"{_named(boxes, start + i)} overlaps {_named(boxes, j)}"
        for i, j in np.argwhere(above_top)
    ]
    for i in np.flatnonzero(sound & (floating | ~enough)):
        if floating[i]:
            lines.append(f"{_named(boxes, start + i)} rests on nothing")
        else:
            rule = name + (":" + ",".join(f"{float(share):g}" for share in shares) if shares else "")
            lines.append(f"{_named(boxes, start + i)} is supported on {cells[i]} of {base[i]} cells, against {rule}")
    return lines


def _enough(
    name: str,
    shares: tuple[Fraction, ...],
    cells: NDArray,
    base: NDArray,
    low: NDArray,
    high: NDArray,
    block: slice,
    bearing: NDArray,
) -> NDArray:
    """Say which boxes satisfy the support rule, from the supported cells of their bases.

    ``bearing[i, j]``: box ``j`` lies right under a part of the base of box ``i``. Whole numbers are compared with whole
    numbers: ``cells / base > share`` is ``cells > floor(share * base)``, and ``>=`` is ``cells >= ceil(share * base)``.
    """
    if name == "none":
        return np.ones(len(base), bool)
    if name == "full":
        return cells == base
    areas = base.tolist()
    if name == "fraction":
        return cells >= [-(-area * shares[0].numerator // shares[0].denominator) for area in areas]
    exceeds = [cells > [area * share.numerator // share.denominator for area in areas] for share in shares]
    if exceeds[0].all():
        return exceeds[0]
    # Of the two end cells of an edge, how many does a bearing box cover? The product over x and y counts corner cells.
    stop = bearing.shape[1]
    own_low, own_last = low[:2, block, None], high[:2, block, None] - 1
    other_low, other_high = low[:2, None, :stop], high[:2, None, :stop]
    ends = ((other_low <= own_low) & (own_low < other_high)).astype(np.int8)
    ends += (other_low <= own_last) & (own_last < other_high)
    corners = (ends[0] * ends[1] * bearing).sum(axis=1)
    corners[low[2, block] == 0] = 4
    return exceeds[0] | (exceeds[1] & (corners >= 3)) | (exceeds[2] & (corners >= 4))


def _edge_violations(boxes: NDArray) -> list[str]:
    shortest = boxes[:, 3:].min(axis=1)
    return [f"{_named(boxes, i)} has an edge that is not positive" for i in np.flatnonzero(shortest <= 0)]


def _inside_violations(boxes: NDArray, high: NDArray, size: tuple[int, int, int]) -> list[str]:
    outside = (boxes[:, :3] < 0).any(axis=1)
    outside |= (high > np.array(size)[:, None]).any(axis=0)
    return [f"{_named(boxes, i)} sticks out of the {_times(size)} bin" for i in np.flatnonzero(outside)]


def _blocks(count: int) -> Iterable[tuple[int, int]]:
    """Cut the boxes into runs whose table of pairs stays small; a usual packing is a single run."""
    step = max(1, _PAIRS_AT_ONCE // count)
    return ((start, min(start + step, count)) for start in range(0, count, step))


def _named(boxes: NDArray, index: int) -> str:
    x, y, z, *edges = boxes[index].tolist()
    return f"box {index + 1} ({_times(edges)}) at ({x}, {y}, {z})"


def _times(edges: Iterable[int]) -> str:
    return "x".join(str(edge) for edge in edges)


def _box_array(boxes: ArrayLike) -> NDArray:
    """Return the boxes as an (n, 6) array, int64 if they came as integers."""
    try:
        array = np.asarray(boxes)
    except ValueError:
        raise GeometryError("boxes must be an (n, 6) array of numbers, got rows of different lengths") from None
    if array.size == 0 and array.ndim <= 2:
        return np.zeros((0, 6), np.int64)
    if array.ndim != 2 or array.shape[1] != 6:
        raise GeometryError(f"boxes must be an (n, 6) array of numbers, got shape {array.shape}")
    if array.dtype.kind not in "iuf":
        raise GeometryError(f"boxes must be an (n, 6) array of numbers, got dtype {array.dtype}")
    # Written so that NaN fails it as well.
    if not (array.max() <= _LARGEST and array.min() >= -_LARGEST):
        raise GeometryError(f"boxes must hold finite numbers of at most {_LARGEST} cells")
    return array if array.dtype.kind == "f" else array.astype(np.int64, copy=False)


def _bin_size(bin_size: Sequence[int]) -> tuple[int, int, int]:
    try:
        length, width, height = (int(edge) for edge in bin_size)
    except (TypeError, ValueError, OverflowError):
        raise GeometryError(f"bin size must be three positive integers, got {bin_size!r}") from None
    if min(length, width, height) < 1 or any(int(edge) != edge for edge in bin_size):
        raise GeometryError(f"bin size must be three positive integers, got {bin_size!r}")
    return length, width, height


def _rule(support: SupportRule | str) -> tuple[str, tuple[Fraction, ...]]:
    """Return the rule's name and its shares as exact fractions."""
    if isinstance(support, str):
        name, colon, rest = support.partition(":")
        return _exact(name.strip(), tuple(rest.split(",")) if colon else None)
    try:
        shares = support.shares
        return _exact(support.name, None if shares is None else tuple(str(share) for share in shares))
    except (AttributeError, TypeError):
        raise GeometryError(f"support must be text or have a name and shares, got {support!r}") from None


@lru_cache(maxsize=64)
def _exact(name: str, shares: tuple[str, ...] | None) -> tuple[str, tuple[Fraction, ...]]:
    if name not in _DEFAULT_SHARES:
        raise GeometryError(f"support rule {name!r} is not one of {', '.join(_DEFAULT_SHARES)}")
    texts = _DEFAULT_SHARES[name] if shares is None else shares
    if len(texts) != len(_DEFAULT_SHARES[name]):
        raise GeometryError(f"support rule {name!r} takes {len(_DEFAULT_SHARES[name])} shares, got {len(texts)}")
    try:
        # Through float, so that text and number agree: both mean the shortest decimal of the nearest double.
        exact = tuple(Fraction(str(float(text))) for text in texts)
    except ValueError:
        raise GeometryError(f"support rule {name!r}: expected numbers as shares, got {', '.join(texts)}") from None
    if not all(0 <= share <= 1 for share in exact):
        raise GeometryError(f"support rule {name!r}: shares must lie in [0, 1], got {', '.join(texts)}")
    return name, exact
