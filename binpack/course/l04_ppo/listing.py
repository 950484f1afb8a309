"""Lesson 04: a loss as published listings have it, with two mistakes, and a loop that learns with one like it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from binpack.course.l04_ppo.agent import Agent, Env, Parts, Rollout, Settings, make_agent


class Rows(NamedTuple):
    """What the listing knows of a minibatch; each is a tensor, (B,).

    Attributes:
        log_probs: of the actions that were taken, by the policy that learns, float32.
        old_log_probs: the same when the actions were drawn, float32.
        entropies: of the policy, float32.
        values: what the critic says now, float32.
        rewards: float32.
        next_values: what the critic said of the observations after the step, float32.
        terminated: whether the episode came to a state without a future, bool.
    """

    log_probs: Tensor
    old_log_probs: Tensor
    entropies: Tensor
    values: Tensor
    rewards: Tensor
    next_values: Tensor
    terminated: Tensor


def listing_loss(rows: Rows, settings: Settings) -> Tensor:
    """Compute the loss of a minibatch, with advantages that look one step ahead."""
    # the critic's target: the reward, and the discounted value of what follows
    targets = rows.rewards + settings.gamma * rows.next_values
    advantages = targets - rows.values.detach()
    # the clipped surrogate loss
    ratio = torch.exp(rows.log_probs - rows.old_log_probs)
    clipped = torch.clamp(ratio, 1 - settings.clip_range, 1 + settings.clip_range)
    policy_loss = -torch.min(ratio * advantages, clipped * advantages).mean()
    # the critic's loss, and the entropy that keeps the policy exploring
    value_loss = ((targets - rows.values) ** 2).mean()
    return policy_loss + settings.vf_coef * value_loss + settings.ent_coef * rows.entropies.mean()


class ListingBatch(NamedTuple):
    """Transitions as the listing wants them, one a row.

    Attributes:
        observations: float32, (B, D).
        masks: bool, (B, K).
        actions: int64, (B,).
        log_probs: of the actions when they were drawn, float32, (B,).
        rewards: float32, (B,).
        next_values: float32, (B,).
        terminated: bool, (B,).
    """

    observations: Tensor
    masks: Tensor
    actions: Tensor
    log_probs: Tensor
    rewards: Tensor
    next_values: Tensor
    terminated: Tensor

    @classmethod
    def of(cls, rollout: Rollout) -> ListingBatch:
        """Lay all transitions of a rollout below each other."""
        parts = (getattr(rollout, name) for name in cls._fields)
        return cls(*(torch.from_numpy(part.reshape(-1, *part.shape[2:])) for part in parts))

    def rows(self, numbers: Any) -> ListingBatch:
        """Return some of the transitions, integers (b,)."""
        index = torch.as_tensor(numbers, dtype=torch.int64)
        return ListingBatch(*(part[index] for part in self))


def train_listing(
    env: Env, settings: Settings, parts: Parts, loss: Callable, seed: int, watch: Callable | None = None
) -> Agent:
    """Train with a loss like `listing_loss`; the rest is the lesson's.

    Args:
        env: what is learned.
        settings: the settings; `gae_lambda` plays no part.
        parts: `masked_log_probs`, `entropy`, `collect` and `update` are used.
        loss: what `listing_loss` is.
        seed: of the weights, the actions and the order of the minibatches.
        watch: called as `watch(steps so far, agent)` after each rollout is learned from.
    """
    agent, rng = make_agent(env, settings, parts, seed), np.random.default_rng(seed)

    def loss_of(rows: ListingBatch) -> Tensor:
        logits, values = agent.network(rows.observations)
        log_probs = parts.masked_log_probs(logits, rows.masks)
        chosen = log_probs.gather(1, rows.actions[:, None]).squeeze(1)
        now = chosen, rows.log_probs, parts.entropy(log_probs), values
        return loss(Rows(*now, rows.rewards, rows.next_values, rows.terminated), settings)

    size = settings.n_steps * env.n
    for steps in range(0, settings.total_steps, size):
        parts.update(agent, ListingBatch.of(parts.collect(env, agent, settings.n_steps)), settings, loss_of, rng)
        if watch is not None:
            watch(steps + size, agent)
    return agent
