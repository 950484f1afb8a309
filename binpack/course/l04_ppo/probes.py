"""Lesson 04: probe environments for PPO, so small that value and policy are known and a wrong one names its cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from binpack.course import probes
from binpack.course.l04_ppo.agent import Agent, Env, Parts, Settings, Step
from binpack.course.probes import Case
from binpack.course.progress import progress

GAMMA = 0.5
SETTINGS = Settings(
    total_steps=4_096,
    n_steps=8,
    n_epochs=4,
    batch_size=64,
    learning_rate=3e-3,
    gamma=GAMMA,
    gae_lambda=0.9,
    ent_coef=0.1,
)
"""Settings that are enough for every probe."""
ENVS = 16
TOLERANCE = 0.1


class Probe:
    """N copies of a task that is a table: what each action does in each state.

    An observation is one float32 number: states lie evenly from -1, the first, to 1, the last; a single one is 0.

    Attributes:
        n: number of copies.
        n_inputs: 1.
        n_actions: number of actions.
        rewards: what an action pays, float, (states, actions).
        following: the state that it leads to, -1 for the end, int, (states, actions).
        legal: bool, (states, actions).
    """

    n_inputs = 1

    def __init__(
        self,
        rewards: ArrayLike,
        following: ArrayLike,
        legal: ArrayLike | None = None,
        starts: tuple[int, ...] = (0,),
        limit: int | None = None,
        noise: float = 0.0,
        n: int = ENVS,
        seed: int = 0,
    ) -> None:
        """Start an episode in each copy.

        Args:
            rewards: what an action pays, (states, actions).
            following: the state that it leads to, -1 for the end, (states, actions).
            legal: which actions are legal, (states, actions); all where it is left out. An illegal one is taken all
                the same, and pays what the table says.
            starts: states that an episode may start in, each as likely as the others.
            limit: steps after which an episode is cut off; None for no limit.
            noise: standard deviation of a normal number that is added to every reward.
            n: number of copies.
            seed: of starts and noise.
        """
        self.rewards, self.following = np.asarray(rewards, float), np.asarray(following, int)
        self.legal = np.ones(self.rewards.shape, bool) if legal is None else np.asarray(legal, bool)
        self.n, self.n_actions = n, self.rewards.shape[1]
        self._starts, self._limit, self._noise = np.array(starts), limit, noise
        self._rng = np.random.default_rng(seed)
        self._state = self._rng.choice(self._starts, n)
        self._steps = np.zeros(n, int)

    def seen(self, states: NDArray) -> NDArray[np.float32]:
        """Return what an agent sees of states, integers (m,) -> float32 (m, 1); of the end, -1, it sees 0."""
        last = len(self.rewards) - 1
        shown = 2.0 * states / last - 1.0 if last else np.zeros(len(states))
        return np.where(states < 0, 0.0, shown).astype(np.float32)[:, None]

    @property
    def observations(self) -> NDArray[np.float32]:
        """What is seen now, float32, (n, 1)."""
        return self.seen(self._state)

    @property
    def masks(self) -> NDArray[np.bool_]:
        """Which actions are legal now, bool, (n, actions)."""
        return self.legal[self._state]

    def step(self, actions: NDArray) -> Step:
        """Take an action in each copy, integers (n,)."""
        rewards = self.rewards[self._state, actions] + self._noise * self._rng.standard_normal(self.n)
        self._state, self._steps = self.following[self._state, actions], self._steps + 1
        terminated = self._state < 0
        truncated = ~terminated & (self._limit is not None and self._steps >= (self._limit or 0))
        led_to, over = self.observations, terminated | truncated
        self._state = np.where(over, self._rng.choice(self._starts, self.n), self._state)
        self._steps[over] = 0
        return Step(rewards.astype(np.float32), terminated, truncated, led_to)

    def known(self, gamma: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Work out the best policy by value iteration; the limit is not part of the task (Pardo et al., 2018).

        Args:
            gamma: the discount, in [0, 1).

        Returns:
            The values, (states,), and the probabilities of the actions, (states, actions): the best legal ones share
            them.

        Raises:
            ValueError: the discount is out of its range.
        """
        q = probes.values_by_iteration(self.rewards, self.following, gamma, self.legal)
        allowed = np.where(self.legal, q, -np.inf)
        best_ones = np.isclose(allowed, allowed.max(axis=1, keepdims=True))
        return allowed.max(axis=1), best_ones / best_ones.sum(axis=1, keepdims=True)


