"""What the probes of several lessons share: tasks that are tables, whose right values are worked out beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Judged(Protocol):
    """What an agent learned on a probe, beside what is right."""

    @property
    def right(self) -> bool:
        """Whether it learned what it should."""


@dataclass(frozen=True)
class Case:
    """A probe and what its failure points at.

    Attributes:
        make: makes the environment.
        tests: what it takes to get it right.
        suspects: parts to look at if it is wrong and those above it are right.
    """

    make: Callable[[], Any]
    tests: str
    suspects: str


def values_by_iteration(
    rewards: NDArray, following: NDArray, gamma: float, legal: NDArray | None = None
) -> NDArray[np.float64]:
    """Work out the true Q-values of a table by value iteration; a time limit is not part of it (Pardo et al., 2018).

    Args:
        rewards: what an action pays, float, (states, actions).
        following: the state that it leads to, -1 for the end, int, (states, actions).
        gamma: the discount, in [0, 1).
        legal: which actions may be taken later on, bool, (states, actions); all where it is left out.

    Returns:
        float64, (states, actions).

    Raises:
        ValueError: the discount is out of its range.
    """
    if not 0 <= gamma < 1:
        raise ValueError(f"gamma must lie in [0, 1), got {gamma}")
    q, weight = np.zeros_like(rewards), 1.0
    while weight > 1e-12:  # the weight of all rewards that are not yet counted
        allowed = q if legal is None else np.where(legal, q, -np.inf)
        best = np.append(allowed.max(axis=1), 0.0)  # the last entry is the end, index -1
        q, weight = rewards + gamma * best[following], gamma * weight
    return q


def advice(readings: Mapping[str, Judged], cases: Mapping[str, Case], parts: bool = True) -> str:
    """Say which probe is the first to fail and what to look at, or that all are learned.

    Args:
        readings: name of a probe to what was learned on it, from the simplest probe to the hardest.
        cases: name of a probe to the probe.
        parts: whether the agent is made of the lesson's parts; else what the probe tests is said in their place.
    """
    for name, reading in readings.items():
        if not reading.right:
            case = cases[name]
            return f"the first to fail is {name}: " + (f"look at {case.suspects}" if parts else case.tests)
    return "all are learned"
