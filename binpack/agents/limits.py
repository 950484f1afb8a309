"""What a run would take of the machine, seen before anything is made or written."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from gymnasium import spaces

from binpack.agents.config import TrainConfig
from binpack.agents.policies import build_policy
from binpack.files import InputError
from binpack.system import available_memory

GIB = 2**30
WORKER = 300 * 2**20
"""What a process takes that trains: Python, torch and the environments, without rollouts."""
SHARE = 0.5
"""What of the free memory rollouts may take; the network's own numbers of a minibatch need room as well."""


def rollout_bytes(config: TrainConfig) -> int:
    """Return the memory that a rollout takes during an update, in bytes.

    The buffer keeps observations and masks in 4 bytes a number, and the update works on the same memory, except for
    masks, which it has in one byte each beside it. Six more numbers are kept of each transition.

    Args:
        config: the run.
    """
    seen = sum(math.prod(part.shape or ()) for part in _parts(config.env.observation_space()))
    return config.rollout * (4 * seen + 5 * config.env.actions + 6 * 4)


def network_weights(config: TrainConfig) -> int | None:
    """Return how many weights a run's network has, which is not made for it; None for a policy of one's own.

    Args:
        config: the run.
    """
    ppo, space = config.ppo, config.env.observation_space()
    if ppo.policy in ("candidate", "conv"):
        with torch.device("meta"):
            return sum(each.numel() for each in build_policy(config).parameters())
    if ppo.policy in ("mlp", "mlp_map"):
        names = space.spaces if ppo.policy == "mlp" else ("heights", "edges")
        widths = [sum(math.prod(space[name].shape or ()) for name in names), *ppo.net_arch]
        return 2 * sum((n + 1) * m for n, m in pairwise(widths)) + (widths[-1] + 1) * (config.env.actions + 1)
    return None


def check_network(config: TrainConfig, copies: int = 1) -> None:
    """Refuse a network that would take more than half of the free memory, before it is made.

    Args:
        config: the run.
        copies: of its weights: 1 to play; in training, gradients and Adam's two moments lie beside them.

    Raises:
        InputError: one line with the size, and what is free.
    """
    free, weights = available_memory(), network_weights(config)
    if free is None or weights is None or 4 * weights * copies <= SHARE * free:
        return
    ppo = config.ppo
    shape = (
        f"net_arch {list(ppo.net_arch)}" if "mlp" in ppo.policy else f"channels {ppo.channels} and layers {ppo.layers}"
    )
    raise InputError(
        f"too large: a {ppo.policy} network with {shape} has {weights:,} weights, which take "
        f"{4 * weights * copies / GIB:,.1f} GiB of memory, more than half of the {free / GIB:,.1f} GiB that are free"
    )


def check_workers(workers: int) -> None:
    """Refuse more processes than there is memory for; passes where the system does not tell.

    Args:
        workers: processes that train side by side.

    Raises:
        InputError: one line with the memory that they would take, and what is free.
    """
    free = available_memory()
    if free is None or workers < 2 or workers * WORKER <= free:
        return
    raise InputError(
        f"jobs: {workers} processes take {workers * WORKER / GIB:,.1f} GiB of memory, and {free / GIB:,.1f} GiB are "
        f"free: expected at most {max(1, free // WORKER)}"
    )


def check_device(config: TrainConfig) -> None:
    """Refuse a run on a GPU where there is none; it would be trained on the CPU without a word.

    Raises:
        InputError: one line.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: this machine has no GPU that torch can use: expected cpu or auto")


def check_memory(config: TrainConfig, runs: int = 1) -> None:
    """Refuse a run whose rollouts would take more than half of the free memory; passes where the system does not tell.

    Args:
        config: the run.
        runs: so many are trained side by side.

    Raises:
        InputError: one line with the size, its cause, and what is free.
    """
    free, needed = available_memory(), rollout_bytes(config) * runs
    if free is None or needed <= SHARE * free:
        return
    length, width, _ = config.env.bin_size
    beside = f", {runs} runs side by side" if runs > 1 else ""
    raise InputError(
        f"too large: a rollout of n_steps {config.ppo.n_steps} x n_envs {config.n_envs} observations of "
        f"{config.env.candidates} candidates x {length}x{width} cells{beside} takes {needed / GIB:,.1f} GiB of memory, "
        f"more than half of the {free / GIB:,.1f} GiB that are free: use fewer n_steps, n_envs or visible items"
    )


def _parts(space: spaces.Dict) -> list[spaces.Space]:
    return list(space.spaces.values())
