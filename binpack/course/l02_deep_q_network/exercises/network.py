"""What an agent is made of: a network, a memory, and how often it explores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from binpack.course.exercises import Mistake, exercise, expect, expect_close, expect_shape, promise
from binpack.course.l02_deep_q_network.agent import DQNConfig, Replay


@exercise(
    minutes=4,
    difficulty=1,
    hints=(
        "Begin with nn.Sequential: it calls the layers that it is given one after the other.",
        "Layers are nn.Linear(inputs, outputs) and nn.ReLU(). The numbers go n_inputs, 128, 128, n_actions.",
        "`nn.Sequential(nn.Linear(n_inputs, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), ...)`, and last one more "
        "nn.Linear, without a ReLU behind it.",
    ),
    returns=promise.an_instance("the network", nn.Module),
)
def make_network(n_inputs: int, n_actions: int) -> nn.Module:
    """Make the network that turns an observation into one Q-value for each action.

    Two hidden layers of 128 units, each followed by ReLU.

    Args:
        n_inputs: length of an observation.
        n_actions: number of actions.

    Returns:
        A network that maps float32 (B, n_inputs) to float32 (B, n_actions).
    """
    return nn.Sequential(
        # 1. two hidden layers with ReLU
        nn.Linear(n_inputs, 128),
        nn.ReLU(),
        nn.Linear(128, 128),
        nn.ReLU(),
        # 2. one plain number for each action
        nn.Linear(128, n_actions),
    )


@make_network.check
def _(answer: Callable) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network, other = answer(3, 4), answer(3, 4)
        inputs = torch.randn(64, 3)
        try:
            got = network(inputs).detach()
        except RuntimeError as error:
            stopped = f"the network stops with '{error}': does each layer take as many numbers as the one before gives?"
            raise Mistake(stopped) from None
        expect_shape(got, (64, 4), "what the network answers to 64 observations of 3 numbers with 4 actions")
        expect(got.dtype == torch.float32, f"its answers are {got.dtype}: leave them float32", got=got.dtype)
        expect(not got.isnan().any(), "it answers nan: are all weights made by nn.Linear?")
        again = network(inputs).detach()
        expect(torch.equal(got, again), "the same input gives two different outputs: leave chance (dropout) out")
        one_by_one = torch.cat([network(row[None]).detach() for row in inputs]) if _accepts_one(network) else got + 1
        expect_close(one_by_one, got, "a row's output depends on its batch: leave normalisation out", atol=1e-4)
        sums = got.sum(dim=1)
        expect(
            not torch.allclose(sums, torch.ones(64), atol=1e-4),
            "the answers to each observation sum to 1, as a softmax makes them, but a Q-value may be any number",
        )
        expect(not (got >= 0).all(), "no output is ever negative: a Q-value may be, so end in nn.Linear")
        _expect_units(network)
        large = network(inputs * 1e4).detach()
        squashed = ((large.abs() - 1).abs() < 1e-3).float().mean() > 0.9
        expect(
            not squashed, "however large the input, outputs stay within 1: leave out what follows the last nn.Linear"
        )
        bend = network(inputs) + network(-inputs) - 2 * network(torch.zeros(1, 3))
        expect(bend.abs().max() > 1e-5, "it is a straight line, whatever the layers: is there a ReLU between them?")
        growth = (network(inputs * 2e4).detach().abs() / large.abs().clamp(min=1e-9)).median()
        expect(growth > 1.5, "outputs stop growing with the input: the activation between the layers should be ReLU")
        expect(_is_made_of(network, inputs), "the layers are right, but what is between them is not: a ReLU after each")
    same = torch.equal(network(inputs), other(inputs))
    expect(not same, "two networks come out equal: make new layers at each call, and set no seed inside")


def _expect_units(network: nn.Module) -> None:
    shapes = [tuple(weight.shape) for weight in network.parameters() if weight.ndim == 2]
    found = " and ".join(f"{inputs} -> {outputs}" for outputs, inputs in shapes) or "none"
    expect(
        sorted(shapes) == [(4, 128), (128, 3), (128, 128)],
        "for 3 inputs and 4 actions the layers should be 3 -> 128, 128 -> 128 and 128 -> 4",
        got=found,
        wanted="3 -> 128 and 128 -> 128 and 128 -> 4",
    )
    biases = sorted(weight.numel() for weight in network.parameters() if weight.ndim == 1)
    right = [4, 128, 128]
    expect(biases == right, "besides the layers' weights there should be their biases alone", got=biases, wanted=right)


def _is_made_of(network: nn.Module, inputs: torch.Tensor) -> bool:
    """Whether the network computes what its layers with a ReLU after each hidden one compute."""
    layers = {tuple(weight.shape): place for place, weight in enumerate(network.parameters())}
    weights = list(network.parameters())
    values = inputs
    for shape in ((128, 3), (128, 128), (4, 128)):
        place = layers[shape]
        bias = weights[place + 1]
        values = nn.functional.linear(values, weights[place], bias if bias.ndim == 1 else None)
        values = torch.relu(values) if shape != (4, 128) else values
    return torch.allclose(values, network(inputs), atol=1e-4)


def _accepts_one(network: nn.Module) -> bool:
    try:
        network(torch.zeros(1, 3))
    except ValueError:  # batch normalisation has nothing to normalise
        return False
    return True


@exercise(
    minutes=6,
    difficulty=2,
    hints=(
        "Begin with the box: its number is replay.position, the same in all five arrays.",
        "Write the five things into it: `replay.observations[row] = observation`, and so on. Only then move on.",
        "`replay.position = (row + 1) % replay.capacity` goes from the last box to the first; size grows by 1 up to "
        "replay.capacity: `min(replay.size + 1, replay.capacity)`.",
    ),
    returns=promise.nothing(),
    changes=("replay",),
)
def add(
    replay: Replay, observation: NDArray, action: int, reward: float, next_observation: NDArray, terminated: bool
) -> None:
    """Write one transition into the replay buffer, over the oldest once it is full.

    Args:
        replay: its arrays `observations`, `actions`, `rewards`, `next_observations` and `terminated` have
            their full length already; `position` is the row (the box) to write next, `size` the number of
            rows that hold a transition, at most `capacity`.
        observation: what the agent saw, (n_inputs,).
        action: what it did.
        reward: what it got.
        next_observation: what it saw then, (n_inputs,).
        terminated: whether that was a state without a future.
    """
    # 1. fill the row
    row = replay.position
    replay.observations[row] = observation
    replay.actions[row] = action
    replay.rewards[row] = reward
    replay.next_observations[row] = next_observation
    replay.terminated[row] = terminated
    # 2. move on, from the last row to the first
    replay.position = (row + 1) % replay.capacity
    # 3. count the rows that are filled
    replay.size = min(replay.size + 1, replay.capacity)


_ARRAYS = ("observations", "actions", "rewards", "next_observations", "terminated")


@add.check
def _(answer: Callable) -> None:
    replay = Replay(3, 2)
    before = {name: getattr(replay, name) for name in _ARRAYS}
    first, then = np.array([1.0, 2.0], np.float32), np.array([3.0, 5.0], np.float32)
    answer(replay, first, 4, -0.5, then, True)
    replaced = [name for name in _ARRAYS if getattr(replay, name) is not before[name]]
    expect(not replaced, f"{', '.join(replaced)}: a new array was made; write into the row of the one that is there")
    added: tuple[Any, ...] = (first, 4, -0.5, then, True)
    for name, wanted in zip(_ARRAYS, added, strict=True):
        _expect_written(name, getattr(replay, name), wanted)
    expect(replay.position == 1, "after one transition the next one goes into row 1", got=replay.position, wanted=1)
    expect(replay.size == 1, "after one transition one row is filled", got=replay.size, wanted=1)
    for number in range(2, 9):
        where = f"after {number} transitions into 3 rows"
        try:
            answer(replay, np.full(2, number), number, float(number), np.full(2, number + 1), number % 2 == 0)
        except IndexError:
            raise Mistake(f"transition {number} of a buffer of 3 rows finds no row: go round to row 0") from None
        newest = [max((n for n in range(1, number + 1) if (n - 1) % 3 == row), default=0) for row in range(3)]
        held = [float(-0.5 if n == 1 else n) for n in newest]
        expect_close(replay.rewards, held, f"{where} rewards should hold the newest of each row")
        expect_close(replay.actions, [4 if n == 1 else n for n in newest], f"{where} actions are not the newest ones")
        ends = [n == 1 or (n > 0 and n % 2 == 0) for n in newest]
        expect_close(replay.terminated, ends, f"{where} terminated is not what came with the newest ones")
        starts = [[1.0, 2.0] if n == 1 else [n, n] for n in newest]
        expect_close(replay.observations, starts, f"{where} observations are not the newest ones")
        after = [[3.0, 5.0] if n == 1 else [n + (n > 0), n + (n > 0)] for n in newest]
        expect_close(replay.next_observations, after, f"{where} next_observations are not the newest ones")
        filled, place = min(number, 3), number % 3
        expect(replay.size <= 3, f"{where} size counts more rows than there are", got=replay.size, wanted=filled)
        expect(replay.size == filled, f"{where} size is not the number of filled rows", got=replay.size, wanted=filled)
        expect(replay.position == place, f"{where} position is wrong", got=replay.position, wanted=place)


def _expect_written(name: str, array: NDArray, wanted: NDArray | float) -> None:
    """Expect the first transition in row 0 and nothing in the others."""
    empty = np.zeros_like(array[0])
    inside = f"{name}[0] after the first transition"
    if name == "next_observations" and np.array_equal(array[0], [1.0, 2.0]):
        raise Mistake("next_observations[0] holds the observation before the action", got=array[0], wanted=wanted)
    if np.array_equal(array[0], empty) and np.array_equal(array[1], wanted):
        raise Mistake(f"{name}: the first transition is in row 1: write first, then move on", got=array)
    expect_close(array[0], wanted, f"{inside} is not what was added", atol=1e-6)
    expect(not array[1:].any(), f"{name}: rows were written that no transition belongs to", got=array)


@exercise(
    minutes=4,
    difficulty=1,
    hints=(
        "Begin with the share of the decay that is done: step / config.epsilon_steps, from 0 up to 1.",
        "After epsilon_steps that share would go on growing: min(share, 1.0) stops it.",
        "A share of the way from 1 to the last value: `1.0 + share * (config.epsilon_last - 1.0)`.",
    ),
    returns=promise.a_float("the exploration rate"),
)
def epsilon(step: int, config: DQNConfig) -> float:
    """Compute the exploration rate: from 1 down a straight line to its last value, where it stays.

    Args:
        step: environment steps so far, from 0 up.
        config: `epsilon_steps`, steps until the last value is reached, and `epsilon_last`.

    Returns:
        Probability of a random action.
    """
    # 1. the share of the decay that is done
    done = min(step / config.epsilon_steps, 1.0)
    # 2. that share of the way from 1 to the last value
    return 1.0 + done * (config.epsilon_last - 1.0)


_SCHEDULE = DQNConfig(total_steps=5000, epsilon_steps=1000, epsilon_last=0.2)


def _share(step: int, config: DQNConfig) -> float:
    return min(step / config.epsilon_steps, 1.0)


epsilon.examine(
    cases=lambda: [(step, _SCHEDULE) for step in (0, 500, 250, 1000, 999, 1500, 5000)],
    draw=lambda rng: (
        int(rng.integers(0, 4000)),
        DQNConfig(
            total_steps=int(rng.integers(3000, 9000)),
            epsilon_steps=int(rng.integers(500, 2500)),
            epsilon_last=float(rng.uniform(0.01, 0.5)),
        ),
    ),
    mistakes={
        "it stays at 1: it should fall to epsilon_last": lambda step, c: 1.0,
        "it is epsilon_last at every step: it should start at 1": lambda step, c: c.epsilon_last,
        "it goes on falling after epsilon_steps: the share that is done is at most 1": lambda step, c: (
            1.0 + step / c.epsilon_steps * (c.epsilon_last - 1.0)
        ),
        "it goes on falling, down to 0: after epsilon_steps it should stay at epsilon_last": lambda step, c: max(
            0.0, 1.0 + step / c.epsilon_steps * (c.epsilon_last - 1.0)
        ),
        "it falls to 0 instead of epsilon_last, and on below": lambda step, c: 1.0 - step / c.epsilon_steps,
        "it falls to 0 instead of epsilon_last": lambda step, c: 1.0 - _share(step, c),
        "its line leads to 0 and is cut off at epsilon_last: it should lead to epsilon_last": lambda step, c: max(
            c.epsilon_last, 1.0 - step / c.epsilon_steps
        ),
        "it rises from epsilon_last to 1: an agent that knows nothing should explore": lambda step, c: (
            c.epsilon_last + _share(step, c) * (1.0 - c.epsilon_last)
        ),
        "this is the share of the decay that is done, which grows from 0 to 1": _share,
        "this share of the way starts at 0: add it to 1": lambda step, c: _share(step, c) * (c.epsilon_last - 1.0),
        "it takes total_steps to fall: it should take epsilon_steps": lambda step, c: (
            1.0 + min(step / c.total_steps, 1.0) * (c.epsilon_last - 1.0)
        ),
        "it falls by a constant factor, not along a straight line": lambda step, c: c.epsilon_last ** _share(step, c),
        "it is one step ahead: at step 0 it should be 1": lambda step, c: (
            1.0 + _share(step + 1, c) * (c.epsilon_last - 1.0)
        ),
        "whole steps only: // drops the share between 0 and 1, / keeps it": lambda step, c: (
            1.0 + min(step // c.epsilon_steps, 1) * (c.epsilon_last - 1.0)
        ),
    },
)
