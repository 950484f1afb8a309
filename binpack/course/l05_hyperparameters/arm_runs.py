"""Training runs of the robot arm: the settings that lesson 05b compares, and what trains and scores an arm.

A setting is a dictionary of PPO's hyperparameters as Stable-Baselines3 names them, but for one: ``n_steps`` is the
whole rollout, which 16 arms share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv, VecMonitor, VecNormalize

from binpack.agents.diagnostics import Diagnostics
from binpack.course.l05_hyperparameters.arm import ArmConfig, ReachEnv, ReachVecEnv

Settings = Mapping[str, Any]
Act = Callable[[NDArray], NDArray]

CURRENT: Settings = {
    "learning_rate": 3e-4,
    "n_steps": 2048,
    "batch_size": 64,
    "n_epochs": 10,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_range": 0.2,
    "ent_coef": 0.0,
    "max_grad_norm": 0.5,
}
STABLE: Settings = {
    "learning_rate": 1e-4,
    "n_steps": 4096,
    "batch_size": 128,
    "n_epochs": 15,
    "gamma": 0.99,
    "gae_lambda": 0.95,
    "clip_range": 0.1,
    "ent_coef": 0.005,
    "max_grad_norm": 0.5,
}
BOLD: Settings = {**CURRENT, "learning_rate": 2e-3, "batch_size": 256, "n_epochs": 15, "gamma": 0.9}
"""Larger steps, and a discount that looks ten steps ahead; found by hand, on seed 0."""
CHANGED = tuple(name for name in CURRENT if CURRENT[name] != STABLE[name])
"""The hyperparameters in which the two differ."""

ENVS = 16
STEPS, EVERY = 40_960, 8_192
LONG = 122_880
"""Steps of the two configurations themselves, three times those of all other settings."""
TESTS, TEST_SEED = 200, 1_000_000
MILLIMETRES = ArmConfig(unit=1000.0)
TARGET_KL = 0.02


@dataclass(frozen=True)
class Setting:
    """One line of the comparison.

    Attributes:
        ppo: hyperparameters.
        arm: what the arm is like.
        normalize: whether ``VecNormalize`` scales the observations.
        linear: whether the learning rate falls to 0 at the end.
        adaptive: whether the learning rate follows the KL divergence.
        steps: environment steps of a run.
    """

    ppo: Settings
    arm: ArmConfig = field(default_factory=ArmConfig)
    normalize: bool = False
    linear: bool = False
    adaptive: bool = False
    steps: int = STEPS


def settings() -> dict[str, Setting]:
    """Return all settings by their names, the most wanted first."""
    fast = {**CURRENT, "learning_rate": 1e-3}
    return {
        "current": Setting(CURRENT, steps=LONG),
        "stable": Setting(STABLE, steps=LONG),
        **{f"current, but {name}": Setting({**CURRENT, name: STABLE[name]}) for name in CHANGED},
        **{f"stable, but {name}": Setting({**STABLE, name: CURRENT[name]}) for name in CHANGED},
        "learning rate 1e-3": Setting(fast),
        "learning rate 1e-3, linear": Setting(fast, linear=True),
        "learning rate by KL": Setting(CURRENT, adaptive=True),
        "millimetres": Setting(CURRENT, arm=MILLIMETRES),
        "millimetres, normalized": Setting(CURRENT, arm=MILLIMETRES, normalize=True),
        "bold": Setting(BOLD),
    }


@dataclass(frozen=True)
class Run:
    """A trained arm.

    Attributes:
        model: the agent.
        env: what it was trained in; a ``VecNormalize`` where observations were scaled.
        steps: at each evaluation, (P,).
        returns: mean return of the test episodes there, (P,).
        distances: mean distance from the target at the end of those episodes, in metres, (P,).
        rates: the learning rate of each update.
        diagnostics: the run's diagnostics at each evaluation, names to (P,).
    """

    model: PPO
    env: VecEnv
    steps: NDArray
    returns: NDArray
    distances: NDArray
    rates: NDArray
    diagnostics: dict[str, NDArray]


def train_arm(
    setting: Setting,
    seed: int,
    *,
    schedule: Callable[[float], float] | None = None,
    adapt: Callable[[float, float], float] | None = None,
    every: int = EVERY,
) -> Run:
    """Train an arm.

    Args:
        setting: how.
        seed: of weights, actions, poses and targets.
        schedule: progress remaining, from 1 to 0 -> learning rate; in place of the setting's.
        adapt: (learning rate, approx_kl of the last update) -> learning rate of the next one; in place of the
            setting's.
        every: steps between two evaluations; a multiple of the rollout.
    """
    arms: VecEnv = VecMonitor(ReachVecEnv(setting.arm, ENVS))
    env = VecNormalize(arms, norm_reward=False) if setting.normalize else arms
    rate = setting.ppo["learning_rate"]
    model = PPO(
        "MlpPolicy",
        env,
        **{
            **setting.ppo,
            "n_steps": setting.ppo["n_steps"] // ENVS,
            "learning_rate": schedule or (LinearSchedule(rate, 0.0, 1.0) if setting.linear else rate),
        },
        # row i of the arms is seeded with this plus i
        seed=1000 * (seed + 1),
        device="cpu",
    )
    # without one of its own, Stable-Baselines3 makes a folder for its log in the system's temporary folder
    model.set_logger(Logger(folder=None, output_formats=[]))
    watch = _Watch(setting, every, adapt or (by_kl if setting.adaptive else None))
    model.learn(setting.steps, callback=watch)
    watch.look()
    steps, returns, distances = map(np.array, zip(*watch.curve, strict=True))
    said = {name: np.array([row.get(name, np.nan) for row in watch.said]) for name in watch.said[-1]}
    return Run(model, env, steps, returns, distances, np.array(watch.rates), said)


def by_kl(rate: float, approx_kl: float) -> float:
    """Return the next learning rate: smaller after a large step of the policy, larger after a small one.

    Args:
        rate: of the last update.
        approx_kl: of the last update.
    """
    if approx_kl > 2 * TARGET_KL:
        rate /= 1.5
    elif approx_kl < TARGET_KL / 2:
        rate *= 1.5
    return min(max(rate, 1e-5), 1e-2)


class _Watch(BaseCallback):
    """Evaluates between two rollouts, keeps what the run says of itself, and sets an adaptive learning rate."""

    model: PPO

    def __init__(self, setting: Setting, every: int, adapt: Callable[[float, float], float] | None) -> None:
        super().__init__()
        self._setting, self._every, self._adapt = setting, every, adapt
        self._said = Diagnostics()
        self.curve: list[tuple[int, float, float]] = []
        self.said: list[dict[str, float]] = []
        self.rates: list[float] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_start(self) -> None:
        if self.num_timesteps:
            self.look()

    def look(self) -> None:
        """Take in the last update, and evaluate where it is time."""
        logged = self.model.logger.name_to_value
        self._said.note(self.model._n_updates, logged)
        self.rates.append(float(logged["train/learning_rate"]))
        if self._adapt is not None:
            rate = self._adapt(self.rates[-1], float(logged["train/approx_kl"]))
            self.model.lr_schedule = lambda _: rate
        if self.num_timesteps % self._every == 0:
            self.curve.append((self.num_timesteps, *score(greedy(self.model), self._setting, self.model.env)))
            self.said.append(self._said.take(self.model.ep_info_buffer or ()))


def greedy(model: PPO) -> Act:
    """Return an agent as a function from observations to its most likely actions.

    Args:
        model: the agent.
    """
    return lambda observations: model.predict(observations, deterministic=True)[0]


def score(act: Act, setting: Setting, statistics: object = None, episodes: int = TESTS) -> tuple[float, float]:
    """Let an agent play the test episodes.

    Args:
        act: observations -> actions.
        setting: which arm.
        statistics: a ``VecNormalize`` whose statistics scale the observations; anything else leaves them as they are.
        episodes: how many of them, each a row of its own.

    Returns:
        Mean return, and mean distance from the target at the end, in metres.
    """
    env = ReachVecEnv(setting.arm, episodes, seed=TEST_SEED)
    scaled: Any = statistics.normalize_obs if isinstance(statistics, VecNormalize) else np.asarray
    observations: Any = env.reset()
    total = 0.0
    for _ in range(setting.arm.steps):
        observations, rewards, _, infos = env.step(act(scaled(observations)))
        total += float(rewards.mean(dtype=float))
    return total, float(np.mean([info["distance"] for info in infos]))


def film_poses(act: Act, config: ArmConfig | None = None, seed: int = 0, every: int = 5) -> Iterator[tuple]:
    """Yield (step, pose, target) along one episode.

    Args:
        act: observations -> actions.
        config: what the arm is like.
        seed: of pose and target.
        every: steps between two of them.
    """
    env = ReachEnv(config)
    observation, _ = env.reset(seed=seed)
    yield 0, env.pose(), env.target
    for step in range(1, env.config.steps + 1):
        observation, *_ = env.step(act(observation[None])[0])
        if step % every == 0:
            yield step, env.pose(), env.target
