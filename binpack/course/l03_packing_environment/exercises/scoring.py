"""A rule of thumb as a score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.core import placement
from binpack.core.placement import Candidates
from binpack.course.exercises import exercise, expect, promise


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with candidates.landing: low is good and the highest score wins, so a minus belongs in front of it.",
        "x + y of every cell: np.arange(length)[:, None] + np.arange(width), of shape (L, W). It must never outweigh "
        "one cell of height, and it is less than length + width everywhere.",
        "`return -(candidates.landing * (length + width) + near)`, with near as above.",
    ),
    returns=promise.an_array("the scores", float),
)
def lowest_landing(candidates: Candidates) -> NDArray:
    """Score placements: the lower a box lands the better; among equals, the smaller x + y the better.

    Args:
        candidates: heights (B, L, W), items (B, K, 3), landing and mask (B, K, L, W), bin_height.

    Returns:
        Scores, (B, K, L, W), higher is better; what the mask forbids may have any score.
    """
    _, length, width = candidates.heights.shape
    # 1. x + y of every cell
    near = np.arange(length)[:, None] + np.arange(width)
    # 2. one cell of height outweighs every difference in x + y
    return -(candidates.landing.astype(float) * (length + width) + near)


def _ranked(scores: NDArray, arguments: tuple[Candidates]) -> Any:
    """Say in which order scores put the open placements of each bin, best first, as z and x + y.

    Where scores are equal but z or x + y are not, nothing says which is taken, so the worse one is put first; how
    often that happens is told too.
    """
    (candidates,) = arguments
    shape = candidates.mask.shape
    expect(scores.shape == shape, f"the scores should have shape {shape}, one for each placement, not {scores.shape}")
    near = np.broadcast_to(np.arange(shape[2])[:, None] + np.arange(shape[3]), shape)
    order, ties = [], 0
    for allowed, score, z, distance in zip(candidates.mask, scores, candidates.landing, near, strict=True):
        keys = np.stack([score[allowed], z[allowed], distance[allowed]])
        keys = keys[:, np.lexsort((-keys[2], -keys[1], -keys[0]))]
        order.append([(int(low), int(far)) for low, far in keys[1:].T])
        ties += int(((np.diff(keys[0]) == 0) & (np.diff(keys[1:]) != 0).any(axis=0)).sum())
    told = {"best first, as (z, x + y)": order}
    return told | {"equal scores for different ones": ties} if ties else told


def _bins(seed: int, count: int, kinds: int, size: tuple[int, int]) -> tuple[Candidates]:
    """Make bins with towers on them and a low corner far away."""
    rng = np.random.default_rng(seed)
    heights = rng.integers(0, 4, (count, *size)).astype(np.int16)
    heights[:, size[0] // 2 :, size[1] // 2 :] = 0
    items = rng.integers(1, 3, (count, kinds, 3)).astype(np.int32)
    return (Candidates(heights, items, *placement.feasible(heights, items, 7, "none"), 7),)


def _cases() -> list[tuple]:
    heights, items = np.array([[[0, 1], [0, 0]]], np.int16), np.array([[[1, 1, 1]]], np.int32)
    smallest = Candidates(heights, items, *placement.feasible(heights, items, 3, "none"), 3)
    sizes = [(4, 5), (5, 5), (6, 4), (12, 3), (3, 12)]
    return [(smallest,), *(_bins(seed, 1 + seed % 2, 1 + seed % 2, size) for seed, size in enumerate(sizes))]


def _scored(formula: Callable) -> Callable:
    """Make a rule out of a formula of z, x and y."""

    def score(candidates: Candidates) -> NDArray:
        z = candidates.landing.astype(float)
        x, y = np.arange(z.shape[2])[:, None], np.arange(z.shape[3])
        return formula(z, x, y) + np.zeros(z.shape)

    return score


lowest_landing.examine(
    cases=_cases,
    draw=lambda rng: _bins(int(rng.integers(1000)), 2, 2, (int(rng.integers(3, 10)), int(rng.integers(3, 10)))),
    seen=_ranked,
    mistakes={
        "the best place gets the lowest score: the highest one wins, so is a minus missing?": _scored(
            lambda z, x, y: 100 * z + x + y
        ),
        "high places win: what is good when it is low needs a minus": _scored(lambda z, x, y: 100 * z - x - y),
        "x + y decides before the height: weigh the height by more": _scored(lambda z, x, y: -(z + 100 * (x + y))),
        "among equally low places the largest x + y wins: smaller is better": _scored(lambda z, x, y: -100 * z + x + y),
        "equally low places all score the same: where is the tie rule, the smaller x + y?": _scored(lambda z, x, y: -z),
        "x alone breaks the ties: it should be x + y": _scored(lambda z, x, y: -(100 * z + x)),
        "y alone breaks the ties: it should be x + y": _scored(lambda z, x, y: -(100 * z + y)),
        "x breaks the ties, and then y: it should be their sum": _scored(lambda z, x, y: -(1e4 * z + 100 * x + y)),
        "a cell of height counts as much as a cell of x + y: weigh the height by more than L + W": _scored(
            lambda z, x, y: -(z + x + y)
        ),
    },
)
