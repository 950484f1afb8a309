"""Agents that know all items of a stream before the first is packed, and so choose their order as well."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from binpack.agents.agent import OfflineAgent
from binpack.core.heuristics import HEURISTICS
from binpack.env.batch import PackingBatch
from binpack.items.streams import Streams


class FirstFitDecreasing:
    """Largest volume first, each item at its first feasible place.

    Items of one volume are taken by their longest edge, then their next, then in the order given. The first place is
    the lowest, then the one with lowest x, then lowest y, then the first orientation. What does not fit is skipped.
    First-fit decreasing comes from packing in one dimension (Johnson, "Near-Optimal Bin Packing Algorithms", 1973).
    """

    rule = HEURISTICS["deepest_bottom_left"]

    def arrange(self, streams: Streams) -> NDArray:
        """Return the positions of each stream's items sorted, int64 (N, T); what stands behind its end stays there."""
        return _decreasing(streams.items)

    def act(self, batch: PackingBatch, rng: np.random.Generator) -> NDArray:
        """Return the first place of each bin's item, int64 (n,); -1 for a bin that is done."""
        return self.rule.act(batch, rng)


def _decreasing(items: NDArray) -> NDArray:
    """Return the order of each stream's items by volume, then edges, largest first; (N, T)."""
    edges = np.sort(items.astype(np.int64), axis=2)
    # The last key counts most, and equal items keep their order.
    return np.lexsort((-edges[..., 0], -edges[..., 1], -edges[..., 2], -edges.prod(axis=2)), axis=1)


FIRST_FIT_DECREASING = "first_fit_decreasing"
OFFLINE: dict[str, OfflineAgent] = {FIRST_FIT_DECREASING: FirstFitDecreasing()}
"""The agents of this kind by name."""
