"""What of the published listing a learner mends: when an episode is over, what trials share, what a trial tries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import optuna
import torch
from torch import nn

from binpack.course.exercises import Mistake, exercise, expect, promise
from binpack.course.l02_deep_q_network import bug_hunt
from binpack.course.l02_deep_q_network.agent import DQNConfig, Parts, Replay
from binpack.course.l02_deep_q_network.exercises._stand_ins import weight
from binpack.course.l02_deep_q_network.exercises.training import REFERENCE


@exercise(
    minutes=3,
    difficulty=1,
    start=bug_hunt.is_over,
    returns=promise.a_bool("the answer"),
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


is_over.examine(
    # an environment may answer with numpy's truth values as well as with Python's
    cases=lambda: [
        (kind(terminated), kind(truncated))
        for kind in (bool, np.bool_)
        for terminated in (False, True)
        for truncated in (False, True)
    ],
    draw=lambda rng: (bool(rng.integers(2)), bool(rng.integers(2))),
    mistakes={
        "an episode that the time limit cuts off goes on: look at truncated too": lambda terminated, truncated: (
            terminated
        ),
        "an episode that terminates goes on: look at terminated too": lambda terminated, truncated: truncated,
        "it waits until both are true, which hardly ever happens: either is enough": lambda terminated, truncated: (
            terminated and truncated
        ),
        "it is turned round: it is over where either is true": lambda terminated, truncated: (
            not (terminated or truncated)
        ),
        "it is over after every step, whatever happened": lambda terminated, truncated: True,
        "it is never over": lambda terminated, truncated: False,
    },
)


@exercise(
    minutes=5,
    difficulty=2,
    start=bug_hunt.prepare_study,
    hints=(
        "Begin with the question when each line runs: what stands in prepare_study runs once for a study, what stands "
        "in begin_trial once for each trial.",
        "A trial needs a network and a buffer of its own. So make_network and make_replay have to be called when the "
        "trial begins.",
        "Move both lines, `network = ...` and `replay = ...`, into `begin_trial`, above its `return`.",
    ),
)
def prepare_study(parts: Parts, n_inputs: int, n_actions: int) -> Callable:
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

    def begin_trial() -> tuple:
        # 1. a network and a buffer that no other trial has
        return parts.make_network(n_inputs, n_actions), parts.make_replay(10_000, n_inputs)

    return begin_trial


@prepare_study.check
def _(answer: Callable) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        begin = answer(_PARTS, 3, 2)
        forgot = ": is there a return?" if begin is None else ""
        expect(callable(begin), f"it should return a function, begin_trial without brackets{forgot}", got=begin)
        trials = [_begun(begin()) for _ in range(3)]
    given = "n_inputs = 3, n_actions = 2"
    (network, replay), others = trials[0], trials[1:]
    same_network = any(other is network for other, _ in others)
    same_replay = any(other is replay for _, other in others)
    both = "network and replay buffer" if same_network and same_replay else "network" if same_network else "buffer"
    text = f"the trials of a study get the same {both}, with what earlier trials left in it: make one in begin_trial"
    expect(not same_network and not same_replay, text, given=given)
    alike = all(torch.equal(weight(network), weight(other)) for other, _ in others)
    expect(
        not alike,
        "each trial has a network of its own, but all start from the same weights: call make_network",
        given=given,
    )
    for made, buffer in trials:
        expect(weight(made).shape == (2, 3), "the network should map n_inputs numbers to n_actions", got=made)
        expect(buffer.n_inputs == 3, "the buffer should hold observations of n_inputs numbers", got=buffer.n_inputs)
        expect(buffer.capacity == 10_000, "the buffer has another number of rows", got=buffer.capacity, wanted=10_000)


_PARTS = REFERENCE.replace(make_network=nn.Linear)


def _begun(given: Any) -> tuple[nn.Module, Replay]:
    """What a trial begins with, if it is a network and a buffer."""
    text = "begin_trial should return two things, the network and the replay buffer"
    expect(isinstance(given, tuple | list) and len(given) == 2, text, got=given)
    network, replay = given
    swapped = isinstance(network, Replay) and isinstance(replay, nn.Module)
    expect(not swapped, "begin_trial returns the buffer first: return the network first", got=given)
    expect(isinstance(network, nn.Linear), "the network is not one that parts.make_network made", got=network)
    expect(isinstance(replay, Replay), "the buffer is not one that parts.make_replay made", got=replay)
    return network, replay


@exercise(
    minutes=6,
    difficulty=2,
    start=bug_hunt.suggest,
    returns=promise.an_instance("the result", DQNConfig),
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
        `base` with another `gamma`, which looks between 10 and 1,000 steps ahead, and another `learning_rate`
        between 1e-4 and 1e-2, of which each power of ten is drawn equally often.
    """
    return base.replace(
        # 1. horizons of 10 to 1,000 steps
        gamma=trial.suggest_float("gamma", 0.9, 0.999),
        # 2. each power of ten equally often
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
    )


_DRAWS = 200
_LOWEST, _MIDDLE, _HIGHEST = 1e-4, 1e-3, 1e-2


@suggest.check
def _(answer: Callable) -> None:
    base = DQNConfig(total_steps=123, epsilon_last=0.4)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    try:
        drawn = [answer(study.ask(), base) for _ in range(_DRAWS)]
    except FrozenInstanceError:
        raise Mistake("settings cannot be changed in place: base.replace(gamma=...) makes a changed copy") from None
    for config in drawn:
        others = config.replace(gamma=base.gamma, learning_rate=base.learning_rate)
        expect(others == base, "a setting other than gamma and learning_rate is changed", got=others, wanted=base)
    gammas = np.array([config.gamma for config in drawn])
    rates = np.array([config.learning_rate for config in drawn])
    _expect_range("gamma", gammas, 0.9, 0.999, "it looks 1 / (1 - gamma) steps ahead, which should be 10 to 1,000")
    short, far = (gammas < 0.91).any(), (gammas > 0.99).any()
    expect(
        short, "no draw looks as little as 10 steps ahead: gamma should begin at 0.9", got=_span(gammas), given=_GIVEN
    )
    expect(far, "no draw looks more than 100 steps ahead: gamma should reach 0.999", got=_span(gammas), given=_GIVEN)
    _expect_range("learning_rate", rates, _LOWEST, _HIGHEST, "it should lie between 1e-4 and 1e-2")
    below = int((rates < _MIDDLE).sum())
    text = f"{below} of {_DRAWS} learning rates lie below 1e-3, it should be about half of them: draw on a log scale"
    expect(abs(below / _DRAWS - 0.5) < 0.12, text, got=below, wanted=_DRAWS // 2, given=_GIVEN)
    near = (rates < 2 * _LOWEST).any() and (rates > _HIGHEST / 2).any()
    expect(near, "the learning rates do not reach from 1e-4 to 1e-2", got=_span(rates), given=_GIVEN)


_GIVEN = f"{_DRAWS} random trials"


def _expect_range(name: str, values: np.ndarray, low: float, high: float, why: str) -> None:
    """Say how many draws lie outside of a range."""
    outside = int(((values < low - 1e-9) | (values > high + 1e-9)).sum())
    text = f"{outside} of {_DRAWS} draws of {name} lie outside of {low:g} to {high:g}: {why}"
    expect(not outside, text, got=_span(values), wanted=(low, high), given=_GIVEN)


def _span(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(values.max())
