"""Lesson 09: machines that are taken away: what is lost, and what it costs.

References:
    Young (1974). A First Order Approximation to the Optimum Checkpoint Interval. Communications of the ACM 17.
    Daly (2006). A Higher Order Estimate of the Optimum Checkpoint Interval for Restart Dumps. Future Generation
        Computer Systems 22.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from binpack.course.tables import Table


def lost_shares(
    intervals: Sequence[float], cost: float, between: float, work: float, repeats: int, rng: np.random.Generator
) -> NDArray:
    """Play a long run on a machine that is taken away at random, and return what it takes beyond its work.

    A piece of work is an interval and the checkpoint after it. If the machine is taken away before the checkpoint is
    written, the piece begins again; a new machine is there at once.

    Args:
        intervals: seconds of work between two checkpoints.
        cost: seconds that a checkpoint takes.
        between: mean seconds between two interruptions, which come without a memory.
        work: seconds of work in all.
        repeats: how many runs are played.
        rng: draws the interruptions.

    Returns:
        Extra time as a share of the work, float64, (intervals, repeats).
    """
    return np.array([_extra(interval, cost, between, work, repeats, rng) for interval in intervals])


def _extra(
    interval: float, cost: float, between: float, work: float, repeats: int, rng: np.random.Generator
) -> NDArray:
    pieces = max(1, round(work / interval))
    taken = np.zeros(repeats)
    for _ in range(pieces):
        left = np.arange(repeats)
        while len(left):
            alive = rng.exponential(between, size=len(left))
            through = alive >= interval + cost
            taken[left] += np.where(through, interval + cost, alive)
            left = left[~through]
    return taken / (pieces * interval) - 1


def young_share(intervals: NDArray, cost: float, between: float) -> NDArray:
    """Return the share that is lost by Young's approximation, float64, (n,).

    Args:
        intervals: seconds, (n,).
        cost: seconds of a checkpoint.
        between: mean seconds between two interruptions.
    """
    return cost / intervals + intervals / (2 * between)


def bill(hours: float, price: float, spot_price: float, shares: Sequence[float]) -> Table:
    """Compare what a search costs on a machine of one's own and on a spot instance.

    Args:
        hours: that it takes without any interruption.
        price: of an hour on demand.
        spot_price: of an hour of a spot instance.
        shares: of the work that is lost to checkpoints and interruptions, to be looked at.
    """
    rows = [["on demand", "0%", f"{hours:.1f}", f"{hours * price:.2f}", ""]]
    for share in shares:
        cost = hours * (1 + share) * spot_price
        saved = 1 - cost / (hours * price)
        rows.append(["spot", f"{share:.0%}", f"{hours * (1 + share):.1f}", f"{cost:.2f}", f"{saved:+.0%}"])
    head = ("machine", "lost", "hours", "cost", "saved")
    return Table(head, rows, f"an hour costs {price:g} on demand and {spot_price:g} as a spot instance")


def break_even(price: float, spot_price: float) -> float:
    """Return the share of the work that may be lost before a spot instance is the dearer one.

    Args:
        price: of an hour on demand.
        spot_price: of an hour of a spot instance.
    """
    return price / spot_price - 1
