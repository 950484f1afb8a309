"""Lesson 00: a first look at the machine, and a first exercise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from binpack import system
from binpack.course.exercises import exercise, expect, expect_close, expect_shape

# --------------------------------------------------------------------------------------------- used by the notebook


def check_lines(rows: Sequence[system.Row]) -> Iterator[str]:
    """Yield the environment check as text, with paths as they look from the checkout.

    Args:
        rows: what `system.check` returned.
    """
    root = system.checkout()
    interpreter = Path(sys.executable)
    shown = interpreter.relative_to(root) if interpreter.is_relative_to(root) else interpreter.name
    for line in system.lines(list(rows)):
        if line.lstrip().startswith("do: "):  # to be copied into a terminal, so it keeps its whole paths
            yield line
        else:
            yield line.replace(sys.executable, str(shown)).replace(f"{root}/", "").replace(str(root), "the checkout")


# ------------------------------------------------------------------------------------------------------- exercises


@exercise(
    minutes=3,
    difficulty=1,
    hints=(
        "If you are not sure what a row holds: x, y, z, then length, width, height. Only the last three count here.",
        "If you have the volume of each box: add them up, then divide by the volume of the bin.",
    ),
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
    return volumes.sum() / (bin_size[0] * bin_size[1] * bin_size[2])


@utilization.check
def _(answer: Callable) -> None:
    boxes = np.array([[0, 0, 0, 2, 3, 4], [2, 1, 5, 1, 2, 3], [1, 4, 2, 5, 1, 2]])
    size, volumes = (10, 8, 6), np.array([24, 6, 10])
    before = boxes.copy()
    got = answer(boxes, size)
    expect(np.array_equal(boxes, before), "the boxes were changed: compute with them, do not write into them")
    expect(np.shape(got) != (3,), "it returns one number a box: add the boxes up")
    expect_shape(got, (), "the utilization of one bin")
    total = volumes.sum()
    expect(not np.isclose(got, total), "it returns a volume: divide by the volume of the bin")
    expect(not np.isclose(got, 100 * total / 480), "it returns a percentage: a share lies between 0 and 1")
    expect(got != 0, "it returns 0: is the share rounded down? / divides, // divides and rounds down")
    corners = boxes[:, :3].prod(axis=1).sum()
    expect(not np.isclose(got, corners / 480), "it multiplies x, y and z: the edges are the last three columns")
    expect(not np.isclose(got, 1 - total / 480), "it returns the empty share: the filled one is wanted")
    expect(not np.isclose(got, 3 / 480), "it counts boxes: a large box fills more than a small one")
    expect(not np.isclose(got, volumes.mean() / 480), "it takes the mean of the volumes: add them up")
    expect(not np.isclose(got, boxes[:, 3:].sum() / 480), "it adds the edges: a volume is length x width x height")
    expect(not np.isclose(got, total / 1000), "it divides by 1000: use bin_size, not every bin is 10 x 10 x 10")
    expect_close(got, total / 480, f"boxes of 24, 6 and 10 cells in a bin of 480 cells should give {total / 480:.4f}")
    expect_close(answer(boxes[:0], size), 0.0, "an empty bin, boxes of shape (0, 6), should give 0")
    full = np.array([[0, 0, 0, 3, 3, 2], [0, 0, 2, 3, 3, 3]])
    expect_close(answer(full, (3, 3, 5)), 1.0, "a full bin should give 1")
