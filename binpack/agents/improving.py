"""Search for a packing that is better than that of one pass: what fits is packed, if it is found in time.

A try packs a bin to its end. Tries come in rounds, each a beam search over blocks (Araya and Riff, "A beam search
approach to the container loading problem", Computers and Operations Research 2014): of every packing in the beam some
blocks for the next space are tried, each finished greedily, and the best go on. Rounds become wider, and differ in what
a block is liked for. Which try follows which depends on the seed alone: a number of tries makes a packing again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from binpack.agents.blocks import BoxType, make_blocks
from binpack.agents.building import Builder, Part, Taste, is_known
from binpack.core import geometry, placement
from binpack.core.support import FULL, SupportRule, support_rule
from binpack.env.config import EnvConfig
from binpack.files import InputError
from binpack.items.streams import Streams

_GROWTH = 1.5
"""How much wider a beam is than the one before."""
_IDLE = 4
"""Rounds that leave nothing out and find nothing better, after which there is nothing to look for."""


@dataclass(frozen=True)
class Budget:
    """How long to search.

    Attributes:
        seconds: So long; None for no limit of time.
        tries: So many tries; None for no limit of tries.

    Raises:
        ValueError: There is no limit, or one is less than 0 or no number.
    """

    seconds: float | None = 5.0
    tries: int | None = None

    def __post_init__(self) -> None:
        """Check the limits."""
        if self.seconds is None and self.tries is None:
            raise InputError("a search needs a limit: seconds or tries")
        if self.seconds is not None and not 0 <= self.seconds < float("inf"):
            raise InputError(f"seconds {self.seconds}: expected a number from 0 up")
        if self.tries is not None and self.tries < 0:
            raise InputError(f"tries {self.tries}: expected a number from 0 up")


@dataclass(frozen=True, eq=False)
class Improved:
    """The best packing that was found.

    Attributes:
        boxes: Placed boxes in loading order, int32 (n, 6), as in ``geometry``.
        positions: Which item of the stream each is, int64 (n,).
        value: What they are worth.
        tries: How many tries there were.
        better: Whether the packing is better than the one that the search began with.
        history: Each improvement: the number of tries, the seconds that had passed, and the value.
    """

    boxes: NDArray
    positions: NDArray
    value: float
    tries: int
    better: bool
    history: tuple[tuple[int, float, float], ...] = ()


class _TimeUp(Exception):
    """The time is up, in the middle of a try."""


def improve(
    stream: Streams,
    config: EnvConfig,
    boxes: NDArray,
    positions: NDArray,
    budget: Budget,
    *,
    seed: int = 0,
    values: NDArray | None = None,
    watch: Callable[[int, float], None] | None = None,
) -> Improved:
    """Look for a better packing of one bin than the one there is.

    Better is what is worth more and fills no fewer cells. The search ends when the budget is spent, when all is packed,
    or when there is nothing left to look for.

    Args:
        stream: one stream of items, all known beforehand.
        config: bin, rotation and support rule.
        boxes: placed boxes of the packing that there is, integers (n, 6).
        positions: which item each of them is, integers (n,).
        budget: how long to search.
        seed: of what differs from round to round.
        values: what each item is worth, float64 (T,); its volume in cells by default.
        watch: called with the number of tries and the seconds so far, once a try and now and then in between.

    Returns:
        The best packing, checked with ``geometry``; the one that there was where none is better.

    Raises:
        GeometryError: a packing is wrong; that would be a bug.

    Example:
        >>> config = EnvConfig(bin_size=(90, 40, 30), rotation="all")
        >>> stream = Streams(np.array([[[40, 30, 30]] * 3]), np.array([3]))
        >>> none = np.zeros((0, 6), int), np.zeros(0, int)
        >>> len(improve(stream, config, *none, Budget(tries=10)).boxes)
        3
    """
    count = int(stream.lengths[0])
    cells = stream.items[0, :count].astype(np.int64).prod(axis=1).astype(float)
    worth = cells if values is None else np.asarray(values, float)[:count]
    search = _Search(stream, config, worth, cells, positions)
    with contextlib.suppress(_TimeUp):
        search.run(budget, seed, watch)
    if search.best is None:
        return Improved(boxes, positions, float(worth[positions].sum()), search.tries, False)
    boxes, positions = search.best
    geometry.check(boxes, config.bin_size, config.support)
    upright = None if stream.upright is None else stream.upright[0]
    geometry.check_items(boxes, positions, stream.items[0], upright, config.rotation)
    return Improved(boxes, positions, float(worth[positions].sum()), search.tries, True, tuple(search.history))


class _Search:
    """What is known in the course of a search."""

    def __init__(self, stream: Streams, config: EnvConfig, worth: NDArray, cells: NDArray, positions: NDArray) -> None:
        self._config, self._worth, self._cells = config, worth, cells
        self._rule = support_rule(config.support)
        self._types, self._members = _types(stream, config, worth)
        self._bound = min(worth.sum(), _bound(worth, cells, config.volume))
        self._value, self._filled = float(worth[positions].sum()), float(cells[positions].sum())
        self.best: tuple[NDArray, NDArray] | None = None
        self.tries = 0
        self.history: list[tuple[int, float, float]] = []
        self._passed = 0.0

    def run(self, budget: Budget, seed: int, watch: Callable[[int, float], None] | None) -> None:
        """Try until the budget is spent; raises ``_TimeUp`` where that is in the middle of a try."""
        started = time.monotonic()

        def step() -> None:
            self._passed = time.monotonic() - started
            if watch is not None:
                watch(self.tries, self._passed)
            if budget.seconds is not None and self._passed >= budget.seconds:
                raise _TimeUp

        if budget.tries == 0 or not self._types or self._done():
            return
        step()
        blocks = make_blocks(self._types, self._config.bin_size, step=step)
        quantity = np.array([each.quantity for each in self._types])
        borne = Builder(blocks, quantity, self._config.bin_size, step=step)
        builders = [borne]
        if is_known(self._rule) and self._rule is not FULL:
            builders.append(Builder(blocks, quantity, self._config.bin_size, self._rule, step))
        for builder, part in _tries(builders, seed, lambda: self._value):
            self.tries += 1
            self._keep(builder, part)
            if self._done() or self.tries == budget.tries:
                return
            step()

    def _done(self) -> bool:
        """Say whether nothing can be better."""
        return self._value >= self._bound - 1e-9 * max(self._bound, 1.0)

    def _keep(self, builder: Builder, part: Part) -> None:
        """Keep a packing that is better."""
        used = [int(each.quantity - left) for each, left in zip(self._types, part.left, strict=True)]
        chosen = np.concatenate([members[:n] for members, n in zip(self._members, used, strict=True)])
        value, filled = float(self._worth[chosen].sum()), float(self._cells[chosen].sum())
        if value <= self._value * (1 + 1e-12) or filled < self._filled:
            return
        boxes = builder.boxes(part)
        if not is_known(self._rule) and not _stand(boxes[:, 1:], self._config, self._rule):
            return
        positions = np.empty(len(boxes), np.int64)
        for kind, members in enumerate(self._members):
            rows = np.flatnonzero(boxes[:, 0] == kind)
            positions[rows] = members[: len(rows)]
        self.best, self._value = (boxes[:, 1:].astype(np.int32), positions), value
        self.history.append((self.tries, self._passed, value))


def _types(stream: Streams, config: EnvConfig, worth: NDArray) -> tuple[list[BoxType], list[NDArray]]:
    """Return the types of the items that fit the bin, and which items are of each, those that are worth most first."""
    orders = placement.ORIENTATIONS[: config.orientations]
    size = config.bin_size
    count = int(stream.lengths[0])
    upright = np.ones((count, 3), bool) if stream.upright is None else stream.upright[0, :count]
    same: dict[tuple[tuple[int, int, int], ...], list[int]] = {}
    turns: dict[tuple[int, ...], tuple[tuple[int, int, int], ...]] = {}
    for item, (edges, flags) in enumerate(zip(stream.items[0, :count].tolist(), upright.tolist(), strict=True)):
        key = (*edges, *flags)
        if key not in turns:
            every = {(edges[a], edges[b], edges[c]) for a, b, c in orders if flags[c]}
            turns[key] = tuple(sorted(each for each in every if all(e <= s for e, s in zip(each, size, strict=True))))
        if turns[key]:
            same.setdefault(turns[key], []).append(item)
    members = [np.array(sorted(each, key=lambda item: -worth[item]), np.int64) for each in same.values()]
    types = [BoxType(key, len(each), float(worth[each].mean())) for key, each in zip(same, members, strict=True)]
    return types, members


def _bound(worth: NDArray, cells: NDArray, volume: int) -> float:
    """Return what a bin of so many cells can hold at most: the items that are worth most for their cells."""
    order = np.argsort(-worth / cells, kind="stable")
    room = np.minimum(np.maximum(volume - (cells[order].cumsum() - cells[order]), 0) / cells[order], 1)
    return float((room * worth[order]).sum())


def _stand(boxes: NDArray, config: EnvConfig, rule: SupportRule) -> bool:
    """Ask a support rule of one's own for every box, in loading order."""
    heights = np.zeros((1, *config.bin_size[:2]), np.int16)
    for x, y, z, long, wide, tall in boxes.tolist():
        under = heights[:, x : x + long, y : y + wide]
        landing, mask = placement.feasible(under, np.array([[[long, wide, tall]]]), config.bin_size[2], rule)
        if not mask[0, 0, 0, 0] or landing[0, 0, 0, 0] != z:
            return False
        under[...] = z + tall
    return True


