"""Rewards that help without changing what is best, and the exact computation that shows it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise


@exercise(
    minutes=10,
    difficulty=2,
    hints=(
        "Begin with `values = np.zeros(rewards.shape)`, a number for each state and action, and repeat `sweeps` times.",
        "`values.max(axis=1)` is what each state is worth. `[to]` picks that of every next state; the last state is "
        "the end and worth 0, whatever stands there.",
        "In the loop: `worth = values.max(axis=1)`, `worth[-1] = 0.0`, `values = rewards + gamma * worth[to]`.",
    ),
    returns=promise.an_array("the values", float),
)
def exact_values(rewards: NDArray, to: NDArray, gamma: float, sweeps: int = 500) -> NDArray:
    """Compute what every action is worth in a small world whose rules are known.

    Source: Bellman, "Dynamic programming", Princeton University Press 1957.

    Args:
        rewards: of each action in each state, float64, (states, actions).
        to: the state that it leads to, int64, (states, actions); the last state is the end.
        gamma: discount of future rewards.
        sweeps: how often all values are computed anew.

    Returns:
        Value of each action in each state if all goes on in the best way, float64, (states, actions).
    """
    # 1. nothing is known
    values = np.zeros(rewards.shape)
    for _ in range(sweeps):
        # 2. a state is worth its best action, and the end nothing
        worth = values.max(axis=1)
        worth[-1] = 0.0
        # 3. the reward, and what the next state is worth
        values = rewards + gamma * worth[to]
    return values


def _swept(rewards: NDArray, to: NDArray, gamma: float, sweeps: int, kind: str) -> NDArray:
    values = np.zeros(rewards.shape)
    for _ in range(sweeps):
        worth = (
            values.mean(axis=1) if kind == "mean" else values[:, 0].copy() if kind == "first" else values.max(axis=1)
        )
        if kind != "end":
            worth[-1] = 0.0
        values = rewards + (1.0 if kind == "gamma" else gamma) * (worth[:, None] if kind == "here" else worth[to])
    return values


def _in_place(each_action: bool) -> Callable[..., NDArray]:
    """Change the values of a sweep while it goes on, after each state or after each action."""

    def swept(rewards: NDArray, to: NDArray, gamma: float, sweeps: int = 500) -> NDArray:
        values, end = np.zeros(rewards.shape), len(rewards) - 1
        for _ in range(sweeps):
            for state in range(len(rewards)):
                seen = values if each_action else values.copy()
                for action, later in enumerate(to[state]):
                    worth = 0.0 if later == end else seen[later].max()
                    values[state, action] = rewards[state, action] + gamma * worth
        return values

    return swept


def _wrong(kind: str) -> Callable[..., NDArray]:
    return lambda rewards, to, gamma, sweeps=500: _swept(rewards, to, gamma, sweeps, kind)


_LINE = np.array([[1, 1], [0, 2], [1, 3], [3, 3]])

exact_values.examine(
    cases=lambda: [
        (np.array([[0.0, 1.0], [2.0, 5.0], [0.0, 0.0]]), np.array([[1, 2], [2, 0], [2, 2]]), 0.5, 20),
        (np.array([[0.0, 0.1], [0.0, 0.3], [0.2, 1.0], [7.0, 7.0]]), _LINE, 0.9, 30),
        (np.array([[0.0, 0.1], [0.0, 0.3], [0.2, 1.0], [7.0, 7.0]]), _LINE, 0.9, 1),
    ],
    draw=lambda rng: (rng.random((5, 2)).round(2), rng.integers(0, 5, size=(5, 2)), 0.8, 12),
    mistakes={
        "the end is worth something: an episode that is over earns nothing more": _wrong("end"),
        "a state is worth the mean of its actions: take the best of them": _wrong("mean"),
        "a state is worth its first action: take the best of them": _wrong("first"),
        "the future is not discounted": _wrong("gamma"),
        "the state itself is looked up, not the one that the action leads to": _wrong("here"),
        "later states see what the same sweep has changed: compute all values from those before it": _in_place(False),
        "later actions see what the same sweep has changed: compute all values from those before it": _in_place(True),
        "these are the rewards alone: add what the next state is worth": (
            lambda rewards, to, gamma, sweeps=500: rewards + 0.0
        ),
    },
)


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with what the next state is worth: its potential where the episode goes on, and 0 where it is over. "
        "`np.where(done, 0.0, after)` is that for all steps at once.",
        "The potential of the next state is discounted, that of the state before is not.",
        "`return gamma * np.where(done, 0.0, after) - before`.",
    ),
    returns=promise.an_array("the extra reward", float),
)
def shaping(before: NDArray, after: NDArray, done: NDArray, gamma: float) -> NDArray:
    """Turn potentials into an extra reward that leaves the best policy as it was.

    Source: Ng, Harada and Russell, "Policy invariance under reward transformations", ICML 1999.

    Args:
        before: potential of the state before each step, float64, (steps,).
        after: potential of the state after it, float64, (steps,).
        done: whether the episode is over after the step, bool, (steps,).
        gamma: discount of future rewards.

    Returns:
        Extra reward of each step, float64, (steps,); the end of an episode has the potential 0.
    """
    # 1. an episode that is over has no potential any more
    reached = np.where(done, 0.0, after)
    # 2. what was won, discounted as the future is, minus what was there
    return gamma * reached - before


shaping.examine(
    cases=lambda: [
        (np.array([0.0]), np.array([1.0]), np.array([False]), 0.9),
        (np.array([1.0, 2.0]), np.array([2.0, 5.0]), np.array([False, True]), 0.9),
        (np.array([0.5, 0.25, 1.0]), np.array([0.25, 1.0, 0.5]), np.array([False, False, True]), 1.0),
    ],
    draw=lambda rng: (rng.random(4).round(2), rng.random(4).round(2), np.array([False, False, True, False]), 0.8),
    mistakes={
        "the discount is missing: multiply the potential of the next state by gamma": (
            lambda before, after, done, gamma: np.where(done, 0.0, after) - before
        ),
        "the end of an episode keeps its potential: there it is 0": (
            lambda before, after, done, gamma: gamma * after - before
        ),
        "before and after are exchanged": lambda before, after, done, gamma: (
            gamma * before - np.where(done, 0.0, after)
        ),
        "the whole difference is discounted: the potential before the step is not": (
            lambda before, after, done, gamma: gamma * (np.where(done, 0.0, after) - before)
        ),
        "this pays the potential itself, not what was won": lambda before, after, done, gamma: np.where(
            done, 0.0, after
        ),
        "the last step of an episode gets nothing: it gives back what was paid before": (
            lambda before, after, done, gamma: np.where(done, 0.0, gamma * after - before)
        ),
    },
)
