"""Lesson 03: a bin as a height map, what an item may do on it, and a heuristic of one's own."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from binpack.core import placement
from binpack.core.placement import OUTSIDE, Candidates
from binpack.course.exercises import Mistake, exercise, expect, expect_close, expect_shape

# --------------------------------------------------------------------------------------------- used by the notebook


def example_pile() -> tuple[NDArray, NDArray]:
    """Make the pile that the lesson's pictures are drawn on, in a bin that is 10 cells long, 8 wide and 6 high.

    An item of 5 x 4 x 2 can overhang the first box, bridge the next two, or stand flat on the floor.

    Returns:
        Boxes, int64, (4, 6): x, y, z, length, width, height; and the height map, int16, (10, 8).
    """
    heights = np.zeros((1, 10, 8), np.int16)
    boxes = []
    for x, y, item in [(0, 0, (4, 4, 2)), (5, 0, (5, 2, 3)), (5, 3, (5, 1, 3)), (8, 6, (2, 2, 1))]:
        z = placement.place(heights, np.array([item]), np.array([x]), np.array([y]))
        boxes.append([x, y, int(z[0]), *item])
    return np.array(boxes), heights[0]


# ------------------------------------------------------------------------------------------------------- exercises


@exercise(
    minutes=5,
    difficulty=1,
    hints=(
        "If you get less than expected, ask which single cell stops a stiff box that comes down from above.",
        "If a square box is right and a long one is not: item[0] counts cells along x, item[1] along y.",
    ),
)
def landing_height(heights: NDArray, item: tuple[int, int, int], x: int, y: int) -> int:
    """Find the height at which one item comes to rest, with plain loops.

    Args:
        heights: the height map, integers, (L, W).
        item: its edges along x, y and z.
        x: lowest x of its base; the base lies inside the bin.
        y: lowest y of its base.

    Returns:
        The height of its underside.
    """
    length, width, _ = item
    # 1. start on the floor
    z = 0
    # 2. visit every cell under the base and keep the highest
    for i in range(x, x + length):
        for j in range(y, y + width):
            z = max(z, int(heights[i, j]))
    return z


@landing_height.check
def _(answer: Callable) -> None:
    heights = np.array([[0, 1, 0, 0], [3, 1, 0, 2], [0, 0, 5, 0], [1, 1, 1, 7], [0, 0, 1, 0]])
    before = heights.copy()
    got = answer(heights, (2, 2, 3), 1, 1)
    expect_shape(got, (), "the answer for one item at one place")
    expect(np.array_equal(heights, before), "the height map was changed: this asks where the item would land, only")
    under = heights[1:3, 1:3]
    expect(got != under.mean(), "it returns the mean under the base, but one high cell carries the whole box")
    expect(got != under.min(), "it returns the lowest cell under the base: the box would sink into the others")
    expect(got != 5 + 3, "it returns the height of the item's top: leave the item's own height out")
    expect(got != heights[1, 1], "it looks at the cell (x, y) alone: which other cells are under the base?")
    expect(got != 7, "it looks at one cell too many on each side: does your range end at x + length or one later?")
    expect_close(got, 5, "a 2 x 2 base at (1, 1) covers cells of height 1, 0, 0, 5 and should rest at 5")
    swapped = answer(heights, (1, 3, 1), 1, 1)
    expect(swapped != heights[1:4, 1:2].max(), "x and y are swapped: item[0] runs along x")
    flat = answer(heights, (1, 3, 1), 4, 0)
    expect_close(flat, 1, "a 1 x 3 base at (4, 0) should rest at 1: does item[1] count the cells along y?")
    for x, y, item in [(0, 0, (4, 1, 1)), (0, 0, (5, 4, 2)), (2, 3, (1, 1, 1)), (0, 1, (3, 3, 1)), (4, 0, (1, 2, 9))]:
        wanted = heights[x : x + item[0], y : y + item[1]].max()
        where = f"a {item[0]} x {item[1]} base at ({x}, {y})"
        expect_close(
            answer(heights, item, x, y), wanted, f"{where} should rest at {wanted}: is every cell under it seen?"
        )


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "If your answer has shape (L, W), at some of its cells the base sticks out: the last x is L - length.",
        "If you slide windows, np.lib.stride_tricks.sliding_window_view gives 4 axes; reduce the last two, not one.",
    ),
)
def landing_heights(heights: NDArray, item: tuple[int, int, int]) -> NDArray:
    """Find the landing height of one item at every place at once, without a loop over places.

    Args:
        heights: the height map, integers, (L, W).
        item: its edges along x, y and z.

    Returns:
        Landing heights, integers, (L - length + 1, W - width + 1).
    """
    length, width, _ = item
    # 1. a view of the cells under the base, for every place of its corner
    windows = np.lib.stride_tricks.sliding_window_view(heights, (length, width))
    # 2. the highest of them
    return windows.max(axis=(2, 3))


@landing_heights.check
def _(answer: Callable) -> None:
    heights = np.random.default_rng(3).integers(0, 8, (7, 5))
    got = answer(heights, (3, 2, 1))
    if np.ndim(got) == 2:
        shape = np.shape(got)
        expect(shape != (7, 5), "it has a value for each of the 7 x 5 cells: at some of them the base sticks out")
        expect(shape != (6, 3), "it has shape (6, 3), which fits a base of 2 x 3: item[0] runs along x")
        expect(shape != (4, 3), "the last place is missing along each axis: L - length + 1 corners fit, not L - length")
    expect(np.ndim(got) < 3, "the windows are still there: reduce over both of their axes")
    expect_shape(got, (5, 4), "the answer for a 7 x 5 map and a 3 x 2 base")
    windows = np.lib.stride_tricks.sliding_window_view(heights, (3, 2))
    got = np.asarray(got)
    expect(not np.allclose(got, windows.mean(axis=(2, 3))), "it takes means: one high cell carries the whole box")
    expect(not np.array_equal(got, windows.min(axis=(2, 3))), "it takes minima: the box would sink into the others")
    expect(not np.array_equal(got, windows.max(axis=(2, 3)) + 1), "it adds the item's height: the underside is wanted")
    expect_close(got, windows.max(axis=(2, 3)), "some heights are wrong: compare with landing_height at each place")
    for size, item in [((4, 6), (4, 6, 1)), ((3, 8), (1, 1, 2)), ((5, 5), (1, 4, 3)), ((6, 4), (5, 1, 3))]:
        small = np.random.default_rng(1).integers(0, 9, size)
        wanted = landing_heights(small, item)
        what = f"a {item[0]} x {item[1]} base on a {size[0]} x {size[1]} map"
        expect_shape(answer(small, item), wanted.shape, f"the answer for {what}")
        expect_close(answer(small, item), wanted, f"{what} comes out wrong")
    large = np.random.default_rng(2).integers(0, 9, (240, 240))
    slow = _seconds(lambda: answer(large, (2, 3, 1))) > 10 * _seconds(lambda: landing_heights(large, (2, 3, 1)))
    expect(not slow, "the heights are right, but on a large map it takes far too long: is there a loop over places?")


def _seconds(call: Callable) -> float:
    """Shortest time of a few calls, in seconds."""
    times = []
    for _ in range(4):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "If every place is accepted, you count all cells under the base: only those at the landing height bear.",
        "If shapes clash: the landing heights have 2 axes and the windows 4, so give the former [..., None, None].",
    ),
)
def fraction_mask(heights: NDArray, item: tuple[int, int, int], share: float) -> NDArray:
    """Say at which places at least a given share of an item's base is supported.

    Args:
        heights: the height map, integers, (L, W).
        item: its edges along x, y and z.
        share: smallest share that is enough, in [0, 1].

    Returns:
        bool, (L - length + 1, W - width + 1).
    """
    length, width, _ = item
    windows = np.lib.stride_tricks.sliding_window_view(heights, (length, width))
    # 1. where the item lands
    landing = landing_heights(heights, item)
    # 2. which cells under the base are exactly that high
    bearing = windows == landing[..., None, None]
    # 3. their share of the base
    return bearing.mean(axis=(2, 3)) >= share


@fraction_mask.check
def _(answer: Callable) -> None:
    heights = np.array([[2, 2, 0, 1, 1], [2, 0, 0, 1, 1], [0, 0, 3, 3, 3], [4, 0, 3, 3, 0]])
    item, wanted = (2, 2, 1), _bearing_share(heights, (2, 2, 1))
    got = answer(heights, item, 0.75)
    expect_shape(got, (3, 4), "the answer for a 4 x 5 map and a 2 x 2 base")
    got = np.asarray(got)
    expect(got.dtype == bool or np.isin(got, (0, 1)).all(), "it should hold True and False: compare with the share")
    got = got.astype(bool)
    expect(not got.all(), "every place is accepted: count only cells that are as high as the landing height")
    expect(
        not np.array_equal(got, wanted > 0.75),
        "three cells of four are refused at a share of 0.75: at least, not above",
    )
    expect(not np.array_equal(got, wanted < 0.75), "accepted and refused are exchanged: turn the comparison round")
    windows = np.lib.stride_tricks.sliding_window_view(heights, item[:2])
    own = (windows == heights[:3, :4, None, None]).mean(axis=(2, 3)) >= 0.75
    expect(not np.array_equal(got, own), "the base is compared with the cell (x, y): compare with the landing height")
    floor = (windows == 0).mean(axis=(2, 3)) >= 0.75
    expect(
        not np.array_equal(got, floor), "only the floor bears in your answer, but a level top of other boxes does too"
    )
    counts = wanted * 4 >= 0.75
    expect(not np.array_equal(got, counts), "a number of cells is compared with a share: divide by length x width")
    expect_close(got, wanted >= 0.75, "for a 2 x 2 base and a share of 0.75 some places are wrong")
    for share in (0.0, 0.5, 1.0):
        expect_close(answer(heights, item, share), wanted >= share, f"at a share of {share:g} some places are wrong")
    long = _bearing_share(heights, (3, 1, 2)) >= 0.5
    expect_close(answer(heights, (3, 1, 2), 0.5), long, "a 3 x 1 base comes out wrong: does item[0] run along x?")


def _bearing_share(heights: NDArray, item: tuple[int, int, int]) -> NDArray:
    """Supported share of the base at every place, by loops: an oracle that shares nothing with the reference."""
    length, width, _ = item
    shape = heights.shape[0] - length + 1, heights.shape[1] - width + 1
    share = np.zeros(shape)
    for x, y in np.ndindex(shape):
        under = heights[x : x + length, y : y + width]
        share[x, y] = (under == under.max()).sum() / (length * width)
    return share


@exercise(
    minutes=5,
    difficulty=1,
    hints=(
        "If y is right and all else is not, go on: y is the remainder of a division by W; divide what is left by L.",
        "If a square bin is right and a long one is not, you divide by the length where the width belongs.",
    ),
)
def decode_action(action: int, orientations: int, length: int, width: int) -> tuple[int, int, int, int]:
    """Turn the number of an action into what it means.

    Args:
        action: the number, from 0 up.
        orientations: orientations of each item (O).
        length: cells of the bin along x (L).
        width: cells of the bin along y (W).

    Returns:
        Visible item, orientation, x, y.
    """
    # 1. undo the last step of the formula first
    rest, y = divmod(action, width)
    # 2. then the one before it, and so on
    rest, x = divmod(rest, length)
    item, orientation = divmod(rest, orientations)
    return item, orientation, x, y


@decode_action.check
def _(answer: Callable) -> None:
    got = answer(0, 2, 9, 7)
    expect_shape(got, (4,), "the answer (item, orientation, x, y)")
    expect_close(got, (0, 0, 0, 0), "action 0 should be item 0, orientation 0, x 0, y 0: does something count from 1?")
    wanted = (3, 1, 4, 6)
    action = _encode(wanted, 2, 9, 7)
    got = [float(value) for value in np.asarray(answer(action, 2, 9, 7)).tolist()]
    expect(got == [int(value) for value in got], "it returns broken numbers: divide with //, or use divmod")
    expect(got != [3, 1, 6, 4], "x and y are exchanged: the formula adds y last, so it is the remainder by W")
    expect(got != [1, 3, 4, 6], "item and orientation are exchanged")
    expect(got[2:] != list(divmod(action % 63, 9)), "x and y come from a division by L: the remainder by W is y")
    expect(got[:2] != [7, 1] and got[0] != 7, "the item still holds the orientation: divide once more, by O")
    for wanted, sizes in [((3, 1, 4, 6), (2, 9, 7)), ((0, 5, 0, 2), (6, 2, 3)), ((2, 0, 8, 0), (1, 10, 1))]:
        action = _encode(wanted, *sizes)
        expect_close(
            answer(action, *sizes),
            wanted,
            f"action {action} with O = {sizes[0]}, L = {sizes[1]}, W = {sizes[2]} should be {wanted}",
        )


def _encode(place: tuple[int, int, int, int], orientations: int, length: int, width: int) -> int:
    item, orientation, x, y = place
    return ((item * orientations + orientation) * length + x) * width + y


@exercise(
    minutes=5,
    difficulty=2,
    hints=(
        "If places beyond the wall are allowed: OUTSIDE is -1, below any limit, and so needs a test of its own.",
        "If shapes clash, the items' heights have one axis and the landing heights three: items[:, 2, None, None].",
    ),
)
def action_mask(landing: NDArray, items: NDArray, bin_height: int, supported: NDArray) -> NDArray:
    """Say which actions are legal.

    Args:
        landing: landing heights, integers, (K, L, W), OUTSIDE (-1) where the base sticks out.
        items: oriented edges, integers, (K, 3).
        bin_height: height of the bin, in cells.
        supported: what the support rule says, bool, (K, L, W).

    Returns:
        bool, (K * L * W,), in the order of the actions' numbers.
    """
    # 1. inside the walls
    inside = landing != OUTSIDE
    # 2. not above the rim
    below = landing + items[:, 2, None, None] <= bin_height
    # 3. all of it, in the order of the actions
    return (inside & below & supported).reshape(-1)


@action_mask.check
def _(answer: Callable) -> None:
    rng = np.random.default_rng(5)
    # as many candidates as cells along y, so that a wrong broadcast does not raise but goes wrong
    landing = rng.integers(0, 6, (4, 3, 4))
    landing[:, 2], landing[1, :, 3] = OUTSIDE, OUTSIDE
    items = np.array([[1, 2, 2], [2, 1, 5], [1, 1, 1], [2, 2, 3]])
    supported = rng.random(landing.shape) < 0.7
    before = landing.copy()
    got = answer(landing, items, 6, supported)
    expect(np.array_equal(landing, before), "the landing heights were changed: make new arrays")
    expect(
        np.shape(got) != landing.shape, "it has shape (K, L, W): flatten it, a network has one output for each action"
    )
    expect_shape(got, (48,), "the answer for 4 candidates on 3 x 4 cells")
    got, tops = np.asarray(got).astype(bool), landing + items[:, 2, None, None]
    inside, legal = landing != OUTSIDE, (landing != OUTSIDE) & (tops <= 6) & supported
    named = {
        "items outside the walls are allowed: OUTSIDE is -1 and needs a test of its own": (tops <= 6) & supported,
        "items that end exactly at the rim are refused: at most the bin's height, not below it": inside
        & (tops < 6)
        & supported,
        "only the undersides are below the rim: add the items' heights": inside & (landing <= 6) & supported,
        "the support rule is left out": inside & (tops <= 6),
        "legal and illegal are exchanged: True should mean legal": ~legal,
        "the items' heights lie along the wrong axis: they belong to the first one, items[:, 2, None, None]": inside
        & (landing + items[:, 2] <= 6)
        & supported,
        "the wrong edge of the items is added: the third stands upright": inside
        & (landing + items[:, 0, None, None] <= 6)
        & supported,
    }
    for message, wrong in named.items():
        expect(not np.array_equal(got, wrong.reshape(-1)), message)
    order = legal.transpose(0, 2, 1).reshape(-1)
    expect(not np.array_equal(got, order), "x and y are exchanged in the order of the actions: y runs fastest")
    expect_close(got, legal.reshape(-1), "some actions are wrong: inside, at or below the rim, and supported")


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "If low places lose to near ones: one cell of height must outweigh any x + y, so weigh it by L + W.",
        "If the highest place wins: the best score is the largest, so what is good when low needs a minus.",
    ),
)
def lowest_landing(candidates: Candidates) -> NDArray:
    """Score placements: the lower an item lands the better; among equals, the smaller x + y the better.

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