CASES: dict[str, Case] = {
    "constant": Case(
        lambda: Probe([[1.0]], [[-1]]), "one step that pays 1", "total_loss (values), update, gae at an end"
    ),
    "see": Case(
        lambda: Probe([[-1.0], [1.0]], [[-1], [-1]], starts=(0, 1)), "the state decides what it pays", "collect: rows"
    ),
    "act": Case(lambda: Probe([[-1.0, 1.0]], [[-1, -1]]), "the action decides", "clipped_loss, gae: a sign"),
    "both": Case(
        lambda: Probe([[-1.0, 1.0], [1.0, -1.0]], [[-1, -1], [-1, -1]], starts=(0, 1)),
        "state and action together",
        "collect: rows of actions or observations",
    ),
    "mask": Case(
        lambda: Probe([[3.0, 1.0, 0.0]], [[-1, -1, -1]], legal=[[False, True, True]]),
        "what pays most is forbidden",
        "masked_log_probs, collect: masks",
    ),
    "later": Case(lambda: Probe([[0.0], [1.0]], [[1], [-1]]), "pays a step later", "gae, collect: next_values"),
    "patience": Case(
        lambda: Probe([[0.4, 0.0], [1.0, 0.0]], [[-1, 1], [-1, -1]]), "waiting pays more", "gae: what is carried back"
    ),
    "cut off": Case(
        lambda: Probe([[0.0], [1.0]], [[1], [1]], limit=3),
        "never ends, cut after 3 steps",
        "gae: truncated, collect: next_values",
    ),
    "even": Case(
        lambda: Probe([[1.0, 1.0]], [[-1, -1]], noise=0.3), "both pay the same, with noise", "entropy, its sign"
    ),
}
"""From the simplest to the hardest: the first one that fails has the shortest list of suspects."""


@dataclass(frozen=True)
class Reading:
    """What an agent learned on a probe.

    Attributes:
        known: values of the states, then the probabilities of each state's actions where there are several, (numbers,).
        learned: the agent's.
        names: what each number is, "V" or "p".
    """

    known: NDArray[np.float64]
    learned: NDArray[np.float64]
    names: tuple[str, ...]

    @property
    def tolerances(self) -> NDArray[np.float64]:
        """How far each number may be off: an undecided probability may wander."""
        undecided = np.array([name == "p" for name in self.names]) & (np.abs(self.known - 0.5) < 0.4)
        return np.where(undecided, 4 * TOLERANCE, TOLERANCE)

    @property
    def near(self) -> NDArray[np.bool_]:
        """Which numbers are right, bool (numbers,); one that is no number is not."""
        return np.abs(self.learned - self.known) < self.tolerances

    @property
    def right(self) -> bool:
        """Whether all are."""
        return bool(self.near.all())


def read(probe: Probe, agent: Agent, gamma: float = GAMMA) -> Reading:
    """Compare an agent with what it should know.

    Args:
        probe: the environment.
        agent: trained on it.
        gamma: the discount that it was trained with.
    """
    states = np.arange(len(probe.rewards))
    with torch.no_grad():
        logits, values = agent.network(torch.from_numpy(probe.seen(states)))
        chances = agent.masked_log_probs(logits, torch.from_numpy(probe.legal)).exp()
    right_values, right_chances = probe.known(gamma)
    known, learned, names = [right_values], [values.double().numpy()], ["V"] * len(states)
    if probe.n_actions > 1:
        known.append(right_chances.ravel())
        learned.append(chances.double().numpy().ravel())
        names += ["p"] * right_chances.size
    return Reading(np.concatenate(known), np.concatenate(learned), tuple(names))


def probe_all(
    train: Callable[[Env, Settings, Parts, int], Agent],
    parts: Parts,
    settings: Settings = SETTINGS,
    seed: int = 0,
    names: tuple[str, ...] = tuple(CASES),
) -> dict[str, Reading]:
    """Train on the probes.

    Args:
        train: the training loop.
        parts: the parts of the agent.
        settings: the settings.
        seed: of each run.
        names: which probes.

    Returns:
        Name of the probe to its reading.
    """
    return {
        name: read(CASES[name].make(), train(CASES[name].make(), settings, parts, seed), settings.gamma)
        for name in progress(names, "probes")
    }


def advice(readings: Mapping[str, Reading], parts: bool = True) -> str:
    """Say which probe is the first to fail and what to look at, or that all are learned.

    Args:
        readings: name of a probe to what was learned on it, from the simplest probe to the hardest.
        parts: whether the agent is made of the lesson's parts; else what the probe tests is said in their place.
    """
    return probes.advice(readings, CASES, parts)
