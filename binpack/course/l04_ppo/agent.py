"""Lesson 04: what PPO's exercises stand on: settings, the network, the agent, a rollout, and a loop's parts.

The parts that a learner writes live in `exercises`; whatever needs them gets them as `Parts`, so that any of them can
be exchanged for the learner's own or for a defective one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

# The first optimizer of a process imports much of torch. Done here, it cannot hit the time limit of a check.
torch.optim.SGD([torch.zeros(1)])


@dataclass(frozen=True)
class Settings:
    """Settings of one training run; the defaults suit the small bin of the lesson.

    Attributes:
        total_steps: environment steps over all environments.
        n_steps: steps of each environment in a rollout.
        n_epochs: passes over each rollout.
        batch_size: transitions in a minibatch.
        learning_rate: of Adam.
        gamma: discount, in [0, 1].
        gae_lambda: how far an advantage looks before it trusts the critic, in [0, 1].
        clip_range: how far a probability ratio may move from 1 before its gradient stops.
        vf_coef: weight of the value loss.
        ent_coef: weight of the entropy bonus.
        max_grad_norm: longest gradient (Euclidean norm over all weights) that an update uses.

    Raises:
        ValueError: a setting is out of its range.
    """

    total_steps: int = 81_920
    n_steps: int = 32
    n_epochs: int = 4
    batch_size: int = 128
    learning_rate: float = 1e-3
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    vf_coef: float = 0.5
    ent_coef: float = 0.01
    max_grad_norm: float = 0.5

    def __post_init__(self) -> None:
        for name in ("total_steps", "n_steps", "n_epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.batch_size < 2:
            raise ValueError(f"batch_size must be at least 2, one number has no spread, got {self.batch_size}")
        if not (0 <= self.gamma <= 1 and 0 <= self.gae_lambda <= 1):
            raise ValueError(f"gamma and gae_lambda must lie in [0, 1], got {self.gamma} and {self.gae_lambda}")
        if not (self.learning_rate > 0 and self.clip_range > 0 and self.max_grad_norm > 0):  # nan too
            raise ValueError("learning_rate, clip_range and max_grad_norm must be positive")

    def replace(self, **changes: Any) -> Settings:
        """Return a copy with some settings changed."""
        return dataclasses.replace(self, **changes)


class Step(NamedTuple):
    """What one step of all environments brought.

    Attributes:
        rewards: float32, (N,).
        terminated: whether the episode came to a state without a future, bool, (N,).
        truncated: whether a limit cut it off, bool, (N,).
        next_observations: what the actions led to, float32, (N, D). Where an episode is over that is its last
            observation, not the first one of the next episode.
    """

    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    next_observations: NDArray[np.float32]


class Env(Protocol):
    """N environments side by side, each of which starts its next episode by itself.

    Attributes:
        n: number of environments N.
        n_inputs: length of an observation D.
        n_actions: number of actions A.
    """

    n: int
    n_inputs: int
    n_actions: int

    @property
    def observations(self) -> NDArray[np.float32]:
        """What is seen now, float32, (N, D)."""
        ...

    @property
    def masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, bool, (N, K)."""
        ...

    def step(self, actions: NDArray) -> Step:
        """Take an action in each, integers (N,)."""
        ...


class ActorCritic(nn.Module):
    """Two networks side by side: the actor gives a logit for each action, the critic the value of the state."""

    def __init__(self, n_inputs: int, n_actions: int, width: int = 64) -> None:
        """Make it, with orthogonal weights (Huang et al., 2022).

        Args:
            n_inputs: length of an observation.
            n_actions: number of actions.
            width: units of each of the two hidden layers.
        """
        super().__init__()
        # the actor's last layer starts close to 0, so that all actions are about equally likely at first
        self.actor = _layers(n_inputs, width, n_actions, gain=0.01)
        self.critic = _layers(n_inputs, width, 1, gain=1.0)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits, (B, K), and values, (B,), of observations, (B, D)."""
        return self.actor(observations), self.critic(observations).squeeze(-1)


def _layers(n_inputs: int, width: int, n_outputs: int, gain: float) -> nn.Sequential:
    layers = nn.Linear(n_inputs, width), nn.Linear(width, width), nn.Linear(width, n_outputs)
    for layer, strength in zip(layers, (2**0.5, 2**0.5, gain), strict=True):
        nn.init.orthogonal_(layer.weight, strength)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])


@dataclass
class Agent:
    """What acts and learns.

    Attributes:
        network: gives logits and values.
        optimizer: of its weights.
        masked_log_probs: (logits, masks) -> log-probabilities.
        generator: draws the actions.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    masked_log_probs: Callable[[Tensor, Tensor], Tensor]
    generator: torch.Generator

    def act(self, observations: NDArray, masks: NDArray) -> tuple[NDArray, NDArray, NDArray]:
        """Draw actions.

        Args:
            observations: float32, (N, D).
            masks: bool, (N, K).

        Returns:
            The actions, int64 (N,), their log-probabilities and the values of the observations, float32 (N,) both.
        """
        with torch.no_grad():
            logits, values = self.network(torch.from_numpy(observations))
            log_probs = self.masked_log_probs(logits, torch.from_numpy(masks))
            actions = torch.multinomial(log_probs.exp(), 1, generator=self.generator)
            return actions.squeeze(1).numpy(), log_probs.gather(1, actions).squeeze(1).numpy(), values.numpy()

    def values(self, observations: NDArray) -> NDArray[np.float32]:
        """Return what the critic says of observations, float32, (N, D) -> (N,)."""
        with torch.no_grad():
            return self.network(torch.from_numpy(observations))[1].numpy()

    def best(self, observations: NDArray, masks: NDArray) -> NDArray[np.int64]:
        """Return the most likely legal action of each observation, int64 (N,)."""
        with torch.no_grad():
            logits, _ = self.network(torch.from_numpy(observations))
            return logits.masked_fill(~torch.from_numpy(masks), -torch.inf).argmax(dim=1).numpy()


