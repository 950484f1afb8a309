"""Lesson 04: the two functions that put the parts together; the lesson prints these very lines."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from binpack.course.l04_ppo.agent import Agent, Batch, Env, Parts, Settings, make_agent, make_batch


def minibatch_loss(agent: Agent, rows: Batch, settings: Settings, parts: Parts) -> Tensor:
    """Compute the loss of a minibatch.

    Args:
        agent: who learns.
        rows: the minibatch.
        settings: clip range and coefficients.
        parts: the parts of PPO.
    """
    logits, values = agent.network(rows.observations)
    log_probs = parts.masked_log_probs(logits, rows.masks)
    chosen = log_probs.gather(1, rows.actions[:, None]).squeeze(1)
    advantages = parts.normalize(rows.advantages)
    policy_loss = parts.clipped_loss(chosen, rows.log_probs, advantages, settings.clip_range)
    return parts.total_loss(policy_loss, values, rows.returns, parts.entropy(log_probs), settings)


def train(env: Env, settings: Settings, parts: Parts, seed: int, watch: Callable | None = None) -> Agent:
    """Train an agent: collect a rollout, estimate advantages, learn from both for some epochs, and again.

    Args:
        env: what is learned.
        settings: the settings; steps are rounded up to whole rollouts.
        parts: the parts of PPO.
        seed: of the weights, the actions and the order of the minibatches.
        watch: called as `watch(steps so far, agent)` after each rollout is learned from.
    """
    agent, rng, size = make_agent(env, settings, parts, seed), np.random.default_rng(seed), settings.n_steps * env.n

    def loss_of(rows: Batch) -> Tensor:
        return minibatch_loss(agent, rows, settings, parts)

    for steps in range(0, settings.total_steps, size):
        r = parts.collect(env, agent, settings.n_steps)
        advantages = parts.gae(r.rewards, r.values, r.next_values, r.terminated, r.truncated, settings)
        parts.update(agent, make_batch(r, advantages), settings, loss_of, rng)
        if watch is not None:
            watch(steps + size, agent)
    return agent


def minibatch_ratios(agent: Agent, batch: Batch, settings: Settings, parts: Parts, seed: int) -> list[NDArray]:
    """Learn from one rollout, and note the ratios of each minibatch before its step.

    Args:
        agent: who learns.
        batch: all transitions of the rollout.
        settings: the settings.
        parts: the parts of PPO.
        seed: of the order of the minibatches.

    Returns:
        The ratios of new to old probability, float32 (b,), of each minibatch in order.
    """
    noted: list[NDArray] = []

    def loss_of(rows: Batch) -> Tensor:
        with torch.no_grad():
            log_probs = parts.masked_log_probs(agent.network(rows.observations)[0], rows.masks)
            chosen = log_probs.gather(1, rows.actions[:, None]).squeeze(1)
            noted.append((chosen - rows.log_probs).exp().numpy())
        return minibatch_loss(agent, rows, settings, parts)

    parts.update(agent, batch, settings, loss_of, np.random.default_rng(seed))
    return noted
