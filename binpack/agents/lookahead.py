"""Looking ahead at play time: a trained policy proposes placements, and simulated futures choose among them.

This is a rollout policy (Tesauro and Galperin, "On-line Policy Improvement using Monte-Carlo Search", NIPS 1996) on the
most probable actions alone, cut off after some steps where the critic's estimate takes over. Nothing is trained.

It helps where several items are visible and less depends on the sampled ones. With one visible item it loses. What
comes next in a cut stream fits the pile that the stream has built so far, and a future from another stream does not; on
random items a few futures are probably too few to tell good placements apart. ``agents/shipped/README.md`` has figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from binpack.agents.store import PPOAgent
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.env.rewards import pays_utilization
from binpack.files import InputError
from binpack.items.sources import ItemSource

CELLS = 2**18
"""Most candidate cells that are simulated at a time: a network with 32 channels then holds about 100 MB."""


@dataclass
class Lookahead:
    """Plays a trained agent with simulations of what may come.

    The visible items are known. What comes after them is drawn from a source of items, never read from the stream that
    is being packed.

    Attributes:
        agent: proposes actions, plays the simulations, and values where they end.
        env: whose items are drawn; by default what the agent was trained on. The bin is always the one being packed.
        width: how many of the most probable actions are simulated.
        samples: futures that each of them meets.
        depth: steps that the policy plays after the action.

    Raises:
        ValueError: a number that is too small, or an agent whose critic does not estimate utilization.
    """

    agent: PPOAgent
    env: EnvConfig | None = None
    width: int = 4
    samples: int = 8
    depth: int = 6
    _sources: dict[EnvConfig, ItemSource] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Check the numbers and what the critic was trained for."""
        for name, least in (("width", 1), ("samples", 1), ("depth", 0)):
            if getattr(self, name) < least:
                raise InputError(f"lookahead: {name} is {getattr(self, name)}, expected {least} or more")
        reward = self.agent.config.env.reward
        if pays_utilization(reward) is None:
            raise InputError(
                f"lookahead compares utilization, which an agent trained with reward {reward} cannot value"
            )

    def act(self, batch: PackingBatch, rng: np.random.Generator) -> NDArray:
        """Return the action with the best mean value over the simulated futures, int64 (n,); 0 for a bin that is done.

        Equal means go to the action that the policy finds more probable.

        Raises:
            ValueError: if the agent cannot play these bins, or its items cannot be made for them.
        """
        scores = self.agent.scores(batch)
        first = np.argsort(-scores, axis=1, kind="stable")[:, : self.width]
        actions = first[:, 0].copy()
        rows = np.flatnonzero(np.isfinite(scores).sum(axis=1) > 1)
        chunk = max(1, CELLS // (batch.config.actions * self.width * self.samples))
        for start in range(0, len(rows), chunk):
            part = rows[start : start + chunk]
            values = self._simulate(batch, part, first[part], rng)
            values[~np.isfinite(np.take_along_axis(scores[part], first[part], axis=1))] = -np.inf
            actions[part] = first[part, values.argmax(axis=1)]
        return actions

    def _simulate(self, batch: PackingBatch, rows: NDArray, first: NDArray, rng: np.random.Generator) -> NDArray:
        """Return the mean utilization that the first actions (R, width) of some bins lead to, float64, (R, width)."""
        shape = (*first.shape, self.samples)
        # Every action of a bin meets the same futures (common random numbers): what the draw of the items adds to all
        # of them cancels in the comparison, which so takes far fewer samples than independent draws would.
        futures = np.arange(len(rows) * self.samples).reshape(len(rows), 1, self.samples)
        met = np.broadcast_to(futures, shape).reshape(-1)
        items, lengths, upright = self._futures(batch, rows, rng)
        upright = None if upright is None else upright[met]
        repeated = np.repeat(rows, first.shape[1] * self.samples)
        bins = batch.branch(repeated, items[met], lengths[met], upright)
        bins.step(np.repeat(first.reshape(-1), self.samples))
        for _ in range(self.depth):
            if bins.done.all():
                break
            bins.step(self.agent.act(bins, rng))
        values = self.agent.values(bins).astype(float)
        # Where the last step pays for all, the critic estimates the whole utilization, else what is still to come.
        whole = bins.done | (pays_utilization(self.agent.config.env.reward) == "step")
        return (values + bins.utilization * whole).reshape(shape).mean(axis=2)

    def _futures(
        self, batch: PackingBatch, rows: NDArray, rng: np.random.Generator
    ) -> tuple[NDArray, NDArray, NDArray | None]:
        """Draw what may come after the visible items: ``samples`` futures a bin, one bin's side by side.

        A future is a fresh stream from where it has brought as much volume as the bin has seen. So the items of a cut
        bin come to its whole volume again, and those that a stream brings late come late.

        Returns:
            Items int32 (F, T, 3), lengths int64 (F,) and which edges may stand upright, bool (F, T, 3) or None, where
            T covers as many items as a simulation places.
        """
        drawn = self._source(batch).sample(rng, len(rows) * self.samples)
        volumes = drawn.items.prod(axis=2, dtype=np.int64).cumsum(axis=1)
        start = (volumes < np.repeat(_volume_seen(batch, rows), self.samples)[:, None]).sum(axis=1) + 1
        at = start[:, None] + np.arange(self.depth + 1)
        inside = at < drawn.lengths[:, None]
        picked = np.arange(len(drawn))[:, None], np.minimum(at, drawn.horizon - 1)
        upright = None if drawn.upright is None else drawn.upright[picked]
        return drawn.items[picked] * inside[..., None], inside.sum(axis=1), upright

    def _source(self, batch: PackingBatch) -> ItemSource:
        """Return the source of futures for a batch's bin; each is made once."""
        env = self.env or self.agent.config.env
        env = env.model_copy(update={name: getattr(batch.config, name) for name in ("bin_size", "rotation")})
        if env not in self._sources:
            self._sources[env] = env.source()
        return self._sources[env]


def _volume_seen(batch: PackingBatch, rows: NDArray) -> NDArray:
    """Return the volume of the packed and the visible items, in cells, int64 (R,)."""
    config = batch.config
    packed = np.rint(batch.utilization[rows] * config.volume).astype(np.int64)
    oriented = batch.candidates().items[rows].reshape(len(rows), config.visible, config.orientations, 3)
    # the edges of a forbidden orientation are zeros
    return packed + oriented.prod(axis=3, dtype=np.int64).max(axis=2).sum(axis=1)