@dataclass
class Rollout:
    """What T steps of N environments brought; every array has a row for each step and a column for each environment.

    Attributes:
        observations: what was seen before the step, float32, (T, N, D).
        masks: which actions were legal, bool, (T, N, K).
        actions: int64, (T, N).
        log_probs: of the actions, at the time they were drawn, float32, (T, N).
        values: what the critic said of the observations, float32, (T, N).
        rewards: float32, (T, N).
        terminated: bool, (T, N).
        truncated: bool, (T, N).
        next_values: what the critic said of the observations that the steps led to, float32, (T, N).
    """

    observations: NDArray[np.float32]
    masks: NDArray[np.bool_]
    actions: NDArray[np.int64]
    log_probs: NDArray[np.float32]
    values: NDArray[np.float32]
    rewards: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    next_values: NDArray[np.float32]

    @classmethod
    def empty(cls, n_steps: int, env: Env) -> Rollout:
        """Return one to be filled.

        Args:
            n_steps: T.
            env: gives N, D and A.
        """

        def zeros(kind: type = np.float32, *more: int) -> NDArray:
            return np.zeros((n_steps, env.n, *more), kind)

        return cls(
            observations=zeros(np.float32, env.n_inputs),
            masks=zeros(np.bool_, env.n_actions),
            actions=zeros(np.int64),
            log_probs=zeros(),
            values=zeros(),
            rewards=zeros(),
            terminated=zeros(np.bool_),
            truncated=zeros(np.bool_),
            next_values=zeros(),
        )


class Batch(NamedTuple):
    """Transitions as tensors, one a row: a whole rollout, or a minibatch of it.

    Attributes:
        observations: float32, (B, D).
        masks: bool, (B, K).
        actions: int64, (B,).
        log_probs: of the actions when they were drawn, float32, (B,).
        advantages: float32, (B,).
        returns: what the critic should say, float32, (B,).
    """

    observations: Tensor
    masks: Tensor
    actions: Tensor
    log_probs: Tensor
    advantages: Tensor
    returns: Tensor

    def rows(self, numbers: Any) -> Batch:
        """Return some of the transitions.

        Args:
            numbers: which, integers (b,).
        """
        index = torch.as_tensor(numbers, dtype=torch.int64)
        return Batch(*(part[index] for part in self))


def make_batch(rollout: Rollout, advantages: NDArray) -> Batch:
    """Lay all transitions of a rollout below each other.

    Args:
        rollout: what was collected.
        advantages: float, (T, N).
    """
    returns = advantages + rollout.values
    parts = (rollout.observations, rollout.masks, rollout.actions, rollout.log_probs)
    numbers = (np.asarray(part, np.float32) for part in (advantages, returns))
    return Batch(*(torch.from_numpy(part.reshape(-1, *part.shape[2:])) for part in (*parts, *numbers)))


@dataclass(frozen=True)
class Parts:
    """The parts of PPO, each a function; `exercises.REFERENCE` holds the reference solutions.

    Attributes:
        masked_log_probs: (logits, masks) -> log-probabilities.
        entropy: (log_probs) -> entropies.
        collect: (env, agent, n_steps) -> rollout.
        gae: (rewards, values, next_values, terminated, truncated, settings) -> advantages.
        normalize: (advantages) -> advantages.
        clipped_loss: (log_probs, old_log_probs, advantages, clip_range) -> loss.
        total_loss: (policy_loss, values, returns, entropies, settings) -> loss.
        update: (agent, batch, settings, loss_of, rng) -> None.
    """

    masked_log_probs: Callable[[Tensor, Tensor], Tensor]
    entropy: Callable[[Tensor], Tensor]
    collect: Callable[[Env, Agent, int], Rollout]
    gae: Callable[..., NDArray]
    normalize: Callable[[Tensor], Tensor]
    clipped_loss: Callable[[Tensor, Tensor, Tensor, float], Tensor]
    total_loss: Callable[[Tensor, Tensor, Tensor, Tensor, Settings], Tensor]
    update: Callable[..., None]

    def replace(self, **changes: Callable) -> Parts:
        """Return a copy with some parts exchanged."""
        return dataclasses.replace(self, **changes)


def make_agent(env: Env, settings: Settings, parts: Parts, seed: int) -> Agent:
    """Make a fresh agent for an environment.

    Args:
        env: gives the sizes.
        settings: the learning rate is used.
        parts: `masked_log_probs` is used.
        seed: of the weights and of the actions; torch's global generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ActorCritic(env.n_inputs, env.n_actions)
    # eps as in the original code (Huang et al., 2022); the fused form does all weights in one call
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, eps=1e-5, fused=True)
    return Agent(network, optimizer, parts.masked_log_probs, torch.Generator().manual_seed(seed))
