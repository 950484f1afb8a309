"""A rule of thumb as a score."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from binpack.core import placement
from binpack.core.placement import Candidates
from binpack.course.exercises import exercise, expect, promise


@exercise(
    minutes=15,
    difficulty=2,
    hints=(
        "Begin with candidates.landing: low is good and the highest score wins, so a minus belongs in front of it.",
        "`length, width = candidates.landing.shape[2:]`. Then x + y of every cell, of shape (L, W), is "
        "`near = np.arange(length)[:, None] + np.arange(width)`. Its differences go up to length + width - 2, and one "
        "cell of height has to weigh more than that.",
        "With length, width and near as in the hint before: "
        "`return -(candidates.landing * (length + width) + near)`. numpy lays near over every bin and candidate.",
    ),
    returns=promise.an_array("the scores", float),
)
def lowest_landing(candidates: Candidates) -> NDArray:
    """Score placements: the lower a box lands the better; among equals, the smaller x + y the better.

    Args:
        candidates: of B bins with K candidates each: heights (B, L, W), items (B, K, 3), landing and mask
            (B, K, L, W), bin_height.

    Returns:
        Scores, (B, K, L, W), higher is better; what the mask forbids may have any score.
    """
    length, width = candidates.landing.shape[2:]
    # 1. x + y of every cell
    near = np.arange(length)[:, None] + np.arange(width)
    # 2. one cell of height outweighs every difference in x + y
    return -(candidates.landing.astype(float) * (length + width) + near)


@dataclass(frozen=True)
class _Ranking:
    """The order in which scores put the open placements of each bin, compared as a whole and told by its first slip."""

    order: list[list[tuple[int, int]]]
    """For each bin z and x + y of its placements, best first; of equal scores the worse placement comes first."""
    ties: int
    """How often placements that differ in z or x + y have equal scores, so that nothing says which is taken."""
    slip: str = field(compare=False)
    """The first two neighbours in that order that stand the wrong way round; empty where none do."""

    def __repr__(self) -> str:
        return self.slip or "the lower z scores more, among equal z the smaller x + y"


def _ranked(scores: NDArray, arguments: tuple[Candidates]) -> _Ranking:
    (candidates,) = arguments
    shape = candidates.mask.shape
    expect(scores.shape == shape, f"the scores should have shape {shape}, one for each placement, not {scores.shape}")
    near = np.broadcast_to(np.arange(shape[2])[:, None] + np.arange(shape[3]), shape)
    order, ties, slip = [], 0, ""
    for allowed, score, z, distance in zip(candidates.mask, scores, candidates.landing, near, strict=True):
        keys = np.stack([score[allowed], z[allowed], distance[allowed]])
        keys = keys[:, np.lexsort((-keys[2], -keys[1], -keys[0]))]
        places = [(int(low), int(far)) for low, far in keys[1:].T]
        equal = np.diff(keys[0]) == 0
        ties += int((equal & (np.diff(keys[1:]) != 0).any(axis=0)).sum())
        wrong = [at for at, (one, other) in enumerate(itertools.pairwise(places)) if one > other]
        if wrong and not slip:
            says = "scores the same as" if equal[wrong[0]] else "scores more than"
            one, other = (f"z = {low}, x + y = {far}" for low, far in places[wrong[0] : wrong[0] + 2])
            slip = f"{one} {says} {other}"
        order.append(places)
    return _Ranking(order, ties, slip)


def _bins(seed: int, count: int, kinds: int, size: tuple[int, int]) -> tuple[Candidates]:
    """Make bins with towers on them and a low corner far away."""
    rng = np.random.default_rng(seed)
    heights = rng.integers(0, 4, (count, *size)).astype(np.int16)
    heights[:, size[0] // 2 :, size[1] // 2 :] = 0
    items = rng.integers(1, 3, (count, kinds, 3)).astype(np.int32)
    return (Candidates(heights, items, *placement.feasible(heights, items, 7, "none"), 7),)


def _block_in_the_corner(size: tuple[int, int]) -> tuple[Candidates]:
    """Make an empty bin with one block at (0, 0): every difference in x + y stands against one cell of height."""
    heights, items = np.zeros((1, *size), np.int16), np.ones((1, 1, 3), np.int32)
    heights[0, 0, 0] = 1
    return (Candidates(heights, items, *placement.feasible(heights, items, 3, "none"), 3),)


def _cases() -> list[tuple]:
    sizes = [(4, 5), (5, 5), (6, 4), (12, 3), (3, 12)]
    small = [_bins(seed, 1 + seed % 2, 1 + seed % 2, size) for seed, size in enumerate(sizes)]
    return [*map(_block_in_the_corner, [(2, 2), (10, 10)]), *small, *map(_block_in_the_corner, _LARGE)]


def _scored(formula: Callable) -> Callable:
    """Make a rule out of a formula of z, x and y."""

    def score(candidates: Candidates) -> NDArray:
        z = candidates.landing.astype(float)
        x, y = np.arange(z.shape[2])[:, None], np.arange(z.shape[3])
        return formula(z, x, y) + np.zeros(z.shape)

    return score


def _weighed(weight: Callable[[int, int], int]) -> Callable:
    return lambda candidates: _scored(lambda z, x, y: -(weight(*z.shape[2:]) * z + x + y))(candidates)


def _with_top(candidates: Candidates) -> NDArray:
    height = candidates.items[:, :, 2, None, None]
    return lowest_landing(candidates._replace(landing=candidates.landing + height))


def _always(number: int, length: int, width: int) -> int:
    return number


_LARGE = [(22, 22), (20, 30), (30, 20)]
"""Floors on which a weight that does for the lesson's bin is too small: a pallet, and larger ones."""

_WEIGHTS: dict[str, Callable[[int, int], int]] = {
    "L": lambda length, width: length,
    "W": lambda length, width: width,
    "the larger of L and W": max,
    "2 L": lambda length, width: 2 * length,
    "2 W": lambda length, width: 2 * width,
    "L + W - 2": lambda length, width: length + width - 2,
}
_WEIGHTS |= {str(number): partial(_always, number) for number in range(2, 49)}
_TOO_SMALL = {
    f"one cell of height counts as much as {name} cells of x + y here; it has to count for more than any difference in "
    "x + y, on every floor: L + W - 1 or more": _weighed(weight)
    for name, weight in _WEIGHTS.items()
}

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
        "x counts with the wrong sign: the smaller x + y, the better": _scored(lambda z, x, y: -100 * z + x - y),
        "y counts with the wrong sign: the smaller x + y, the better": _scored(lambda z, x, y: -100 * z - x + y),
        "the height of the box is added: what counts is where it lands, not where it ends": _with_top,
        "a cell of height counts as much as a cell of x + y: weigh the height by L + W - 1 or more": _scored(
            lambda z, x, y: -(z + x + y)
        ),
        **_TOO_SMALL,
    },
)
