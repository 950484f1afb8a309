"""Lesson 05: short runs that are made while one looks, on the task of the sweeps."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from sb3_contrib import MaskablePPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecMonitor

from binpack.agents.run_folder import TrainResult
from binpack.agents.training import train
from binpack.course.l05_hyperparameters import sweeps
from binpack.course.progress import progress
from binpack.course.tables import Table
from binpack.env.vector import BinPackingVecEnv
from binpack.files import first_line

STEPS = 3 * 2048
"""Environment steps of a short run: three rollouts of the default's."""
_STREAMS = 50
_SHOWN = ("approx_kl", "clip_fraction", "entropy", "explained_variance")


def compare(settings: Mapping[str, Mapping[str, Any]], steps: int = STEPS, seed: int = 0) -> Table:
    """Train each setting for a few rollouts, and say how it went.

    Args:
        settings: a name for each, and what it changes of the default.
        steps: environment steps.
        seed: of each run.

    Returns:
        A table with a row for each: its utilization at the end, and the diagnostics of its last rollouts.
    """
    rows = [[name, *_numbers(run(settings[name], steps, seed))] for name in progress(settings, "runs")]
    return Table(("", "utilization", *_SHOWN), rows, f"after {steps:,} environment steps, one seed")


def run(change: Mapping[str, Any], steps: int = STEPS, seed: int = 0) -> TrainResult:
    """Train one setting for a few rollouts, with an evaluation after each 2,048 steps or each rollout.

    Args:
        change: what it changes of the default.
        steps: environment steps.
        seed: of the run.
    """
    made = sweeps.config(change, seed, steps)
    short = made.model_copy(update={"eval_every": min(2048, steps), "eval_streams": _STREAMS})
    with tempfile.TemporaryDirectory() as folder:
        return train(short, folder)


def _numbers(result: TrainResult) -> list[str]:
    last = result.diagnostics[-1]
    return [f"{result.score:.3f}", *(f"{last[name]:.3g}" if name in last else "" for name in _SHOWN)]


def one_update(change: Mapping[str, Any], seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Collect one rollout with fresh weights, update on it, and look up its actions before and after.

    Args:
        change: what the setting changes of the default.
        seed: of the run.

    Returns:
        Log probabilities of the actions under the policy that took them and under the updated one, (n,) each.
    """
    made = sweeps.config(change, seed)
    ppo = {name: getattr(made.ppo, name) for name in sweeps.DEFAULT}
    env = VecMonitor(BinPackingVecEnv(made.env, made.n_envs))
    model = MaskablePPO("MultiInputPolicy", env, seed=seed, device="cpu", **ppo)
    model.set_logger(Logger(folder=None, output_formats=[]))
    model.learn(made.rollout)
    data = next(model.rollout_buffer.get(made.rollout))
    with torch.inference_mode():
        new = model.policy.evaluate_actions(data.observations, data.actions.long().flatten(), data.action_masks)[1]
    return data.old_log_prob.numpy(), new.numpy()


def refusal(change: Mapping[str, Any]) -> str:
    """Ask for a setting that cannot be run, and return why in one line.

    Args:
        change: what it changes of the default.
    """
    try:
        sweeps.config(change, 0)
    except ValueError as error:
        return first_line(error) if not isinstance(error, ValidationError) else _first(error)
    return "nothing stands against it"


def _first(error: ValidationError) -> str:
    return error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")


def noisy_gradients(count: int = 100, seed: int = 0) -> list[list[NDArray[np.float64]]]:
    """Make gradients of two small layers that share a direction, with noise and lengths that vary.

    Args:
        count: how many.
        seed: of the noise.
    """
    rng = np.random.default_rng(seed)
    shapes = (8, 4), (4,)
    direction = [rng.normal(size=shape) for shape in shapes]
    lengths = np.exp(rng.normal(0, 0.5, count)) / 6
    return [[length * (part + rng.normal(size=part.shape)) for part in direction] for length in lengths]


def length(gradients: Iterable[NDArray[np.float64]]) -> float:
    """Return the length of a gradient whose parts are arrays.

    Args:
        gradients: the parts.
    """
    return float(np.sqrt(sum(np.sum(part**2) for part in gradients)))


def adam_path(gradients: Sequence[Sequence[NDArray[np.float64]]], learning_rate: float = 3e-4) -> float:
    """Return how far Adam (Kingma and Ba, 2015) moves the weights in all, from its first step to its last.

    Args:
        gradients: one gradient a step, in parts.
        learning_rate: of Adam.
    """
    weights = [torch.zeros(part.shape, dtype=torch.float64, requires_grad=True) for part in gradients[0]]
    optimizer = torch.optim.Adam(weights, lr=learning_rate, eps=1e-5)
    for parts in gradients:
        for weight, part in zip(weights, parts, strict=True):
            weight.grad = torch.from_numpy(part)
        optimizer.step()
    return length(weight.detach().numpy() for weight in weights)
