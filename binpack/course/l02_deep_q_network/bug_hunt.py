"""Lesson 02: five defects of a published listing, each a small piece of code, and what each of them does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import optuna
import torch
from torch import Tensor

from binpack.course.l02_deep_q_network.agent import Agent, DQNConfig, Parts, Run
from binpack.course.l02_deep_q_network.probes import CASES, CONFIG, Probe, read

Train = Callable[..., Run]


# ------------------------------------------------------------------------------------------------------- the defects


def exploration_rate(step: int, config: DQNConfig) -> float:
    """A. How often to act at random."""
    return 0.0


def learn(agent: Agent, loss: Tensor, config: DQNConfig) -> None:
    """B. One update."""
    agent.optimizer.zero_grad()
    loss.backward()
    agent.optimizer.step()
    agent.updates += 1


def is_over(terminated: bool, truncated: bool) -> bool:
    """C. Whether to start a new episode."""
    return terminated


def parts_for_all_trials(parts: Parts) -> Parts:
    """D. What the trials of a study train."""
    network, replay = parts.make_network(1, 10), parts.make_replay(400, 1)
    return parts.replace(make_network=lambda *_: network, make_replay=lambda *_: replay)


def suggest(trial: optuna.trial.BaseTrial, base: DQNConfig) -> DQNConfig:
    """E. What a trial tries."""
    return base.replace(
        gamma=trial.suggest_float("gamma", 1e-5, 1e-1),
        learning_rate=trial.suggest_float("learning_rate", 1e-5, 1e-1),
    )


# ------------------------------------------------------------------------------------------------------- and mended


def mended_is_over(terminated: bool, truncated: bool) -> bool:
    """Either kind of end starts a new episode."""
    return terminated or truncated


def mended_parts(parts: Parts) -> Parts:
    """Every trial makes its own network and buffer."""
    return parts


def mended_suggest(trial: optuna.trial.BaseTrial, base: DQNConfig) -> DQNConfig:
    """Discounts of an agent that looks ahead; learning rates on a log scale, none so large that it diverges."""
    return base.replace(
        gamma=trial.suggest_float("gamma", 0.9, 0.999),
        learning_rate=trial.suggest_float("learning_rate", 1e-3, 1e-2, log=True),
    )


# ----------------------------------------------------------------------------------------------------- measurements


@dataclass(frozen=True)
class Measured:
    """The effect of a defect.

    Attributes:
        what: what was measured, and in what unit.
        published: the result with the defect.
        mended: the result without it.
        wanted: what is right.
    """

    what: str
    published: float
    mended: float
    wanted: float

    def line(self) -> str:
        """In one line."""
        return f"{self.what:<58} {self.published:>9.1f} {self.mended:>7.1f} {self.wanted:>7.1f}"


HEADER = f"{'measured':<58} {'published':>9} {'yours':>7} {'right':>7}"


def no_exploration(train: Train, parts: Parts, rate: Callable[[int, DQNConfig], float], seeds: int = 8) -> int:
    """Count the seeds that find the better of two arms: one pays 0.5, the other 1.

    Args:
        train: the training loop.
        parts: the parts of the agent.
        rate: exploration rate, (step, config) -> probability.
        seeds: how many are tried.
    """
    probe, config = Probe([[0.5, 1.0]], [[-1, -1]]), CONFIG.replace(total_steps=200, epsilon_steps=150)
    runs = (train(probe, config, parts.replace(epsilon=rate), seed) for seed in range(seeds))
    return sum(int(read(probe, run).learned[0].argmax()) == 1 for run in runs)


def no_copies(train: Train, parts: Parts, update: Callable[[Agent, Tensor, DQNConfig], None]) -> float:
    """Learn the value of the first of two steps; it is 0.5.

    Args:
        train: the training loop.
        parts: the parts of the agent.
        update: one update, (agent, loss, config) -> None.
    """
    probe = CASES["discount"].make()
    return float(read(probe, train(probe, CONFIG, parts.replace(update=update), 0)).learned[0, 0])


def no_cut(train: Train, parts: Parts, over: Callable[[bool, bool], bool]) -> int:
    """Count the episodes in 200 steps of a task that never terminates and has a time limit of 4 steps.

    Args:
        train: the training loop.
        parts: the parts of the agent.
        over: whether to start a new episode, (terminated, truncated) -> bool.
    """
    config = CONFIG.replace(total_steps=200, learning_starts=201)
    return len(train(_Ends(CASES["cut off"].make(), over), config, parts, 0).returns)


def shared_between_trials(train: Train, parts: Parts, make_parts: Callable[[Parts], Parts]) -> float:
    """Score a trial that cannot learn (its learning rate is 1e-9) after one that can: ten arms, one pays 1, others 0.

    Args:
        train: the training loop.
        parts: the parts of the agent.
        make_parts: what the trials train.
    """
    rewards = np.zeros((1, 10))
    # the arm that an untrained network of seed 1 likes least
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        untrained = parts.make_network(1, 10)(torch.zeros(1, 1)).detach()
        paying = int(untrained.argmin())
        rewards[0, paying] = 1.0
        torch.manual_seed(2)
        shared = make_parts(parts)
    probe, config = Probe(rewards, np.full((1, 10), -1)), CONFIG.replace(total_steps=300)
    train(probe, config, shared, 0)
    second = train(probe, config.replace(learning_rate=1e-9), shared, 1)
    return float(rewards[0, read(probe, second).learned[0].argmax()])


def wrong_ranges(
    train: Train, parts: Parts, space: Callable[[optuna.trial.BaseTrial, DQNConfig], DQNConfig], trials: int = 4
) -> int:
    """Count the random trials that learn to wait: 0.4 at once, or 1 a step later.

    Args:
        train: the training loop.
        parts: the parts of the agent.
        space: what a trial tries, (trial, base) -> settings.
        trials: how many.
    """
    probe, study = CASES["patience"].make(), optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    base, found = CONFIG.replace(total_steps=500), 0
    for _ in range(trials):
        run = train(probe, space(study.ask(), base), parts, 0)
        found += int(read(probe, run).learned[0].argmax()) == 1
    return found


def measure(
    train: Train,
    parts: Parts,
    over: Callable[[bool, bool], bool] = mended_is_over,
    make_parts: Callable[[Parts], Parts] = mended_parts,
    space: Callable[[optuna.trial.BaseTrial, DQNConfig], DQNConfig] = mended_suggest,
) -> dict[str, Measured]:
    """Measure every defect against its mended form.

    Args:
        train: the training loop.
        parts: the mended parts; those that `epsilon` and `update` exchange come from here too.
        over: C, mended.
        make_parts: D, mended.
        space: E, mended.

    Returns:
        "A" to "E" to what was measured.
    """
    pairs: dict[str, tuple[Callable[..., Any], Any, Any, str, float]] = {
        "A": (no_exploration, exploration_rate, parts.epsilon, "seeds of 8 that find the better of two actions", 8),
        "B": (no_copies, learn, parts.update, "value of the first of two steps", 0.5),
        "C": (no_cut, is_over, over, "episodes in 200 steps with a time limit of 4", 50),
        "D": (shared_between_trials, parts_for_all_trials, make_parts, "return of a trial that cannot learn", 0),
        "E": (wrong_ranges, suggest, space, "trials of 4 that learn to wait for more", 4),
    }
    return {
        name: Measured(what, float(test(train, parts, bad)), float(test(train, parts, good)), float(wanted))
        for name, (test, bad, good, what, wanted) in pairs.items()
    }


class _Ends(gym.Wrapper):
    """Lets a function say when an episode is over; what it does not say is hidden from the training loop."""

    def __init__(self, env: gym.Env, over: Callable[[bool, bool], bool]) -> None:
        super().__init__(env)
        self._over_when = over

    def step(self, action: int) -> tuple:
        observation, reward, terminated, truncated, info = self.env.step(action)
        over = bool(self._over_when(terminated, truncated))
        return observation, reward, over and terminated, over and not terminated, info
