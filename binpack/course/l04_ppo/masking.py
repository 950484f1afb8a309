"""Lesson 04, second part: PPO with and without masks on one small packing task, and how an agent is scored.

The task is a bin of 6 x 6 x 6 cells, items cut from a full one, each to stand on a wholly supported base. All arms have
the same network and the same hyperparameters; they differ in what becomes of an illegal action.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from sb3_contrib.common.maskable.distributions import MaskableCategorical
from stable_baselines3 import PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv, VecEnv

from binpack.agents.evaluation import evaluate, make_streams
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.env.single import BinPackingEnv
from binpack.env.vector import BinPackingVecEnv
from binpack.items.streams import Streams

ENV = EnvConfig(bin_size=(6, 6, 6), items="cut_2:2-4", support="full")
STEPS, POINTS, N_ENVS = 40_000, 20, 32
STREAMS, VALIDATION_SEED = 200, 10_000
WITH = "with its mask"
LIMIT = 60
"""Steps after which an episode is cut off where an illegal action leaves the bin as it was."""

PPO_SETTINGS: Mapping[str, Any] = {"n_steps": 64, "batch_size": 64, "n_epochs": 10, "learning_rate": 3e-4}
"""Stable-Baselines3's defaults; 64 steps of 32 environments are its rollout of 2,048 transitions."""

ARMS: Mapping[str, float | None] = {"mask": None, "ends": None, "stays, 0.01": 0.01, "stays, 0.1": 0.1}
"""The arms, each with what an illegal action costs that leaves the bin as it was."""


class PenaltyAndStay(gym.Wrapper[Any, Any, Any, Any]):
    """An illegal action costs something and changes nothing, and a time limit ends an episode that gets nowhere.

    Args:
        env: a packing environment.
        penalty: what an illegal action costs.
        limit: steps after which an episode is truncated.
    """

    def __init__(self, env: BinPackingEnv, penalty: float, limit: int = LIMIT) -> None:
        super().__init__(env)
        self._packing, self._penalty, self._limit, self._steps = env, penalty, limit, 0
        self._last: tuple[Any, dict[str, Any]] = ({}, {})

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; see ``BinPackingEnv``."""
        self._steps = 0
        self._last = self.env.reset(seed=seed, options=options)
        return self._last

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Place an item where that is legal; else charge for it."""
        self._steps += 1
        over = self._steps >= self._limit
        if not self._packing.action_masks()[action]:
            observation, info = self._last
            return observation, -self._penalty, False, over, info
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._last = observation, info
        return observation, float(reward), terminated, truncated or (over and not terminated), info


@dataclass(frozen=True)
class Player:
    """Plays a trained model greedily, as an ``Agent`` of this package.

    Attributes:
        model: what Stable-Baselines3 trained.
        masked: whether it picks among the legal actions only. Without, an illegal pick ends that bin's episode.
    """

    model: BaseAlgorithm
    masked: bool

    def act(self, batch: PackingBatch, rng: np.random.Generator) -> NDArray:
        """Return one action a bin, integers (n,)."""
        masks: dict[str, Any] = {"action_masks": batch.masks()} if self.masked else {}
        return self.model.predict(batch.observation(), deterministic=True, **masks)[0]


def items_of(streams: Streams) -> list[NDArray]:
    """Return the items of each stream, integers (T, 3), without the zeros behind its end.

    Args:
        streams: what is taken apart.
    """
    return [items[:length] for items, length in zip(streams.items, streams.lengths, strict=True)]


def validation_streams(count: int = STREAMS) -> Streams:
    """Draw the streams that every run is scored on; no training draws from their seed.

    Args:
        count: number of streams.
    """
    return make_streams(ENV, count, VALIDATION_SEED)


def utilization(model: BaseAlgorithm, streams: Streams, *, masked: bool) -> float:
    """Return the mean utilization of a model that packs each stream once.

    Args:
        model: what Stable-Baselines3 trained.
        streams: the items.
        masked: whether it picks among the legal actions only; a model that knows no masks needs a ``Player`` of its
            own for that, see `rivals`.
    """
    return evaluate(Player(model, masked), streams, ENV, verify=False).mean


