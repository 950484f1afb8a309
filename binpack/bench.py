"""How fast the engine is, beside floors that were measured in the same run.

Absolute figures depend on the machine, so each comes with something that it can be divided by: the same number of bytes
merely copied by numpy, and training on an environment that returns constants.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecMonitor

from binpack.agents.config import PPOConfig
from binpack.agents.learner import PPO
from binpack.agents.networks import fast_precision
from binpack.agents.policies import policy_of
from binpack.core import placement
from binpack.core.placement import Candidates
from binpack.core.support import support_rule
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.env.vector import BinPackingVecEnv

BATCHES = (1, 16, 64, 256, 1024)
RULES = ("full", "fraction:0.8", "corners", "polygon", "none")
SITES = {"10x10x10": "random", "22x22x20": "random:4-10", "587x233x220": "random:25-120"}
"""Bins, each with items of a size that is usual for it."""
KINDS: tuple[tuple[int, Literal["none", "all"]], ...] = ((1, "none"), (1, "all"), (5, "none"), (5, "all"))
"""Numbers of visible items, with the rotations that they are timed with."""

AREAS = ("10x10", "22x22", "50x50", "100x100", "200x200", "400x400", "587x233")
AREA_EDGE = 4
"""Floors over which the cost of a mask is drawn, and the edge of the item there."""
EDGES = (2, 4, 8, 16, 32, 64, 128)
EDGE_BIN = "587x233"
"""Edges over which it is drawn, and the bin there."""
CELLS_AT_ONCE = 2**24
"""Most cells of landing heights in one measurement (about 200 MB); larger settings are skipped."""

TRAIN_ENVS = 256
"""Bins side by side where training is timed."""

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
        batch, and ``masks_skipped``, the settings that take too much memory; ``mask_curve``, see there;
        ``train_steps_per_s``, ``constant_env_steps_per_s`` and ``env_share`` by policy, and ``train_split`` with
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
    result["masks"], result["masks_skipped"] = [], []
    for config, batch in _mask_settings(quick):
        say(f"masks, {'x'.join(map(str, config.bin_size))}, {config.support}, k={config.visible}, {config.rotation}")
        if config.actions * batch <= CELLS_AT_ONCE:
            result["masks"].append(mask_cost(config, batch, seconds / 2))
        else:
            result["masks_skipped"].append(_setting(config, batch))
    say("masks by area and edge")
    result["mask_curve"] = mask_curve(seconds / 2)
    for policy in ("mlp", "candidate"):
        say(f"training, {policy}")
        figures = training_split(PPOConfig(policy=policy, batch_size=1024, n_steps=16), TRAIN_ENVS, steps)
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
        "convolutions": str(fast_precision("cpu")).removeprefix("torch."),
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
    observation: Any = env.reset()
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


def _mask_settings(quick: bool) -> Iterator[tuple[EnvConfig, int]]:
    """Which masks are timed: every bin, rule, number of visible items, rotation and batch, or some of them."""
    rules = ("corners",) if quick else RULES
    kinds = (KINDS[0], KINDS[-1]) if quick else KINDS
    for (bin_text, items), rule, (visible, rotation) in product(SITES.items(), rules, kinds):
        length, width, height = _edges(bin_text)
        batches = BATCHES if not quick else (1,) if length > 100 else (256,)
        for batch in batches:
            size = length, width, height
            yield EnvConfig(bin_size=size, items=items, support=rule, visible=visible, rotation=rotation), batch


def _edges(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split("x")))


def _setting(config: EnvConfig, batch: int) -> dict[str, Any]:
    return {
        "bin": "x".join(map(str, config.bin_size)),
        "items": config.items,
        "rule": config.support,
        "visible": config.visible,
        "rotation": config.rotation,
        "batch": batch,
    }


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
    bins = PackingBatch(config, batch)
    bins.load(config.source().sample(np.random.default_rng(0), batch))
    for _ in range(5):
        bins.step(bins.masks().argmax(axis=1))
    return _setting(config, batch) | _mask_time(bins.candidates(), config.support, seconds)


def mask_curve(seconds: float) -> list[dict[str, Any]]:
    """Time the mask of one item in one bin, over areas of the bin and over edges of the item.

    The material in the bin lies in blocks of random heights, so that some placements are feasible and others not.

    Args:
        seconds: how long to measure each point.

    Returns:
        One dict a point: ``sweep`` (``area`` or ``edge``), ``bin`` (its floor), ``cells`` (of the floor), ``edge`` of
        the item, ``rule``, ``mask_us`` and ``copy_us``; see ``mask_cost``.
    """
    points = [("area", floor, AREA_EDGE) for floor in AREAS] + [("edge", EDGE_BIN, edge) for edge in EDGES]
    rows = []
    for rule, (sweep, floor, edge) in product(RULES, points):
        length, width = _edges(floor)
        blocks = np.random.default_rng(0).integers(1, 4, (length // 8 + 1, width // 8 + 1))
        heights = np.kron(blocks, np.ones((8, 8), int))[None, :length, :width].astype(np.int16)
        item = np.full((1, 1, 3), edge)
        candidates = Candidates(heights, item, *placement.feasible(heights, item, 220, rule), 220)
        about = {"sweep": sweep, "bin": floor, "cells": length * width, "edge": edge, "rule": rule}
        rows.append(about | _mask_time(candidates, rule, seconds))
    return rows


def _mask_time(candidates: Candidates, rule: str, seconds: float) -> dict[str, float]:
    """Return ``mask_us`` and ``copy_us``: microseconds for one bin."""
    heights, items, landing, mask, bin_height = candidates
    support = support_rule(rule)
    until, rounds, started = time.perf_counter() + seconds, 0, time.perf_counter()
    while rounds < 2 or time.perf_counter() < until:
        landing, mask = placement.feasible(heights, items, bin_height, support)
        rounds += 1
    per_bin = (time.perf_counter() - started) / rounds / len(heights)
    copied = _copy_time([landing, mask], seconds / 10) / len(heights)
    return {"mask_us": _figure(per_bin * 1e6), "copy_us": _figure(copied * 1e6)}


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


def _model(ppo: PPOConfig, env: BinPackingVecEnv) -> PPO:
    return PPO(
        policy_of(ppo).policy_class(),
        VecMonitor(env),
        policy_kwargs=policy_of(ppo).policy_kwargs(ppo),
        n_steps=ppo.n_steps,
        batch_size=ppo.batch_size,
        n_epochs=ppo.n_epochs,
        seed=0,
        device="cpu",
    )


def _learn(model: PPO, steps: int) -> float:
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
    lines += ["", f"{'bin':<13}{'rule':<22}{'k':>3} {'rotation':<9}{'B':>5}{'us a mask':>12}{'us to copy it':>15}"]
    for row in result["masks"]:
        lines.append(
            f"{row['bin']:<13}{row['rule']:<22}{row['visible']:>3} {row['rotation']:<9}{row['batch']:>5}"
            f"{row['mask_us']:>12,.1f}{row['copy_us']:>15,.2f}"
        )
    for bin_text, kind in dict.fromkeys((row["bin"], _kind(row)) for row in result["masks_skipped"]):
        batches = {row["batch"] for row in result["masks_skipped"] if (row["bin"], _kind(row)) == (bin_text, kind)}
        shown = ", ".join(map(str, sorted(batches)))
        lines.append(f"{bin_text:<13}{kind}, B = {shown}: skipped, more than {CELLS_AT_ONCE:,} cells at once")
    lines += ["", *_curve_table(result["mask_curve"])]
    lines += ["", f"{'policy':<11}{'training steps/s':>17}{'constant env':>14}   environment, forward, update, rest"]
    for policy, speed in result["train_steps_per_s"].items():
        shares = ", ".join(f"{share:.0%}" for share in result["train_split"][policy].values())
        lines.append(f"{policy:<11}{speed:>17,.0f}{result['constant_env_steps_per_s'][policy]:>14,.0f}   {shares}")
    return lines


def _kind(row: dict[str, Any]) -> str:
    return f"k={row['visible']}, {row['rotation']}"


def _curve_table(rows: list[dict[str, Any]]) -> list[str]:
    """Lay out ``mask_curve`` in Markdown: a point a line, a rule a column."""
    rules = list(dict.fromkeys(row["rule"] for row in rows))
    lines = [
        "one item in one bin, us a mask by floor and edge",
        f"| {'floor':<8} | {'cells':>7} | {'edge':>4} |" + "".join(f" {rule:>12} |" for rule in [*rules, "to copy it"]),
        "| :------- | ------: | ---: |" + " -----------: |" * (len(rules) + 1),
    ]
    for sweep, floor, edge in dict.fromkeys((row["sweep"], row["bin"], row["edge"]) for row in rows):
        points = [row for row in rows if (row["sweep"], row["bin"], row["edge"]) == (sweep, floor, edge)]
        costs = [f"{row['mask_us']:,.1f}" for row in points] + [f"{points[0]['copy_us']:,.2f}"]
        line = f"| {floor:<8} | {points[0]['cells']:>7,} | {edge:>4} |"
        lines.append(line + "".join(f" {cost:>12} |" for cost in costs))
    return lines
