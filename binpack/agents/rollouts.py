"""A rollout buffer with a baseline from shared streams: it judges an action against what others made of the same items.

How well a bin is packed depends on the items that happen to come more than on any one placement. Where several
environments pack the same stream, what they have in common is the luck of the stream, and their mean can be subtracted
from each without bias: it does not depend on that environment's actions.

References:
    Mao, Venkatakrishnan, Schwarzkopf, Alizadeh (2019). Variance Reduction for Reinforcement Learning in Input-Driven
        Environments. ICLR.
    Kool, van Hoof, Welling (2019). Buy 4 REINFORCE Samples, Get a Baseline for Free. ICLR workshop.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib.common.maskable.buffers import MaskableDictRolloutBuffer


class SharedStreamsBuffer(MaskableDictRolloutBuffer):
    """Subtracts from each advantage the mean advantage of the other environments at the same step of the same stream.

    Every rollout must begin with a reset of ``BinPackingVecEnv(replicas=replicas)``, so that rows in a group of
    ``replicas`` neighbours meet the same streams in the same order.

    Args:
        args: what ``MaskableDictRolloutBuffer`` takes.
        replicas: environments in a group.
        kwargs: likewise.
    """

    def __init__(self, *args: Any, replicas: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._replicas = replicas

    def compute_returns_and_advantage(self, last_values: torch.Tensor, dones: NDArray) -> None:
        """Compute advantages and returns as usual, then subtract the groups' baselines from the advantages.

        Args:
            last_values: of the observations after the last step, (n_envs, 1).
            dones: whether the last step ended the episode, bool, (n_envs,).
        """
        super().compute_returns_and_advantage(last_values, dones)
        self.advantages -= shared_baseline(self.advantages, self.episode_starts, self._replicas)


def shared_baseline(advantages: NDArray, episode_starts: NDArray, replicas: int) -> NDArray:
    """Return the mean advantage of the others in a group at the same step of the same episode, 0 where there is none.

    Args:
        advantages: float, (n_steps, n_envs).
        episode_starts: whether a step is the first of its episode, (n_steps, n_envs); the first row is.
        replicas: environments in a group; ``n_envs`` is a multiple.

    Returns:
        Float, (n_steps, n_envs).
    """
    steps = np.arange(len(advantages))[:, None]
    episode = episode_starts.astype(int).cumsum(axis=0)
    since = steps - np.maximum.accumulate(np.where(episode_starts, steps, 0), axis=0)
    group = np.arange(advantages.shape[1]) // replicas
    size = len(advantages) + 1
    _, place = np.unique((group * size + episode) * size + since, return_inverse=True)
    place = place.reshape(advantages.shape)
    total = np.bincount(place.ravel(), advantages.ravel())[place]
    others = np.bincount(place.ravel())[place] - 1
    return ((total - advantages) / np.maximum(others, 1) * (others > 0)).astype(advantages.dtype)
