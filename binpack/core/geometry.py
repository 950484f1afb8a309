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

``verify_items`` checks beside it that each box is an item of its own, turned as that item may be.

Boxes are numbered from 1 in the messages, as in the pictures of ``viewer``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple, Protocol, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.files import InputError

_DEFAULT_SHARES: dict[str, tuple[str, ...]] = {
    "full": (),
    "fraction": ("0.8",),
    "corners": ("0.95", "0.8", "0.6"),
    "polygon": (),
    "none": (),
}

_PAIRS_AT_ONCE = 1_000_000
_LARGEST = 2**28
"""Products of two coordinates must stay far inside int64."""


class GeometryError(InputError):
    """A packing that is not valid, or an argument that describes no packing; the message is one line."""


class CheckableRule(Protocol):
    """What lets a support rule of one's own be checked here."""

    def holds(self, long: int, wide: int, contacts: NDArray) -> bool:
        """Say whether the rule accepts one base in a finished packing.

        Args:
            long: edge of the base along x, in cells.
            wide: edge of the base along y, in cells.
            contacts: the rectangles that bear it, disjoint, int64, (n, 4): x and y from the base's lowest corner,
                length and width, in cells. On the floor that is one, the whole base.
        """
        ...


class _Rule(NamedTuple):
    """A support rule as it is checked."""

    name: str
    shares: tuple[Fraction, ...] = ()
    own: Any = None

    def __str__(self) -> str:
        return self.name + (":" + ",".join(f"{float(share):g}" for share in self.shares) if self.shares else "")


def verify(boxes: ArrayLike, bin_size: Sequence[int], support: object = "corners") -> list[str]:
    """List everything that is wrong with a finished packing.

    >>> verify([(0, 0, 0, 2, 2, 1), (1, 0, 1, 2, 2, 1)], (4, 4, 4), "full")
    ['box 2 (2x2x1) at (1, 0, 1) is supported on 2 of 4 cells, against full']

    Args:
        boxes: placed boxes in the order of placing, (n, 6): x, y, z, length, width, height, in cells.
        bin_size: length, width and height of the bin, in cells.
        support: the support rule, or its text, such as ``"full"``, ``"fraction:0.8"``, ``"corners:0.95,0.80,0.60"``,
            ``"polygon"``, ``"polygon:0.5"`` or ``"none"``. ``fraction`` asks for at least its share of the base.
            ``corners`` asks that the supported share exceeds the first share; or exceeds the second, with at least 3 of
            the base's corner cells supported; or exceeds the third, with all 4 (Zhao et al., "Online 3D Bin Packing
            with Constrained Deep Reinforcement Learning", AAAI 2021). ``polygon`` asks that the centre of the base lies
            inside or on the convex hull of what bears it, or that the supported share exceeds its share, if it has one.
            Shares are compared exactly, as decimals. A rule of one's own is asked base by base if it has a method
            ``holds``, see ``CheckableRule``; if it has none, everything but the rule is checked.

    Returns:
        One readable line per violation; empty for a valid packing.

    Raises:
        GeometryError: if ``boxes`` is not an (n, 6) array of numbers, ``bin_size`` is not three positive integers, or
            the support rule is not one.
    """
    rule = _rule(support)
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
        violations += _pair_violations(whole, low, high, start, stop, rule)
    return violations


def check(boxes: ArrayLike, bin_size: Sequence[int], support: object = "corners") -> None:
    """Raise unless a finished packing is valid.

    Args:
        boxes: placed boxes in the order of placing, (n, 6), as for ``verify``.
        bin_size: length, width and height of the bin, in cells.
        support: the support rule, as for ``verify``.

    Raises:
        GeometryError: with the first violation and the number of others, in one line.
    """
    _raise_first(verify(boxes, bin_size, support))


def _raise_first(violations: list[str]) -> None:
    """Raise the first violation, if there is one, with the number of the others."""
    if violations:
        others = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        raise GeometryError(violations[0] + others)


