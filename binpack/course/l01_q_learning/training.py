"""Training runs of lesson 01, several seeds of one setting at once, and what to look at in the tables they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.course.l01_q_learning.worlds import TabularWorld, policy_value
from binpack.course.progress import progress


class Runs(NamedTuple):
    """Training runs of one setting, one row a seed."""

    episodes: NDArray
    """After how many episodes the table was measured, integers, (n,)."""
    scores: NDArray
    """Expected return of the greedy policy then, float64, (seeds, n)."""
    rewards: NDArray
    """Sum of rewards of each training episode, exploration included, float64, (seeds, episodes)."""
    tables: list[NDArray]
    """The table of each seed after its last episode, (S, A)."""


def train_seeds(
    train: Callable,
    read: Callable,
    world: TabularWorld,
    *,
    alphas: NDArray,
    epsilons: NDArray,
    gamma: float,
    seeds: Sequence[int],
    judge: float = 1.0,
    points: int = 1,
    name: str = "seeds",
) -> Runs:
    """Train one table a seed and measure on the way what its greedy policy is worth: exactly, without playing.

    Args:
        train: the function of the exercise `q_learning`.
        read: the function of the exercise `greedy_policy`.
        world: where to train.
        alphas: step size of each episode, (episodes,).
        epsilons: exploration rate of each episode, (episodes,).
        gamma: the discount.
        seeds: one seed a run, for the world and for the agent.
        judge: the discount that the policies are judged at, whatever they were trained with.
        points: how often to measure, the last time at the end; 1 measures there only.
        name: what the progress bar is called.
    """
    ends = np.linspace(0, len(alphas), points + 1).round().astype(int)[1:]
    scores, rewards, tables = [], [], []
    for seed in progress(seeds, name):
        q, rng = world.new_table(), np.random.default_rng(seed)
        world.reset(seed=seed)
        row, earned, done = [], [], 0
        for end in ends:
            earned += list(train(world, q, alphas[done:end], epsilons[done:end], gamma, rng))
            row.append(policy_value(world, np.asarray(read(q)), judge))
            done = end
        scores.append(row)
        rewards.append(earned)
        tables.append(q)
    return Runs(ends, np.array(scores), np.array(rewards), tables)


def best_entries(tables: ArrayLike) -> NDArray:
    """Return the largest entry of each state's row, 0 where no action is possible.

    Args:
        tables: one table or several, float64, (..., S, A).

    Returns:
        float64, (..., S).
    """
    largest = np.asarray(tables).max(axis=-1)
    return np.where(largest > -np.inf, largest, 0.0)


def in_blocks(rewards: NDArray, length: int) -> tuple[NDArray, NDArray]:
    """Average the rewards of training episodes over blocks of neighbours, which calms a curve of single episodes.

    Args:
        rewards: sum of rewards of each episode, (seeds, episodes).
        length: episodes in a block; what is left over at the end is dropped.

    Returns:
        The last episode of each block, integers, (n,), and the means, (seeds, n).
    """
    count = rewards.shape[1] // length
    means = rewards[:, : count * length].reshape(len(rewards), count, length).mean(axis=2)
    return length * np.arange(1, count + 1), means
