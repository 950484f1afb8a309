"""Lesson 02: what the deep Q-network's exercises stand on: its settings, its memory, its state, its checkpoints.

The parts that a learner writes live in `exercises`; a training loop gets them as `Parts`, so that any of them can
be exchanged for the learner's own, for a defective one or for another algorithm's.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from torch import Tensor, nn

from binpack.course.progress import progress_bar
from binpack.files import read_json, write_json

# The first optimizer of a process imports much of torch. Done here, it cannot hit the time limit of a check.
torch.optim.SGD([torch.zeros(1)])

VALIDATION_SEED = 1_000_000
"""Seed of the first validation episode; training and test episodes start from others."""


@dataclass(frozen=True)
class DQNConfig:
    """Settings of one training run; the defaults suit CartPole-v1.

    Attributes:
        total_steps: environment steps.
        learning_rate: of Adam.
        gamma: discount, in [0, 1].
        batch_size: transitions in one update.
        buffer_size: transitions that the replay buffer holds.
        learning_starts: environment steps before the first update.
        train_every: environment steps from one update to the next.
        target_update: environment steps from one copy of the network into the target network to the next.
        epsilon_last: exploration rate at the end of its decay.
        epsilon_steps: environment steps over which it decays from 1.
        max_grad_norm: longest gradient (Euclidean norm over all weights) that an update uses.

    Raises:
        ValueError: a setting is out of its range.
    """

    total_steps: int = 60_000
    learning_rate: float = 2e-3
    gamma: float = 0.99
    batch_size: int = 64
    buffer_size: int = 50_000
    learning_starts: int = 1_000
    train_every: int = 2
    target_update: int = 250
    epsilon_last: float = 0.05
    epsilon_steps: int = 10_000
    max_grad_norm: float = 10.0

    def __post_init__(self) -> None:
        for name in ("total_steps", "batch_size", "buffer_size", "train_every", "target_update", "epsilon_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.gamma <= 1 or not 0 <= self.epsilon_last <= 1:
            raise ValueError(f"gamma and epsilon_last must lie in [0, 1], got {self.gamma} and {self.epsilon_last}")
        if not (self.learning_rate > 0 and self.max_grad_norm > 0 and self.learning_starts >= 0):  # nan too
            raise ValueError("learning_rate and max_grad_norm must be positive, learning_starts not negative")

    @property
    def updates_per_copy(self) -> int:
        """Updates from one copy into the target network to the next."""
        return max(1, self.target_update // self.train_every)

    def replace(self, **changes: Any) -> DQNConfig:
        """Return a copy with some settings changed."""
        return dataclasses.replace(self, **changes)


def save_config(config: DQNConfig, path: str | Path) -> None:
    """Write settings as JSON.

    Args:
        config: the settings.
        path: the file.
    """
    write_json(path, dataclasses.asdict(config), indent=1)


def load_config(path: str | Path) -> DQNConfig:
    """Read settings that `save_config` wrote.

    Args:
        path: the file.

    Raises:
        TypeError: it names a setting that does not exist.
        ValueError: a setting is out of its range, or there is no such file, or it holds no settings.
    """
    return DQNConfig(**read_json(path, "an agent's settings"))


class Transition(NamedTuple):
    """One step of an episode, what `add` stores.

    Attributes:
        observation: what the agent saw, float32, (n_inputs,).
        action: what it did.
        reward: what it got.
        next_observation: what it saw then, float32, (n_inputs,).
        terminated: whether that was a state without a future. False where a time limit cut the episode off.
    """

    observation: NDArray[np.float32]
    action: int
    reward: float
    next_observation: NDArray[np.float32]
    terminated: bool


class Batch(NamedTuple):
    """Transitions as tensors, one a row.

    Attributes:
        observations: float32, (B, n_inputs).
        actions: int64, (B,).
        rewards: float32, (B,).
        next_observations: float32, (B, n_inputs).
        terminated: bool, (B,): the episode ended in a state without a future. False where a time limit cut it off.
    """

    observations: Tensor
    actions: Tensor
    rewards: Tensor
    next_observations: Tensor
    terminated: Tensor


@dataclass
class Replay:
    """Experience replay (Lin, 1992): a ring of preallocated arrays, the newest transition over the oldest.

    Attributes:
        capacity: rows of each array.
        n_inputs: length of an observation.
        observations: float32, (capacity, n_inputs).
        actions: int64, (capacity,).
        rewards: float32, (capacity,).
        next_observations: float32, (capacity, n_inputs).
        terminated: bool, (capacity,).
        position: the row that is written next.
        size: rows that hold a transition.
    """

    capacity: int
    n_inputs: int
    position: int = 0
    size: int = 0
    observations: NDArray[np.float32] = field(init=False, repr=False)
    actions: NDArray[np.int64] = field(init=False, repr=False)
    rewards: NDArray[np.float32] = field(init=False, repr=False)
    next_observations: NDArray[np.float32] = field(init=False, repr=False)
    terminated: NDArray[np.bool_] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.observations = np.zeros((self.capacity, self.n_inputs), np.float32)
        self.actions = np.zeros(self.capacity, np.int64)
        self.rewards = np.zeros(self.capacity, np.float32)
        self.next_observations = np.zeros((self.capacity, self.n_inputs), np.float32)
        self.terminated = np.zeros(self.capacity, np.bool_)

    def sample(self, n: int, rng: np.random.Generator) -> Batch:
        """Draw transitions uniformly, with replacement, from the rows that hold one.

        Args:
            n: how many.
            rng: the generator that draws.

        Raises:
            ValueError: the buffer is empty.
        """
        if not self.size:
            raise ValueError("the replay buffer is empty: add transitions before sampling")
        rows = rng.integers(self.size, size=n)
        arrays = (self.observations, self.actions, self.rewards, self.next_observations, self.terminated)
        return Batch(*(torch.from_numpy(array[rows]) for array in arrays))


@dataclass
class Agent:
    """What changes while a deep Q-network learns.

    Attributes:
        network: online network; acts and is trained.
        target: target network; only judges what comes next.
        optimizer: of the online network's weights.
        updates: number of updates so far.
    """

    network: nn.Module
    target: nn.Module
    optimizer: torch.optim.Optimizer
    updates: int = 0

    def act(self, observation: NDArray) -> int:
        """Take the greedy action for an observation, float32, (n_inputs,)."""
        return greedy_action(self.network, observation)


@dataclass(frozen=True)
class Parts:
    """The parts of a deep Q-network, each a function; `deep_q_network.REFERENCE` holds the reference solutions.

    Attributes:
        make_network: (n_inputs, n_actions) -> network.
        add: (replay, observation, action, reward, next_observation, terminated) -> None.
        epsilon: (step, config) -> exploration rate.
        td_targets: (batch, agent, gamma) -> targets.
        td_loss: (network, batch, targets) -> loss.
        update: (agent, loss, config) -> None.
        make_replay: (capacity, n_inputs) -> replay buffer.
    """

    make_network: Callable[[int, int], nn.Module]
    add: Callable[..., None]
    epsilon: Callable[[int, DQNConfig], float]
    td_targets: Callable[[Batch, Agent, float], Tensor]
    td_loss: Callable[[nn.Module, Batch, Tensor], Tensor]
    update: Callable[[Agent, Tensor, DQNConfig], None]
    make_replay: Callable[[int, int], Replay] = Replay

    def replace(self, **changes: Callable) -> Parts:
        """Return a copy with some parts exchanged."""
        return dataclasses.replace(self, **changes)


@dataclass
class Run:
    """What a training run leaves.

    Attributes:
        agent: the agent after its last step.
        returns: return of each finished training episode.
        ends: environment step after which each of them ended, counted from 1.
    """

    agent: Agent
    returns: list[float] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def note(self, total: float, step: int) -> None:
        """Note a finished episode.

        Args:
            total: its return.
            step: environment steps of the run when it ended.
        """
        self.returns.append(total)
        self.ends.append(step)


def new_agent(n_inputs: int, n_actions: int, config: DQNConfig, parts: Parts, seed: int) -> Agent:
    """Make a fresh agent whose target network equals its network.

    Args:
        n_inputs: length of an observation.
        n_actions: number of actions.
        config: the settings.
        parts: `make_network` is used.
        seed: of the initial weights; torch's global generator is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = parts.make_network(n_inputs, n_actions)
    # the fused form does all weights in one call: a third of an update's time for a network this small
    optimizer = torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
    return Agent(network, copy.deepcopy(network), optimizer)