def most_different(model: BaseAlgorithm, streams: Streams) -> dict[str, NDArray]:
    """Return what a model packs with its mask and without, of the stream on which the two differ most.

    Args:
        model: what Stable-Baselines3 trained.
        streams: the items.

    Returns:
        "with its mask" and "without" to the placed boxes, integers (packed, 6).
    """
    played = {name: evaluate(Player(model, name == WITH), streams, ENV) for name in (WITH, "without")}
    place = int(np.argmax(played[WITH].utilization - played["without"].utilization))
    return {name: each.boxes[place] for name, each in played.items()}


def make_envs(arm: str, n_envs: int = N_ENVS, config: EnvConfig = ENV) -> VecEnv:
    """Make the environments of an arm.

    Args:
        arm: of `ARMS`.
        n_envs: how many side by side.
        config: what they pack.
    """
    penalty = ARMS[arm]
    if penalty is None:
        return BinPackingVecEnv(config, n_envs)
    return DummyVecEnv([lambda: PenaltyAndStay(BinPackingEnv(config), penalty)] * n_envs)


def make_model(arm: str, seed: int) -> BaseAlgorithm:
    """Make the untrained model of an arm: MaskablePPO for "mask", and PPO, which knows no masks, for all others.

    Args:
        arm: of `ARMS`.
        seed: of the run.
    """
    algorithm: Any = MaskablePPO if arm == "mask" else PPO
    return quiet(algorithm("MultiInputPolicy", make_envs(arm), seed=run_seed(seed), device="cpu", **PPO_SETTINGS))


def quiet(model: BaseAlgorithm) -> BaseAlgorithm:
    """Give a model a logger that writes nothing: without one of its own it makes a folder for every run.

    Args:
        model: changed in place, and returned.
    """
    model.set_logger(Logger(folder=None, output_formats=[]))
    return model


