"""One large bin, in which the scores of a heuristic are kept from placement to placement.

A placement changes the height map under one base, and with it what is known of the places whose bases lie there or
beside it. Only those are worked out again, and items with the same edges are worked out once. What comes out is what
``Heuristic.act`` chooses when it scores every place anew; on grids of a hundred thousand cells that takes minutes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from binpack.core import placement
from binpack.core.heuristics import Heuristic
from binpack.core.placement import Candidates
from binpack.core.support import SupportRule
from binpack.files import InputError

_Edges = tuple[int, int, int]


@dataclass
class _Kept:
    """What is known of an item with certain edges."""

    values: NDArray
    """Score of each place, float64, (L, W); minus infinity where the item cannot stand."""
    seen: int
    """How many of the bin's placements are in it."""
    best: int
    """The cell with the highest score, the lowest of equals."""


class LargeBin:
    """A bin, and what a heuristic makes of each place in it.

    Example:
        >>> from binpack.core.heuristics import HEURISTICS
        >>> from binpack.core.support import support_rule
        >>> bin = LargeBin((4, 4, 4), support_rule("full"), HEURISTICS["touching_area"], most=2)
        >>> bin.choose(np.array([[2, 2, 2]])), bin.place((2, 2, 2), 0, 0), bin.choose(np.array([[2, 2, 2]]))
        (0, 0, 2)

    Args:
        size: the bin's edges, in cells.
        support: the support rule.
        rule: the heuristic; one whose parts are known, see ``Heuristic.around``.
        most: how many different items are remembered, at least as many as are chosen among.

    Raises:
        ValueError: the heuristic has no parts.
    """

    def __init__(self, size: tuple[int, int, int], support: SupportRule, rule: Heuristic, most: int) -> None:
        if rule.around is None:
            raise InputError(f"heuristic {rule.name!r} has no parts: only whole maps can be scored by it")
        length, width, self._tall = size
        self.heights = np.zeros((1, length, width), np.int16)
        self._support, self._rule, self._around, self._most = support, rule, rule.around, most
        self._scale = 1.0
        self._plane: NDArray | None = None
        if rule.where is not None:
            self._scale, self._plane = rule.where(length, width)
        self._changes: list[tuple[int, int, int, int]] = []
        self._kept: dict[_Edges, _Kept] = {}

    def choose(self, items: NDArray, rng: np.random.Generator | None = None) -> int:
        """Return the action that the heuristic takes.

        Args:
            items: oriented items, integers, (K, 3); one with an edge of 0 stands for no item.
            rng: breaks ties at random, for heuristics that need it.

        Returns:
            The action ``(k * L + x) * W + y``; -1 where nothing is feasible.
        """
        _, length, width = self.heights.shape
        highest, action = -np.inf, -1
        for candidate, edges in enumerate(map(tuple, items.tolist())):
            if rng is not None:
                # drawn for every place, as `heuristics.choose` does: the draws that follow are the same
                drawn = rng.random(length * width)
                if min(edges) < 1:
                    continue
                chances = np.where(self._known(edges).values.reshape(-1) > -np.inf, drawn, -np.inf)
                best = int(chances.argmax())
                value = float(chances[best])
            elif min(edges) < 1:
                continue
            else:
                kept = self._known(edges)
                best = kept.best
                value = float(kept.values.reshape(-1)[best])
            if value > highest:
                highest, action = value, candidate * length * width + best
                if self._rule.flat and rng is None:
                    break
        return action

    def place(self, edges: _Edges, x: int, y: int) -> int:
        """Place an oriented item with its lowest corner over a cell; return the height at which it rests."""
        rest = placement.place(self.heights, np.array([edges]), np.array([x]), np.array([y]))
        self._changes.append((x, y, edges[0], edges[1]))
        return int(rest[0])

    def _known(self, edges: _Edges) -> _Kept:
        """Return what is known of an item, up to date."""
        kept = self._kept.pop(edges, None)
        _, length, width = self.heights.shape
        changed = [] if kept is None else [self._touched(edges, change) for change in self._changes[kept.seen :]]
        if kept is None or sum((x1 - x0) * (y1 - y0) for x0, x1, y0, y1 in changed) > length * width:
            kept = _Kept(np.full((length, width), -np.inf), 0, 0)
            changed = [(0, length - edges[0] + 1, 0, width - edges[1] + 1)]
        for block in changed:
            self._work_out(kept, edges, block)
        if changed:
            kept.best = int(kept.values.argmax())
        kept.seen = len(self._changes)
        self._kept[edges] = kept  # the last in order: what has not been asked for the longest is forgotten first
        while len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return kept

    def _touched(self, edges: _Edges, change: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
        """Return from where to where an item's score may have changed: where its base and a rim of one cell lie."""
        _, length, width = self.heights.shape
        x, y, long, wide = change
        ends = min(x + long + 1, length - edges[0] + 1), min(y + wide + 1, width - edges[1] + 1)
        return max(0, x - edges[0]), ends[0], max(0, y - edges[1]), ends[1]

    def _work_out(self, kept: _Kept, edges: _Edges, block: tuple[int, int, int, int]) -> None:
        """Score the places of a block anew, from the part of the map that they and a rim of one cell cover."""
        x0, x1, y0, y1 = block
        if x0 >= x1 or y0 >= y1:
            return
        left, low = max(0, x0 - 1), max(0, y0 - 1)
        part = np.ascontiguousarray(self.heights[:, left : x1 + edges[0], low : y1 + edges[1]])
        item = np.array([[edges]], np.int32)
        landing, mask = placement.feasible(part, item, self._tall, self._support)
        inside = np.zeros_like(mask)
        inside[..., x0 - left : x1 - left, y0 - low : y1 - low] = True
        mask &= inside
        values = np.full(mask.shape[2:], -np.inf)
        if mask.any():
            scores = self._around(Candidates(part, item, landing, mask, self._tall))
            values[mask[0, 0]] = scores[mask] * self._scale
        block_values = values[x0 - left : x1 - left, y0 - low : y1 - low]
        kept.values[x0:x1, y0:y1] = block_values if self._plane is None else block_values + self._plane[x0:x1, y0:y1]
