"""What of the published listing a learner mends: when an episode is over, what trials share, what a trial tries."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import optuna
import torch
from torch import nn

from binpack.course.exercises import exercise, expect
from binpack.course.l02_deep_q_network import bug_hunt
from binpack.course.l02_deep_q_network.agent import DQNConfig, Parts, Replay


@exercise(
    minutes=3,
    difficulty=1,
    hints=(
        "Begin with the two ways in which an episode ends: the pole falls (terminated), or the time is up (truncated).",
        "After either of them the environment has to be reset: `return terminated or truncated`.",
    ),
)
def is_over(terminated: bool, truncated: bool) -> bool:
    """Say whether an episode is over, so that the training loop starts a new one.

    Args:
        terminated: the episode came to a state without a future.
        truncated: a time limit cut it off.

    Returns:
        True where a new episode has to start.
    """
    # 1. either kind of end
    return terminated or truncated


@exercise(
    minutes=5,
    difficulty=2,
    hints=(
        "Begin with the question when each line runs: what stands in prepare_study runs once for a study, what stands "
        "in begin_trial once for each trial.",
        "A trial needs a network and a buffer of its own. So make_network and make_replay have to be called when the "
        "trial begins.",
        "Move the two lines that make network and replay into begin_trial, above its return.",
    ),
)
def prepare_study(
    parts: Parts, n_inputs: int, n_actions: int
) -> Callable[[], tuple[nn.Module, Replay]]:
    """Make the function that a study calls at the start of each trial.

    Args:
        parts: `make_network(n_inputs, n_actions)` makes a network with random weights, `make_replay(capacity,
            n_inputs)` an empty replay buffer.
        n_inputs: length of an observation.
        n_actions: number of actions.

    Returns:
        A function without arguments that returns the network and the replay buffer (10,000 rows) which the trial
        trains.
    """

    def begin_trial() -> tuple[nn.Module, Replay]:
        # 1. a network and a buffer that no other trial has
        return parts.make_network(n_inputs, n_actions), parts.make_replay(10_000, n_inputs)

    return begin_trial


@exercise(
    minutes=6,
    difficulty=2,
    hints=(
        "Begin with gamma: an agent looks about 1 / (1 - gamma) steps ahead. Which gamma looks 10 steps ahead, which "
        "1,000?",
        "For the learning rate, `suggest_float(..., log=True)` draws each power of ten equally often; without it, nine "
        "in ten draws lie in the highest one.",
        '`gamma=trial.suggest_float("gamma", 0.9, 0.999)` and '
        '`learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)`.',
    ),
)
def suggest(trial: optuna.trial.BaseTrial, base: DQNConfig) -> DQNConfig:
    """Draw the settings that a trial tries.

    Args:
        trial: gives the values, `trial.suggest_float(name, low, high)` or with `log=True`.
        base: all other settings.

    Returns:
        `base` with another `gamma`, which looks between 10 and 1,000 steps ahead, and another `learning_rate` between
        1e-4 and 1e-2, of which each power of ten is drawn equally often.
    """
    return base.replace(
        # 1. horizons of 10 to 1,000 steps
        gamma=trial.suggest_float("gamma", 0.9, 0.999),
        # 2. each power of ten equally often
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
    )
