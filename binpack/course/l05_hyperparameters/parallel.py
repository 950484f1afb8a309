"""Where the time of a training run goes: environments one by one, in processes or in one batch, and the update."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import DummyVecEnv, SubprocVecEnv, VecEnv, VecMonitor

from binpack.agents.learner import PPO
from binpack.course.l05_hyperparameters.sweeps import DEFAULT, ENV, ENVS
from binpack.env.single import BinPackingEnv
from binpack.env.vector import BinPackingVecEnv

FEW, MANY = 2, 32
WORK = 0.005
"""Seconds that a slow bin computes at each step."""


class SlowBin(BinPackingEnv):
    """A bin that computes for a while at each step, as a physics engine would."""

    def step(self, action: int | np.integer) -> Any:
        """Place an item, slowly; see ``BinPackingEnv``."""
        until = time.perf_counter() + WORK
        while time.perf_counter() < until:
            pass
        return super().step(action)


# functions of a module, so that another process can call them
def one_bin() -> BinPackingEnv:
    """Make a bin."""
    return BinPackingEnv(ENV)


def one_slow_bin() -> BinPackingEnv:
    """Make a bin that takes its time."""
    return SlowBin(ENV)


def _processes(make: Callable[[], BinPackingEnv]) -> VecEnv:
    return SubprocVecEnv([make] * FEW, start_method="spawn")


WAYS: Mapping[str, Callable[[], VecEnv]] = {
    f"{FEW} one by one": lambda: DummyVecEnv([one_bin] * FEW),
    f"{FEW} processes": lambda: _processes(one_bin),
    f"a batch of {FEW}": lambda: BinPackingVecEnv(ENV, FEW),
    f"a batch of {MANY}": lambda: BinPackingVecEnv(ENV, MANY),
}
"""Ways to run environments side by side, with their number."""
SLOW_WAYS: Mapping[str, Callable[[], VecEnv]] = {
    f"{FEW} one by one": lambda: DummyVecEnv([one_slow_bin] * FEW),
    f"{FEW} processes": lambda: _processes(one_slow_bin),
}
"""The same with environments that compute for five milliseconds a step."""


def steps_per_second(env: VecEnv, seconds: float = 1.0) -> float:
    """Measure how many steps of all environments together an environment makes in a second.

    Each step asks for the masks and takes a random legal action, as training does but for the network.

    Args:
        env: closed at the end.
        seconds: how long to measure.
    """
    rng = np.random.default_rng(0)
    env.seed(0)
    env.reset()
    for _ in range(3):  # the first steps load what is loaded late
        _step(env, rng)
    steps, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        _step(env, rng)
        steps += env.num_envs
    env.close()
    return steps / passed


def _step(env: VecEnv, rng: np.random.Generator) -> None:
    masks = np.stack(env.env_method("action_masks"))
    env.step((masks * rng.random(masks.shape)).argmax(axis=1))


def race(ways: Mapping[str, Callable[[], VecEnv]] = WAYS, seconds: float = 0.7) -> dict[str, float]:
    """Measure ways to run environments, one after the other.

    Args:
        ways: name to what makes the environments.
        seconds: for each.

    Returns:
        Name to speed, as a multiple of the first way's.
    """
    speeds = {name: steps_per_second(make(), seconds) for name, make in ways.items()}
    first = next(iter(speeds.values()))
    return {name: speed / first for name, speed in speeds.items()}


def time_of_update(**ppo: Any) -> tuple[float, float]:
    """Measure the two halves of PPO's work on one rollout of 2,048 transitions.

    Args:
        ppo: hyperparameters that differ from the default.

    Returns:
        Seconds for the rollout, and seconds for the update.
    """
    env = VecMonitor(BinPackingVecEnv(ENV, ENVS))
    model = PPO("MultiInputPolicy", env, seed=0, device="cpu", **{**DEFAULT, **ppo})
    model.set_logger(Logger(folder=None, output_formats=[]))
    _, callback = model._setup_learn(2 * ENVS * DEFAULT["n_steps"])
    began = time.perf_counter()
    model.collect_rollouts(env, callback, model.rollout_buffer, model.n_steps)
    between = time.perf_counter()
    model.train()
    return between - began, time.perf_counter() - between
