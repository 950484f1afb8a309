"""What an agent is made of: a network, a memory, and how often it explores."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from binpack.course.exercises import Mistake, exercise, expect, expect_close, expect_shape, expect_type
from binpack.course.l02_deep_q_network.agent import DQNConfig, Replay


@exercise(
    minutes=4,
    difficulty=1,
    hints=(
        "If an output can never be negative, it ends in an activation: a Q-value is any number, so end in nn.Linear.",
        "If shapes clash inside, each layer's inputs are the outputs before: n_inputs, 128, 128, n_actions.",
    ),
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
        expect_type(network, nn.Module, "the answer")
        inputs = torch.randn(64, 3)
        got = network(inputs).detach()
        expect_shape(got, (64, 4), "the Q-values of 64 observations of 3 numbers with 4 actions")
        sums = got.sum(dim=1)
        expect(
            not torch.allclose(sums, torch.ones(64), atol=1e-4),
            "each row sums to 1: a softmax makes probabilities, but Q-values are any numbers",
        )
        expect(torch.equal(got, network(inputs).detach()), "the same input gives two outputs: leave dropout out")
        one_by_one = torch.cat([network(row[None]).detach() for row in inputs]) if _accepts_one(network) else got + 1
        expect_close(one_by_one, got, "a row's output depends on its batch: leave batch normalisation out", atol=1e-4)
        expect(not (got >= 0).all(), "no output is ever negative: leave out the activation after the last layer")
        large = network(inputs * 1e4).detach()
        squashed = ((large.abs() - 1).abs() < 1e-3).float().mean() > 0.9
        expect(not squashed, "outputs are squashed: leave out the activation after the last layer")
        bend = network(inputs) + network(-inputs) - 2 * network(torch.zeros(1, 3))
        expect(bend.abs().max() > 1e-5, "it is a linear function, whatever the layers: is there a ReLU between them?")
        twice = network(inputs * 2e4).detach()
        growth = (twice.abs() / large.abs().clamp(min=1e-9)).median()
        expect(growth > 1.5, "hidden units saturate for large inputs: use ReLU")
    shapes = [tuple(weight.shape) for weight in network.parameters() if weight.ndim == 2]
    expect(
        shapes == [(128, 3), (128, 128), (4, 128)],
        f"the weight matrices are {shapes}: wanted are 3 -> 128 -> 128 -> 4, two hidden layers of 128 units",
    )
    same = torch.equal(network(inputs), other(inputs))
    expect(not same, "two networks come out equal: make new layers at each call and set no seed inside")


def _accepts_one(network: nn.Module) -> bool:
    try:
        network(torch.zeros(1, 3))
    except ValueError:  # batch normalisation has nothing to normalise
        return False
    return True


@exercise(
    minutes=7,
    difficulty=2,
    hints=(
        "If the fourth transition finds no row among three, the position has to go round: a remainder does that.",
        "If samples hold rows of zeros, size counts rows that were never written: it grows with add, up to capacity.",
    ),
)
def add(
    replay: Replay, observation: NDArray, action: int, reward: float, next_observation: NDArray, terminated: bool
) -> None:
    """Write one transition into the replay buffer, over the oldest once it is full.

    Args:
        replay: its arrays `observations`, `actions`, `rewards`, `next_observations` and `terminated` are preallocated;
            `position` is the row to write next, `size` the number of rows that hold a transition, at most `capacity`.
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
    seen = np.array([1.0, 2.0], np.float32)
    answer(replay, seen, 4, -0.5, np.array([3.0, 5.0], np.float32), True)
    replaced = [name for name in _ARRAYS if getattr(replay, name) is not before[name]]
    expect(not replaced, f"{', '.join(replaced)}: a new array was made; write into the row of the one that is there")
    expect(not replay.observations[1].any(), "the first transition is in row 1 or everywhere: write, then move on")
    expect_close(replay.observations[0], [1.0, 2.0], "observations[0] is not the observation that was added")
    stored_next = replay.next_observations[0]
    expect(not np.array_equal(stored_next, [1.0, 2.0]), "next_observations holds the observation before the action")
    expect_close(stored_next, [3.0, 5.0], "next_observations[0] is not the next observation that was added")
    expect(replay.actions[0] == 4, "actions[0] is not the action that was added")
    expect(replay.rewards[0] == -0.5, "rewards[0] is not the reward that was added")
    expect(replay.terminated[0], "terminated[0] is False though the transition ended in a final state")
    expect(replay.position == 1, f"after one transition the position is {replay.position}, so the next goes there")
    expect(replay.size == 1, f"after one transition size is {replay.size}: samples would come from the wrong rows")
    for number in range(2, 6):
        where = f"with transition {number} in a buffer of 3 rows"
        try:
            answer(replay, np.full(2, number), number, float(number), np.full(2, number + 1), False)
        except IndexError:
            raise Mistake(f"{where} the row lies outside the arrays: the position must go round") from None
        row = (number - 1) % 3
        expect(replay.size <= 3, f"{where} size is {replay.size}: it counts rows, and there are no more of them")
        expect(replay.size == min(number, 3), f"{where} size is {replay.size}, but {min(number, 3)} rows are filled")
        expect(replay.rewards[row] == number, f"{where} the newest does not replace the oldest, in row {row}")
        expect(not replay.terminated[row], f"{where} terminated is True though its state has a future")
        expect(replay.position == number % 3, f"{where} the position is {replay.position}, not {number % 3}")
        expect_close(replay.next_observations[row], np.full(2, number + 1), f"{where} next_observations is wrong")


@exercise(
    minutes=3,
    difficulty=1,
    hints=(
        "If it goes on falling after the decay, or below zero, bound the share of the decay that is done by 1.",
        "If it starts at the last value, the direction is wrong: 1 at step 0, epsilon_last at step epsilon_steps.",
    ),
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


@epsilon.check
def _(answer: Callable) -> None:
    config = DQNConfig(total_steps=5000, epsilon_steps=1000, epsilon_last=0.2)
    got = [answer(step, config) for step in (0, 250, 500, 1000, 1500, 5000)]
    for value in got:
        expect_shape(value, (), "the rate")
    got = [float(value) for value in got]
    expect(len(set(got)) > 1, f"the rate is {got[0]:g} at every step: it should fall from 1 to epsilon_last")
    expect(min(got) >= 0, "the rate becomes negative: bound the share of the decay that is done by 1")
    expect(not math.isclose(got[0], 0.2), "it starts at epsilon_last: an agent that knows nothing should explore")
    expect(got[-1] > 0.02, "it ends at 0: some exploration, epsilon_last, should stay")
    expect(not got[4] < 0.19, "it falls below epsilon_last: bound the share of the decay that is done by 1")
    expect_close(got[0], 1.0, f"at step 0 it is {got[0]:g}: it should start at 1")
    slow = math.isclose(got[3], 1.0 - 0.8 * 1000 / 5000)
    expect(not slow, "it decays over total_steps: it should reach epsilon_last after epsilon_steps")
    expect_close(got[3], 0.2, f"after epsilon_steps it is {got[3]:g}: it should have reached epsilon_last, 0.2")
    expect_close(got[1:3], [0.8, 0.6], "the ends are right but the way is not a straight line")
    expect_close(got[4:], [0.2, 0.2], "after the decay it should stay at epsilon_last")
