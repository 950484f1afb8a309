"""Lesson 04: the small bin as the lesson's PPO sees it, and how an agent is judged on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.agents.evaluation import Evaluation, evaluate, make_streams
from binpack.course.l04_ppo.agent import Agent, Step
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.env.vector import BinPackingVecEnv

SMALL = EnvConfig(bin_size=(4, 4, 4), items="cut_2:1-3", support="full")
"""The small bin: a perfect packing exists, and each item has to stand on a wholly supported base."""
STREAMS, VALIDATION_SEED, TEST_SEED = 200, 10_000, 20_000


class Packing:
    """Bins that are packed side by side; an observation is one row of numbers.

    Attributes:
        n: number of bins.
        n_inputs: length of an observation.
        n_actions: number of actions.
    """

    def __init__(self, config: EnvConfig = SMALL, n: int = 32, seed: int = 0) -> None:
        """Start an episode in each bin.

        Args:
            config: bin, items and rules.
            n: number of bins.
            seed: of the items.
        """
        self.config, self.n, self.n_actions = config, n, config.actions
        self._env = BinPackingVecEnv(config, n, seed)
        self._seen = flat(self._env.reset())
        self.n_inputs = self._seen.shape[1]

    @property
    def observations(self) -> NDArray[np.float32]:
        """What is seen now, float32, (n, n_inputs)."""
        return self._seen

    @property
    def masks(self) -> NDArray[np.bool_]:
        """Which placements are legal now, bool, (n, n_actions)."""
        return self._env.action_masks()

    def step(self, actions: NDArray) -> Step:
        """Place an item in each bin; a bin in which nothing fits any more terminates and is emptied."""
        self._env.step_async(actions)
        seen, rewards, terminated, infos = self._env.step_wait()
        self._seen = flat(seen)
        led_to = self._seen.copy()
        for row in np.flatnonzero(terminated):
            led_to[row] = flat({key: part[None] for key, part in infos[row]["terminal_observation"].items()})[0]
        return Step(rewards, terminated, np.zeros(self.n, bool), led_to)


def flat(observation: dict[str, NDArray]) -> NDArray[np.float32]:
    """Lay the entries of observations side by side, {name: (n, ...)} -> float32 (n, n_inputs)."""
    return np.concatenate([part.reshape(len(part), -1) for part in observation.values()], axis=1)


class Packer:
    """A lesson's agent as a packer that `binpack.agents.evaluate` takes."""

    def __init__(self, agent: Agent, greedy: bool = True) -> None:
        """Wrap an agent.

        Args:
            agent: who decides.
            greedy: take the most likely placement; else draw one, as in training.
        """
        self._agent, self._greedy = agent, greedy

    def act(self, batch: PackingBatch, rng: np.random.Generator) -> NDArray:
        """Return one action a bin, int64 (n,)."""
        observations, masks = flat(batch.observation()), batch.masks()
        if self._greedy:
            return self._agent.best(observations, masks)
        masks[batch.done] = True  # of a bin that is done the answer is not looked at
        return self._agent.act(observations, masks)[0]


def judge(who: Any, seed: int = VALIDATION_SEED, streams: int = STREAMS, config: EnvConfig = SMALL) -> Evaluation:
    """Let an agent pack fixed streams; every finished packing is checked.

    Args:
        who: a lesson's agent, which packs greedily, or what `binpack.agents.evaluate` takes.
        seed: of the streams, `VALIDATION_SEED` while something is chosen, `TEST_SEED` at the end.
        streams: how many.
        config: the bin.
    """
    packer = Packer(who) if isinstance(who, Agent) else who
    return evaluate(packer, make_streams(config, streams, seed), config)