def make_agent(env: gym.Env, config: DQNConfig, parts: Parts, seed: int) -> tuple[Agent, Replay]:
    """Make a fresh agent and an empty replay buffer for an environment.

    Args:
        env: observations of shape (n_inputs,), discrete actions.
        config: the settings.
        parts: `make_network` and `make_replay` are used.
        seed: of the initial weights.
    """
    n_inputs, n_actions = sizes(env)
    agent = new_agent(n_inputs, n_actions, config, parts, seed)
    return agent, parts.make_replay(config.buffer_size, n_inputs)


def sizes(env: gym.Env) -> tuple[int, int]:
    """Return the length of an observation and the number of actions.

    Args:
        env: observations of shape (n_inputs,), discrete actions.
    """
    seen, done = env.observation_space, env.action_space
    assert isinstance(seen, spaces.Box) and isinstance(done, spaces.Discrete)
    return seen.shape[0], int(done.n)


def train_with_bar(
    train: Callable[..., Run],
    env: gym.Env,
    config: DQNConfig,
    parts: Parts,
    seed: int,
    watch: Callable[[int, Agent], bool] | None = None,
) -> Run:
    """Train under a progress bar, which shows only where somebody watches.

    Args:
        train: the training loop.
        env: what is trained on.
        config: the settings.
        parts: the parts of the agent.
        seed: of the run.
        watch: as the training loop's.
    """
    with progress_bar(config.total_steps, "steps") as bar:

        def both(step: int, agent: Agent) -> bool:
            bar.update()
            return watch is not None and watch(step, agent)

        return train(env, config, parts, seed, both)