@lowest_landing.check
def _(answer: Callable) -> None:
    candidates = _example_candidates()
    before = [np.array(part) for part in candidates[:4]]
    got = answer(candidates)
    expect_shape(got, candidates.landing.shape, "the scores of 3 bins with 2 candidates on 6 x 8 cells")
    changed = any(not np.array_equal(old, new) for old, new in zip(before, candidates[:4], strict=True))
    expect(not changed, "the candidates were changed: other heuristics look at the same arrays")
    scores, mask = np.asarray(got, float), candidates.mask
    z = candidates.landing.astype(int)
    near = np.broadcast_to(np.arange(6)[:, None] + np.arange(8), z.shape)
    expect(not _respects(-scores, mask, z * 14 + near), "the best place gets the lowest score: is a minus missing?")
    expect(not _respects(scores, mask, -z * 14 + near), "high places win: what is good low needs a minus")
    expect(not _respects(scores, mask, near * 7 + z), "x + y decides before the height: weigh the height by more")
    expect(
        not _respects(scores, mask, z * 14 - near), "among equally low places the largest x + y wins: smaller is better"
    )
    if _respects(scores, mask, z):
        if all(len(np.unique(scores[mask & (z == level)])) == 1 for level in np.unique(z[mask])):
            raise Mistake("equally low places all score the same: where is the tie rule, the smaller x + y?")
        for name, other in (("x", np.arange(6)[:, None]), ("y", np.arange(8))):
            alone = _respects(scores, mask, z * 14 + np.broadcast_to(other, z.shape))
            expect(not alone, f"{name} alone breaks the ties: it should be x + y")
    elif _respects(scores, mask, z + near):
        raise Mistake("a cell of height counts as much as a cell of x + y: weigh the height by more than L + W")
    expect(_respects(scores, mask, z * 14 + near), "the order is wrong: lowest landing first, then smallest x + y")


def _respects(scores: NDArray, mask: NDArray, cost: NDArray) -> bool:
    """Tell whether, within each bin, of two allowed placements the one of lower cost always scores higher."""
    for bin_scores, allowed, costs in zip(scores, mask, cost, strict=True):
        levels = np.unique(costs[allowed])
        ranges = [bin_scores[allowed & (costs == level)] for level in levels]
        if any(not (upper.min() > lower.max()) for upper, lower in itertools.pairwise(ranges)):
            return False
    return True


def _example_candidates() -> Candidates:
    """Three bins of 6 x 8 x 7 with towers on them, two candidates each."""
    heights = np.random.default_rng(8).integers(0, 5, (3, 6, 8)).astype(np.int16)
    heights[:, 3:, 2:] = 0
    heights[1, :2, 4:] = 1
    items = np.array([[[2, 2, 2], [1, 3, 1]], [[1, 1, 2], [2, 1, 1]], [[3, 1, 2], [1, 1, 1]]], np.int32)
    landing, mask = placement.feasible(heights, items, 7, "none")
    return Candidates(heights, items, landing, mask, 7)
