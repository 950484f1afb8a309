"""Bins cut into pieces, a whole batch of bins at once: the boxes behind `cut_1`, `cut_2` and `split_bin`.

A box is x, y, z, length, width, height in cells. The cutters start from the finished packing, so a perfect packing of
their pieces is known to exist.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from binpack.items.units import MAX_ITEMS, InstanceError, check_range


@lru_cache(maxsize=16)
def _cuts(longest: int, low: int, high: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tabulate where an edge may be cut so that both parts can still end as sums of edges in [low, high].

    An edge e is such a sum exactly if k * low <= e <= k * high for some k.

    Returns:
        Three tables by edge, from 0 to `longest`: bool, is it such a sum; the number of its permitted cuts; and the
        permitted cuts, ``(longest + 1, longest + 1)``, first in each row.
    """
    edge = np.arange(longest + 1)
    possible = (edge > 0) & (-(-edge // high) * low <= edge)
    rest = edge[:, None] - edge
    permitted = (rest > 0) & possible & possible[np.maximum(rest, 0)]
    where = np.argsort(~permitted, axis=1, kind="stable").astype(np.int16)
    tables = possible, permitted.sum(axis=1), where
    for table in tables:
        table.flags.writeable = False
    return tables


def cut_horizon(bin_size: tuple[int, int, int], low: int, high: int, name: str) -> int:
    """Return the largest number of pieces; `InstanceError` where the bin cannot be cut into edges in [low, high]."""
    check_range(low, high, f"{name}: edges")
    possible, _, _ = _cuts(max(bin_size), low, high)
    for edge in bin_size:
        if not possible[edge]:
            shown = "x".join(map(str, bin_size))
            raise InstanceError(
                f"{name}: bin {shown}: edge {edge} is no sum of edges from {low} to {high}: choose other edges"
            )
    # Every piece holds exactly one point of a lattice of step `low`, or more.
    horizon = int(np.prod([edge // low for edge in bin_size]))
    if horizon > MAX_ITEMS:
        shown = "x".join(map(str, bin_size))
        raise InstanceError(
            f"{name}: bin {shown} may fall into {horizon} pieces: expected at most {MAX_ITEMS}, use longer edges"
        )
    return horizon


def _cut_boxes(
    bin_size: tuple[int, int, int], n: int, rng: np.random.Generator, low: int, high: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cut n bins into pieces whose edges all lie in [low, high], all bins at once, one level of cuts after the other.

    A piece with an edge over `high` is cut along one of its too long edges (uniform), at a permitted place (uniform).

    Returns:
        ``(P, 6)`` int32 boxes x, y, z, length, width, height of all bins, and ``(P,)`` their bins.
    """
    _, counts, places = _cuts(max(bin_size), low, high)
    boxes = np.zeros((n, 6), dtype=np.int32)
    boxes[:, 3:] = bin_size
    owner = np.arange(n)
    done = []
    while len(boxes):
        long = boxes[:, 3:] > high
        cut = long.any(axis=1)
        done.append((boxes[~cut], owner[~cut]))
        boxes, owner, long = boxes[cut], owner[cut], long[cut]
        rows = np.arange(len(boxes))
        axis = np.where(long, rng.random(long.shape), -1.0).argmax(axis=1)
        edge = boxes[rows, 3 + axis]
        place = places[edge, rng.integers(counts[edge])] if len(edge) else edge
        second = boxes.copy()
        second[rows, axis] += place
        second[rows, 3 + axis] -= place
        boxes[rows, 3 + axis] = place
        boxes, owner = np.concatenate((boxes, second)), np.concatenate((owner, owner))
    return np.concatenate([pieces for pieces, _ in done]), np.concatenate([owners for _, owners in done])


def _padded(boxes: np.ndarray, owner: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return boxes sorted by their bin as ``(n, P, 6)``, zero padded, and ``(n,)`` their numbers."""
    lengths = np.bincount(owner, minlength=n)
    starts = np.concatenate(([0], lengths.cumsum()[:-1]))
    padded = np.zeros((n, lengths.max(), 6), dtype=np.int32)
    padded[owner, np.arange(len(owner)) - starts[owner]] = boxes
    return padded, lengths


def cut_1_boxes(
    bin_size: tuple[int, int, int], n: int, rng: np.random.Generator, low: int, high: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pieces of `cut_1` with their places: ``(n, P, 6)`` boxes in order, and their numbers."""
    boxes, owner = _cut_boxes(bin_size, n, rng, low, high)
    order = np.lexsort((rng.random(len(boxes)), boxes[:, 2], owner))
    return _padded(boxes[order], owner[order], n)


def cut_2_boxes(
    bin_size: tuple[int, int, int], n: int, rng: np.random.Generator, low: int, high: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pieces of `cut_2` with their places: ``(n, P, 6)`` boxes in order, and their numbers."""
    boxes, owner = _cut_boxes(bin_size, n, rng, low, high)
    order = np.argsort(owner, kind="stable")
    boxes, lengths = _padded(boxes[order], owner[order], n)
    draws = rng.random(boxes.shape[:2])
    rows = max(1, 4_000_000 // boxes.shape[1] ** 2)  # bounds the memory of the (rows, P, P) support matrix
    orders = [
        _support_order(boxes[i : i + rows], lengths[i : i + rows], draws[i : i + rows]) for i in range(0, n, rows)
    ]
    return np.take_along_axis(boxes, np.concatenate(orders)[..., None], axis=1), lengths


def _support_order(boxes: np.ndarray, lengths: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Order pieces at random so that each comes after all pieces that its base rests on.

    At every step one of the pieces that may come now is taken, each with the same probability. (One priority for each
    piece, drawn once, would favour pieces that have just been freed over those that have lost before.)

    Args:
        boxes: ``(n, P, 6)`` boxes, zero padded.
        lengths: ``(n,)`` numbers of boxes.
        draws: ``(n, P)`` uniform in [0, 1), one for each step.

    Returns:
        ``(n, P)`` indices of boxes in order; the padding stays behind.
    """
    n, count, _ = boxes.shape
    low, high = boxes[..., :3].astype(np.int16), (boxes[..., :3] + boxes[..., 3:]).astype(np.int16)
    rests = high[:, :, None, 2] == low[:, None, :, 2]  # [b, i, j]: piece j begins where piece i ends
    for axis in (0, 1):
        rests &= low[:, None, :, axis] < high[:, :, None, axis]
        rests &= low[:, :, None, axis] < high[:, None, :, axis]
    never = 1 << 20
    waiting = rests.sum(axis=1, dtype=np.int32)
    waiting[np.arange(count) >= lengths[:, None]] = never
    bins = np.arange(n)
    order = np.empty((n, count), dtype=np.int64)
    for step in range(count):
        ready = (waiting == 0).cumsum(axis=1)
        wanted = (draws[:, step] * ready[:, -1]).astype(np.int64)
        order[:, step] = taken = (ready > wanted[:, None]).argmax(axis=1)
        waiting -= rests[bins, taken]
        waiting[bins, taken] = never
    padding = np.arange(count) >= lengths[:, None]
    order[padding] = np.broadcast_to(np.arange(count), order.shape)[padding]
    return order


def split_range(bin_size: tuple[int, int, int], items: int | tuple[int, int]) -> tuple[int, int]:
    """Return the least and the largest number of pieces; `InstanceError` where the bin has too few cells for them."""
    least, most = (items, items) if isinstance(items, int | np.integer) else items
    check_range(least, most, "split: items")
    limit = min(MAX_ITEMS, int(np.prod(bin_size)))
    if most > limit:
        shown = "x".join(map(str, bin_size))
        raise InstanceError(f"split: items {most}: expected at most {limit} pieces of the bin {shown}")
    return int(least), int(most)


def split_boxes(
    bin_size: tuple[int, int, int], n: int, rng: np.random.Generator, least: int, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pieces of `split_bin` with their places: ``(n, most, 6)`` boxes in random order, and their numbers."""
    lengths = rng.integers(least, most + 1, size=n)
    boxes = np.zeros((n, most, 6), dtype=np.int32)
    boxes[:, 0, 3:] = bin_size
    for step in range(1, most):
        rows = np.flatnonzero(lengths > step)
        edges = boxes[rows, :step, 3:]
        volume = edges.astype(np.int64).prod(axis=2)
        piece = _weighted(np.where(volume > 1, volume, 0), rng)
        edges = boxes[rows, piece, 3:]
        axis = _weighted(np.where(edges > 1, edges, 0), rng)
        edge = edges[np.arange(len(rows)), axis]
        place = np.arange(1, max(bin_size))
        weight = np.abs(2 * place - edge[:, None])
        weight[edge == 2] = 1
        weight[place >= edge[:, None]] = 0
        place = (1 + _weighted(weight, rng)).astype(np.int32)
        boxes[rows, step] = boxes[rows, piece]
        boxes[rows, step, axis] += place
        boxes[rows, step, 3 + axis] -= place
        boxes[rows, piece, 3 + axis] = place
    key = np.where(np.arange(most) < lengths[:, None], rng.random((n, most)), 2.0)
    return np.take_along_axis(boxes, key.argsort(axis=1)[..., None], axis=1), lengths


def _weighted(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one column of each row of ``(R, C)`` non-negative integer weights, with probability proportional to them."""
    total = weights.cumsum(axis=1)
    return (total > rng.integers(total[:, -1])[:, None]).argmax(axis=1)