def verify_items(
    boxes: ArrayLike, positions: ArrayLike, items: ArrayLike, upright: ArrayLike | None = None, rotation: str = "all"
) -> list[str]:
    """List the boxes of a packing that are not the item that they are said to be, or stand as it may not.

    >>> verify_items([(0, 0, 0, 2, 1, 3)], [0], [(1, 2, 3)], rotation="none")
    ['box 1 (2x1x3) at (0, 0, 0) is item 1 (1x2x3) turned, against rotation none']

    Args:
        boxes: placed boxes, (n, 6), as for ``verify``.
        positions: which item each box is, from 0, integers (n,).
        items: edges of the items as given, in cells, integers (T, 3).
        upright: which of these edges may stand upright, bool (T, 3), or None where every edge may.
        rotation: ``none``, ``z`` or ``all``: no turn, a turn about the vertical, or every turn.

    Returns:
        One readable line per violation; empty where each box is an item of its own, in a turn that it may have.

    Raises:
        GeometryError: if the arrays do not belong together.
    """
    array, which, edges = _box_array(boxes), np.asarray(positions, int), np.asarray(items)
    flags = np.ones(edges.shape, bool) if upright is None else np.asarray(upright)
    if which.shape != (len(array),) or edges.ndim != 2 or edges.shape[1] != 3 or flags.shape != edges.shape:
        shapes = ", ".join(str(each.shape) for each in (array, which, edges, flags))
        raise GeometryError(f"boxes, positions, items and upright do not belong together: shapes {shapes}")
    known = (which >= 0) & (which < len(edges))
    lines = [f"{_named(array, i)} is no item: there are {len(edges)}" for i in np.flatnonzero(~known)]
    rows = np.flatnonzero(known)
    _, first, inverse = np.unique(which[rows], return_index=True, return_inverse=True)
    for row, other in zip(rows, rows[first[inverse]], strict=True) if len(first) < len(rows) else ():
        if row != other:
            lines.append(f"{_named(array, row)} is item {which[row] + 1}, as box {other + 1} is")
    for i, wrong in _turn_violations(array[rows, 3:], edges[which[rows]], flags[which[rows]], rotation):
        item = which[rows[i]]
        lines.append(f"{_named(array, rows[i])} is item {item + 1} ({_times(edges[item].tolist())}) {wrong}")
    return lines


def check_items(
    boxes: ArrayLike, positions: ArrayLike, items: ArrayLike, upright: ArrayLike | None = None, rotation: str = "all"
) -> None:
    """Raise unless each box is an item of its own, in a turn that it may have; arguments as for ``verify_items``.

    Raises:
        GeometryError: with the first violation and the number of others, in one line.
    """
    _raise_first(verify_items(boxes, positions, items, upright, rotation))


def _turn_violations(boxes: NDArray, items: NDArray, upright: NDArray, rotation: str) -> Iterator[tuple[int, str]]:
    """Say which items stand as they may not: edges along x, y, z, and as given, both (n, 3)."""
    other = (np.sort(boxes, axis=1) != np.sort(items, axis=1)).any(axis=1)
    # of edges of one length any that may stand upright will do, but for one that the rotation keeps where it is
    standing = items == boxes[:, 2:] if rotation == "all" else np.array([False, False, True])
    fallen = ~(standing & upright).any(axis=1)
    if rotation == "none":
        turned = (boxes != items).any(axis=1)
    else:
        turned = boxes[:, 2] != items[:, 2] if rotation == "z" else np.zeros(len(boxes), bool)
    for i in np.flatnonzero(other | turned | fallen).tolist():
        if other[i]:
            yield i, "with other edges"
        else:
            yield i, f"turned, against rotation {rotation}" if turned[i] else "on a side that it may not stand on"


