"""What the checks hand to an answer instead of the real thing: examples, environments and parts that take notes."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor, nn

from binpack.course.exercises import expect
from binpack.course.l02_deep_q_network.agent import Agent, Batch, DQNConfig, Parts, Replay
from binpack.course.l02_deep_q_network.exercises.network import add


def example_batch(rows: int = 6) -> Batch:
    """Transitions of two numbers and three actions; of six, two are final.

    Args:
        rows: how many, at most 6.
    """
    generator = torch.Generator().manual_seed(1)
    every = Batch(
        torch.randn(6, 2, generator=generator),
        torch.tensor([2, 0, 1, 0, 2, 1]),
        torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0, 0.25]),
        torch.randn(6, 2, generator=generator),
        torch.tensor([False, True, False, False, True, False]),
    )
    return Batch(*(part[:rows] for part in every))


def drawn_batch(rng: np.random.Generator) -> Batch:
    """Six random transitions of two numbers and three actions; the second and the fifth are final."""
    return Batch(
        torch.from_numpy(rng.normal(size=(6, 2)).astype(np.float32)),
        torch.from_numpy(rng.integers(3, size=6)),
        torch.from_numpy(rng.normal(size=6).astype(np.float32)),
        torch.from_numpy(rng.normal(size=(6, 2)).astype(np.float32)),
        torch.tensor([False, True, False, False, True, False]),
    )


def example_agent() -> Agent:
    """Two different linear networks on two inputs and three actions, and plain gradient descent."""
    return drawn_agent(np.random.default_rng(2))


def drawn_agent(rng: np.random.Generator) -> Agent:
    """As `example_agent`, with weights from a generator."""
    network, target = nn.Linear(2, 3), nn.Linear(2, 3)
    with torch.no_grad():
        for weights in (*network.parameters(), *target.parameters()):
            weights.copy_(torch.from_numpy(rng.normal(size=tuple(weights.shape)).astype(np.float32)))
    return Agent(network, target, torch.optim.SGD(network.parameters(), lr=0.5))


def weight(network: nn.Module) -> nn.Parameter:
    """Return the weight matrix of a network of one linear layer."""
    return network.get_parameter("weight")


class Ride(gym.Env):
    """Episodes of five steps: every second one is cut off, the others terminate; it notes what is done to it.

    An observation is (number of the episode, step in it); the reward is 1, and 10 at the last step.
    """

    def __init__(self) -> None:
        self.observation_space, self.action_space = spaces.Box(-1e6, 1e6, (2,), np.float32), spaces.Discrete(3)
        self.actions: list[int] = []
        self.seeds: list[int | None] = []
        self._at, self._over = 0, True

    def _see(self) -> NDArray[np.float32]:
        return np.array([len(self.seeds), self._at], np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[NDArray, dict]:
        expect(self._over, "env.reset is called in the middle of an episode: only an end starts a new one")
        self.seeds.append(seed)
        self._at, self._over = 0, False
        return self._see(), {}

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        expect(self.seeds, "env.step is called before the first env.reset")
        how = "truncated" if len(self.seeds) % 2 == 0 else "terminated"
        expect(not self._over, f"env.step is called after {how}: an episode is over after terminated or truncated")
        self.actions.append(int(action))
        self._at += 1
        self._over = self._at == 5
        cut = len(self.seeds) % 2 == 0
        return self._see(), 10.0 if self._over else 1.0, self._over and not cut, self._over and cut, {}


class Pay(Ride):
    """As `Ride`, but episode i of seed s pays s at its first step and the chosen action's number at the others."""

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        observation, _, terminated, truncated, info = super().step(action)
        paid = float(self.seeds[-1] or 0) if self._at == 1 else self._later(action)
        return observation, paid, terminated, truncated, info

    def _later(self, action: int) -> float:
        return float(action)


class RisingPay(Pay):
    """As `Pay`, but the step t of an episode, from its second one on, pays the chosen action's number times t."""

    def _later(self, action: int) -> float:
        return float(action * self._at)


class Spies:
    """Parts that note how they are called. The network always prefers action 2."""

    def __init__(self, explore: float, gamma: float | None = None) -> None:
        self.explore, self.gamma = explore, gamma
        self.stored: list[tuple] = []
        self.steps: list[int] = []
        self.updates_after: list[int] = []
        self.calls = {"td_targets": 0, "td_loss": 0}
        self.sampled: list[Batch] = []
        self.networks: list[nn.Module] = []

    def parts(self) -> Parts:
        return Parts(self.network, self._add, self._epsilon, self._targets, self._loss, self._update)

    def network(self, n_inputs: int, n_actions: int) -> nn.Module:
        network = nn.Linear(n_inputs, n_actions)
        with torch.no_grad():
            network.weight.zero_()
            network.bias.copy_(torch.arange(float(n_actions)))
        self.networks.append(network)
        return network

    def _add(
        self,
        replay: Replay,
        observation: NDArray,
        action: int,
        reward: float,
        next_observation: NDArray,
        terminated: bool,
    ) -> None:
        self.stored.append((tuple(observation), int(action), float(reward), tuple(next_observation), bool(terminated)))
        add(replay, observation, action, reward, next_observation, terminated)

    def _epsilon(self, step: int, config: DQNConfig) -> float:
        self.steps.append(step)
        return self.explore

    def _targets(self, batch: Batch, agent: Agent, gamma: float) -> Tensor:
        self.calls["td_targets"] += 1
        self.sampled.append(batch)
        expect(self.gamma in (None, gamma), "td_targets should get config.gamma")
        return torch.zeros(len(batch.rewards))

    def _loss(self, network: nn.Module, batch: Batch, targets: Tensor) -> Tensor:
        self.calls["td_loss"] += 1
        expect(network is self.networks[-1], "td_loss should get the network that learns, agent.network")
        same = bool(self.sampled) and batch is self.sampled[-1]
        expect(same, "targets and loss come from different samples: draw one batch for both")
        return network(batch.observations).sum() * 0

    def _update(self, agent: Agent, loss: Tensor, config: DQNConfig) -> None:
        self.updates_after.append(len(self.stored))
        agent.updates += 1
