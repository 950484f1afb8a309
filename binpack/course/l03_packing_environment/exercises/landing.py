"""Where a box comes to rest: for one place with loops, and for all places at once."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, expect, promise

Item = tuple[int, int, int]


@exercise(
    minutes=5,
    difficulty=1,
    hints=(
        "Begin with `length, width, _ = item` and z = 0, the floor. Then visit every cell under the base and see "
        "whether it is higher than z.",
        "The base covers x, x + 1, ..., x + length - 1 along x, which is range(x, x + length), and likewise along y.",
        "`for i in range(x, x + length):`, inside it `for j in range(y, y + width):`, inside that "
        "`z = max(z, heights[i, j])`; last `return z`.",
    ),
    returns=promise.an_int("the landing height"),
)
def landing_height(heights: NDArray, item: tuple[int, int, int], x: int, y: int) -> int:
    """Find the height at which one box comes to rest, with plain loops.

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


def _highest(heights: NDArray, item: Item, x: int, y: int, more: tuple[int, int] = (0, 0)) -> int:
    """Highest of the cells under a base that is some cells longer and wider than it should be."""
    base = heights[x : x + item[0] + more[0], y : y + item[1] + more[1]]
    return int(base.max(initial=0))


def _with_base(more_x: int, more_y: int) -> Callable:
    return lambda heights, item, x, y: _highest(heights, item, x, y, (more_x, more_y))


def _places_of_one_box() -> list[tuple]:
    heights = np.array([[0, 1, 0, 0, 2], [3, 1, 0, 2, 1], [0, 0, 5, 0, 4], [1, 1, 1, 7, 0], [0, 3, 1, 0, 6]])
    some = [((2, 2, 3), 1, 1), ((1, 3, 1), 0, 0), ((3, 1, 1), 1, 0), ((1, 1, 2), 2, 2), ((2, 1, 4), 0, 2)]
    return [(heights, *each) for each in some]


def _one_place(rng: np.random.Generator) -> tuple:
    # clear of the far walls, so that a base that is taken too long gives a wrong number and no IndexError
    item = tuple(rng.integers(1, 4, 3).tolist())
    return rng.integers(0, 9, (7, 8)), item, int(rng.integers(0, 4)), int(rng.integers(0, 5))


def _reaches_the_far_walls(answer: Callable) -> None:
    heights = np.array([[9, 9, 9, 9], [9, 0, 2, 1], [9, 1, 0, 3]])
    for item, x, y in [((2, 3, 1), 1, 1), ((1, 1, 1), 2, 3), ((2, 1, 2), 1, 3)]:
        got, right = answer(heights, item, x, y), landing_height(heights, item, x, y)
        expect(got == right, "a base that touches the far walls comes out wrong", got=got, wanted=right)


landing_height.examine(
    cases=_places_of_one_box,
    draw=_one_place,
    mistakes={
        "it looks at the cell (x, y) alone: which other cells are under the base?": lambda heights, item, x, y: heights[
            x, y
        ],
        "it returns the lowest cell under the base: the box would sink into the others": lambda heights, item, x, y: (
            heights[x : x + item[0], y : y + item[1]].min()
        ),
        "it returns the height of the box's top: the underside is wanted": lambda heights, item, x, y: (
            _highest(heights, item, x, y) + item[2]
        ),
        "it returns the highest cell of the whole bin: only those under the base count": lambda heights, item, x, y: (
            heights.max()
        ),
        "it leaves out the last row and the last column of the base: range(a, b) ends before b": _with_base(-1, -1),
        "it leaves out the last cells of the base along x: range(a, b) ends before b": _with_base(-1, 0),
        "it leaves out the last cells of the base along y: range(a, b) ends before b": _with_base(0, -1),
        "its base is one cell too long along x and along y: range(x, x + length) is enough": _with_base(1, 1),
        "its base is one cell too long along x: range(x, x + length) is enough": _with_base(1, 0),
        "its base is one cell too long along y: range(y, y + width) is enough": _with_base(0, 1),
        "it returns after the first row of the base: is the return inside the outer loop?": (
            lambda heights, item, x, y: _highest(heights, (1, item[1], item[2]), x, y)
        ),
        "its ranges end at item[0] and item[1]: a base that starts at x ends at x + item[0], and likewise along y": (
            lambda heights, item, x, y: int(heights[x : item[0], y : item[1]].max(initial=0))
        ),
        "item[0] and item[1] are exchanged: item[0] counts cells along x": lambda heights, item, x, y: _highest(
            heights, (item[1], item[0], item[2]), x, y
        ),
        "the two indices of heights are exchanged: x comes first, as in heights[x, y]": lambda heights, item, x, y: (
            _highest(heights.T, item, x, y)
        ),
        "its base starts at (y, x): x comes first, as in heights[x, y]": lambda heights, item, x, y: _highest(
            heights, item, y, x
        ),
    },
    also=_reaches_the_far_walls,
)


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with `length, width, _ = item`. The cell above made windows for a base of 2 x 2: what do you get for "
        "length x width on the whole map?",
        "The windows have four axes: the place along x and y, then the cells within the window. Reduce the last two.",
        "`windows = np.lib.stride_tricks.sliding_window_view(heights, (length, width))`, then "
        "`return windows.max(axis=(2, 3))`.",
    ),
    returns=promise.an_array("the landing heights", int),
)
def landing_heights(heights: NDArray, item: tuple[int, int, int]) -> NDArray:
    """Find the landing height of one box at every place at once, without a loop over places.

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


def windows_of(heights: NDArray, item: Item) -> NDArray:
    """Return a window of the base's size for every place of its corner, a view (L - l + 1, W - w + 1, l, w)."""
    return np.lib.stride_tricks.sliding_window_view(heights, item[:2])