def utilization(boxes: ArrayLike, bin_size: Sequence[int]) -> float:
    """Return the share of the bin's volume that the boxes fill.

    >>> utilization([(0, 0, 0, 2, 2, 1), (0, 0, 1, 1, 2, 1)], (2, 2, 4))
    0.375

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


def _pair_violations(boxes: NDArray, low: NDArray, high: NDArray, start: int, stop: int, rule: _Rule) -> list[str]:
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
    enough = _enough(rule, cells, base, low, high, block, over & touching)
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
            lines.append(f"{_named(boxes, start + i)} is supported on {cells[i]} of {base[i]} cells, against {rule}")
    return lines


def _enough(
    rule: _Rule, cells: NDArray, base: NDArray, low: NDArray, high: NDArray, block: slice, bearing: NDArray
) -> NDArray:
    """Say which boxes satisfy the support rule, from the supported cells of their bases.

    ``bearing[i, j]``: box ``j`` lies right under a part of the base of box ``i``. Whole numbers are compared with whole
    numbers: ``cells / base > share`` is ``cells > floor(share * base)``, and ``>=`` is ``cells >= ceil(share * base)``.
    """
    name, shares, own = rule
    if own is not None:
        return _each(lambda *about: bool(own.holds(*about)), low, high, block, bearing)
    if name == "full":
        return cells == base
    areas = base.tolist()
    if name == "fraction":
        return cells >= [-(-area * shares[0].numerator // shares[0].denominator) for area in areas]
    exceeds = [cells > [area * share.numerator // share.denominator for area in areas] for share in shares]
    if name == "corners" and not exceeds[0].all():
        corners = _corner_cells(low, high, block, bearing)
        return exceeds[0] | (exceeds[1] & (corners >= 3)) | (exceeds[2] & (corners >= 4))
    if name == "polygon":
        enough = exceeds[0] if exceeds else np.zeros(len(base), bool)
        enough |= cells == base
        return _each(_centre_is_borne, low, high, block, bearing, enough)
    return exceeds[0] if exceeds else np.ones(len(base), bool)


def _corner_cells(low: NDArray, high: NDArray, block: slice, bearing: NDArray) -> NDArray:
    """Count the supported corner cells of each base.

    Of the two end cells of an edge, how many does a bearing box cover? The product over x and y counts corner cells.
    """
    stop = bearing.shape[1]
    own_low, own_last = low[:2, block, None], high[:2, block, None] - 1
    other_low, other_high = low[:2, None, :stop], high[:2, None, :stop]
    ends = ((other_low <= own_low) & (own_low < other_high)).astype(np.int8)
    ends += (other_low <= own_last) & (own_last < other_high)
    corners = (ends[0] * ends[1] * bearing).sum(axis=1)
    corners[low[2, block] == 0] = 4
    return corners


def _each(
    holds: Callable[[int, int, NDArray], bool],
    low: NDArray,
    high: NDArray,
    block: slice,
    bearing: NDArray,
    known: NDArray | None = None,
) -> NDArray:
    """Ask for one base after the other, from the rectangles that bear it.

    What is known to be true need not be asked, and a base that nothing bears, or that is none, is not accepted.
    """
    answers = np.zeros(len(bearing), bool) if known is None else known.copy()
    on_floor = low[2, block] == 0
    for i in np.flatnonzero(~answers & (on_floor | bearing.any(axis=1)) & (high > low)[:2, block].all(axis=0)).tolist():
        index = block.start + i
        corner, edges = low[:2, index, None], high[:2, index] - low[:2, index]
        if on_floor[i]:
            contacts = np.array([[0, 0, *edges]])
        else:
            under = np.flatnonzero(bearing[i])
            near = np.maximum(low[:2, under], corner)
            far = np.minimum(high[:2, under], high[:2, index, None])
            contacts = np.concatenate([near - corner, far - near]).T
        answers[i] = holds(int(edges[0]), int(edges[1]), contacts)
    return answers


def _centre_is_borne(long: int, wide: int, contacts: NDArray) -> bool:
    """Say whether the centre of a base lies in or on the convex hull of its contacts, in half cells from the centre.

    The hull by Andrew's monotone chain ("Another efficient algorithm for convex hulls in two dimensions", 1979).
    """
    corners = sorted(
        {
            (2 * x - long, 2 * y - wide)
            for left, low, length, width in contacts.tolist()
            for x in (left, left + length)
            for y in (low, low + width)
        }
    )
    hull = _chain(corners) + _chain(corners[::-1])
    # Going round against the clock, the centre is never to the right.
    return all(_turn(here, there, (0, 0)) >= 0 for here, there in zip(hull, hull[1:] + hull[:1], strict=True))


def _chain(points: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return one half of the hull of sorted points, without the last point, at which the other half starts."""
    chain: list[tuple[int, int]] = []
    for point in points:
        while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
            chain.pop()
        chain.append(point)
    return chain[:-1]


def _turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    """Return a number above 0 if the way from a over b to c turns left, below 0 if it turns right."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


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


def _named(boxes: NDArray, index: SupportsIndex) -> str:
    x, y, z, *edges = boxes[index].tolist()
    return f"box {int(index) + 1} ({_times(edges)}) at ({x}, {y}, {z})"


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


def _rule(support: object) -> _Rule:
    """Return the rule's name and its shares as exact fractions, or the rule itself where it is a user's own."""
    if not isinstance(support, str) and (not callable(support) or isinstance(support, type)):
        raise GeometryError(f"support must be text or a support rule, got {support!r}")
    text = str(support)
    name, colon, rest = text.partition(":")
    if name.strip() in _DEFAULT_SHARES:
        return _exact(name.strip(), tuple(rest.split(",")) if colon else None)
    if isinstance(support, str):
        support = _found(support)
    return _Rule(text, own=support) if hasattr(support, "holds") else _Rule(text)


def _found(text: str) -> object:
    """Return the user's own rule that a text names; for the built-in ones nothing here knows how they are placed by."""
    from binpack.core.support import support_rule

    try:
        return support_rule(text)
    except ValueError as error:
        raise GeometryError(str(error)) from None


@lru_cache(maxsize=64)
def _exact(name: str, shares: tuple[str, ...] | None) -> _Rule:
    texts = _DEFAULT_SHARES[name] if shares is None else shares
    if len(texts) != len(_DEFAULT_SHARES[name]) and (name, len(texts)) != ("polygon", 1):
        count = "0 or 1" if name == "polygon" else len(_DEFAULT_SHARES[name])
        raise GeometryError(f"support rule {name!r} takes {count} shares, got {len(texts)}")
    try:
        # Through float, so that text and number agree: both mean the shortest decimal of the nearest double.
        exact = tuple(Fraction(str(float(text))) for text in texts)
    except ValueError:
        raise GeometryError(f"support rule {name!r}: expected numbers as shares, got {', '.join(texts)}") from None
    if not all(0 <= share <= 1 for share in exact):
        raise GeometryError(f"support rule {name!r}: shares must lie in [0, 1], got {', '.join(texts)}")
    return _Rule(name, exact)
