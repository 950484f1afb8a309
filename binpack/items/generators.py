"""Sequences of items: random draws, and bins cut into pieces.

Every generator takes an explicit `numpy.random.Generator`, works on a whole batch of sequences at once, and returns
`Streams`. The cutters start from the finished packing, so a perfect packing of their items is known to exist.

References:
    Zhao, She, Zhu, Yang, Xu (2021). Online 3D Bin Packing with Constrained Deep Reinforcement Learning. AAAI.
    Laterre et al. (2018). Ranked Reward: Enabling Self-Play Reinforcement Learning for Combinatorial Optimization.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from binpack.items.cutting import cut_1_boxes, cut_2_boxes, cut_horizon, split_boxes, split_range
from binpack.items.streams import Streams
from binpack.items.units import MAX_ITEMS, InstanceError, check_range, parse_bin

MAX_RANDOM_HORIZON = 1000
"""Longest default sequence of `random_items`."""


def check_call(bin_size: Sequence[int], n: int, rng: np.random.Generator) -> tuple[int, int, int]:
    """Return the bin as a tuple of ints; `InstanceError` for a bad bin, number of sequences or generator."""
    bin_size = parse_bin(bin_size)
    check_draw(n, rng)
    return bin_size


def check_draw(n: int, rng: np.random.Generator) -> None:
    """Raise `InstanceError` for a bad number of sequences or generator."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise InstanceError(f"n {n!r}: expected a number of sequences from 1 up")
    if not isinstance(rng, np.random.Generator):
        raise InstanceError(
            f"rng {type(rng).__name__}: expected a numpy.random.Generator (numpy.random.default_rng(seed))"
        )


@lru_cache(maxsize=4, typed=True)
def box_of_edges(low: int, high: int) -> np.ndarray:
    """Return all items whose three edges lie in the closed range [low, high]: ``(M, 3)`` int32."""
    check_range(low, high, "edges")
    if (high - low + 1) ** 3 > 1_000_000:
        raise InstanceError(f"edges {low}-{high}: {(high - low + 1) ** 3} kinds of items, expected at most 1000000")
    edge = np.arange(low, high + 1, dtype=np.int32)
    items = np.stack(np.meshgrid(edge, edge, edge, indexing="ij"), axis=-1).reshape(-1, 3)
    items.flags.writeable = False  # every caller gets this same array
    return items


