"""What the checks hand to an answer instead of the real thing: environments and agents that take notes."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from binpack.course.exercises import expect
from binpack.course.l04_ppo.agent import Batch, Step

LENGTHS = (3, 4)
"""Steps of an episode in each of the two environments of `Ride`."""


class Ride:
    """Two environments whose episodes of 3 and 4 steps terminate and are cut off by turns.

    An observation is (environment, episode, step in it). The reward is 100 * environment + 10 * episode + step, counted
    before the step. Of three actions one is illegal, by turns.
    """

    n, n_inputs, n_actions = 2, 3, 3

    def __init__(self) -> None:
        self.taken: list[list[int]] = []
        self._episode, self._at = np.zeros(2, int), np.zeros(2, int)

    def _see(self) -> NDArray[np.float32]:
        return np.stack([np.arange(2), self._episode, self._at], axis=1).astype(np.float32)

    @property
    def observations(self) -> NDArray[np.float32]:
        return self._see()

    @property
    def masks(self) -> NDArray[np.bool_]:
        masks = np.ones((2, 3), bool)
        masks[np.arange(2), (self._at + self._episode) % 3] = False
        return masks

    def step(self, actions: NDArray) -> Step:
        given = np.asarray(actions)
        expect(given.shape == (2,), "env.step should get one action for each environment", got=actions)
        self.taken.append([int(action) for action in given])
        rewards = (100 * np.arange(2) + 10 * self._episode + self._at).astype(np.float32)
        self._at += 1
        over, cut = self._at == LENGTHS, self._episode % 2 == 1
        led_to = self._see()
        self._episode[over] += 1
        self._at[over] = 0
        return Step(rewards, over & ~cut, over & cut, led_to)


class Scribe:
    """An agent that notes what it is asked; its values tell every observation apart."""

    def __init__(self) -> None:
        self.asked: list[tuple[NDArray, NDArray]] = []
        self.judged: list[NDArray] = []

    def act(self, observations: NDArray, masks: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        self.asked.append((np.array(observations), np.array(masks)))
        number = len(self.asked)
        actions = np.array([number % 3, (number + 1) % 3])
        return actions, np.array([-number / 10, -number / 20], np.float32), worth(observations)

    def values(self, observations: NDArray) -> NDArray[np.float32]:
        self.judged.append(np.array(observations))
        return worth(observations)


def worth(observations: NDArray) -> NDArray[np.float32]:
    """What `Scribe` says an observation of `Ride` is worth: (n, 3) -> (n,)."""
    return (np.asarray(observations) @ np.array([0.5, 7.0, 0.25])).astype(np.float32)


def numbered(rows: int) -> Batch:
    """Transitions whose actions are their numbers, 0, 1, 2 and so on."""
    number = torch.arange(rows)
    column = number.float()
    return Batch(column[:, None], torch.ones(rows, 2, dtype=torch.bool), number, -column, column, column)


class Slopes:
    """A loss that notes the minibatches it gets, and whose gradient on a linear network of one input is known."""

    def __init__(self, network: nn.Module, slope: float) -> None:
        self.minibatches: list[list[int]] = []
        self.weights: list[float] = []
        self._network, self._slope = network, slope

    def __call__(self, rows: Batch) -> Tensor:
        expect(isinstance(rows, Batch), "loss_of should get a minibatch, batch.rows(numbers)", got=rows)
        self.minibatches.append(rows.actions.tolist())
        weight = self._network.get_parameter("weight")
        self.weights.append(weight.item())
        return self._slope * weight.sum()
