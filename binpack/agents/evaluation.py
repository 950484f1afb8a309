"""Playing fixed streams of items with an agent or a heuristic, and saying how far the result can be trusted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from binpack.core import geometry, heuristics
from binpack.core.statistics import bootstrap_ci
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.items.streams import Streams


class Agent(Protocol):
    """Anything that picks an action for every bin of a batch."""

    def act(self, batch: PackingBatch, rng: np.random.Generator) -> NDArray:
        """Return one action a bin, integers (n,); what it returns for a bin that is done is ignored."""
        ...


@dataclass(frozen=True)
class HeuristicAgent:
    """Plays a score function greedily over the feasible placements.

    Attributes:
        score: from ``Candidates`` to scores (B, K, L, W), higher is better.
        random: pick uniformly among the placements with the best score instead of the first of them.
    """

    score: Callable
    random: bool = False

    def act(self, batch: PackingBatch, rng: np.random.Generator) -> NDArray:
        """Return the feasible action with the highest score for each bin, int64 (n,)."""
        candidates = batch.candidates()
        return heuristics.choose(self.score(candidates), candidates.mask, rng if self.random else None)


@dataclass(frozen=True)
class Evaluation:
    """What an agent did on each stream.

    Attributes:
        utilization: packed share of the bin, float64, (N,).
        packed: number of packed items, int64, (N,).
        boxes: placed boxes of each stream, int arrays (packed, 6).
        seconds: wall time of play and verification.
        ci: 95 % bootstrap interval of the mean utilization over the streams.
    """

    utilization: NDArray
    packed: NDArray
    boxes: list[NDArray]
    seconds: float
    ci: tuple[float, float]

    @property
    def mean(self) -> float:
        """Mean utilization."""
        return float(self.utilization.mean())

    def __str__(self) -> str:
        low, high = self.ci
        items, streams = self.packed.mean(), len(self.packed)
        return f"utilization {self.mean:.1%} [{low:.1%}, {high:.1%}], {items:.1f} items, {streams} streams"


def evaluate(
    agent: str | Agent,
    streams: Streams,
    config: EnvConfig,
    *,
    seed: int = 0,
    batch: int = 256,
    verify: bool = True,
) -> Evaluation:
    """Let an agent pack every stream once, into an empty bin each.

    Args:
        agent: the name of a heuristic (see ``heuristics.HEURISTICS``) or an agent.
        streams: the items.
        config: bin, visible items, rotation and support rule; its item source plays no part.
        seed: for agents that act at random, and for the bootstrap.
        batch: how many bins are packed side by side.
        verify: check every finished packing with ``geometry``, which shares no code with what packed it.

    Returns:
        The results in the order of the streams.

    Raises:
        ValueError: if the heuristic is unknown or there are no streams.
        GeometryError: if a packing is wrong; that would be a bug.
    """
    if len(streams) == 0:
        raise ValueError("there are no streams to evaluate on")
    started = time.perf_counter()
    rng = np.random.default_rng(seed)
    player = named_heuristic(agent) if isinstance(agent, str) else agent
    boxes: list[NDArray] = []
    for start in range(0, len(streams), batch):
        boxes += _play(player, streams[start : start + batch], config, rng)
    if verify:
        for packing in boxes:
            geometry.check(packing, config.bin_size, config.support)
    utilization = np.array([packing[:, 3:].prod(axis=1, dtype=np.int64).sum() for packing in boxes]) / config.volume
    packed = np.array([len(packing) for packing in boxes])
    interval = bootstrap_ci(utilization, np.random.default_rng(seed))
    return Evaluation(utilization, packed, boxes, time.perf_counter() - started, interval)


def _play(agent: Agent, streams: Streams, config: EnvConfig, rng: np.random.Generator) -> list[NDArray]:
    bins = PackingBatch(config, len(streams))
    bins.load(streams)
    while not bins.done.all():
        bins.step(agent.act(bins, rng))
    return [bins.boxes(row) for row in range(len(streams))]


def named_heuristic(name: str) -> HeuristicAgent:
    """Return the heuristic of that name as an agent.

    Raises:
        ValueError: one line with the names that exist.
    """
    if name not in heuristics.HEURISTICS:
        raise ValueError(f"heuristic {name!r} is not one of {', '.join(heuristics.HEURISTICS)}")
    return HeuristicAgent(heuristics.HEURISTICS[name], random=name == "random")


def make_streams(config: EnvConfig, n: int, seed: int) -> Streams:
    """Draw fixed item streams for validation or test.

    Args:
        config: whose item source is drawn from.
        n: number of streams.
        seed: the same seed always gives the same streams; training never draws from this seed's sequence.

    Returns:
        ``n`` streams.
    """
    return config.source().sample(np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,))), n)
