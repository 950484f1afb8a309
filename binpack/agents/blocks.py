"""Blocks: boxes that stand together without gaps, or nearly so, and are placed as one.

A simple block is ``nx x ny x nz`` boxes of one type in one turn; a compound one joins two blocks along an axis and is
kept where at least ``FULL`` of it is filled. Packing blocks in place of boxes is what the best methods for containers
have in common: Eley, "Solving container loading problems by block arrangement" (EJOR 2002); Fanslau and Bortfeldt, "A
tree search algorithm for solving the container loading problem" (INFORMS Journal on Computing 2010), whose "general
blocks" the compound ones are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from binpack.core.spaces import Rectangle, rectangles

FULL = 0.98
"""Least share of a compound block that its boxes fill."""
MOST = 6000
"""Most blocks, about."""
_PAIRED = 700
"""Most blocks that are joined with each other at a time."""
_TYPES = 4
"""Most types of boxes in a block."""


class BoxType(NamedTuple):
    """Boxes that are alike: the same edges, and the same turns that they may have."""

    turns: tuple[tuple[int, int, int], ...]
    """Edges along x, y and z in each turn that fits the bin, no two alike."""
    quantity: int
    value: float
    """What one of them is worth, such as its volume."""


class _Simple(NamedTuple):
    kind: int
    edges: tuple[int, int, int]
    times: tuple[int, int, int]


class _Joined(NamedTuple):
    axis: int
    first: int
    second: int


@dataclass
class Blocks:
    """A table of blocks, a row each, the largest first.

    Attributes:
        edges: Lengths along x, y and z, int64 (N, 3).
        value: What the boxes are worth, float64 (N,).
        count: How many boxes there are, int64 (N,).
        kinds: Types of boxes in each, int64 (N, M); a type that is named twice has a need of 0 the second time.
        needs: How many of each of these it takes, int64 (N, M).
    """

    edges: NDArray
    value: NDArray
    count: NDArray
    kinds: NDArray
    needs: NDArray
    _made: list[_Simple | _Joined]
    _boxes: dict[int, NDArray] = field(default_factory=dict)
    _tops: dict[int, NDArray] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of blocks."""
        return len(self.edges)

    def boxes(self, block: int) -> NDArray:
        """Return the boxes of a block from its lowest corner: type, x, y, z, length, width, height, int64 (n, 7)."""
        if block not in self._boxes:
            made = self._made[block]
            if isinstance(made, _Simple):
                steps = np.stack(np.meshgrid(*map(np.arange, made.times), indexing="ij"), axis=-1).reshape(-1, 3)
                boxes = np.empty((len(steps), 7), np.int64)
                boxes[:, 0], boxes[:, 1:4], boxes[:, 4:] = made.kind, steps * made.edges, made.edges
            else:
                second = self.boxes(made.second).copy()
                second[:, 1 + made.axis] += self._lengths(made.first)[made.axis]
                boxes = np.concatenate([self.boxes(made.first), second])
            self._boxes[block] = boxes
        return self._boxes[block]

    def tops(self, block: int) -> NDArray:
        """Return the rectangles at the top of a block: x1, y1, height, x2, y2, int64 (R, 5)."""
        if block not in self._tops:
            made, tall = self._made[block], self._lengths(block)[2]
            if isinstance(made, _Simple):
                tops = np.array([[0, 0, tall, *self._lengths(block)[:2]]], np.int64)
            else:
                second = self.tops(made.second).copy()
                step = self._lengths(made.first)[made.axis]
                second[:, [0, 3] if made.axis == 0 else [1, 4] if made.axis == 1 else [2]] += step
                tops = second if made.axis == 2 else np.concatenate([self.tops(made.first), second])
            self._tops[block] = tops
        return self._tops[block]

    def _lengths(self, block: int) -> list[int]:
        return self.edges[block].tolist()