def _maps() -> list[tuple]:
    small = np.array([[2, 2, 2], [0, 0, 0], [3, 3, 0], [3, 3, 0]])
    rng = np.random.default_rng(1)
    # wide enough for a base that is turned round as well, so that one gives wrong numbers and no error
    shapes = [((7, 5), (3, 2, 1)), ((3, 8), (1, 1, 2)), ((6, 7), (4, 6, 1)), ((5, 5), (5, 5, 3)), ((6, 5), (5, 1, 3))]
    return [(small, (2, 2, 1)), *((rng.integers(0, 9, shape), item) for shape, item in shapes)]


def _one_map(rng: np.random.Generator) -> tuple:
    item = tuple(rng.integers(1, 4, 3).tolist())
    return rng.integers(0, 9, (int(rng.integers(4, 8)), int(rng.integers(4, 8)))), item


def _fast_enough(answer: Callable) -> None:
    large = np.random.default_rng(2).integers(0, 9, (240, 240))
    slow = _seconds(lambda: answer(large, (2, 3, 1))) > 15 * _seconds(lambda: landing_heights(large, (2, 3, 1)))
    expect(
        not slow,
        "the heights are right, but on a map of 240 x 240 cells it takes more than 15 times as long as sliding windows "
        "do: is there a loop over places?",
    )


def _seconds(call: Callable) -> float:
    """Shortest time of a few calls, in seconds of the processor."""
    times = []
    for _ in range(4):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


landing_heights.examine(
    cases=_maps,
    draw=_one_map,
    mistakes={
        "it takes minima: the box would sink into the other cells": lambda heights, item: windows_of(heights, item).min(
            axis=(2, 3)
        ),
        "it adds the box's own height: the underside is wanted": lambda heights, item: (
            windows_of(heights, item).max(axis=(2, 3)) + item[2]
        ),
        "it returns the height of the corner's cell alone: look at the whole window": lambda heights, item: windows_of(
            heights, item
        )[:, :, 0, 0],
        "the last place along each axis is missing: L - length + 1 corners fit, not L - length": lambda heights, item: (
            windows_of(heights, item).max(axis=(2, 3))[:-1, :-1]
        ),
        "it reduces the last axis only: the cells of a window lie along two": lambda heights, item: windows_of(
            heights, item
        ).max(axis=3),
        "it reduces one axis of the windows only: the cells of a window lie along the last two": (
            lambda heights, item: windows_of(heights, item).max(axis=2)
        ),
        "item[0] and item[1] are exchanged: item[0] counts cells along x": lambda heights, item: windows_of(
            heights, (item[1], item[0], item[2])
        ).max(axis=(2, 3)),
        "it reduces the places and not the cells: the cells of a window lie along the last two axes": (
            lambda heights, item: windows_of(heights, item).max(axis=(0, 1))
        ),
        "it has a value for every cell: where the base would stick out there is no place": lambda heights, item: (
            np.array(
                [
                    [heights[x : x + item[0], y : y + item[1]].max() for y in range(heights.shape[1])]
                    for x in range(heights.shape[0])
                ]
            )
        ),
    },
    also=_fast_enough,
)
