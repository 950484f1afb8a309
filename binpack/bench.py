"""How fast the engine is, beside floors that were measured in the same run.

Absolute figures depend on the machine, so each comes with something that it can be divided by: the same number of bytes
merely copied by numpy, and training on an environment that returns constants.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib import MaskablePPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecMonitor

from binpack import placement
from binpack.agents import policy_class, policy_kwargs
from binpack.batch import EnvConfig
from binpack.config import PPOConfig
from binpack.vec_env import BinPackingVecEnv

BATCHES = (1, 16, 64, 256, 1024)
RULES = ("full", "fraction:0.8", "corners", "none")
SITES = {"10x10x10": "random", "22x22x20": "random:4-10", "587x233x220": "random:25-120"}
"""Bins, each with items of a size that is usual for it."""

EFFORT = {False: (1.0, 65_536), True: (0.25, 8_192)}
"""Seconds for each figure and steps of each training, in full and with ``quick``."""


def run(*, quick: bool = False, say: Callable[[str], None] = lambda text: None) -> dict[str, Any]:
    """Measure everything.

    Args:
        quick: fewer settings and shorter measurements, for a look within a minute.
        say: told what is being measured.

    Returns:
        A value for JSON: ``machine``; ``env_steps_per_s`` and ``copy_floor_steps_per_s`` by rule and batch (10x10x10
        bin, one visible item); ``masks``, a list of microseconds per mask by bin, rule, visible items, rotation and
        batch; ``train_steps_per_s``, ``constant_env_steps_per_s`` and ``env_share`` by policy, and ``train_split`` with
        the shares of environment, policy forward, update and the rest.
    """
    seconds, steps = EFFORT[quick]
    result: dict[str, Any] = {"machine": machine(), "quick": quick, "env_steps_per_s": {}, "copy_floor_steps_per_s": {}}
    for rule in RULES:
        say(f"environment, {rule}")
        config = EnvConfig(support=rule)
        figures = {str(batch): env_steps(config, batch, seconds) for batch in BATCHES}
        result["env_steps_per_s"][rule] = {batch: figure[0] for batch, figure in figures.items()}
        result["copy_floor_steps_per_s"][rule] = {batch: figure[1] for batch, figure in figures.items()}
    result["masks"] = []
    for config, batch in _mask_settings(quick):
        say(f"masks, {'x'.join(map(str, config.bin_size))}, {config.support}, k={config.visible}, {config.rotation}")
        result["masks"].append(mask_cost(config, batch, seconds / 2))
    for policy in ("mlp", "candidate"):
        say(f"training, {policy}")
        figures = training_split(PPOConfig(policy=policy, batch_size=1024, n_steps=16), 128, steps)
        for name, value in figures.items():
            result.setdefault(name, {})[policy] = value
    return result


def machine() -> dict[str, Any]:
    """Say what the figures were taken on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": torch.__version__,
    }


def env_steps(config: EnvConfig, n_envs: int, seconds: float) -> tuple[float, float]:
    """Step bins with random feasible actions.

    Choosing the actions is not counted: what is timed is the mask, the step and the observation.

    Args:
        config: the environment.
        n_envs: bins side by side.
        seconds: how long to measure.

    Returns:
        Environment steps per second, and how many there would be if a step only copied the bytes that it hands out.
    """
    env = BinPackingVecEnv(config, n_envs, seed=0)
    rng = np.random.default_rng(0)
    observation, taken, steps = env.reset(), 0.0, 0
    for warm in (True, False):
        until, taken, steps = time.perf_counter() + (seconds / 5 if warm else seconds), 0.0, 0
        while time.perf_counter() < until or steps < 3 * n_envs:
            started = time.perf_counter()
            masks = env.action_masks()
            taken += time.perf_counter() - started
            actions = (rng.random(masks.shape, dtype=np.float32) * masks).argmax(axis=1)
            started = time.perf_counter()
            observation, *_ = env.step(actions)
            taken += time.perf_counter() - started
            steps += n_envs
    return _figure(steps / taken), _figure(n_envs / _copy_time([*observation.values(), masks], seconds / 10))


def _copy_time(arrays: list[NDArray], seconds: float) -> float:
    """Return the seconds that numpy takes to copy arrays once."""
    copies = [np.empty_like(array) for array in arrays]
    until, rounds, started = time.perf_counter() + seconds, 0, time.perf_counter()
    while rounds < 3 or time.perf_counter() < until:
        for source, target in zip(arrays, copies, strict=True):
            np.copyto(target, source)
        rounds += 1
    return (time.perf_counter() - started) / rounds


def _mask_settings(quick: bool) -> list[tuple[EnvConfig, int]]:
    """Which masks are timed: every rule, visible items and rotation, for each bin with batches that memory allows."""
    settings = []
    for bin_text, items in SITES.items():
        size = tuple(map(int, bin_text.split("x")))
        large = size[0] > 100
        for rule in ("corners",) if quick else RULES:
            for visible, rotation in (
                ((1, "none"), (5, "z")) if quick else ((1, "none"), (1, "all"), (5, "none"), (5, "z"))
            ):
                config = EnvConfig(bin_size=size, items=items, support=rule, visible=visible, rotation=rotation)
                batches = (1,) if large else ((256,) if quick else (1, 256))
                settings += [(config, batch) for batch in batches]
    return settings


