"""Packing one bin block by block: which space is filled next, with which block, and what bears it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from binpack.agents.blocks import Blocks
from binpack.core import placement
from binpack.core import spaces as free
from binpack.core.support import FULL, NONE, SUPPORT_RULES, SupportRule

_TOLD = 12
"""Blocks for a space of which is found out whether they may stick out over what bears them."""


class Taste(NamedTuple):
    """Which space is filled first, and what a block is liked for.

    The score of a block is its value, times the share of its faces that lie against what bounds the space, to a power,
    times the share of the space that it and rows of boxes beside it can fill, to a power, over its number of boxes to a
    power: Araya, Guerrero and Nunez, "VCS: A new heuristic function for selecting boxes in the single container loading
    problem" (Computers and Operations Research 2017), with faces counted by the space alone.
    """

    touch: float = 4.0
    waste: float = 1.0
    few: float = 0.2
    ways: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """What a step from the nearest corner of the bin costs along x, y and z; the nearest space is filled first."""


class Placed(NamedTuple):
    """A block in a bin, and the lowest corner where it stands."""

    block: int
    x: int
    y: int
    z: int


@dataclass(frozen=True, eq=False)
class Part:
    """A bin that is packed in part."""

    spaces: NDArray
    """Free spaces, int64 (S, 6)."""
    shut: frozenset[tuple[int, ...]]
    """Those of them into which no block goes any more."""
    tops: NDArray
    """Rectangles on which the blocks end, int64 (R, 5): x1, y1, height, x2, y2."""
    left: NDArray
    """How many boxes of each type are left, int64 (T,)."""
    blocks: NDArray
    """Blocks for which there are boxes enough, int64 (n,)."""
    placed: tuple[Placed, ...] = ()
    value: float = 0.0
    """What the packed boxes are worth."""


class _Site(NamedTuple):
    """Where in a space blocks are set down, and how much room they have from there."""

    corner: tuple[int, int, int]
    back: tuple[bool, bool]
    """Whether blocks reach back along x and y from the corner."""
    room: NDArray
    """Lengths along x, y and z, int64 (3,)."""


class Builder:
    """Packs blocks into one bin.

    Args:
        blocks: what there is.
        quantity: how many boxes there are of each type, int64 (T,).
        size: the bin's edges, in cells.
        support: what has to bear a box; None where all of its base must be borne. Then a bin has fewer spaces.
        step: called before each block is placed; what it raises goes through.
    """

    def __init__(
        self,
        blocks: Blocks,
        quantity: NDArray,
        size: tuple[int, int, int],
        support: SupportRule | None = None,
        step: Callable[[], None] = lambda: None,
    ) -> None:
        self.blocks, self.size, self._quantity = blocks, size, quantity
        self._support, self._step = support, step
        self._size = np.array(size)
        self._edges = np.ascontiguousarray(blocks.edges.T)
        self._faces = self._edges[[1, 0, 0]] * self._edges[[2, 2, 1]]
        self._reach = _reachable(blocks, max(size))

    def empty(self) -> Part:
        """Return the empty bin."""
        every = self._enough(self._quantity, np.arange(len(self.blocks)))
        return Part(free.whole(self.size), frozenset(), np.zeros((0, 5), np.int64), self._quantity, every)

    def finish(self, part: Part, taste: Taste) -> Part:
        """Pack greedily until nothing fits."""
        while True:
            part, found = self.choices(part, taste, 1)
            if not found:
                return part
            part = self.place(part, found[0])

    def choices(self, part: Part, taste: Taste, most: int) -> tuple[Part, list[Placed]]:
        """Return the best blocks for the next space, the best first, and the bin with what was found out of it.

        Args:
            part: the bin.
            taste: what is good.
            most: how many blocks to return at most; there are none where the bin is full.
        """
        if not len(part.blocks):
            return part, []
        edges = self._edges[:, part.blocks]
        lengths = part.spaces[:, 3:] - part.spaces[:, :3]
        live = (lengths >= edges.min(axis=1)).all(axis=1)
        before, behind = part.spaces[:, :3], self._size - part.spaces[:, 3:]
        away = np.minimum(before, behind)
        away[:, 2] = before[:, 2]
        order = np.lexsort((-lengths.prod(axis=1), away @ np.array(taste.ways)))
        shut = set()
        for row in order[live[order]].tolist():
            space = tuple(part.spaces[row].tolist())
            if space in part.shut:
                continue
            found = self._fitting(part, space, edges, taste, most)
            if found:
                break
            shut.add(space)
        else:
            found = []
        return (replace(part, shut=part.shut | shut) if shut else part), found

    def place(self, part: Part, choice: Placed) -> Part:
        """Return the bin with one more block."""
        self._step()
        block, (x, y, z) = choice.block, choice[1:]
        low = np.array([x, y, z])
        box = np.concatenate([low, low + self.blocks.edges[block]])
        tops = self.blocks.tops(block) + np.array([x, y, z, x, y])
        spaces = free.cut(part.spaces, box, above=self._support is not None)
        if self._support is None:
            spaces = free.on_top(spaces, tops, self.size[2])
        left = part.left.copy()
        np.subtract.at(left, self.blocks.kinds[block], self.blocks.needs[block])
        blocks, value = self._enough(left, part.blocks), part.value + float(self.blocks.value[block])
        return Part(spaces, part.shut, np.concatenate([part.tops, tops]), left, blocks, (*part.placed, choice), value)

    def boxes(self, part: Part) -> NDArray:
        """Return the boxes from below upwards, so that each can be loaded from above: type, x, y, z and edges, (n, 7).

        What stands lower is loaded first, and nothing that comes later is under anything that came before.
        """
        rows = [np.zeros((0, 7), np.int64)]
        for block, x, y, z in part.placed:
            rows.append(self.blocks.boxes(block) + np.array([0, x, y, z, 0, 0, 0]))
        boxes = np.concatenate(rows)
        return boxes[np.lexsort((boxes[:, 2], boxes[:, 1], boxes[:, 3]))]

    def _enough(self, left: NDArray, blocks: NDArray) -> NDArray:
        """Return those blocks for which there are boxes enough."""
        return blocks[(left[self.blocks.kinds[blocks]] >= self.blocks.needs[blocks]).all(axis=1)]

    def _fitting(self, part: Part, space: tuple[int, ...], edges: NDArray, taste: Taste, most: int) -> list[Placed]:
        """Return the best blocks for a space, with where they stand in it."""
        if self._support is None or space[2] == 0:
            site = self._site(space, (space[0], space[1], space[3], space[4]))
            return [placed for _, placed in self._best(part.blocks, edges, site, taste, most)]
        bearing = _clipped(part.tops, space)
        if not len(bearing):
            return []
        x1, y1 = bearing[:, :2].min(axis=0).tolist()
        x2, y2 = bearing[:, 2:].max(axis=0).tolist()
        wide = self._site(space, (x1, y1, x2, y2))
        borne = max(free.rectangles((a, b, c, d) for a, b, c, d in bearing.tolist()), key=_area)
        inner = self._site((borne[0], borne[1], space[2], borne[2], borne[3], space[5]), borne)
        found = self._best(part.blocks, edges, inner, taste, most)
        if (wide.room > inner.room).any():
            told = self._best(part.blocks, edges, wide, taste, max(most, _TOLD))
            found += [each for each in told if self._stands(each[1], bearing)]
            found.sort(key=lambda each: -each[0])
        return list(dict.fromkeys(placed for _, placed in found))[:most]

    def _site(self, space: tuple[int, ...], base: free.Rectangle) -> _Site:
        """Return the corner of a base that is nearest to one of the bin's, and the room that a space has from there."""
        back_x, back_y = self.size[0] - base[2] < base[0], self.size[1] - base[3] < base[1]
        x, long = (base[2], base[2] - space[0]) if back_x else (base[0], space[3] - base[0])
        y, wide = (base[3], base[3] - space[1]) if back_y else (base[1], space[4] - base[1])
        return _Site((x, y, space[2]), (back_x, back_y), np.array([long, wide, space[5] - space[2]]))

    def _best(
        self, blocks: NDArray, edges: NDArray, site: _Site, taste: Taste, most: int
    ) -> list[tuple[float, Placed]]:
        """Return the blocks that fit a site and have the highest scores, with these."""
        room = site.room[:, None]
        fits = np.flatnonzero((edges <= room).all(axis=0))
        if not len(fits):
            return []
        some, lengths = blocks[fits], edges[:, fits]
        gap = room - lengths
        filled = (lengths + self._reach[np.arange(3)[:, None], gap]) / room
        faces = self._faces[:, some]
        # a gap of some hundredths of the room is none
        touch = (faces * (1 + (gap * 25 <= room))).sum(axis=0) / (2 * faces.sum(axis=0))
        score = self.blocks.value[some] * touch**taste.touch * filled.prod(axis=0) ** taste.waste
        score *= self.blocks.count[some] ** -taste.few
        best = [int(score.argmax())] if most == 1 else np.argsort(-score, kind="stable")[:most].tolist()
        (x, y, z), (back_x, back_y) = site.corner, site.back
        return [
            (
                float(score[row]),
                Placed(int(some[row]), x - int(lengths[0, row]) * back_x, y - int(lengths[1, row]) * back_y, z),
            )
            for row in best
        ]

    def _stands(self, placed: Placed, bearing: NDArray) -> bool:
        """Say whether the support rule accepts every box of a block that stands on rectangles, int64 (R, 4)."""
        boxes = self.blocks.boxes(placed.block)
        base = boxes[boxes[:, 3] == 0][:, [1, 2, 4, 5]] + np.array([placed.x, placed.y, 0, 0])
        low = np.maximum(base[:, None, :2], bearing[None, :, :2])
        high = np.minimum(base[:, None, :2] + base[:, None, 2:], bearing[None, :, 2:])
        contact = np.maximum(high - low, 0).prod(axis=2).sum(axis=1)
        whole = contact == base[:, 2] * base[:, 3]
        if not contact.all() or self._support is FULL:
            return bool(whole.all())
        return self._support is NONE or all(self._accepts(each, bearing) for each in base[~whole].tolist())

    def _accepts(self, base: list[int], bearing: NDArray) -> bool:
        """Ask the support rule for one base: x, y, length and width."""
        x, y, long, wide = base
        heights = np.zeros((1, long, wide), np.int16)
        for x1, y1, x2, y2 in (bearing - np.array([x, y, x, y])).clip(0).tolist():
            heights[0, x1:x2, y1:y2] = 1
        assert self._support is not None
        _, mask = placement.feasible(heights, np.array([[[long, wide, 1]]]), 2, self._support)
        return bool(mask[0, 0, 0, 0])


