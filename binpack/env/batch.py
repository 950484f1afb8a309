"""A batch of bins in play: the state behind the gymnasium environment and the native vectorised one.

The state is a set of arrays with one row a bin, and all rules are in ``placement``. ``BinPackingEnv`` is this batch
with one row, ``BinPackingVecEnv`` with many, and ``evaluate`` runs it over fixed streams.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.core import placement
from binpack.core.features import contact
from binpack.core.placement import Candidates
from binpack.core.support import Support
from binpack.env.config import EnvConfig
from binpack.items.streams import Streams


class PackingBatch:
    """``n`` bins being packed side by side.

    Args:
        config: bin, items, rules and reward.
        n: number of bins.

    Attributes:
        heights: height maps, int16, (n, L, W).
        visible: stream positions of the visible items, oldest first, -1 for none, int64, (n, k).
        done: True for a bin in which nothing visible fits or no item is left, bool, (n,).
        utilization: packed share of the bin's volume, float64, (n,).
        packed: number of packed items, int64, (n,).
    """

    def __init__(self, config: EnvConfig, n: int = 1) -> None:
        self.config = config
        self.n = n
        self.support = Support.parse(config.support)
        length, width, _ = config.bin_size
        self.heights = np.zeros((n, length, width), np.int16)
        self.visible = np.full((n, config.visible), -1)
        self.done = np.ones(n, bool)
        self.packed = np.zeros(n, np.int64)
        self._volume = np.zeros(n, np.int64)
        self._low = np.zeros((n, 3), np.int64)
        self._high = np.zeros((n, 3), np.int64)
        # The last item of every stream is one without edges, which is what the position -1 then finds.
        self._items = np.zeros((n, 1, 3), np.int32)
        self._upright: NDArray | None = None  # until a stream says which edges may stand upright
        self._lengths = np.zeros(n, np.int64)
        self._next = np.zeros(n, np.int64)
        self._boxes = np.zeros((n, 16, 6), np.int32)
        self._bins = np.arange(n)
        self._slots = np.arange(config.visible)
        self._bin_volume = config.volume
        shape = (n, config.candidates, length, width)
        self._oriented = np.zeros((n, config.candidates, 3), np.int32)
        self._landing = np.full(shape, placement.OUTSIDE, np.int16)
        self._mask = np.zeros(shape, bool)
        self._scale = np.array(config.bin_size, np.float32)
        self._upright_edges = np.array([order[2] for order in placement.ORIENTATIONS[: config.orientations]])

    @property
    def utilization(self) -> NDArray:
        """Packed share of each bin's volume, float64, (n,)."""
        return self._volume / self._bin_volume

    def load(self, streams: Streams, rows: NDArray | None = None) -> None:
        """Empty bins and give each a new stream of items.

        Args:
            streams: one stream a row.
            rows: which bins, integers; all of them by default.
        """
        rows = self._bins if rows is None else np.asarray(rows)
        self._keep_streams(streams, rows)
        self.heights[rows] = 0
        self.packed[rows] = self._volume[rows] = 0
        if self.config.reward == "density":
            self._low[rows] = self.config.bin_size
            self._high[rows] = 0
        lengths = streams.lengths
        self._lengths[rows] = lengths
        self.visible[rows] = np.where(self._slots < lengths[:, None], self._slots, -1)
        self._next[rows] = np.minimum(self.config.visible, lengths)
        self._refresh(rows)

    def branch(self, rows: NDArray, items: NDArray, lengths: NDArray, upright: NDArray | None = None) -> PackingBatch:
        """Return a new batch that goes on from some of these bins with other items to come; this one stays as it is.

        Args:
            rows: which bins, integers (m,); the same one as often as you like.
            items: what follows the visible items, integers (m, T, 3). A bin that shows fewer items than it could has
                no more to come, and its row plays no part.
            lengths: how many of them follow, integers (m,), 0 to T.
            upright: which of their edges may stand upright, bool (m, T, 3), or None where every edge may.
        """
        child = PackingBatch(self.config, len(rows))
        picked = rows[:, None], self.visible[rows]
        shown = (picked[1] >= 0).sum(axis=1)
        if self._upright is not None or upright is not None:
            before = np.True_ if self._upright is None else self._upright[picked]
            after = np.True_ if upright is None else upright
            both = [np.broadcast_to(before, (*picked[1].shape, 3)), np.broadcast_to(after, items.shape)]
            upright = np.concatenate(both, axis=1)
        child._lengths = np.where(shown == self.config.visible, shown + lengths, shown)
        known = np.concatenate([self._items[picked], items], axis=1)
        child._keep_streams(Streams._trusted(known, child._lengths, upright), child._bins)
        child.visible = np.where(self._slots < shown[:, None], self._slots, -1)
        child._next[:] = self.config.visible
        places = ("_boxes", "_oriented", "_landing", "_mask")
        for name in ("heights", "done", "packed", "_volume", "_low", "_high", *places):
            setattr(child, name, getattr(self, name)[rows])
        return child

    def candidates(self) -> Candidates:
        """Return every placement open now (views of the state: copy what must outlive a step)."""
        return Candidates(self.heights, self._oriented, self._landing, self._mask, self.config.bin_size[2])

    def masks(self) -> NDArray:
        """Return the action masks, bool, (n, actions): exactly the legal actions. A copy."""
        return self._mask.reshape(self.n, -1).copy()

    def observation(self, rows: NDArray | slice = slice(None), *, features: str | None = None) -> dict[str, NDArray]:
        """Return what an agent sees, as new arrays.

        Args:
            rows: which bins, integers (n,); all of them by default.
            features: in place of the config's ``features``, for an agent that was trained with others.

        Returns:
            ``heights``: height maps over the bin's height, float32, (n, L, W). ``edges``: the candidates' oriented
            edges over the bin's edges, at most 1, float32, (n, K, 3), zeros for no item or a forbidden orientation.
            ``landing``: landing heights over the bin's height where the placement is feasible and -1 elsewhere,
            float32, (n, K, L, W). ``contact``, only where asked for: see ``features.contact``.
        """
        height = self._scale[2]
        mask = self._mask[rows]
        # The bin's height below 0, which becomes -1, where not feasible. A choice by ``where`` takes longer.
        landing = (self._landing[rows] + self.config.bin_size[2]) * mask
        landing -= self.config.bin_size[2]
        seen = {
            "heights": self.heights[rows] / height,
            "edges": np.minimum(np.divide(self._oriented[rows], self._scale, dtype=np.float32), 1),
            "landing": landing / height,
        }
        if (features or self.config.features) == "contact":
            arrays = (self.heights[rows], self._oriented[rows], self._landing[rows], mask)
            seen["contact"] = contact(Candidates(*arrays, self.config.bin_size[2]))
        return seen

    def step(self, actions: NDArray) -> tuple[NDArray, NDArray]:
        """Place one item in each bin that is not done.

        An action that the mask forbids places nothing and ends that bin's episode with a reward of 0.

        Args:
            actions: integers, (n,).

        Returns:
            ``(rewards, legal)``: float64 (n,), and bool (n,), False for actions that the mask forbids.
        """
        actions = np.asarray(actions).reshape(self.n)
        active = ~self.done
        legal = active & self._mask.reshape(self.n, -1)[self._bins, actions]
        before = self._score()
        self._put(actions, legal)
        self._refresh(_where(active))
        illegal = active & ~legal
        if illegal.any():
            self.done |= illegal
            self._mask[illegal] = False
        if self.config.reward == "terminal":
            return self.utilization * (self.done & legal), legal | ~active
        return self._score() - before, legal | ~active

    def boxes(self, row: int) -> NDArray:
        """Return the packed boxes of a bin in order of placing, int32, (packed, 6): x, y, z, l, w, h. A copy."""
        return self._boxes[row, : self.packed[row]].copy()

    def _score(self) -> NDArray:
        """What the reward measures, (n,): utilization, or density of the bounding box."""
        if self.config.reward != "density":
            return self.utilization
        extent = np.maximum(self._high - self._low, 0).prod(axis=1)
        return self._volume / np.maximum(extent, 1)

    def _put(self, actions: NDArray, legal: NDArray) -> None:
        """Place what the actions say in the bins where that is legal."""
        _, length, width = self.heights.shape
        candidate, cell = np.divmod(actions, length * width)
        x, y = np.divmod(cell, width)
        boxes = np.empty((self.n, 6), np.int32)
        boxes[:, 0], boxes[:, 1] = x, y
        boxes[:, 3:] = self._oriented[self._bins, candidate] * legal[:, None]
        boxes[:, 2] = placement.place(self.heights, boxes[:, 3:], x, y)
        rows = _where(legal)
        self._record(rows, boxes[rows])
        self._take(rows, (candidate // self.config.orientations)[rows])

    def _record(self, rows: NDArray | slice, boxes: NDArray) -> None:
        """Add one box to each of ``rows``, int32, (rows, 6)."""
        if self.packed.max(initial=0) >= self._boxes.shape[1]:
            self._boxes = np.concatenate([self._boxes, np.zeros_like(self._boxes)], axis=1)
        self._boxes[self._bins[rows], self.packed[rows]] = boxes
        self.packed[rows] += 1
        self._volume[rows] += boxes[:, 3:].prod(axis=1, dtype=np.int64)
        if self.config.reward == "density":
            self._low[rows] = np.minimum(self._low[rows], boxes[:, :3])
            self._high[rows] = np.maximum(self._high[rows], boxes[:, :3] + boxes[:, 3:])

    def _take(self, rows: NDArray | slice, slots: NDArray) -> None:
        """Remove the item in a slot of each of ``rows``: later ones move up, and the stream's next item comes last."""
        if self.config.visible > 1:
            before, after = self.visible[rows, :-1], self.visible[rows, 1:]
            self.visible[rows, :-1] = np.where(self._slots[:-1] < slots[:, None], before, after)
        following = self._next[rows]
        self.visible[rows, -1] = np.where(following < self._lengths[rows], following, -1)
        self._next[rows] += 1

    def _refresh(self, rows: NDArray | slice) -> None:
        """Find the candidates of ``rows`` anew, once for the observation, the mask and the end of the episode."""
        bins = self._bins[rows]
        if not len(bins):
            return
        picked = (bins[:, None], self.visible[rows])
        items = placement.orient(self._items[picked], self.config.rotation)
        if self._upright is not None:
            items = items * self._upright[picked][..., self._upright_edges, None]
        oriented = items.reshape(len(bins), -1, 3)
        landing, mask = placement.feasible(self.heights[rows], oriented, self.config.bin_size[2], self.support)
        if isinstance(rows, slice):
            self._oriented, self._landing, self._mask = oriented, landing, mask
        else:
            self._oriented[rows], self._landing[rows], self._mask[rows] = oriented, landing, mask
        self.done[rows] = ~mask.reshape(len(bins), -1).any(axis=1)

    def _keep_streams(self, streams: Streams, rows: NDArray) -> None:
        """Remember the streams of ``rows``, making room for their items and the one without edges behind them."""
        width = streams.horizon
        missing = ((0, 0), (0, max(0, width + 1 - self._items.shape[1])), (0, 0))
        self._items = np.pad(self._items, missing) if missing[1][1] else self._items
        self._items[rows, :width] = streams.items
        self._items[rows, width:] = 0
        if self._upright is not None and missing[1][1]:
            self._upright = np.pad(self._upright, missing, constant_values=True)
        if self._upright is None and streams.upright is not None:
            self._upright = np.ones(self._items.shape, bool)
        if self._upright is not None:
            self._upright[rows] = True
            self._upright[rows, :width] = True if streams.upright is None else streams.upright

    def info(self, row: int, *, placements: bool) -> dict[str, Any]:
        """Return ``utilization``, ``packed`` and, if asked for, ``placements`` of a bin, as plain values."""
        info: dict[str, Any] = {"utilization": float(self.utilization[row]), "packed": int(self.packed[row])}
        if placements:
            info["placements"] = self.boxes(row)
        return info


def _where(flags: NDArray) -> NDArray | slice:
    """Return the rows whose flag is set; as a slice if all are, for that copies nothing."""
    return slice(None) if flags.all() else flags.nonzero()[0]
