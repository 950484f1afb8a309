"""Lesson 10b: rewards of one's own, each a name that a config can hold: ``module:name``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.env.rewards import Step

GAMMA = 0.99
"""The discount that training uses; shaping has to know it."""


def flatness(heights: NDArray) -> NDArray:
    """Say how flat each bin is: minus the mean step between neighbouring cells, in cells, float64, (n,).

    Args:
        heights: height maps, (n, L, W).
    """
    along, across = (np.abs(np.diff(heights, axis=axis)).mean(axis=(1, 2)) for axis in (1, 2))
    return -(along + across) / 2


def flat_bonus(step: Step) -> NDArray:
    """Pay for volume, and something for every step that ends flat: a naive bonus."""
    height = step.bin_size[2]
    return (step.after - step.before) + 0.1 * (1 + flatness(step.heights) / height)


@dataclass(frozen=True)
class FlatShaped:
    """Pays for volume, and for what a step makes flatter: shaping with the potential ``flatness``.

    Source: Ng, Harada and Russell, "Policy invariance under reward transformations", ICML 1999.
    """

    weight: float = 0.1

    def empty(self, bin_size: tuple[int, int, int]) -> Mapping[str, Any]:
        """Say what is remembered: the potential of an empty bin, which is perfectly flat."""
        return {"potential": 0.0}

    def __call__(self, step: Step) -> NDArray:
        """Return volume plus ``gamma * potential after - potential before``; the end has the potential 0."""
        before = step.memory["potential"].copy()
        after = np.where(step.done, 0.0, self.weight * flatness(step.heights) / step.bin_size[2])
        step.memory["potential"][:] = after
        return (step.after - step.before) + GAMMA * after - before


flat_shaped = FlatShaped()
