"""PPO's update: epochs of shuffled minibatches over one rollout, each a step on the clipped loss.

It does what the update of sb3-contrib's MaskablePPO does, in the same order of minibatches, and leaves the same weights
but for rounding. With networks of a few thousand weights nearly all of an update is Python between small tensors, so
this one has less of it: the rollout becomes tensors once, all gradients lie in one vector that is clipped at once, and
what is logged is worked out at the end.

References:
    Schulman, Wolski, Dhariwal, Radford, Klimov (2017). Proximal Policy Optimization Algorithms. arXiv:1707.06347.
    Huang, Ontañón (2022). A Closer Look at Invalid Action Masking in Policy Gradient Algorithms. FLAIRS.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib.common.maskable.buffers import MaskableDictRolloutBuffer
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Transitions:
    """Some of a rollout's transitions.

    Attributes:
        observations: name -> float, (N, ...).
        masks: whether each action was allowed, bool, (N, actions).
        actions: int64, (N,).
        log_probs: of the actions when they were taken, float32, (N,).
        advantages: float32, (N,).
        returns: what the critic is to learn, float32, (N,).
    """

    observations: dict[str, Tensor]
    masks: Tensor
    actions: Tensor
    log_probs: Tensor
    advantages: Tensor
    returns: Tensor

    @classmethod
    def of(cls, buffer: MaskableDictRolloutBuffer) -> Transitions:
        """Return a full buffer's, one environment after another, on the buffer's device.

        The buffer's own arrays get that order, as `MaskableDictRolloutBuffer.get` leaves them: a rollout of large bins
        is not there twice. It has to be reset before it is filled again.
        """
        if not buffer.generator_ready:
            for name, seen in buffer.observations.items():
                buffer.observations[name] = buffer.swap_and_flatten(seen)
            for name in ("actions", "values", "log_probs", "advantages", "returns", "action_masks"):
                setattr(buffer, name, buffer.swap_and_flatten(getattr(buffer, name)))
            buffer.generator_ready = True

        def tensor(values: NDArray, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.as_tensor(values, device=buffer.device).to(dtype)

        return cls(
            {name: torch.as_tensor(seen, device=buffer.device) for name, seen in buffer.observations.items()},
            tensor(buffer.action_masks, torch.bool),
            tensor(buffer.actions, torch.int64).flatten(),
            *(tensor(each).flatten() for each in (buffer.log_probs, buffer.advantages, buffer.returns)),
        )

    def __len__(self) -> int:
        return len(self.actions)

    def __getitem__(self, index: Tensor) -> Transitions:
        """Return some of them.

        Args:
            index: which, int64, (n,).
        """
        return Transitions(
            {name: seen[index] for name, seen in self.observations.items()},
            *(each[index] for each in (self.masks, self.actions, self.log_probs, self.advantages, self.returns)),
        )


@dataclass(frozen=True)
class Update:
    """How a rollout changes the weights; the names are ``MaskablePPO``'s.

    Attributes:
        batch_size: transitions in a minibatch, 2 or more.
        n_epochs: passes over the rollout.
        clip_range: how far the ratio of new to old probability counts.
        ent_coef: weight of the entropy.
        vf_coef: weight of the value loss.
        max_grad_norm: longest gradient.
        normalize_advantage: whether a minibatch's advantages are brought to mean 0 and standard deviation 1.
        target_kl: no further step once a minibatch's approximate KL divergence is above 1.5 times this.
    """

    batch_size: int
    n_epochs: int
    clip_range: float
    ent_coef: float
    vf_coef: float
    max_grad_norm: float
    normalize_advantage: bool = True
    target_kl: float | None = None

    def apply(self, policy: MaskableActorCriticPolicy, rollout: Transitions) -> tuple[dict[str, float], int]:
        """Change a policy's weights.

        Args:
            policy: whose optimizer has its learning rate.
            rollout: transitions that the policy made with the weights that it has now.

        Returns:
            What `MaskablePPO` logs, by its names without ``train/``: means over all minibatches, and for ``approx_kl``
            over those of the last epoch; and the number of epochs that were begun.
        """
        gradient = Gradient(policy.parameters())
        seen = _Seen()
        epochs = 0
        for epochs in range(1, self.n_epochs + 1):  # noqa: B007 - the last one counts
            seen.begin_epoch()
            if not all(self._step(policy, gradient, rollout[index], seen) for index in self._minibatches(rollout)):
                break
        return seen.means(self.clip_range), epochs

    def _minibatches(self, rollout: Transitions) -> Iterator[Tensor]:
        # Stable-Baselines3's generator: a run then meets its transitions in the same order as there.
        order = torch.as_tensor(np.random.permutation(len(rollout)), device=rollout.actions.device)  # noqa: NPY002
        yield from order.split(minibatch_sizes(len(rollout), self.batch_size))

    def _step(self, policy: MaskableActorCriticPolicy, gradient: Gradient, data: Transitions, seen: _Seen) -> bool:
        """Take one step; or none, and return False, where the policy has moved too far already."""
        observations: Any = data.observations  # it says Tensor, and takes a dictionary of them
        values, log_prob, entropy = policy.evaluate_actions(observations, data.actions, data.masks)
        advantages = data.advantages
        if self.normalize_advantage:
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        log_ratio = log_prob - data.log_probs
        ratio = log_ratio.exp()
        clipped = ratio.clamp(1 - self.clip_range, 1 + self.clip_range)
        policy_loss = -torch.min(advantages * ratio, advantages * clipped).mean()
        value_loss = functional.mse_loss(values.flatten(), data.returns)
        entropy_loss = -(-log_prob if entropy is None else entropy).mean()
        loss = policy_loss + self.ent_coef * entropy_loss + self.vf_coef * value_loss
        seen.add(policy_loss, value_loss, entropy_loss, loss, log_ratio)
        if self.target_kl is not None and float(_kl(log_ratio.detach())) > 1.5 * self.target_kl:
            return False
        gradient.clear()
        loss.backward()
        gradient.clip(self.max_grad_norm)
        policy.optimizer.step()
        return True


def minibatch_sizes(count: int, batch_size: int) -> list[int]:
    """Return how many transitions each minibatch has; a single one that is left over goes to the minibatch before it.

    The advantages of a minibatch are divided by their standard deviation, and that of a single number is NaN, which the
    next step of the optimizer spreads over all weights. Stable-Baselines3 warns of such sizes; Tianshou (Weng et al.,
    2022) merges whatever is left over into the minibatch before. Here only a single transition is merged.

    Args:
        count: transitions in a rollout.
        batch_size: transitions in a minibatch.
    """
    whole, left = divmod(count, batch_size)
    sizes = [batch_size] * whole + [left] * (left > 0)
    return [*sizes[:-2], sizes[-2] + 1] if left == 1 and whole else sizes


class Gradient:
    """All gradients of some parameters, side by side in one vector.

    Args:
        parameters: they get this as their ``grad``.
    """

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        wanted = [each for each in parameters if each.requires_grad]
        self._all = torch.zeros(sum(each.numel() for each in wanted), device=wanted[0].device)
        start = 0
        for each in wanted:
            # in the order of the parameter's own memory, which the optimizer's fused step counts on
            each.grad = self._all.as_strided(each.size(), each.stride(), start)
            start += each.numel()

    def clear(self) -> None:
        """Make it 0."""
        self._all.zero_()

    def clip(self, longest: float) -> None:
        """Shorten it to a length.

        Args:
            longest: of the vector; a shorter one stays as it is. As in torch, a millionth is added to its length.
        """
        self._all.mul_((longest / (self._all.norm() + 1e-6)).clamp(max=1.0))


class _Seen:
    """What the minibatches say, kept as tensors until the end."""

    def __init__(self) -> None:
        self._losses: list[Tensor] = []
        self._ratios: list[Tensor] = []
        self._epoch = 0

    def begin_epoch(self) -> None:
        self._epoch = len(self._ratios)

    def add(self, *losses_and_ratio: Tensor) -> None:
        *losses, log_ratio = losses_and_ratio
        self._losses.append(torch.stack(losses).detach())
        self._ratios.append(log_ratio.detach())

    def means(self, clip_range: float) -> dict[str, float]:
        losses = torch.stack(self._losses)
        policy, value, entropy, _ = losses.mean(dim=0).tolist()
        outside = (torch.cat(self._ratios).exp() - 1).abs() > clip_range
        return {
            "entropy_loss": entropy,
            "policy_gradient_loss": policy,
            "value_loss": value,
            "approx_kl": float(_kl(torch.cat(self._ratios[self._epoch :]))),
            "clip_fraction": float(outside.float().mean()),
            "loss": float(losses[-1, -1]),
        }


def _kl(log_ratio: Tensor) -> Any:
    """Return the approximate divergence of the new policy from the old (Schulman, 2020, its third estimator)."""
    return (log_ratio.exp() - 1 - log_ratio).mean()
