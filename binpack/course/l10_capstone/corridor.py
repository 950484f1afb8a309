"""Lesson 10b: a corridor so small that everything about it can be computed, and two ways to help in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from binpack.course.tables import Table

LENGTH, GAMMA = 6, 0.9
LAMP = 2
"""The cell with a lamp, about half way."""
LEFT, RIGHT = 0, 1


def world() -> tuple[NDArray, NDArray]:
    """Return rewards and next states of a corridor: cells 0 to 5, two actions, and 1 for stepping into the end.

    Returns:
        Rewards, float64, (6, 2), and next states, int64, (6, 2).
    """
    cells = np.arange(LENGTH)
    to = np.stack([np.maximum(cells - 1, 0), np.minimum(cells + 1, LENGTH - 1)], axis=1)
    to[-1] = LENGTH - 1
    rewards = np.where(to == LENGTH - 1, 1.0, 0.0)
    rewards[-1] = 0.0
    return rewards, to


def bonus(rewards: NDArray, to: NDArray, size: float = 0.3) -> NDArray:
    """Return the rewards with a naive bonus: something for each arrival at the lamp.

    Args:
        rewards: of the corridor, (6, 2).
        to: its next states, (6, 2).
        size: of the bonus.
    """
    here = np.arange(LENGTH)[:, None]
    return rewards + size * ((to == LAMP) & (here != LAMP))


def shaped(rewards: NDArray, to: NDArray, shaping: Callable[..., NDArray], potential: NDArray | None = None) -> NDArray:
    """Return the rewards with shaping added.

    Args:
        rewards: of the corridor, (6, 2).
        to: its next states, (6, 2).
        shaping: (before, after, done, gamma) -> extra rewards, a row a step.
        potential: of each cell, (6,); None: the lamp's cell and those beyond it have 0.3.
    """
    worth = np.where(np.arange(LENGTH) >= LAMP, 0.3, 0.0) if potential is None else potential
    before = np.repeat(worth, 2)
    extra = shaping(before, worth[to].reshape(-1), (to == LENGTH - 1).reshape(-1), GAMMA)
    # at the end nothing is paid any more
    return rewards + np.where(np.arange(LENGTH)[:, None] == LENGTH - 1, 0.0, np.reshape(extra, to.shape))


def plans(kinds: Mapping[str, NDArray], to: NDArray, exact: Callable[..., NDArray]) -> Table:
    """List what is best in every cell under each reward, and whether it leads to the end.

    Args:
        kinds: name to rewards, (6, 2).
        to: the next states, (6, 2).
        exact: (rewards, to, gamma) -> values, (6, 2).
    """
    rows = []
    for name, rewards in kinds.items():
        plan = best(rewards, to, exact)
        rows.append([name, *(("left", "right")[action] for action in plan), walked(plan)])
    return Table(("reward", *(f"cell {cell}" for cell in range(LENGTH - 1)), "from cell 0"), rows)


def best(rewards: NDArray, to: NDArray, exact: Callable[..., NDArray]) -> list[int]:
    """Return the best action in each cell but the end, to the right where both are equal.

    Args:
        rewards: of the corridor, (6, 2).
        to: its next states, (6, 2).
        exact: (rewards, to, gamma) -> values, (6, 2).
    """
    return [LEFT if left > right + 1e-9 else RIGHT for left, right in exact(rewards, to, GAMMA)[:-1]]


def walk(plan: Sequence[int], most: int = 20) -> list[int]:
    """Return the cells that a plan comes through from cell 0, as far as the end.

    Args:
        plan: the action in each cell but the end.
        most: steps after which it walks for ever.
    """
    cells = [0]
    while cells[-1] < LENGTH - 1 and len(cells) <= most:
        cells.append(max(cells[-1] - 1, 0) if plan[cells[-1]] == LEFT else cells[-1] + 1)
    return cells


def walked(plan: Sequence[int]) -> str:
    """Say where a plan leads from cell 0.

    Args:
        plan: the action in each cell but the end.
    """
    cells = walk(plan)
    return f"at the end after {len(cells) - 1} steps" if cells[-1] == LENGTH - 1 else "never at the end"


def gap(first: NDArray, second: NDArray, to: NDArray, exact: Callable[..., NDArray]) -> NDArray:
    """Return by how much two rewards' values differ in each cell, for both actions, (5, 2).

    Args:
        first: rewards, (6, 2).
        second: rewards, (6, 2).
        to: the next states, (6, 2).
        exact: (rewards, to, gamma) -> values.
    """
    return (exact(first, to, GAMMA) - exact(second, to, GAMMA))[:-1]