def mask_cost(config: EnvConfig, batch: int, seconds: float) -> dict[str, Any]:
    """Time landing heights and feasibility on bins in mid-episode.

    Args:
        config: the environment.
        batch: number of bins.
        seconds: how long to measure.

    Returns:
        The setting, ``mask_us`` (microseconds for the masks of one bin, all candidates) and ``copy_us`` (for copying
        the mask and the landing heights of one bin).
    """
    env = BinPackingVecEnv(config, batch, seed=0)
    env.reset()
    for _ in range(5):
        env.step(env.action_masks().argmax(axis=1))
    candidates = env._batch.candidates()
    support = placement.Support.parse(config.support)
    until, rounds, started = time.perf_counter() + seconds, 0, time.perf_counter()
    while rounds < 2 or time.perf_counter() < until:
        landing, mask = placement.feasible(candidates.heights, candidates.items, candidates.bin_height, support)
        rounds += 1
    per_bin = (time.perf_counter() - started) / rounds / batch
    return {
        "bin": "x".join(map(str, config.bin_size)),
        "items": config.items,
        "rule": config.support,
        "visible": config.visible,
        "rotation": config.rotation,
        "batch": batch,
        "mask_us": _figure(per_bin * 1e6),
        "copy_us": _figure(_copy_time([landing, mask], seconds / 10) / batch * 1e6),
    }


class _Clock:
    """Adds up the seconds spent in wrapped methods."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def wrap(self, owner: Any, name: str) -> None:
        """Replace a bound method of one object by a timed one."""
        method = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - started

        setattr(owner, name, timed)


class _ConstantVecEnv(BinPackingVecEnv):
    """An environment that answers every step with the same arrays: what training costs without one."""

    def reset(self) -> dict[str, NDArray]:
        self._answer = super().reset()
        self._masks = super().action_masks()
        self._rest = np.zeros(self.num_envs, np.float32), np.zeros(self.num_envs, bool)
        return self._answer

    def step_wait(self) -> tuple:
        return self._answer, *self._rest, [{} for _ in range(self.num_envs)]

    def env_method(self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any) -> list:
        return list(self._masks)


def training_split(ppo: PPOConfig, n_envs: int, steps: int) -> dict[str, Any]:
    """Train for a while and say where the time went.

    Args:
        ppo: hyperparameters.
        n_envs: bins side by side.
        steps: environment steps.

    Returns:
        ``train_steps_per_s``, ``env_share``, ``train_split`` (shares of ``environment``, ``forward``, ``update``,
        ``rest``) and ``constant_env_steps_per_s``.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        env = BinPackingVecEnv(EnvConfig(), n_envs, seed=0)
        model = _model(ppo, env)
        parts = {name: _Clock() for name in ("environment", "forward", "update")}
        for name in ("step_wait", "env_method"):
            parts["environment"].wrap(env, name)
        parts["forward"].wrap(model.policy, "forward")
        parts["update"].wrap(model, "train")
        total = _learn(model, steps)
        constant = _learn(_model(ppo, _ConstantVecEnv(EnvConfig(), n_envs, seed=0)), steps)
    finally:
        torch.set_num_threads(before)
    split = {name: round(clock.seconds / total, 4) for name, clock in parts.items()}
    split["rest"] = round(1 - sum(split.values()), 4)
    return {
        "train_steps_per_s": _figure(steps / total),
        "env_share": split["environment"],
        "train_split": split,
        "constant_env_steps_per_s": _figure(steps / constant),
    }


def _model(ppo: PPOConfig, env: BinPackingVecEnv) -> MaskablePPO:
    return MaskablePPO(
        policy_class(ppo),
        VecMonitor(env),
        policy_kwargs=policy_kwargs(ppo),
        n_steps=ppo.n_steps,
        batch_size=ppo.batch_size,
        n_epochs=ppo.n_epochs,
        seed=0,
        device="cpu",
    )


def _learn(model: MaskablePPO, steps: int) -> float:
    model.set_logger(Logger(folder=None, output_formats=[]))
    started = time.perf_counter()
    model.learn(steps)
    return time.perf_counter() - started


def _figure(value: float) -> float:
    """Keep four significant digits: more would be noise."""
    return float(f"{value:.4g}")


def table(result: dict[str, Any]) -> list[str]:
    """Put a result into lines of text for people.

    Args:
        result: what ``run`` returned.

    Returns:
        The lines.
    """
    lines = ["environment steps/s with mask and observation (of the copied-bytes floor), 10x10x10, one visible item"]
    lines.append(f"{'rule':<14}" + "".join(f"{'B=' + str(batch):>18}" for batch in BATCHES))
    for rule, figures in result["env_steps_per_s"].items():
        floors = result["copy_floor_steps_per_s"][rule]
        cells = [f"{figures[batch]:,.0f} ({figures[batch] / floors[batch]:.1%})" for batch in figures]
        lines.append(f"{rule:<14}" + "".join(f"{cell:>18}" for cell in cells))
    lines += ["", f"{'bin':<13}{'rule':<14}{'k':>3} {'rotation':<9}{'B':>5}{'us a mask':>12}{'us to copy it':>15}"]
    for row in result["masks"]:
        lines.append(
            f"{row['bin']:<13}{row['rule']:<14.13}{row['visible']:>3} {row['rotation']:<9}{row['batch']:>5}"
            f"{row['mask_us']:>12,.1f}{row['copy_us']:>15,.2f}"
        )
    lines += ["", f"{'policy':<11}{'training steps/s':>17}{'constant env':>14}   environment, forward, update, rest"]
    for policy, speed in result["train_steps_per_s"].items():
        shares = ", ".join(f"{share:.0%}" for share in result["train_split"][policy].values())
        lines.append(f"{policy:<11}{speed:>17,.0f}{result['constant_env_steps_per_s'][policy]:>14,.0f}   {shares}")
    return lines