def is_known(support: SupportRule) -> bool:
    """Say whether a support rule is a built-in one: such a rule accepts every base that is borne whole."""
    return str(support).partition(":")[0] in SUPPORT_RULES.names


def _clipped(tops: NDArray, space: tuple[int, ...]) -> NDArray:
    """Return the parts of tops that bear what stands in a space, int64 (R, 4)."""
    x1, y1, z, x2, y2, _ = space
    level = tops[tops[:, 2] == z][:, [0, 1, 3, 4]]
    clipped = np.concatenate([np.maximum(level[:, :2], (x1, y1)), np.minimum(level[:, 2:], (x2, y2))], axis=1)
    return clipped[(clipped[:, 2:] > clipped[:, :2]).all(axis=1)]


def _area(rectangle: free.Rectangle) -> int:
    return (rectangle[2] - rectangle[0]) * (rectangle[3] - rectangle[1])


def _reachable(blocks: Blocks, longest: int) -> NDArray:
    """Return the longest row of boxes that a gap along each axis has room for, int64 (3, longest + 1)."""
    rows, within = np.zeros((3, longest + 1), np.int64), (1 << (longest + 1)) - 1
    for axis in range(3):
        lengths = 1  # bit n: a row of length n can be made
        for edge in np.unique(blocks.edges[blocks.count == 1, axis]).tolist():
            step = edge
            while step <= longest:  # one more, two more, four more: any number
                lengths |= (lengths << step) & within
                step *= 2
        octets = np.frombuffer(lengths.to_bytes(longest // 8 + 1, "little"), np.uint8)
        can = np.unpackbits(octets, bitorder="little")[: longest + 1]
        rows[axis] = np.maximum.accumulate(np.where(can, np.arange(longest + 1), 0))
    return rows
