"""Whether enough of a base is borne."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise
from binpack.course.l03_packing_environment.exercises.landing import Item, landing_heights, windows_of


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with `landing = landing_heights(heights, item)`, and with windows for length, width, _ = item as in the "
        "last exercise. Which cells of a window bear the box?",
        "The landing heights have 2 axes and the windows 4. landing[..., None, None] adds two axes of length 1, and "
        "then == compares every cell of a window with the landing height of its place.",
        "`bearing = windows == landing[..., None, None]`; the mean of True and False is the share of True: "
        "`bearing.mean(axis=(2, 3))`. Last, compare with share.",
    ),
    returns=promise.an_array("the mask", bool),
)
def fraction_mask(heights: NDArray, item: tuple[int, int, int], share: float) -> NDArray:
    """Say at which places at least a given share of a box's base is borne.

    Args:
        heights: the height map, integers, (L, W).
        item: its edges along x, y and z.
        share: smallest share that is enough, in [0, 1].

    Returns:
        bool, (L - length + 1, W - width + 1).
    """
    length, width, _ = item
    windows = np.lib.stride_tricks.sliding_window_view(heights, (length, width))
    # 1. where the box lands
    landing = landing_heights(heights, item)
    # 2. which cells under the base are exactly that high
    bearing = windows == landing[..., None, None]
    # 3. their share of the base
    return bearing.mean(axis=(2, 3)) >= share


def _bearing(heights: NDArray, item: Item) -> NDArray:
    windows = windows_of(heights, item)
    return windows == windows.max(axis=(2, 3), keepdims=True)


def _borne(base: tuple[int, int], cells: int) -> NDArray:
    """Make a map on which so many cells of the base at (0, 0) are 2 high, and all others are lower."""
    heights = np.random.default_rng(cells).integers(0, 2, (6, 6))
    under = np.zeros(base, bool)
    under.flat[np.random.default_rng(7).permutation(under.size)[:cells]] = True
    heights[: base[0], : base[1]][under] = 2
    return heights


def _cases() -> list[tuple]:
    steps = np.array([[2, 2, 0, 1, 1], [2, 0, 0, 1, 1], [0, 0, 3, 3, 3], [4, 0, 3, 3, 0]])
    exactly = [((3, 5), 12, 0.8), ((3, 5), 6, 0.4), ((5, 5), 7, 0.28), ((5, 5), 14, 0.56)]
    return [
        (steps, (2, 2, 1), 0.75),
        *((steps, (2, 2, 1), share) for share in (0.5, 1.0, 0.0)),
        (steps, (3, 1, 2), 0.5),
        *((_borne(base, cells), (*base, 1), share) for base, cells, share in exactly),
    ]


def _one_map(rng: np.random.Generator) -> tuple:
    item = tuple(rng.integers(1, 4, 3).tolist())
    return rng.integers(0, 3, (int(rng.integers(4, 7)), int(rng.integers(4, 7)))), item, float(rng.choice([0.5, 0.8]))


fraction_mask.examine(
    cases=_cases,
    draw=_one_map,
    mistakes={
        "every place is accepted, whatever the share: is a number of cells compared with a share, or is every cell "
        "under the base taken to bear?": lambda heights, item, share: np.ones(
            windows_of(heights, item).shape[:2], bool
        ),
        "a base of which exactly the share is borne is refused: at least means >=, not >": (
            lambda heights, item, share: _bearing(heights, item).mean(axis=(2, 3)) > share
        ),
        "a base of which exactly the share is borne is refused now and then, for in floats 0.8 * 3 * 5 is "
        "12.000000000000002: compare shares, cells / (length * width) >= share": (
            lambda heights, item, share: _bearing(heights, item).sum(axis=(2, 3)) >= share * item[0] * item[1]
        ),
        "a base of which exactly the share is borne is refused now and then, for in floats 0.28 * 25 is "
        "7.000000000000001: compare shares, cells / (length * width) >= share": (
            lambda heights, item, share: _bearing(heights, item).sum(axis=(2, 3)) >= share * (item[0] * item[1])
        ),
        "accepted and refused are exchanged: turn the comparison round": (
            lambda heights, item, share: _bearing(heights, item).mean(axis=(2, 3)) < share
        ),
        "a cell bears the box if it is as high as the landing height: here it is compared with the cell (x, y)": (
            lambda heights, item, share: (
                (windows_of(heights, item) == windows_of(heights, item)[:, :, :1, :1]).mean(axis=(2, 3)) >= share
            )
        ),
        "item[0] and item[1] are exchanged: item[0] counts cells along x": lambda heights, item, share: (
            _bearing(heights, (item[1], item[0], 1)).mean(axis=(2, 3)) >= share
        ),
        "every cell that is not bare floor is taken to bear: only those as high as the landing height do": (
            lambda heights, item, share: (windows_of(heights, item) > 0).mean(axis=(2, 3)) >= share
        ),
        "the bearing cells are divided by the volume of the box: the base is length * width": (
            lambda heights, item, share: _bearing(heights, item).mean(axis=(2, 3)) / item[2] >= share
        ),
        "only the floor bears here: a level top of other boxes does so too": (
            lambda heights, item, share: (windows_of(heights, item) == 0).mean(axis=(2, 3)) >= share
        ),
        "it has a value for every cell of a window still: take the mean over the last two axes": (
            lambda heights, item, share: _bearing(heights, item)
        ),
        "the share is not used: it is always 0.8": (
            lambda heights, item, share: _bearing(heights, item).mean(axis=(2, 3)) >= 0.8
        ),
    },
)
