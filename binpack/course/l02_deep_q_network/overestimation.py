"""Lesson 02b: how much the maximum over noisy Q-values is too high, and what double DQN does about it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from binpack.course.l02_deep_q_network.agent import Parts
from binpack.course.l02_deep_q_network.bug_hunt import Curve, Train, curves_of, values_of
from binpack.course.l02_deep_q_network.probes import CONFIG, Probe

ARMS = 10


def lottery(train: Train, parts: Parts, seeds: Sequence[int] = range(5)) -> Curve:
    """Learn what it is worth to enter a room of ten lotteries, each of which pays 0 on average, and 1 more or less.

    The step that enters pays nothing, so its value is the best of the ten, which is 0.

    Args:
        train: the training loop.
        parts: the parts of the agent; its targets are what matters here.
        seeds: one run each.

    Returns:
        The Q-value of entering, by environment steps.
    """
    following = np.stack([np.full(ARMS, 1), np.full(ARMS, -1)])
    config = CONFIG.replace(gamma=0.99, total_steps=600, epsilon_last=1.0, buffer_size=100, target_update=100)

    def make() -> Probe:
        return Probe(np.zeros((2, ARMS)), following, noise=1.0)

    probe = make()
    return curves_of(train, make, config, parts, seeds, lambda agent: values_of(agent, probe)[0].mean())