def random_horizon(bin_size: tuple[int, int, int], item_set: np.ndarray) -> int:
    volume = int(np.prod(bin_size))
    return min(MAX_RANDOM_HORIZON, -(-volume // int(item_set.astype(np.int64).prod(axis=1).min())))


def random_items(
    bin_size: Sequence[int],
    n: int,
    rng: np.random.Generator,
    *,
    edges: tuple[int, int] = (2, 5),
    item_set: np.ndarray | None = None,
    horizon: int | None = None,
) -> Streams:
    """Draw items uniformly and independently from a set (the "RS" sequences of Zhao et al. 2021).

    Example:
        >>> random_items((10, 10, 10), 3, np.random.default_rng(0), edges=(1, 5), horizon=150).items.shape
        (3, 150, 3)

    Args:
        bin_size: The bin's edges in cells; only its volume matters here.
        n: Number of sequences.
        rng: Source of randomness.
        edges: The set is every item with all edges in this closed range.
        item_set: ``(M, 3)`` positive integers, instead of `edges`.
        horizon: Items in each sequence. Default: as many of the smallest item as make up the bin's volume, at most
            1000.

    Returns:
        `Streams` of n sequences, all `horizon` long.

    Raises:
        InstanceError: Bad arguments.
    """
    bin_size = check_call(bin_size, n, rng)
    if item_set is None:
        item_set = box_of_edges(*edges)
    item_set = np.asarray(item_set)
    if item_set.ndim != 2 or item_set.shape[1] != 3 or not len(item_set) or item_set.dtype.kind not in "iu":
        raise InstanceError(f"item_set has shape {item_set.shape} of {item_set.dtype}: expected (M, 3) integers")
    item_set = item_set.astype(np.int32)
    if item_set.min() < 1:
        raise InstanceError(f"item_set holds {item_set.min()}: expected edges from 1 cell up")
    horizon = random_horizon(bin_size, item_set) if horizon is None else horizon
    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer) or not 1 <= horizon <= MAX_ITEMS:
        raise InstanceError(f"horizon {horizon!r}: expected a whole number from 1 to {MAX_ITEMS}")
    return draw(item_set, n, rng, horizon)


def draw(item_set: np.ndarray, n: int, rng: np.random.Generator, horizon: int) -> Streams:
    """Return n sequences drawn from a checked set of items, ``(M, 3)`` int32."""
    items = item_set.take(rng.integers(len(item_set), size=(n, horizon)), axis=0)
    return Streams._trusted(items, np.full(n, horizon, dtype=np.int64), None)


def _streams(boxes: np.ndarray, lengths: np.ndarray, horizon: int) -> Streams:
    items = np.zeros((len(boxes), horizon, 3), dtype=np.int32)
    items[:, : boxes.shape[1]] = boxes[..., 3:]
    return Streams(items, lengths.astype(np.int64))


def cut_1(bin_size: Sequence[int], n: int, rng: np.random.Generator, *, low: int = 2, high: int = 5) -> Streams:
    """Cut bins into items, in the order of the heights of their bases ("CUT-1" of Zhao et al. 2021, appendix).

    A piece with an edge over `high` is cut along one of its too long edges (uniform), at a place that leaves two parts
    which can still end in [low, high] (uniform). Pieces whose bases are equally high come in random order.

    Example:
        >>> streams = cut_1((6, 6, 6), 2, np.random.default_rng(0))
        >>> streams.items.prod(axis=2).sum(axis=1).tolist()  # the volume of the bin, every time
        [216, 216]

    Args:
        bin_size: The bin's edges in cells.
        n: Number of sequences.
        rng: Source of randomness.
        low: Shortest edge of an item.
        high: Longest edge of an item.

    Returns:
        `Streams`; the volumes of a sequence sum to the bin's. T depends on the arguments alone, not on the draw.

    Raises:
        InstanceError: Bad arguments, or a bin edge that is no sum of edges in [low, high].
    """
    bin_size = check_call(bin_size, n, rng)
    horizon = cut_horizon(bin_size, low, high, "cut_1")
    return _streams(*cut_1_boxes(bin_size, n, rng, low, high), horizon)


def cut_2(bin_size: Sequence[int], n: int, rng: np.random.Generator, *, low: int = 2, high: int = 5) -> Streams:
    """Cut bins into items, in a random order in which supports come first ("CUT-2" of Zhao et al. 2021, appendix).

    The cuts are those of `cut_1`. A piece may come once all pieces directly below it (their top touches its base, their
    footprints overlap) have come; each step takes one of the pieces that may come, all equally likely.

    Args:
        bin_size: The bin's edges in cells.
        n: Number of sequences.
        rng: Source of randomness.
        low: Shortest edge of an item.
        high: Longest edge of an item.

    Returns:
        `Streams`; the volumes of a sequence sum to the bin's. T depends on the arguments alone, not on the draw.

    Raises:
        InstanceError: Bad arguments, or a bin edge that is no sum of edges in [low, high].
    """
    bin_size = check_call(bin_size, n, rng)
    horizon = cut_horizon(bin_size, low, high, "cut_2")
    return _streams(*cut_2_boxes(bin_size, n, rng, low, high), horizon)


def split_bin(
    bin_size: Sequence[int], n: int, rng: np.random.Generator, *, items: int | tuple[int, int] = 10
) -> Streams:
    """Split bins into a wanted number of items (after Laterre et al. 2018, Ranked Reward, appendix, Algorithm 2).

    Until there are enough pieces: pick a piece with probability proportional to its volume, an axis with probability
    proportional to the piece's edge, and a place on that edge by its distance to the edge's centre; replace the piece
    by its two parts. Where those words leave room, this follows the algorithm's public reimplementations: a place p on
    an edge e has a probability proportional to ``|p - e / 2|``, so unequal parts are likely (with e = 2 the middle is
    the only place). Ours alone: cuts are at whole cells and parts have edges from 1 cell up, pieces of one cell are
    never picked, parts are not rotated (the environment rotates), and the items come in random order.

    Example:
        >>> split_bin((6, 6, 6), 2, np.random.default_rng(0), items=7).lengths.tolist()
        [7, 7]

    Args:
        bin_size: The bin's edges in cells.
        n: Number of sequences.
        rng: Source of randomness.
        items: Number of items in a sequence, or the closed range from which each sequence draws its own (uniform).

    Returns:
        `Streams` with T the largest number of items; the volumes of a sequence sum to the bin's.

    Raises:
        InstanceError: Bad arguments, or more items than the bin has cells.
    """
    bin_size = check_call(bin_size, n, rng)
    least, most = split_range(bin_size, items)
    return _streams(*split_boxes(bin_size, n, rng, least, most), most)
