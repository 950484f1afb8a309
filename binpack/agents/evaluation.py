"""Playing fixed streams of items with an agent, and saying how far the result can be trusted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from binpack.agents import large
from binpack.agents.agent import Agent, OfflineAgent
from binpack.agents.named import find_agent
from binpack.agents.offline import FirstFitDecreasing
from binpack.core import geometry
from binpack.core.heuristics import Heuristic
from binpack.core.statistics import mean_interval
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.files import InputError
from binpack.items.streams import Streams

LARGE = 1 << 18
"""Actions of a bin from which on a heuristic packs bins one after the other, with ``agents.large``."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What an agent did on each stream. Two are equal if the same boxes were placed; how long that took does not count.

    Attributes:
        utilization: packed share of the bin, float64, (N,).
        packed: number of packed items, int64, (N,).
        boxes: placed boxes of each stream, int arrays (packed, 6).
        positions: which item of its stream each of these boxes is, int arrays (packed,).
        seconds: wall time of play and verification.
        ci: 95 % interval of the mean utilization over the streams (see ``core.statistics``): what other streams would
            bring, not what another training would; NaN for one stream.
    """

    utilization: NDArray
    packed: NDArray
    boxes: list[NDArray]
    positions: list[NDArray]
    seconds: float
    ci: tuple[float, float]

    @property
    def mean(self) -> float:
        """Mean utilization."""
        return float(self.utilization.mean())

    def __eq__(self, other: object) -> bool:
        """Say whether the other one has the same items at the same places in the same order, in the same bin."""
        if not isinstance(other, Evaluation):
            return NotImplemented
        return (
            len(self.boxes) == len(other.boxes)
            and np.array_equal(self.utilization, other.utilization)
            and all(np.array_equal(one, two) for one, two in zip(self.boxes, other.boxes, strict=True))
            and all(np.array_equal(one, two) for one, two in zip(self.positions, other.positions, strict=True))
        )

    def __str__(self) -> str:
        low, high = self.ci
        items, streams = self.packed.mean(), len(self.packed)
        if streams == 1:
            return f"utilization {self.mean:.1%}, {items:.0f} items, 1 stream"
        return f"utilization {self.mean:.1%} [{low:.1%}, {high:.1%}], {items:.1f} items, {streams} streams"


def evaluate(
    agent: str | Path | Agent,
    streams: Streams,
    config: EnvConfig,
    *,
    seed: int = 0,
    batch: int = 256,
    verify: bool = True,
    watch: Callable[[int], None] | None = None,
) -> Evaluation:
    """Let an agent pack every stream once, into an empty bin each.

    Args:
        agent: an agent, or the name of one (see ``find_agent``).
        streams: the items.
        config: bin, visible items, rotation and support rule; its item source plays no part.
        seed: for agents that act at random.
        batch: how many bins are packed side by side.
        verify: check every finished packing with ``geometry``, which shares no code with what packed it.
        watch: called now and then with how many items of the streams that are being packed were packed or passed over.

    Returns:
        The results in the order of the streams.

    Raises:
        ValueError: if there is no agent of that name or there are no streams.
        GeometryError: if a packing is wrong; that would be a bug.

    Example:
        >>> config = EnvConfig(bin_size=(6, 6, 6), items="random:2-3")
        >>> result = evaluate("heightmap_sum", make_streams(config, 20, seed=0), config)
        >>> len(result.boxes), result.mean > 0.5
        (20, True)
    """
    if len(streams) == 0:
        raise InputError("there are no streams to evaluate on")
    started = time.perf_counter()
    rng = np.random.default_rng(seed)
    player = find_agent(agent) if isinstance(agent, str | Path) else agent
    boxes: list[NDArray] = []
    positions: list[NDArray] = []
    for start in range(0, len(streams), batch):
        for packing, which in _play(player, streams[start : start + batch], config, rng, watch):
            boxes.append(packing)
            positions.append(which)
    if verify:
        for row, packing in enumerate(boxes):
            geometry.check(packing, config.bin_size, config.support)
            upright = None if streams.upright is None else streams.upright[row]
            geometry.check_items(packing, positions[row], streams.items[row], upright, config.rotation)
    utilization = np.array([packing[:, 3:].prod(axis=1, dtype=np.int64).sum() for packing in boxes]) / config.volume
    packed = np.array([len(packing) for packing in boxes])
    interval = mean_interval(utilization)
    return Evaluation(utilization, packed, boxes, positions, time.perf_counter() - started, interval)


def _play(
    agent: Agent,
    streams: Streams,
    config: EnvConfig,
    rng: np.random.Generator,
    watch: Callable[[int], None] | None,
) -> Iterator[tuple[NDArray, NDArray]]:
    """Pack every stream, all of them side by side; yield the boxes of each, and which item of it each box is."""
    order: NDArray | None = None
    rule = _rule(agent)
    if isinstance(agent, OfflineAgent):
        order, config = agent.arrange(streams), config.model_copy(update={"visible": 1})
        streams = streams.reordered(order)
    # a generator is shared by the bins of a batch, so that alone a second bin would be another one
    if rule is not None and config.actions >= LARGE and (len(streams) == 1 or not rule.needs_rng):
        for row in range(len(streams)):
            skip = order is not None
            boxes, positions = large.pack(rule, streams[row : row + 1], config, rng, skip=skip, watch=watch)
            yield boxes, positions if order is None else order[row, positions]
        return
    bins = PackingBatch(config, len(streams), skip=order is not None)
    bins.load(streams)
    while not bins.done.all():
        bins.step(agent.act(bins, rng))
        if watch is not None:
            watch(int(bins.packed.sum()))
    for row in range(len(streams)):
        positions = bins.positions(row)
        yield bins.boxes(row), positions if order is None else order[row, positions]


def _rule(agent: Agent) -> Heuristic | None:
    """Return the heuristic with parts by which an agent places its items, None for none."""
    rule = agent.rule if isinstance(agent, FirstFitDecreasing) else agent
    return rule if isinstance(rule, Heuristic) and rule.around is not None else None


def make_streams(config: EnvConfig, n: int, seed: int) -> Streams:
    """Draw fixed item streams for validation or test.

    Args:
        config: whose item source is drawn from.
        n: number of streams.
        seed: the same seed always gives the same streams; training never draws from this seed's sequence.

    Returns:
        ``n`` streams.

    Example:
        >>> make_streams(EnvConfig(items="random:2-5"), 3, seed=0).items.shape
        (3, 125, 3)
    """
    return config.source().sample(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,))), n)