def _tries(builders: list[Builder], seed: int, value: Callable[[], float]) -> Iterator[tuple[Builder, Part]]:
    """Yield one finished packing after the other, without end as long as there is something to look for.

    Args:
        builders: take turns from round to round.
        seed: of the tastes.
        value: tells what the best packing is worth.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,)))
    for builder in builders:
        yield builder, builder.finish(builder.empty(), Taste())
    width, number, idle = 2, 0, 0
    while idle < _IDLE * len(builders):
        before, all_of_it = value(), True
        for builder in builders:
            taste = Taste() if number == 0 else _taste(rng)
            beam = _Beam(builder, taste, width)
            yield from ((builder, part) for part in beam.tries())
            all_of_it &= beam.all_of_it
        idle = idle + 1 if all_of_it and value() <= before else 0
        width, number = int(width * _GROWTH + 0.5), number + 1


def _taste(rng: np.random.Generator) -> Taste:
    """Draw a taste around the usual one."""
    ways = np.exp(rng.uniform(-1.2, 1.2, 3)).tolist()
    return Taste(rng.uniform(1.5, 6.0), rng.uniform(0.0, 2.5), rng.uniform(0.0, 0.4), (ways[0], ways[1], ways[2]))


class _Beam:
    """One round.

    Attributes:
        all_of_it: Whether no choice was left out for want of width.
    """

    def __init__(self, builder: Builder, taste: Taste, width: int) -> None:
        self._builder, self._taste, self._width = builder, taste, width
        self.all_of_it = True

    def tries(self) -> Iterator[Part]:
        """Yield what the greedy way makes of each choice."""
        nodes = [self._builder.empty()]
        while nodes:
            next_ones: list[tuple[float, Part]] = []
            for node in nodes:
                node, choices = self._builder.choices(node, self._taste, self._width + 1)
                self.all_of_it &= len(choices) <= self._width
                for choice in choices[: self._width]:
                    part = self._builder.place(node, choice)
                    end = self._builder.finish(part, self._taste)
                    yield end
                    next_ones.append((end.value, part))
            nodes = self._widest(next_ones)

    def _widest(self, ends: list[tuple[float, Part]]) -> list[Part]:
        """Return the packings that ended best, one of each value: those that end alike are mostly the same."""
        best: dict[float, Part] = {}
        for value, part in sorted(ends, key=lambda end: -end[0]):
            best.setdefault(value, part)
        self.all_of_it &= len(best) <= self._width
        return list(best.values())[: self._width]
