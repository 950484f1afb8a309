"""Lesson 02: probe environments, tasks so small that the right Q-values are known and a wrong one names its cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import ArrayLike, NDArray
from torch import nn

from binpack.course import probes
from binpack.course.l02_deep_q_network.agent import DQNConfig, Parts, Run, Transition
from binpack.course.probes import Case
from binpack.course.progress import progress

GAMMA = 0.5
CONFIG = DQNConfig(
    total_steps=400,
    learning_rate=5e-3,
    gamma=GAMMA,
    batch_size=32,
    buffer_size=400,
    learning_starts=32,
    train_every=1,
    target_update=50,
    epsilon_last=0.3,
    epsilon_steps=300,
)
"""Settings that are enough for every probe: some hundred updates, a target network that is copied often."""

TOLERANCE = 0.1


class Probe(gym.Env[NDArray[np.float32], Any]):
    """A task that is a table: what each action does in each state.

    An observation is one float32 number, (1,): states lie evenly from -1, the first, to 1, the last; a single one is 0.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - gymnasium's form

    def __init__(
        self,
        rewards: ArrayLike,
        following: ArrayLike,
        starts: tuple[int, ...] = (0,),
        limit: int | None = None,
        noise: float = 0.0,
    ) -> None:
        """Make it.

        Args:
            rewards: what an action pays, float, (states, actions).
            following: the state that it leads to, -1 for the end, int, (states, actions).
            starts: states that an episode may start in, each as likely as the others.
            limit: steps after which an episode is cut off (truncated); None for no limit.
            noise: standard deviation of a normal number that is added to every reward.
        """
        self.rewards, self.following = np.asarray(rewards, float), np.asarray(following, int)
        self.starts, self.limit, self.noise = starts, limit, noise
        self.observation_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.action_space = spaces.Discrete(self.rewards.shape[1])
        self._state = self._steps = 0

    def observation(self, state: int) -> NDArray[np.float32]:
        """What an agent sees of a state; of the end it sees 0."""
        states = len(self.rewards)
        return np.array([0.0 if state < 0 or states == 1 else 2.0 * state / (states - 1) - 1.0], np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode."""
        super().reset(seed=seed)
        self._state, self._steps = self.starts[int(self.np_random.integers(len(self.starts)))], 0
        return self.observation(self._state), {}

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Take an action.

        Raises:
            gymnasium.error.ResetNeeded: the episode has terminated.
        """
        if self._state < 0:
            raise gym.error.ResetNeeded("the episode has terminated: call reset")
        reward = float(self.rewards[self._state, action])
        if self.noise:
            reward += float(self.np_random.normal(0.0, self.noise))
        self._state, self._steps = int(self.following[self._state, action]), self._steps + 1
        terminated = self._state < 0
        truncated = not terminated and self.limit is not None and self._steps >= self.limit
        return self.observation(self._state), reward, terminated, truncated, {}

    def values(self, gamma: float) -> NDArray[np.float64]:
        """Work out the true Q-values by value iteration; the time limit is not part of the task (Pardo et al., 2018).

        Args:
            gamma: the discount, in [0, 1).

        Returns:
            float64, (states, actions).

        Raises:
            ValueError: the discount is out of its range.
        """
        return probes.values_by_iteration(self.rewards, self.following, gamma)


CASES: dict[str, Case] = {
    "constant": Case(lambda: Probe([[1.0]], [[-1]]), "one step that pays 1", "td_loss, update, and targets at an end"),
    "see": Case(lambda: Probe([[-1.0], [1.0]], [[-1], [-1]], (0, 1)), "the state decides what it pays", "add, network"),
    "act": Case(lambda: Probe([[-1.0, 1.0]], [[-1, -1]]), "the action decides", "td_loss (which action), epsilon"),
    "discount": Case(lambda: Probe([[0.0], [1.0]], [[1], [-1]]), "pays a step later", "td_targets, target copies"),
    "patience": Case(
        lambda: Probe([[0.4, 0.0], [1.0, 0.0]], [[-1, 1], [-1, -1]]), "waiting pays more", "the maximum in td_targets"
    ),
    "cut off": Case(lambda: Probe([[1.0]], [[0]], limit=4), "never ends, cut after 4 steps", "add: store terminated"),
}
"""From the simplest to the hardest: the first one that fails has the shortest list of suspects."""


@dataclass(frozen=True)
class Reading:
    """What an agent learned on a probe.

    Attributes:
        known: the true Q-values, (states, actions).
        learned: the network's, (states, actions).
    """

    known: NDArray[np.float64]
    learned: NDArray[np.float64]

    @property
    def error(self) -> float:
        """Largest absolute error of a Q-value; infinite where one is no number."""
        errors = np.abs(self.learned - self.known)
        return float(errors.max()) if np.isfinite(errors).all() else float("inf")

    @property
    def right(self) -> bool:
        """Whether all Q-values are within the tolerance."""
        return self.error < TOLERANCE


def q_values(env: gym.Env, network: nn.Module) -> NDArray[np.float64]:
    """Ask a network for the Q-values of all states.

    Args:
        env: a probe, wrapped or not.
        network: maps (states, 1) to (states, actions).

    Returns:
        float64, (states, actions).
    """
    probe = env.unwrapped
    assert isinstance(probe, Probe)
    states = np.stack([probe.observation(state) for state in range(len(probe.rewards))])
    with torch.inference_mode():
        return network(torch.from_numpy(states)).double().numpy()


def read(probe: Probe, run: Run, gamma: float = GAMMA) -> Reading:
    """Compare a trained network with what it should know.

    Args:
        probe: the environment.
        run: what training on it left.
        gamma: the discount that it was trained with.
    """
    return Reading(probe.values(gamma), q_values(probe, run.agent.network))


def random_steps(env: gym.Env, steps: int, seed: int) -> list[Transition]:
    """Play at random, episode after episode.

    Args:
        env: discrete actions.
        steps: how many.
        seed: of the environment and of the actions.

    Returns:
        The transitions in the order in which they came.
    """
    assert isinstance(env.action_space, spaces.Discrete)
    rng, actions = np.random.default_rng(seed), int(env.action_space.n)
    observation, _ = env.reset(seed=seed)
    made = []
    for _ in range(steps):
        action = int(rng.integers(actions))
        after, reward, terminated, truncated, _ = env.step(action)
        made.append(Transition(observation, action, float(reward), after, terminated))
        observation = env.reset()[0] if terminated or truncated else after
    return made


class CutIsEnd(gym.Wrapper):
    """Reports a time limit as if it were a final state: what a loop does that stores `terminated or truncated`."""

    def step(self, action: int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Take an action."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, float(reward), terminated or truncated, False, info


def probe_all(
    train: Callable[..., Run],
    parts: Parts,
    wrap: Callable[[gym.Env], gym.Env] | None = None,
    config: DQNConfig = CONFIG,
    seed: int = 0,
) -> dict[str, Reading]:
    """Train on every probe.

    Args:
        train: the training loop, (env, config, parts, seed) -> run.
        parts: the parts of the agent.
        wrap: changes the environment that is trained on, such as `CutIsEnd`.
        config: the settings.
        seed: of each run.

    Returns:
        Name of the probe to its reading.
    """
    readings = {}
    for name, case in progress(CASES.items(), "probes"):
        env = case.make() if wrap is None else wrap(case.make())
        readings[name] = read(case.make(), train(env, config, parts, seed), config.gamma)
    return readings


def advice(readings: Mapping[str, Reading]) -> str:
    """Say which probe is the first to fail and what to look at, or that all are learned.

    Args:
        readings: name of a probe to what was learned on it, from the simplest probe to the hardest.
    """
    return probes.advice(readings, CASES)
