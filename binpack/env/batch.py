"""A batch of bins in play: the state behind the gymnasium environment and the native vectorised one.

The state is a set of arrays with one row a bin, and all rules are in ``placement``. ``BinPackingEnv`` is this batch
with one row, ``BinPackingVecEnv`` with many, and ``evaluate`` runs it over fixed streams.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.core import placement
from binpack.core.placement import Candidates
from binpack.core.support import support_rule
from binpack.env.config import EnvConfig
from binpack.env.observations import FEATURES, Features
from binpack.env.rewards import REWARDS, Step, new_memory
from binpack.files import InputError
from binpack.items.streams import Streams


@dataclass
class _Bins:
    """All that distinguishes one bin of a batch from another, but for its stream: arrays with a row a bin.

    What is kept for each bin belongs here: a branch takes its rows, whatever they are.
    """

    heights: NDArray
    """Height maps, int16, (n, L, W)."""
    visible: NDArray
    """Stream positions of the visible items, oldest first, -1 for none, int64, (n, k)."""
    done: NDArray
    """Whether the episode is over, bool, (n,)."""
    packed: NDArray
    """Number of packed items, int64, (n,)."""
    volume: NDArray
    """Their volume in cells, int64, (n,)."""
    boxes: NDArray
    """Packed boxes in order of placing, int32, (n, as many as any bin needs, 6)."""
    positions: NDArray
    """Which item of its stream each of those boxes is, int64, (n, as many)."""
    lengths: NDArray
    """Number of items in each stream, int64, (n,)."""
    next: NDArray
    """Stream position of the item to show next, int64, (n,)."""
    oriented: NDArray
    """Edges of the candidates, int32, (n, K, 3)."""
    landing: NDArray
    """Their landing heights, int16, (n, K, L, W)."""
    mask: NDArray
    """Where they can be placed, bool, (n, K, L, W)."""
    memory: dict[str, NDArray]
    """What the reward keeps."""

    def take(self, rows: NDArray) -> _Bins:
        """Return copies of some bins, integers (m,)."""
        return _Bins(**{field.name: _rows(getattr(self, field.name), rows) for field in fields(self)})


_FOUND = ("oriented", "landing", "mask")
"""What is found anew from the rest."""


def _rows(values: Any, rows: NDArray) -> Any:
    """Return some rows of an array, or of each array of a dict."""
    return {name: value[rows] for name, value in values.items()} if isinstance(values, dict) else values[rows]


class PackingBatch:
    """``n`` bins being packed side by side.

    Example:
        >>> batch = PackingBatch(EnvConfig(bin_size=(4, 4, 4), items="random:2-2"), n=3)
        >>> batch.load(batch.config.source().sample(np.random.default_rng(0), 3))
        >>> rewards, legal = batch.step(batch.masks().argmax(axis=1))
        >>> rewards.tolist(), batch.utilization.tolist()
        ([0.125, 0.125, 0.125], [0.125, 0.125, 0.125])

    Args:
        config: bin, items, rules and reward.
        n: number of bins.
        skip: what happens where no visible item fits. False: the episode ends, as in the environments. True, for
            packers that choose the order of the items beforehand: the oldest visible item is passed over for good and
            the stream's next one is shown, until something fits or no further item comes.

    Raises:
        ValueError: the config names a reward or features that are not here.
    """

    def __init__(self, config: EnvConfig, n: int = 1, *, skip: bool = False) -> None:
        self.config = config
        self.n = n
        self.skip = skip
        self.support = support_rule(config.support)
        self._reward = REWARDS.get(config.reward)
        self._features = FEATURES.get(config.features)
        length, width, _ = config.bin_size
        shape = (n, config.candidates, length, width)
        memory, self._empty_memory = new_memory(self._reward, n, config.bin_size)
        self._state = _Bins(
            heights=np.zeros((n, length, width), np.int16),
            visible=np.full((n, config.visible), -1),
            done=np.ones(n, bool),
            packed=np.zeros(n, np.int64),
            volume=np.zeros(n, np.int64),
            boxes=np.zeros((n, 16, 6), np.int32),
            positions=np.zeros((n, 16), np.int64),
            lengths=np.zeros(n, np.int64),
            next=np.zeros(n, np.int64),
            oriented=np.zeros((n, config.candidates, 3), np.int32),
            landing=np.full(shape, placement.OUTSIDE, np.int16),
            mask=np.zeros(shape, bool),
            memory=memory,
        )
        # The streams, which a branch replaces; the last item is one without edges, which is what position -1 finds.
        self._items = np.zeros((n, 1, 3), np.int32)
        self._upright: NDArray | None = None  # until a stream says which edges may stand upright
        self._bins = np.arange(n)
        self._slots = np.arange(config.visible)
        self._places = (n, config.actions)
        self._orientations = config.orientations
        self._tall = config.bin_size[2]
        self._bin_volume = config.volume
        self._scale = np.array(config.bin_size, np.float32)
        self._upright_edges = np.array([order[2] for order in placement.ORIENTATIONS[: config.orientations]])

    @property
    def heights(self) -> NDArray:
        """Height maps in cells, int16, (n, L, W)."""
        return self._state.heights

    @property
    def visible(self) -> NDArray:
        """Stream positions of the visible items, oldest first, -1 for none, int64, (n, k)."""
        return self._state.visible

    @property
    def done(self) -> NDArray:
        """True for a bin in which nothing visible fits or no item is left, bool, (n,)."""
        return self._state.done

    @property
    def packed(self) -> NDArray:
        """Number of packed items, int64, (n,)."""
        return self._state.packed

    @property
    def utilization(self) -> NDArray:
        """Packed share of each bin's volume, float64, (n,)."""
        return self._state.volume / self._bin_volume

    def load(self, streams: Streams, rows: NDArray | None = None) -> None:
        """Empty bins and give each a new stream of items.

        Args:
            streams: one stream a row.
            rows: which bins, integers; all of them by default.
        """
        state = self._state
        rows = self._bins if rows is None else np.asarray(rows)
        self._keep_streams(streams, rows)
        state.heights[rows] = 0
        state.packed[rows] = state.volume[rows] = 0
        for name, empty in self._empty_memory.items():
            state.memory[name][rows] = empty
        lengths = streams.lengths
        state.lengths[rows] = lengths
        state.visible[rows] = np.where(self._slots < lengths[:, None], self._slots, -1)
        state.next[rows] = np.minimum(self.config.visible, lengths)
        self._show(rows)

    def state(self) -> dict[str, Any]:
        """Return copies of the arrays that say all of the bins and their streams, by name; ``restore`` takes them."""
        state = {field.name: getattr(self._state, field.name) for field in fields(self._state)}
        kept = {name: value.copy() for name, value in state.items() if name not in _FOUND and name != "memory"}
        memory = {name: value.copy() for name, value in self._state.memory.items()}
        upright = None if self._upright is None else self._upright.copy()
        return {**kept, "memory": memory, "items": self._items.copy(), "upright": upright}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Make the bins what others of the same configuration and number were.

        Args:
            state: the others' ``state()``; its arrays become this batch's own.
        """
        rest = dict(state)
        self._items, self._upright = rest.pop("items"), rest.pop("upright")
        self._state = replace(self._state, **rest)
        self._refresh(slice(None))
        # a bin may be done for another reason than that nothing fits: an action that the mask forbids
        ended = state["done"] & ~self._state.done
        self._state.done |= ended
        self._state.mask[ended] = False

    def branch(self, rows: NDArray, items: NDArray, lengths: NDArray, upright: NDArray | None = None) -> PackingBatch:
        """Return a new batch that goes on from some of these bins with other items to come; this one stays as it is.

        Args:
            rows: which bins, integers (m,); the same one as often as you like.
            items: what follows the visible items, integers (m, T, 3). A bin that shows fewer items than it could has
                no more to come, and its row plays no part.
            lengths: how many of them follow, integers (m,), 0 to T.
            upright: which of their edges may stand upright, bool (m, T, 3), or None where every edge may.
        """
        child = PackingBatch(self.config, len(rows), skip=self.skip)
        state = child._state = self._state.take(rows)
        picked = rows[:, None], state.visible
        shown = (state.visible >= 0).sum(axis=1)
        if self._upright is not None or upright is not None:
            before = np.True_ if self._upright is None else self._upright[picked]
            after = np.True_ if upright is None else upright
            both = [np.broadcast_to(before, (*state.visible.shape, 3)), np.broadcast_to(after, items.shape)]
            upright = np.concatenate(both, axis=1)
        known = np.concatenate([self._items[picked], items], axis=1)
        state.lengths = np.where(shown == self.config.visible, shown + lengths, shown)
        child._keep_streams(Streams._trusted(known, state.lengths, upright), child._bins)
        state.visible = np.where(self._slots < shown[:, None], self._slots, -1)
        state.next = np.full(len(rows), self.config.visible)
        state.positions[:] = -1
        return child

    def candidates(self) -> Candidates:
        """Return every placement open now (views of the state: copy what must outlive a step)."""
        state = self._state
        return Candidates(state.heights, state.oriented, state.landing, state.mask, self._tall)

    def masks(self) -> NDArray:
        """Return the action masks, bool, (n, actions): exactly the legal actions. A copy."""
        return self._state.mask.reshape(self.n, -1).copy()

    def observation(self, rows: NDArray | slice = slice(None), *, features: str | None = None) -> dict[str, NDArray]:
        """Return what an agent sees, as new arrays.

        Args:
            rows: which bins, integers (n,); all of them by default.
            features: in place of the config's ``features``, for an agent that was trained with others.

        Returns:
            ``heights``: height maps over the bin's height, float32, (n, L, W). ``edges``: the candidates' oriented
            edges over the bin's edges, at most 1, float32, (n, K, 3), zeros for no item or a forbidden orientation.
            ``landing``: landing heights over the bin's height where the placement is feasible and -1 elsewhere,
            float32, (n, K, L, W). And what the features add: ``contact`` for those of that name, see
            ``core.features.contact``.
        """
        state, tall, height = self._state, self._tall, self._scale[2]
        heights, oriented = state.heights[rows], state.oriented[rows]
        low, mask = state.landing[rows], state.mask[rows]
        # The bin's height below 0, which becomes -1, where not feasible. A choice by ``where`` takes longer.
        landing = (low + tall) * mask
        landing -= tall
        seen = {
            "heights": heights / height,
            "edges": np.minimum(np.divide(oriented, self._scale, dtype=np.float32), 1),
            "landing": landing / height,
        }
        chosen = self._features if features is None else self._feature_set(features)
        return seen | chosen.compute(Candidates(heights, oriented, low, mask, tall))

    def _feature_set(self, name: str) -> Features:
        return self._features if name == self.config.features else FEATURES.get(name)

    def step(self, actions: NDArray) -> tuple[NDArray, NDArray]:
        """Place one item in each bin that is not done.

        An action that the mask forbids places nothing and ends that bin's episode with a reward of 0.

        Args:
            actions: integers, (n,); those of bins that are done are ignored.

        Returns:
            ``(rewards, legal)``: float64 (n,), and bool (n,), False for actions that the mask forbids.

        Raises:
            ValueError: actions are not n integers, or one of a bin in play is not in 0 to ``config.actions - 1``.
        """
        state = self._state
        active = ~state.done
        actions, places = self._checked(np.asarray(actions), active)
        legal = active & state.mask.reshape(-1)[places]
        rows = _where(legal)
        every = isinstance(rows, slice)
        before = self.utilization
        boxes = self._put(actions, legal, rows)
        self._show(rows if every else _where(active))
        if not every:
            illegal = active & ~legal
            if illegal.any():
                state.done |= illegal
                state.mask[illegal] = False
        after, size = self.utilization, self.config.bin_size
        step = Step(boxes, legal, state.done, before, after, state.volume, state.heights, size, state.memory)
        rewards = self._earned(step)
        return (rewards, legal) if every else (np.where(legal, rewards, 0.0), legal | ~active)

    def _earned(self, step: Step) -> NDArray:
        """Return the rewards, float64 (n,)."""
        rewards = np.asarray(self._reward(step), np.float64)
        if rewards.shape != (self.n,):
            raise InputError(f"reward {self.config.reward!r} returned shape {rewards.shape}, expected ({self.n},)")
        return rewards

    def _checked(self, actions: NDArray, active: NDArray) -> tuple[NDArray, NDArray]:
        """Return the actions and where the flat mask says whether they are legal, int64 (n,) both.

        Actions outside the range of bins that are done become 0.
        """
        if actions.size != self.n or actions.dtype.kind not in "iu":
            raise InputError(f"actions must be {self.n} integers, got {actions.dtype} of shape {actions.shape}")
        actions = actions.reshape(self.n).astype(np.int64, copy=False)
        try:
            # unlike an index, this refuses negative numbers; it costs as much
            return actions, np.ravel_multi_index((self._bins, actions), self._places)
        except ValueError:
            outside = (actions < 0) | (actions >= self.config.actions)
        wrong = np.flatnonzero(outside & active)
        if len(wrong):
            raise InputError(
                f"action {actions[wrong[0]]} of bin {wrong[0]} is not in 0..{self.config.actions - 1}"
            ) from None
        actions = np.where(outside, 0, actions)
        return actions, self._bins * self.config.actions + actions

    def boxes(self, row: int) -> NDArray:
        """Return the packed boxes of a bin in order of placing, int32, (packed, 6): x, y, z, l, w, h. A copy."""
        return self._state.boxes[row, : self._state.packed[row]].copy()

    def positions(self, row: int) -> NDArray:
        """Return which item of its stream each of ``boxes(row)`` is, int64, (packed,). A copy.

        A branch counts what it shows first and what follows; what was packed before it was made has -1 there.
        """
        return self._state.positions[row, : self._state.packed[row]].copy()

    def _put(self, actions: NDArray, legal: NDArray, rows: NDArray | slice) -> NDArray:
        """Place what the actions say in the bins where that is legal, ``rows``; return the boxes, int32 (n, 6)."""
        state = self._state
        _, length, width = state.heights.shape
        candidate, cell = np.divmod(actions, length * width)
        x, y = np.divmod(cell, width)
        boxes = np.empty((self.n, 6), np.int32)
        boxes[:, 0], boxes[:, 1] = x, y
        boxes[:, 3:] = state.oriented[self._bins, candidate] * legal[:, None]
        boxes[:, 2] = placement.place(state.heights, boxes[:, 3:], x, y)
        slots = (candidate // self._orientations)[rows]
        self._record(rows, boxes[rows], state.visible[self._bins[rows], slots])
        self._take(rows, slots)
        return boxes

    def _record(self, rows: NDArray | slice, boxes: NDArray, positions: NDArray) -> None:
        """Add one box to each of ``rows``, int32 (rows, 6), and which item of the stream it is, int64 (rows,)."""
        state = self._state
        if state.packed.max(initial=0) >= state.boxes.shape[1]:
            state.boxes = np.concatenate([state.boxes, np.zeros_like(state.boxes)], axis=1)
            state.positions = np.concatenate([state.positions, np.zeros_like(state.positions)], axis=1)
        last = self._bins[rows], state.packed[rows]
        state.boxes[last], state.positions[last] = boxes, positions
        state.packed[rows] += 1
        state.volume[rows] += boxes[:, 3:].prod(axis=1, dtype=np.int64)

    def _take(self, rows: NDArray | slice, slots: NDArray) -> None:
        """Remove the item in a slot of each of ``rows``: later ones move up, and the stream's next item comes last."""
        state = self._state
        if self.config.visible > 1:
            before, after = state.visible[rows, :-1], state.visible[rows, 1:]
            state.visible[rows, :-1] = np.where(self._slots[:-1] < slots[:, None], before, after)
        following = state.next[rows]
        state.visible[rows, -1] = np.where(following < state.lengths[rows], following, -1)
        state.next[rows] += 1

    def _show(self, rows: NDArray | slice) -> None:
        """Find what can be done in ``rows`` now; where nothing can and ``skip`` is set, pass over items."""
        self._refresh(rows)
        if self.skip:
            state, stuck = self._state, self._bins[rows]
            while len(stuck := stuck[state.done[stuck] & (state.next[stuck] < state.lengths[stuck])]):
                self._take(stuck, np.zeros(len(stuck), np.int64))
                self._refresh(stuck)

    def _refresh(self, rows: NDArray | slice) -> None:
        """Find the candidates of ``rows`` anew, once for the observation, the mask and the end of the episode."""
        state = self._state
        bins = self._bins[rows]
        if not len(bins):
            return
        picked = (bins[:, None], state.visible[rows])
        items = placement.orient(self._items[picked], self.config.rotation)
        if self._upright is not None:
            items = items * self._upright[picked][..., self._upright_edges, None]
        oriented = items.reshape(len(bins), -1, 3)
        landing, mask = placement.feasible(state.heights[rows], oriented, self._tall, self.support)
        if isinstance(rows, slice):
            state.oriented, state.landing, state.mask = oriented, landing, mask
        else:
            state.oriented[rows], state.landing[rows], state.mask[rows] = oriented, landing, mask
        state.done[rows] = ~mask.reshape(len(bins), -1).any(axis=1)

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
