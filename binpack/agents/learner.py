"""The learning algorithm: sb3-contrib's MaskablePPO with a quicker update, rollouts that can begin anew, and an end."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3.common.buffers import RolloutBuffer as AnyRolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.utils import explained_variance
from stable_baselines3.common.vec_env import VecEnv

from binpack.agents.update import Transitions, Update
from binpack.files import InputError

LOSSES = ("loss", "policy_gradient_loss", "value_loss")
_SETTINGS = {
    *("batch_size", "n_epochs", "ent_coef", "vf_coef"),
    *("max_grad_norm", "normalize_advantage", "target_kl"),
}


_NO_NUMBERS = ("probability tensor", "without overflow")
"""What torch says of scores that are not finite, and of a step that is beyond the largest float32."""


class DivergedError(InputError):
    """A run whose weights, losses or scores are no longer finite numbers; the message is one line."""


class PPO(MaskablePPO):
    """MaskablePPO that updates quickly (see ``update``), and ends where its numbers do.

    Its buffer is a ``MaskableDictRolloutBuffer``; it knows no ``clip_range_vf``.

    Args:
        args: what ``MaskablePPO`` takes.
        fresh_rollouts: begin every rollout with a reset of the environments, and not where the last one ended.
        kwargs: likewise.

    Attributes:
        begun: the rollout to come has had its reset; set where a run is taken up in its middle (see ``run_state``).

    Raises:
        DivergedError: from ``learn``, before anything that is not finite reaches a callback.
    """

    def __init__(self, *args: Any, fresh_rollouts: bool = False, **kwargs: Any) -> None:
        self._fresh_rollouts = fresh_rollouts
        self.begun = False
        super().__init__(*args, **kwargs)

    def collect_rollouts(
        self,
        env: VecEnv,
        callback: BaseCallback,
        rollout_buffer: AnyRolloutBuffer,
        n_rollout_steps: int,
        use_masking: bool = True,
    ) -> bool:
        """Fill the buffer; see ``MaskablePPO``."""
        first: Any = None
        if self._fresh_rollouts and not self.begun:
            # There is no public way to it; that it had its effect is checked below.
            first = env.reset()
            self._last_obs = first
            self._last_episode_starts = np.ones(env.num_envs, bool)
        self.begun = False
        with self._watched():
            going_on = super().collect_rollouts(env, callback, rollout_buffer, n_rollout_steps, use_masking)
        if going_on and first is not None:
            _check_beginning(rollout_buffer, first)
        return going_on

    def train(self) -> None:
        """Update the policy from the buffer; see ``MaskablePPO``."""
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        clip_range = self.clip_range(self._current_progress_remaining)  # type: ignore[operator]
        update = Update(clip_range=clip_range, **{name: getattr(self, name) for name in _SETTINGS})
        buffer: Any = self.rollout_buffer
        explained = explained_variance(buffer.values.flatten(), buffer.returns.flatten())
        with self._watched():
            means, epochs = update.apply(self.policy, Transitions.of(buffer))
        if not (all(math.isfinite(means[name]) for name in LOSSES) and _finite(self.policy)):
            raise self._diverged()
        self._n_updates += epochs
        for name, value in {**means, "explained_variance": explained, "clip_range": clip_range}.items():
            self.logger.record(f"train/{name}", value)
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Say what it means when torch finds that scores are no numbers."""
        try:
            yield
        except (ValueError, RuntimeError) as error:
            if not (_raised_by_distributions(error) or any(words in str(error) for words in _NO_NUMBERS)):
                raise
            raise self._diverged() from None

    def _diverged(self) -> DivergedError:
        return DivergedError(
            f"training diverged at step {self.num_timesteps}: weights, losses or scores are no longer finite numbers; "
            "what was kept before is sound. Try a smaller learning_rate or max_grad_norm"
        )


def _finite(policy: torch.nn.Module) -> bool:
    return all(bool(torch.isfinite(weights).all()) for weights in policy.parameters())


def _raised_by_distributions(error: Exception) -> bool:
    """Say whether torch's distributions raised an error: they refuse scores with a NaN in them."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and str(last.tb_frame.f_globals.get("__name__")).startswith("torch.distributions")


def _check_beginning(buffer: Any, first: dict[str, Any]) -> None:
    """Make sure that a rollout began with the observations of the reset; it is about private names of others."""
    begun = buffer.episode_starts.reshape(buffer.buffer_size, -1)[0]
    same = all(np.array_equal(buffer.observations[name][0], seen) for name, seen in first.items())
    if not (same and begun.all()):
        raise RuntimeError("a rollout did not begin with the reset: MaskablePPO keeps its observations elsewhere now")
