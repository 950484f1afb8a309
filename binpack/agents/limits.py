"""What a run would take of the machine, seen before anything is made or written."""

from __future__ import annotations

import math

from gymnasium import spaces

from binpack.agents.config import TrainConfig
from binpack.files import InputError
from binpack.system import available_memory

GIB = 2**30
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
