"""What the number of an action means, and which numbers are legal."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from binpack.core.placement import OUTSIDE
from binpack.course.exercises import exercise, expect, promise

Placement = tuple[int, int, int, int]


@exercise(
    minutes=5,
    difficulty=1,
    hints=(
        "Begin at the end of the formula: W times something, plus y. So y is what remains when you divide by W.",
        "divmod(action, width) gives quotient and remainder at once. The quotient is (k O + o) L + x: go on with it.",
        "`rest, y = divmod(action, width)`, then `rest, x = divmod(rest, length)`, then the same with orientations.",
    ),
    returns=promise.a_tuple(
        "the placement",
        promise.an_int("the item"),
        promise.an_int("the orientation"),
        promise.an_int("x"),
        promise.an_int("y"),
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


def encode_action(placement: Placement, orientations: int, length: int, width: int) -> int:
    """Return the number of an action.

    Args:
        placement: visible item, orientation, x, y.
        orientations: orientations of each item.
        length: cells of the bin along x.
        width: cells of the bin along y.
    """
    item, orientation, x, y = placement
    return ((item * orientations + orientation) * length + x) * width + y


def _decoded(action: int, orientations: int, length: int, width: int) -> Placement:
    rest, cell = divmod(action, length * width)
    return *divmod(rest, orientations), *divmod(cell, width)


def _numbers() -> list[tuple]:
    sizes = [(2, 9, 7), (6, 2, 3), (1, 10, 1), (3, 4, 5)]
    places = [(0, 0, 0, 1), (0, 0, 1, 0), (0, 1, 0, 0), (1, 0, 0, 0), (3, 1, 4, 6)]
    others = [((0, 5, 1, 2), sizes[1]), ((2, 0, 8, 0), sizes[2]), ((4, 2, 1, 3), sizes[3])]
    return [(encode_action(place, *size), *size) for place, size in [*((place, sizes[0]) for place in places), *others]]


def _one_number(rng: np.random.Generator) -> tuple:
    sizes = tuple(rng.integers(2, 8, 3).tolist())
    return int(rng.integers(0, 4 * np.prod(sizes))), *sizes


decode_action.examine(
    cases=_numbers,
    draw=_one_number,
    mistakes={
        "x and y are exchanged: the formula adds y last, so y is the remainder of the division by W": (
            lambda action, *sizes: tuple(_decoded(action, *sizes)[place] for place in (0, 1, 3, 2))
        ),
        "item and orientation are exchanged: the remainder of the division by O is the orientation": (
            lambda action, *sizes: tuple(_decoded(action, *sizes)[place] for place in (1, 0, 2, 3))
        ),
        "x and y come from a division by L: the formula multiplies by W before it adds y": (
            lambda action, orientations, length, width: (
                *divmod(action // (length * width), orientations),
                *divmod(action % (length * width), length),
            )
        ),
        "the item still holds the orientation: divide once more, by O": (
            lambda action, orientations, length, width: (
                action // (length * width),
                *_decoded(action, orientations, length, width)[1:],
            )
        ),
        "the order is turned round: it is item, orientation, x, y": (
            lambda action, *sizes: _decoded(action, *sizes)[::-1]
        ),
        "x is not divided by L: it still holds item and orientation": lambda action, orientations, length, width: (
            *_decoded(action, orientations, length, width)[:2],
            action // width,
            action % width,
        ),
        "all four are there, in another order (x, y, orientation, item): return item, orientation, x, y": (
            lambda action, *sizes: tuple(_decoded(action, *sizes)[place] for place in (2, 3, 1, 0))
        ),
        "all four are there, in another order (x, y, item, orientation): return item, orientation, x, y": (
            lambda action, *sizes: tuple(_decoded(action, *sizes)[place] for place in (2, 3, 0, 1))
        ),
        "everything is one too large: all four count from 0": (
            lambda action, *sizes: tuple(part + 1 for part in _decoded(action, *sizes))
        ),
    },
)


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with three masks of shape (K, L, W), one for each condition; supported is one of them already.",
        "A box ends at landing + its height. The heights, items[:, 2], have one axis and landing has three: "
        "items[:, 2, None, None] adds two axes of length 1.",
        "`inside = landing != OUTSIDE`, `below = landing + items[:, 2, None, None] <= bin_height`; join the three with "
        "& and flatten with .reshape(-1).",
    ),
    returns=promise.an_array("the mask", bool),
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


def _tops(landing: NDArray, items: NDArray) -> NDArray:
    return landing + items[:, 2, None, None]


def _legal(landing: NDArray, items: NDArray, bin_height: int, supported: NDArray) -> NDArray:
    return (landing >= 0) & (_tops(landing, items) <= bin_height) & supported


def _arguments(seed: int, shape: tuple[int, int, int], bin_height: int) -> tuple:
    """Make candidates of which some stick out, some are too high and some are not supported."""
    rng = np.random.default_rng(seed)
    landing = rng.integers(0, bin_height, shape)
    landing[:, -1], landing[shape[0] // 2, :, -1] = OUTSIDE, OUTSIDE
    items = np.stack([rng.integers(1, 4, shape[0]), rng.integers(1, 4, shape[0]), rng.permutation(shape[0]) + 1], 1)
    return landing, items, bin_height, rng.random(shape) < 0.7


def _cases() -> list[tuple]:
    one = np.array([[[0, 2, OUTSIDE], [4, 3, OUTSIDE]]]), np.array([[1, 2, 2]]), 5, np.ones((1, 2, 3), bool)
    tall, flat = [[0, 1], [2, 3]], [[3, 0], [4, OUTSIDE]]
    two = (
        np.array([tall, flat]),
        np.array([[1, 1, 3], [2, 1, 1]]),
        4,
        np.array([[[1, 0], [1, 1]], [[1, 1], [0, 1]]]) > 0,
    )
    # as many candidates as cells along y, so that a wrong broadcast does not raise but goes wrong
    return [one, two, *(_arguments(seed, (4, 3, 4), 6) for seed in range(3))]


@dataclass(frozen=True)
class _Row:
    """A mask in the order of the actions, compared as a whole and told by its first wrong action."""

    flags: list[bool]
    wrong: str = field(compare=False)
    """How many are wrong, and the first of them."""

    def __repr__(self) -> str:
        return self.wrong


def _seen(mask: NDArray, arguments: tuple) -> _Row | NDArray:
    """Return what is compared: a row of the right length by its actions, anything else as it is."""
    right = _legal(*arguments)
    if mask.shape == right.shape:
        return mask  # not flattened, which is named
    expect(mask.shape == (right.size,), f"the result has shape {mask.shape}, expected {(right.size,)}")
    wrong = np.flatnonzero(mask != right.reshape(-1))
    told = f"{len(wrong)} of {right.size} wrong"
    if len(wrong):
        k, x, y = (int(part) for part in np.unravel_index(wrong[0], right.shape))
        told += f", first action {wrong[0]} (candidate {k} at ({x}, {y})): {bool(mask[wrong[0]])}"
    return _Row(mask.tolist(), told)


action_mask.examine(
    cases=_cases,
    draw=lambda rng: _arguments(int(rng.integers(1000)), (3, 5, 3), 5),
    seen=_seen,
    mistakes={
        "boxes outside the walls are allowed: OUTSIDE is -1, below any limit, and needs a test of its own": (
            lambda landing, items, bin_height, supported: ((_tops(landing, items) <= bin_height) & supported).reshape(
                -1
            )
        ),
        "boxes that end exactly at the rim are refused: at most the bin's height, not below it": (
            lambda landing, items, bin_height, supported: _legal(landing, items, bin_height - 1, supported).reshape(-1)
        ),
        "boxes that end above the rim are allowed: landing plus the box's height must be at most the bin's": (
            lambda landing, items, bin_height, supported: (
                (landing >= 0) & (landing <= bin_height) & supported
            ).reshape(-1)
        ),
        "boxes that land on the floor are refused: a landing height of 0 is inside, only OUTSIDE is not": (
            lambda landing, items, bin_height, supported: (
                (landing > 0) & _legal(landing, items, bin_height, supported)
            ).reshape(-1)
        ),
        "all candidates are taken to be as high as the first one: items[:, 2] holds a height for each": (
            lambda landing, items, bin_height, supported: _legal(
                landing, np.repeat(items[:1], len(items), axis=0), bin_height, supported
            ).reshape(-1)
        ),
        "the support rule is left out": lambda landing, items, bin_height, supported: (
            (landing >= 0) & (_tops(landing, items) <= bin_height)
        ).reshape(-1),
        "legal and illegal are exchanged: True should mean legal": lambda *arguments: ~_legal(*arguments).reshape(-1),
        "the heights of the boxes lie along the wrong axis: they belong to the first, items[:, 2, None, None]": (
            lambda landing, items, bin_height, supported: (
                (landing >= 0) & (landing + np.resize(items[:, 2], landing.shape[2]) <= bin_height) & supported
            ).reshape(-1)
        ),
        "the wrong edge of the boxes is added: the third stands upright": (
            lambda landing, items, bin_height, supported: _legal(
                landing, items[:, [1, 2, 0]], bin_height, supported
            ).reshape(-1)
        ),
        "it has shape (K, L, W): flatten it, for a network has one output for each action": _legal,
        "x and y are exchanged in the order of the actions: y runs fastest": lambda *arguments: (
            _legal(*arguments).transpose(0, 2, 1).reshape(-1)
        ),
        "the axes are flattened in reverse (order F): the candidate is slowest and y fastest, which is numpy's "
        "default": lambda *arguments: _legal(*arguments).ravel(order="F"),
        "the candidate runs fastest: it should be the slowest, and y the fastest": lambda *arguments: (
            _legal(*arguments).transpose(1, 2, 0).reshape(-1)
        ),
    },
)