def greedy_action(network: nn.Module, observation: NDArray) -> int:
    """Find the action of the largest Q-value.

    Args:
        network: maps (n_inputs,) to (n_actions,).
        observation: float32, (n_inputs,).
    """
    with torch.inference_mode():
        return int(network(torch.from_numpy(observation)).argmax())


def double_targets(batch: Batch, agent: Agent, gamma: float) -> Tensor:
    """Double DQN's targets (van Hasselt et al., 2016): the online network chooses, the target network judges.

    Args:
        batch: transitions.
        agent: both networks.
        gamma: the discount.

    Returns:
        float32, (B,), through which no gradient flows.
    """
    with torch.no_grad():
        choice = agent.network(batch.next_observations).argmax(dim=1, keepdim=True)
        judged = agent.target(batch.next_observations).gather(1, choice).squeeze(1)
    return batch.rewards + gamma * judged * ~batch.terminated


class Validation:
    """Scores an agent on validation episodes while it learns, and keeps the weights that scored best.

    Call it as the training loop's `watch`.

    Attributes:
        scores: environment step to the mean return of the greedy policy.
        best: step, score and weights of the best so far; the earlier wins a tie.
        kept: weights at the steps that were asked for.
    """

    def __init__(
        self,
        evaluate: Callable[[nn.Module, gym.Env, int, int], NDArray],
        env: gym.Env,
        every: int,
        episodes: int,
        seed: int,
        keep: tuple[int, ...] = (),
        enough: float = np.inf,
    ) -> None:
        """Prepare it.

        Args:
            evaluate: (network, env, episodes, seed) -> returns.
            env: an environment of its own, not the one that is trained on.
            every: environment steps between two evaluations.
            episodes: episodes of each.
            seed: of the first episode; all evaluations start their episodes alike.
            keep: steps at which to keep a copy of the weights.
            enough: the score at which training may stop.
        """
        self._evaluate, self._env = evaluate, env
        self._every, self._episodes, self._seed = every, episodes, seed
        self._keep, self._enough = set(keep), enough
        self.scores: dict[int, float] = {}
        self.best: tuple[int, float, dict[str, Tensor]] = (0, -np.inf, {})
        self.kept: dict[int, dict[str, Tensor]] = {}

    def __call__(self, step: int, agent: Agent) -> bool:
        """Look at the agent after a step.

        Args:
            step: environment steps so far, from 1 up.
            agent: the agent.

        Returns:
            Whether it is good enough to stop.
        """
        if step in self._keep:
            self.kept[step] = weights_of(agent.network)
        if step % self._every:
            return False
        score = float(np.mean(self._evaluate(agent.network, self._env, self._episodes, self._seed)))
        self.scores[step] = score
        if score > self.best[1]:
            self.best = (step, score, weights_of(agent.network))
        return score >= self._enough


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Copy a network's weights."""
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def with_weights(network: nn.Module, weights: Mapping[str, Tensor]) -> nn.Module:
    """Return a copy of a network that holds other weights.

    Args:
        network: gives the architecture.
        weights: what `weights_of` returned.
    """
    other = copy.deepcopy(network)
    other.load_state_dict(weights)
    return other
