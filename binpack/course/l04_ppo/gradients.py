"""Lesson 04: how noisy a policy gradient is, and how far a step along it may go."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from binpack.agents.evaluation import evaluate as play
from binpack.agents.evaluation import make_streams
from binpack.course.l04_ppo.agent import Agent, Batch, Parts, Settings, make_agent, make_batch
from binpack.course.l04_ppo.packing import SMALL, Packer, Packing


def softmax(logits: ArrayLike) -> NDArray[np.float64]:
    """Return the probabilities of logits, (K,) -> (K,)."""
    powers = np.exp(np.asarray(logits, float) - np.max(logits))
    return powers / powers.sum()


def arm_gradients(
    pays: Sequence[float], baseline: float, batches: int, draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Estimate REINFORCE's gradient (Williams, 1992) for two arms that are equally likely, batch by batch.

    Args:
        pays: what each of the two arms pays.
        baseline: taken away from what is paid.
        batches: how many estimates.
        draws: draws in each.
        rng: draws the arms.

    Returns:
        The first entry of each gradient, that of the first arm's logit, float64, (batches,).
    """
    first = rng.random((batches, draws)) < 0.5
    paid = np.where(first, pays[0], pays[1]) - baseline
    return (paid * np.where(first, 0.5, -0.5)).mean(axis=1).round(9)  # the same on every machine


def fresh(parts: Parts, settings: Settings, seed: int = 0) -> Agent:
    """Return an untrained agent for the small bin."""
    return make_agent(Packing(SMALL, 1, seed), settings, parts, seed)


def returns_to_go(rewards: NDArray, over: NDArray) -> NDArray[np.float64]:
    """Return what each step and the rest of its episode bring, undiscounted, (T, N) -> (T, N).

    Args:
        rewards: (T, N).
        over: whether the step is the last of its episode, bool, (T, N).
    """
    left, later = np.zeros(rewards.shape), np.zeros(rewards.shape[1])
    for t in reversed(range(len(rewards))):
        later = rewards[t] + later * ~over[t]
        left[t] = later
    return left


def gradient(agent: Agent, batch: Batch, weights: Tensor) -> NDArray[np.float64]:
    """Return the policy gradient of weighted log-probabilities, by the actor's weights, (weights,).

    Args:
        agent: whose actor it is.
        batch: observations, masks and actions.
        weights: of each row's log-probability, (B,).
    """
    actor = list(agent.network.actor.parameters())  # type: ignore[union-attr]
    logits, _ = agent.network(batch.observations)
    log_probs = agent.masked_log_probs(logits, batch.masks).gather(1, batch.actions[:, None]).squeeze(1)
    slopes = torch.autograd.grad((log_probs * weights).mean(), actor)
    return torch.cat([slope.flatten() for slope in slopes]).double().numpy()


def noise(
    parts: Parts, settings: Settings, batches: int = 40, bins: int = 32, seed: int = 1_000
) -> dict[str, NDArray[np.float64]]:
    """Measure how well policy gradients of an untrained agent on the small bin agree, for three weights.

    Args:
        parts: `masked_log_probs` and `collect` are used.
        settings: of the agent.
        batches: how many gradients are estimated, each from new episodes.
        bins: episodes in a batch.
        seed: of the first batch's items.

    Returns:
        Name of what the log-probabilities are weighted with to the cosines of each batch's gradient and the mean of all
        other batches', (batches,).
    """
    agent = fresh(parts, settings)
    found: dict[str, list[NDArray]] = {"episode": [], "to go": [], "baseline": []}
    for number in range(batches):
        rollout = parts.collect(Packing(SMALL, bins, seed + number * bins), agent, _LONGEST)
        over = rollout.terminated
        first = over.cumsum(axis=0) - over == 0  # the first episode of each bin
        to_go = returns_to_go(rollout.rewards * first, over)
        baseline = (to_go * first).sum(axis=1, keepdims=True) / np.maximum(first.sum(axis=1, keepdims=True), 1)
        batch = make_batch(rollout, to_go)
        for name, weights in zip(found, (np.broadcast_to(to_go[0], over.shape), to_go, to_go - baseline), strict=True):
            flat = torch.from_numpy((weights * first).reshape(-1).astype(np.float32))
            found[name].append(gradient(agent, batch, flat))
    return {name: agreement(np.array(rows)) for name, rows in found.items()}


_LONGEST = 24
"""Steps after which hardly any first episode of an untrained agent goes on."""


def agreement(rows: NDArray) -> NDArray[np.float64]:
    """Return the cosine of each row and the mean of all others, (batches, weights) -> (batches,)."""
    others = (rows.sum(axis=0) - rows) / (len(rows) - 1)
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(others, axis=1)
    return (rows * others).sum(axis=1) / lengths


SIZES = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Lengths of a step, as the Euclidean norm of the change of the actor's weights."""


def growing_step(agent: Agent, parts: Parts, settings: Settings, seed: int, streams: int = 2_000) -> list[list[float]]:
    """Go along one batch's gradient in steps of growing length, each from the same weights.

    Args:
        agent: where the steps begin; its weights are the same afterwards.
        parts: `collect` and `gae` are used.
        settings: `gae_lambda` is used; the discount is 1, so that a return is a utilization.
        seed: of the batch's items; the streams of the truth are others.
        streams: on how many the truth is measured, with actions drawn as in training.

    Returns:
        For each length [length, what the batch promises to gain, what is gained in truth, mean KL divergence of the
        policy before from the policy after, on the batch]; the gains are of the return of an episode.
    """
    rollout = parts.collect(Packing(SMALL, 32, seed), agent, 16)
    arrays = rollout.rewards, rollout.values, rollout.next_values, rollout.terminated, rollout.truncated
    batch = make_batch(rollout, parts.gae(*arrays, settings.replace(gamma=1.0)))
    advantages = batch.advantages - batch.advantages.mean()
    steps_of_episode = rollout.terminated.size / max(int(rollout.terminated.sum()), 1)
    actor = list(agent.network.actor.parameters())  # type: ignore[union-attr]
    start = torch.nn.utils.parameters_to_vector(actor).detach().clone()
    slope = gradient(agent, batch, advantages)
    direction = torch.from_numpy(slope / np.linalg.norm(slope)).float()
    before, found = _truth(agent, streams), []
    for size in SIZES:
        torch.nn.utils.vector_to_parameters(start + size * direction, actor)
        with torch.no_grad():
            log_probs = agent.masked_log_probs(agent.network(batch.observations)[0], batch.masks)
        moved = log_probs.gather(1, batch.actions[:, None]).squeeze(1) - batch.log_probs
        promise = float((moved.exp() * advantages).mean()) * steps_of_episode
        divergence = float((moved.exp() - 1 - moved).mean())
        found.append([size, round(promise, 4), round(_truth(agent, streams) - before, 4), round(divergence, 4)])
    torch.nn.utils.vector_to_parameters(start, actor)
    return found


def _truth(agent: Agent, streams: int) -> float:
    """Mean return of the policy that draws its actions, on fixed streams and with the same chances each time."""
    agent.generator.manual_seed(_TRUTH_SEED)
    return play(Packer(agent, greedy=False), make_streams(SMALL, streams, _TRUTH_SEED), SMALL).mean


_TRUTH_SEED = 30_000
