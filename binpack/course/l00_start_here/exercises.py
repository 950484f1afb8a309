"""Lesson 00: a first exercise, the score of a packing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise

Size = tuple[int, int, int]


@exercise(
    minutes=3,
    difficulty=1,
    hints=(
        "Begin with the volume of each box. A row of `boxes` is x, y, z, length, width, height, so `boxes[:, 3]` holds "
        "all lengths, `boxes[:, 4]` all widths and `boxes[:, 5]` all heights.",
        "Multiply the three, and the result holds a volume for each box. Add them up, and divide by the volume of the "
        "bin, which is the product of the three numbers of `bin_size`.",
        "`volumes = boxes[:, 3] * boxes[:, 4] * boxes[:, 5]`, then `return volumes.sum() / np.prod(bin_size)`",
    ),
    returns=promise.a_float("the utilization"),
)
def utilization(boxes: NDArray, bin_size: tuple[int, int, int]) -> float:
    """Compute which share of a bin is filled.

    Args:
        boxes: placed boxes, integers, (n, 6): x, y, z, length, width, height, in cells; n may be 0.
        bin_size: length, width and height of the bin, in cells.

    Returns:
        The share, from 0 (empty) to 1 (full).
    """
    # 1. the volume of each box
    volumes = boxes[:, 3] * boxes[:, 4] * boxes[:, 5]
    # 2. all of them, as a share of the bin's volume
    return float(volumes.sum() / (bin_size[0] * bin_size[1] * bin_size[2]))


def _volumes(boxes: NDArray) -> NDArray:
    return boxes[:, 3:].prod(axis=1)


def _of(score: Callable[[NDArray], float]) -> Callable[[NDArray, Size], float]:
    """Turn a score of the boxes into its share of the bin's volume: a wrong answer, where the score is none."""
    return lambda boxes, size: float(score(boxes) / np.prod(size))


def _draw(rng: np.random.Generator) -> tuple[NDArray, Size]:
    """Draw boxes in a bin that need not be a cube; whether they overlap makes no difference to the sum."""
    size = rng.integers(6, 12, 3)
    edges = rng.integers(1, 4, (int(rng.integers(1, 6)), 3))
    length, width, height = size.tolist()
    return np.hstack([rng.integers(0, size - edges + 1), edges]), (length, width, height)


utilization.examine(
    cases=lambda: [
        (np.array([[0, 0, 0, 2, 3, 4]]), (10, 8, 6)),
        (np.array([[0, 0, 0, 2, 3, 4], [2, 1, 5, 1, 2, 3], [1, 4, 2, 5, 1, 2]]), (10, 8, 6)),
        (np.zeros((0, 6), int), (10, 10, 10)),
        (np.array([[0, 0, 0, 3, 3, 2], [0, 0, 2, 3, 3, 3]]), (3, 3, 5)),
    ],
    draw=_draw,
    mistakes={
        "it returns a volume: divide by the volume of the bin": lambda b, s: float(_volumes(b).sum()),
        "it returns a percentage: a share lies between 0 and 1": lambda b, s: float(
            100 * _volumes(b).sum() / np.prod(s)
        ),
        "the share is rounded down to a whole number: / divides, // divides and rounds down": lambda b, s: float(
            _volumes(b).sum() // np.prod(s)
        ),
        "it multiplies x, y and z: the edges are the last three columns": _of(lambda b: b[:, :3].prod(axis=1).sum()),
        "it returns the empty share: the filled one is wanted": lambda b, s: float(1 - _volumes(b).sum() / np.prod(s)),
        "it counts the boxes: a large box fills more than a small one": _of(len),
        "it takes the mean of the volumes: add them up": lambda b, s: float(
            _volumes(b).sum() / max(len(b), 1) / np.prod(s)
        ),
        "it takes the largest volume alone: add them all up": _of(lambda b: _volumes(b).max(initial=0)),
        "it adds the edges of a box: a volume is length x width x height": _of(lambda b: b[:, 3:].sum()),
        "it multiplies the edges of all boxes: multiply within a box, then add": _of(lambda b: b[:, 3:].prod()),
        "it divides by 1000: use bin_size, not every bin is 10 x 10 x 10": lambda b, s: float(_volumes(b).sum() / 1000),
        "only the first edge of the bin divides, the others multiply: put the product in brackets": lambda b, s: float(
            _volumes(b).sum() / s[0] * s[1] * s[2]
        ),
        "it divides by the sum of the bin's edges: a volume is their product": lambda b, s: float(
            _volumes(b).sum() / sum(s)
        ),
    },
)