def run_seed(seed: int) -> int:
    """Return the seed that a run hands to Stable-Baselines3, as ``agents.training`` makes it.

    Row i of the environments is seeded with it plus i, so that runs 0 and 1 must not be neighbours.

    Args:
        seed: of the run.
    """
    return int(np.random.SeedSequence([seed, 0]).generate_state(1)[0] // 2)


Score = Callable[[BaseAlgorithm], Mapping[str, float]]
"""What a run is scored by at each evaluation: a model to names and numbers."""


@dataclass(eq=False)
class Curves(BaseCallback):
    """Scores a model at round numbers of environment steps, and counts the training's seconds without them.

    Attributes:
        score: called with the model.
        at: the environment steps, ascending.
        steps: those that were reached.
        scores: a list for each of the score's names, one entry a step of `steps`.
        seconds: processor time of the training, without scoring.
    """

    score: Score
    at: tuple[int, ...]
    steps: list[int] = field(default_factory=list)
    scores: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        super().__init__()

    def _on_training_start(self) -> None:
        self._since = time.process_time()

    def _on_step(self) -> bool:
        if len(self.steps) < len(self.at) and self.num_timesteps >= self.at[len(self.steps)]:
            self._note(self.model)
        return True

    def _on_training_end(self) -> None:
        self.seconds += time.process_time() - self._since

    def _note(self, model: BaseAlgorithm) -> None:
        """Score the model as it is."""
        self.seconds += time.process_time() - self._since
        self.steps.append(self.at[len(self.steps)])
        for name, value in self.score(model).items():
            self.scores.setdefault(name, []).append(float(value))
        self._since = time.process_time()


def learn(model: BaseAlgorithm, score: Score, at: tuple[int, ...], **kwargs: Any) -> Curves:
    """Train a model up to the last step of a list and score it at each.

    Where a rollout is under way at a step, the policy is the one that collects it.

    Args:
        model: trained in place.
        score: called with the model.
        at: environment steps, ascending.
        kwargs: what the algorithm's ``learn`` takes.
    """
    curves = Curves(score, at)
    model.learn(at[-1], callback=curves, **kwargs)
    return curves


def as_trained(streams: Streams) -> Score:
    """Return a score: mean utilization in play as in training, with masks where the algorithm knows them.

    Args:
        streams: what is packed.
    """
    return lambda model: {"utilization": utilization(model, streams, masked=isinstance(model, MaskablePPO))}


def both_ways(streams: Streams) -> Score:
    """Return a score of PPO: mean utilization with masks in play, and without them.

    Args:
        streams: what is packed.
    """

    def score(model: BaseAlgorithm) -> dict[str, float]:
        return {
            "masked": utilization(_maskable(model), streams, masked=True),
            "free": utilization(model, streams, masked=False),
        }

    return score


def _maskable(model: BaseAlgorithm) -> Any:
    """Return what picks among the legal actions with a model's weights."""
    return model if isinstance(model, MaskablePPO) else _Masked(model)


@dataclass(frozen=True)
class _Masked:
    """A PPO that was trained without masks, played with them: the most probable legal action."""

    model: BaseAlgorithm

    def predict(self, observation: Any, *, action_masks: NDArray, **_: Any) -> tuple[NDArray, None]:
        policy: Any = self.model.policy
        policy.set_training_mode(False)
        with torch.no_grad():
            logits = policy.get_distribution(policy.obs_to_tensor(observation)[0]).distribution.logits
        return logits.masked_fill(~torch.as_tensor(action_masks), -torch.inf).argmax(dim=1).numpy(), None


def probabilities(scores: NDArray, mask: NDArray) -> NDArray[np.float64]:
    """Return the probabilities that sb3-contrib's distribution gives to actions.

    Args:
        scores: the actor's output, float, (A,).
        mask: which actions are legal, bool, (A,).
    """
    categorical = MaskableCategorical(logits=torch.as_tensor(scores, dtype=torch.float32), masks=mask)
    return categorical.probs.numpy().astype(float)


def legal_shares(streams: Streams, seed: int = 0) -> NDArray[np.float64]:
    """Say which share of all actions is legal at each step of packings that were chosen at random.

    Args:
        streams: what is packed.
        seed: of the choices, all of them legal.

    Returns:
        The mean over the packings that are still going on, float, (steps,), as long as at least half of them are.
    """
    rng, batch = np.random.default_rng(seed), PackingBatch(ENV, len(streams))
    batch.load(streams)
    shares = []
    while 2 * batch.done.sum() <= len(streams):
        masks = batch.masks()
        shares.append(masks[~batch.done].mean())
        batch.step(np.where(masks, rng.random(masks.shape), -1.0).argmax(axis=1))
    return np.array(shares)


class Shelf(gym.Env[NDArray[np.float32], np.int64]):
    """A shelf of five places, each taken once; it never says that it is full, and so never ends.

    Attributes:
        taken: which places are, bool, (5,).
    """

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Box(0.0, 1.0, (5,), np.float32)
        self.action_space: gym.spaces.Discrete = gym.spaces.Discrete(5)
        self.taken = np.zeros(5, bool)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Empty the shelf."""
        super().reset(seed=seed)
        self.taken = np.zeros(5, bool)
        return self.taken.astype(np.float32), {}

    def step(self, action: np.integer | int) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Put a thing on a place; a taken one earns nothing."""
        earned = float(not self.taken[action])
        self.taken[action] = True
        return self.taken.astype(np.float32), earned, False, False, {}

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which places are free, bool, (5,)."""
        return ~self.taken


def without_an_action(env: gym.Env, steps: int = 100, seed: int = 0) -> tuple[int, int]:
    """Act by sb3-contrib's distribution with equal scores, and count the steps at which no action was legal.

    Args:
        env: has ``action_masks``.
        steps: how many to take, beginning anew where an episode ends.
        seed: of the actions.

    Returns:
        Steps at which no action was legal, and episodes that ended.
    """
    rng, empty, ended = np.random.default_rng(seed), 0, 0
    env.reset(seed=seed)
    for _ in range(steps):
        mask = env.get_wrapper_attr("action_masks")()
        empty += not mask.any()
        chances = probabilities(np.zeros(len(mask)), mask)
        _, _, terminated, truncated, _ = env.step(rng.choice(len(mask), p=chances / chances.sum()))
        if terminated or truncated:
            ended += 1
            env.reset()
    return int(empty), ended


def cpu_seconds(work: Callable[[], Any]) -> float:
    """Return the processor time that a piece of work takes.

    Args:
        work: called once, without arguments.
    """
    start = time.process_time()
    work()
    return time.process_time() - start
