"""A support rule of one's own, and the rule of an environment that packs nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.core.bearing import least_cells
from binpack.course.exercises import exercise, promise


@dataclass(frozen=True)
class Bases:
    """What bears some bases, as a rule is told; the real thing is ``binpack.core.bearing.Bearing``."""

    cells: NDArray
    """How many cells bear each base, int64, (n,)."""
    area: NDArray
    """Cells of each base, int64, (n,)."""
    corners: NDArray
    """How many of its four corner cells bear it, int64, (n,)."""

    def reaches(self, share: float) -> NDArray:
        """Say where at least a share of the base is borne, bool, (n,)."""
        return self.cells >= least_cells(share, self.area, more=False)


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with the two ways to be accepted, each an array of bools: `bearing.corners == 4` is the first.",
        "Half of the base, in whole numbers: `2 * bearing.cells >= bearing.area`. *And* is `&`, *or* is `|`.",
        "`return (bearing.corners == 4) | ((bearing.corners == 3) & (2 * bearing.cells >= bearing.area))`.",
    ),
    returns=promise.an_array("the decisions", bool),
)
def three_feet(bearing: Any) -> NDArray:
    """Accept a placement that stands on its four corners, or on three of them and half of its base.

    Args:
        bearing: what bears each base, with arrays ``cells``, ``area`` and ``corners`` of one entry a placement,
            integers.

    Returns:
        Bool, an entry for each placement.
    """
    # 1. all four corners
    four = bearing.corners == 4
    # 2. three, and at least half of the cells
    three = (bearing.corners == 3) & (2 * bearing.cells >= bearing.area)
    # 3. either will do
    return four | three


def _bases(*rows: tuple[int, int, int]) -> Bases:
    return Bases(*np.array(rows).T)


def _drawn(rng: np.random.Generator) -> Bases:
    area = rng.integers(4, 13, size=8)
    return Bases(rng.integers(1, area + 1), area, rng.integers(0, 5, size=8))


three_feet.examine(
    cases=lambda: [
        (_bases((4, 9, 4), (5, 9, 3), (4, 9, 3), (8, 9, 2)),),
        (_bases((3, 6, 3), (2, 6, 3), (4, 4, 4), (5, 6, 2), (5, 6, 1)),),
        (_bases((6, 12, 3), (5, 12, 3), (4, 12, 4), (6, 12, 4), (11, 12, 0)),),
    ],
    draw=lambda rng: (_drawn(rng),),
    mistakes={
        "exactly half of the base is refused: half is enough": lambda bearing: (
            (bearing.corners == 4) | ((bearing.corners == 3) & (2 * bearing.cells > bearing.area))
        ),
        "four corners need half of the base as well: they are enough alone": lambda bearing: (
            (bearing.corners >= 3) & (2 * bearing.cells >= bearing.area)
        ),
        "three corners are enough alone: they need half of the base as well": lambda bearing: bearing.corners >= 3,
        "half of the base is enough alone: three corners must rest as well": lambda bearing: (
            (bearing.corners == 4) | (2 * bearing.cells >= bearing.area)
        ),
        "three corners are never accepted": lambda bearing: bearing.corners == 4,
        "this says which are refused": lambda bearing: ~three_feet.reference(bearing),
    },
)


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with what is on the shelf when the shop opens: `full = np.minimum(stock + order, room)`.",
        "Sold is what is asked for, as far as it is there: `np.minimum(full, demand)`.",
        "`return full - sold, price * sold - (full - stock) - keep * (full - sold)`.",
    ),
    returns=promise.a_tuple(
        "what is left and the profit", promise.an_array("what is left", int), promise.an_array("the profit", float)
    ),
)
def a_day(
    stock: NDArray, order: NDArray, demand: NDArray, room: int = 10, price: float = 3, keep: float = 0.3
) -> tuple[NDArray, NDArray]:
    """Play a day of many shops at once: goods arrive, are sold, and what is left is kept.

    Args:
        stock: on the shelf in the evening before, int64, (shops,).
        order: how many arrive in the morning, int64, (shops,).
        demand: how many are asked for, int64, (shops,).
        room: of the shelf; what does not fit is not taken and not paid.
        price: that each brings; each costs 1.
        keep: what a night costs for each that is left.

    Returns:
        What is left in the evening, int64, (shops,), and the day's profit, float64, (shops,).
    """
    # 1. the shelf in the morning, and what is sold of it
    full = np.minimum(stock + order, room)
    sold = np.minimum(full, demand)
    # 2. earned, paid, and paid for the night
    return full - sold, price * sold - (full - stock) - keep * (full - sold)


def _a_day(kind: str) -> Callable[..., tuple[NDArray, NDArray]]:
    def played(
        stock: NDArray, order: NDArray, demand: NDArray, room: int = 10, price: float = 3.0, keep: float = 0.3
    ) -> tuple[NDArray, NDArray]:
        full = stock + order if kind == "room" else np.minimum(stock + order, room)
        sold = demand if kind == "sold" else np.minimum(full, demand)
        bought = order if kind == "bought" else full if kind == "stock" else full - stock
        night = 0 if kind == "keep" else stock if kind == "before" else full - sold
        return full - sold, price * sold - bought - keep * night

    return played


a_day.examine(
    cases=lambda: [
        (np.array([2]), np.array([3]), np.array([4])),
        (np.array([2, 0, 8]), np.array([3, 0, 5]), np.array([9, 3, 4])),
        (np.array([10, 4]), np.array([2, 4]), np.array([0, 8])),
    ],
    draw=lambda rng: (rng.integers(0, 11, size=4), rng.integers(0, 6, size=4), rng.integers(0, 9, size=4)),
    mistakes={
        "more is on the shelf than has room there": _a_day("room"),
        "more is sold than is there": _a_day("sold"),
        "goods that find no room are paid: only what is taken is": _a_day("bought"),
        "goods of the day before are paid again: only what arrives is paid": _a_day("stock"),
        "nothing is paid for the night": _a_day("keep"),
        "the night is paid for what was there in the evening before: it is paid for what is left": _a_day("before"),
    },
)