def make_blocks(
    types: Sequence[BoxType], size: tuple[int, int, int], most: int = MOST, step: Callable[[], None] = lambda: None
) -> Blocks:
    """Return the blocks of some types of boxes.

    Args:
        types: what there is to pack.
        size: the bin's edges, in cells.
        most: about how many blocks there may be.
        step: called now and then; what it raises goes through.

    Returns:
        Each box alone in each turn, always; beside them as many blocks as there is room for.
    """
    table = _Table(size, [each.quantity for each in types])
    turns = sum(len(each.turns) for each in types)
    room = max(1, most // 2 // max(turns, 1))
    for kind, each in enumerate(types):
        step()
        for edges in each.turns:
            for times in _times(edges, each.quantity, size, room):
                table.simple(kind, edges, times)
    first = 0
    for _ in range(2):
        step()
        last = len(table.made)
        if last == first or last >= most:
            break
        table.join(first, most)
        first = last
    step()
    return table.blocks(np.array([each.value for each in types]))


def _times(
    edges: tuple[int, int, int], quantity: int, size: tuple[int, int, int], room: int
) -> Iterator[tuple[int, int, int]]:
    """Yield how often a box may be repeated along x, y and z; of too many possibilities those with round numbers."""
    steps = [_counts(min(quantity, whole // edge), None) for edge, whole in zip(edges, size, strict=True)]
    # about that many are not too many boxes
    if np.prod([len(each) for each in steps], dtype=float) > 2 * room:
        fewer = max(1, round(room ** (1 / 3)))
        steps = [_counts(each[-1], fewer) for each in steps]
    yield from ((nx, ny, nz) for nx in steps[0] for ny in steps[1] for nz in steps[2] if nx * ny * nz <= quantity)


def _counts(most: int, fewer: int | None) -> list[int]:
    """Return 1 to a number; of many, so many of them that grow by a factor, the first and the last among them."""
    if fewer is None or most <= fewer:
        return list(range(1, most + 1))
    return sorted({1, most, *np.unique(np.rint(np.geomspace(1, most, max(fewer, 2)))).astype(int).tolist()})


class _Table:
    """Blocks while they are made."""

    def __init__(self, size: tuple[int, int, int], quantity: Sequence[int]) -> None:
        self._size, self._quantity = np.array(size), list(quantity)
        self.made: list[_Simple | _Joined] = []
        self._edges: list[tuple[int, ...]] = []
        self._volume: list[int] = []
        self._needs: list[dict[int, int]] = []
        self._seen: set[tuple] = set()
        self._faces: dict[tuple[int, bool], list[Rectangle]] = {}

    def simple(self, kind: int, edges: tuple[int, int, int], times: tuple[int, int, int]) -> None:
        """Add boxes of a type in rows."""
        count = times[0] * times[1] * times[2]
        lengths = tuple(edge * n for edge, n in zip(edges, times, strict=True))
        self._add(_Simple(kind, edges, times), lengths, count * edges[0] * edges[1] * edges[2], {kind: count})

    def join(self, first: int, most: int) -> None:
        """Join pairs of blocks, one of them from ``first`` on, until there are enough."""
        counts = np.array([sum(needs.values()) for needs in self._needs])
        some = np.argsort(counts, kind="stable")[:_PAIRED]
        new = some[some >= first]
        found: list[tuple[float, int, int, int]] = []
        for axis in (2, 0, 1):
            for ones, others in ((new, some), (some, new)):
                found += self._pairs(axis, ones, others)
        found.sort()
        for _, axis, one, other in found:
            if len(self.made) >= most:
                break
            needs = dict(self._needs[one])
            for kind, count in self._needs[other].items():
                needs[kind] = needs.get(kind, 0) + count
            if len(needs) > _TYPES or any(count > self._quantity[kind] for kind, count in needs.items()):
                continue
            if axis == 2 and not self._bears(one, other):
                continue
            lengths = [max(pair) for pair in zip(self._edges[one], self._edges[other], strict=True)]
            lengths[axis] = self._edges[one][axis] + self._edges[other][axis]
            self._add(_Joined(axis, one, other), tuple(lengths), self._volume[one] + self._volume[other], needs)

    def _pairs(self, axis: int, ones: NDArray, others: NDArray) -> list[tuple[float, int, int, int]]:
        """Return the pairs that fill a block nearly, with what is empty of it."""
        edges, volume = np.array(self._edges), np.array(self._volume, float)
        across = [each for each in range(3) if each != axis]
        one, other = edges[ones][:, None], edges[others][None]
        along = one[..., axis] + other[..., axis]
        fits = along <= self._size[axis]
        if axis == 2:
            # what stands on another block is borne whole; whether its top has gaps there, join asks of few pairs
            fits &= (other[..., :2] <= one[..., :2]).all(axis=2)
        else:
            # a block is flat on top
            fits &= one[..., 2] == other[..., 2]
        a, b = np.nonzero(fits)
        sides = np.maximum(edges[ones[a]][:, across], edges[others[b]][:, across])
        whole = along[a, b] * sides.prod(axis=1)
        empty = 1 - (volume[ones[a]] + volume[others[b]]) / whole
        good = np.flatnonzero(empty <= 1 - FULL + 1e-9)
        return list(
            zip(
                empty[good].round(6).tolist(),
                [axis] * len(good),
                ones[a[good]].tolist(),
                others[b[good]].tolist(),
                strict=True,
            )
        )

    def _bears(self, one: int, other: int) -> bool:
        """Say whether all that is lowest in a block would stand whole on what is highest in another: both have gaps."""
        tops = self._face(one, top=True)
        return all(
            any(x1 <= a1 and y1 <= b1 and x2 >= a2 and y2 >= b2 for x1, y1, x2, y2 in tops)
            for a1, b1, a2, b2 in self._face(other, top=False)
        )

    def _face(self, block: int, *, top: bool) -> list[Rectangle]:
        """Return the maximal rectangles of a block's top, or of its base."""
        if (block, top) not in self._faces:
            made = self.made[block]
            if isinstance(made, _Simple):
                long, wide, _ = self._edges[block]
                faces = [(0, 0, long, wide)]
            elif made.axis == 2:
                faces = self._face(made.second if top else made.first, top=top)
            else:
                dx, dy = (self._edges[made.first][axis] if axis == made.axis else 0 for axis in (0, 1))
                second = [(x1 + dx, y1 + dy, x2 + dx, y2 + dy) for x1, y1, x2, y2 in self._face(made.second, top=top)]
                faces = rectangles(second, self._face(made.first, top=top))
            self._faces[block, top] = faces
        return self._faces[block, top]

    def _add(self, made: _Simple | _Joined, lengths: tuple[int, ...], volume: int, needs: dict[int, int]) -> None:
        key = (lengths, tuple(sorted(needs.items())))
        if key not in self._seen:
            self._seen.add(key)
            self.made.append(made)
            self._edges.append(lengths)
            self._volume.append(volume)
            self._needs.append(needs)

    def blocks(self, value: NDArray) -> Blocks:
        """Return the table, the largest blocks first; ``value`` is that of a box of each type, float64 (T,)."""
        volume = np.array(self._volume, float)
        order = np.argsort(-volume, kind="stable")
        place = np.empty(len(order), int)
        place[order] = np.arange(len(order))
        made = [
            part if isinstance(part, _Simple) else _Joined(part.axis, int(place[part.first]), int(place[part.second]))
            for part in (self.made[row] for row in order.tolist())
        ]
        kinds = np.zeros((len(order), _TYPES), np.int64)
        needs = np.zeros((len(order), _TYPES), np.int64)
        for row, old in enumerate(order.tolist()):
            for column, (kind, count) in enumerate(self._needs[old].items()):
                kinds[row, column], needs[row, column] = kind, count
        worth = (value[kinds] * needs).sum(axis=1)
        return Blocks(np.array(self._edges, np.int64)[order], worth, needs.sum(axis=1), kinds, needs, made)
