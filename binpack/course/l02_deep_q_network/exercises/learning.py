"""How it learns from a batch: targets, the loss, one step of the optimizer (Mnih et al., 2015)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from binpack.course.exercises import Mistake, exercise, expect, expect_close, promise
from binpack.course.l02_deep_q_network.agent import Agent, Batch, DQNConfig
from binpack.course.l02_deep_q_network.exercises._stand_ins import (
    drawn_agent,
    drawn_batch,
    example_agent,
    example_batch,
    weight,
)


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with the future: agent.target(batch.next_observations) gives a row of Q-values for each transition. Ask "
        "under torch.no_grad(), for a target is a fixed number.",
        "The best of each row: .max(dim=1) gives values and indices, and you want .values. Where the episode "
        "terminated there is no future: ~batch.terminated is True where there is one, and counts as 1.",
        "`batch.rewards + gamma * best * ~batch.terminated`",
    ),
    returns=promise.a_tensor("the targets"),
)
def td_targets(batch: Batch, agent: Agent, gamma: float) -> Tensor:
    """Compute what the Q-values of the chosen actions should be: reward plus the discounted best that comes next.

    Args:
        batch: transitions; `terminated` is True where nothing comes next.
        agent: `target` is the network that judges.
        gamma: the discount.

    Returns:
        float32, (B,), through which no gradient flows.
    """
    # 1. the best next value, by the target network, without a gradient
    with torch.no_grad():
        best = agent.target(batch.next_observations).max(dim=1).values
    # 2. no future after a final state
    return batch.rewards + gamma * best * ~batch.terminated


def _next(b: Batch, a: Agent) -> Tensor:
    """What the target network says of the next observations, (B, actions)."""
    return a.target(b.next_observations).detach()


def _best(b: Batch, a: Agent) -> Tensor:
    return _next(b, a).max(dim=1).values


def _double(b: Batch, a: Agent, g: float) -> Tensor:
    choice = a.network(b.next_observations).argmax(dim=1, keepdim=True)
    return b.rewards + g * _next(b, a).gather(1, choice).squeeze(1) * ~b.terminated


def _expect_no_gradient(answer: Callable) -> None:
    batch, agent = example_batch(), example_agent()
    targets = answer(batch, agent, 0.9)
    expect(not targets.requires_grad, "the values are right, but a gradient flows through them: use torch.no_grad()")


td_targets.examine(
    cases=lambda: [
        (example_batch(2), example_agent(), 0.9),
        (example_batch(), example_agent(), 0.9),
        (example_batch(), example_agent(), 0.0),
        (example_batch(), example_agent(), 1.0),
    ],
    draw=lambda rng: (drawn_batch(rng), drawn_agent(rng), float(rng.uniform(0.1, 0.99))),
    mistakes={
        "it has shape (B, 1): against Q-values of shape (B,) that becomes (B, B)": lambda b, a, g: (
            b.rewards + g * _best(b, a) * ~b.terminated
        )[:, None],
        "(B,) and (B, 1) have become (B, B): the best of each row should have shape (B,), without keepdim": (
            lambda b, a, g: b.rewards + g * _best(b, a)[:, None] * ~b.terminated
        ),
        "the online network judges: the targets should come from agent.target": lambda b, a, g: (
            b.rewards + g * a.network(b.next_observations).max(dim=1).values.detach() * ~b.terminated
        ),
        "the future after a final state is counted: after terminated only the reward is left": lambda b, a, g: (
            b.rewards + g * _best(b, a)
        ),
        "terminated is turned round: the future counts where the episode did not terminate": lambda b, a, g: (
            b.rewards + g * _best(b, a) * b.terminated
        ),
        "the future is not discounted: multiply it by gamma": lambda b, a, g: b.rewards + _best(b, a) * ~b.terminated,
        "the reward is missing": lambda b, a, g: g * _best(b, a) * ~b.terminated,
        "it discounts the reward too: gamma belongs to the future alone": lambda b, a, g: (
            g * (b.rewards + _best(b, a) * ~b.terminated)
        ),
        "the reward is discounted instead of the future": lambda b, a, g: g * b.rewards + _best(b, a) * ~b.terminated,
        "it looks at the observations before the action: the future is in next_observations": lambda b, a, g: (
            b.rewards + g * a.target(b.observations).max(dim=1).values.detach() * ~b.terminated
        ),
        "it takes the mean over actions: take the best of each row": lambda b, a, g: (
            b.rewards + g * _next(b, a).mean(dim=1) * ~b.terminated
        ),
        "it takes the worst action: the greedy policy takes the best": lambda b, a, g: (
            b.rewards + g * _next(b, a).min(dim=1).values * ~b.terminated
        ),
        "it sums over actions: take the best of each row": lambda b, a, g: (
            b.rewards + g * _next(b, a).sum(dim=1) * ~b.terminated
        ),
        "max(dim=1) gave the number of the best action: its value is in .values": lambda b, a, g: (
            b.rewards + g * _next(b, a).max(dim=1).indices * ~b.terminated
        ),
        "it takes the next value of the action that was taken: take that of the best action": lambda b, a, g: (
            b.rewards + g * _next(b, a).gather(1, b.actions[:, None]).squeeze(1) * ~b.terminated
        ),
        "it takes the best of the whole batch: take each row's, dim=1": lambda b, a, g: (
            b.rewards + g * _next(b, a).max() * ~b.terminated
        ),
        "the online network chooses and the target network judges, which is double DQN; here the target does both": (
            _double
        ),
        "the reward of a final step is lost: only its future is": lambda b, a, g: (
            (b.rewards + g * _best(b, a)) * ~b.terminated
        ),
        "the future is taken away: it should be added": lambda b, a, g: b.rewards - g * _best(b, a) * ~b.terminated,
    },
    also=_expect_no_gradient,
)


@exercise(
    minutes=7,
    difficulty=2,
    hints=(
        "Begin with network(batch.observations): a row for each transition, a Q-value for each action.",
        "Of each row keep the action that was taken: .gather(1, batch.actions[:, None]) has shape (B, 1), and "
        ".squeeze(1) makes it (B,), as the targets are.",
        "`nn.functional.smooth_l1_loss(chosen, targets)` is Huber's function and the mean.",
    ),
    returns=promise.a_tensor("the loss"),
)
def td_loss(network: nn.Module, batch: Batch, targets: Tensor) -> Tensor:
    """Compute the loss: the mean Huber distance of the chosen actions' Q-values from their targets.

    Args:
        network: the online network.
        batch: transitions.
        targets: float32, (B,).

    Returns:
        One number: squared errors halved up to an error of 1, linear beyond (`nn.functional.smooth_l1_loss`).
    """
    # 1. Q-values of the actions that were taken
    chosen = network(batch.observations).gather(1, batch.actions[:, None]).squeeze(1)
    # 2. their distance from the targets
    return nn.functional.smooth_l1_loss(chosen, targets)


_huber = nn.functional.smooth_l1_loss


def _chosen(n: nn.Module, b: Batch) -> Tensor:
    return n(b.observations).gather(1, b.actions[:, None]).squeeze(1)


def _expect_gradient(answer: Callable) -> None:
    batch, network = example_batch(), example_agent().network
    targets = torch.tensor([0.5, 3.0, -4.0, 1.0, 0.0, 2.0])
    loss = answer(network, batch, targets)
    expect(loss.requires_grad, "the value is right, but no gradient flows into the network: leave detach, no_grad out")
    network.zero_grad()
    loss.backward()
    gradient = weight(network).grad
    expect(gradient is not None, "the value is right, but its gradient does not reach the network")
    gradient = copy.deepcopy(gradient)
    network.zero_grad()
    _huber(_chosen(network, batch), targets).backward()
    expect_close(gradient, weight(network).grad, "the value is right but its gradient is not: is a part detached?")


_TARGETS = torch.tensor([0.5, 3.0, -4.0, 1.0, 0.0, 2.0])

td_loss.examine(
    cases=lambda: [
        (example_agent().network, example_batch(2), _TARGETS[:2]),
        (example_agent().network, example_batch(), _TARGETS),
        (example_agent().network, example_batch(), torch.zeros(6)),
    ],
    draw=lambda rng: (
        drawn_agent(rng).network,
        drawn_batch(rng),
        torch.from_numpy(rng.normal(0, 2, 6).astype(np.float32)),
    ),
    mistakes={
        "these are squared errors: Huber is a straight line beyond an error of 1": lambda n, b, t: (
            nn.functional.mse_loss(_chosen(n, b), t)
        ),
        "these are half the squared errors: Huber is a straight line beyond an error of 1": lambda n, b, t: (
            0.5 * nn.functional.mse_loss(_chosen(n, b), t)
        ),
        "these are absolute errors: Huber is a square below an error of 1": lambda n, b, t: nn.functional.l1_loss(
            _chosen(n, b), t
        ),
        "it sums over the batch: take the mean, or the batch size scales the step": lambda n, b, t: _huber(
            _chosen(n, b), t, reduction="sum"
        ),
        "there is a loss for each transition: take their mean": lambda n, b, t: _huber(
            _chosen(n, b), t, reduction="none"
        ),
        "(B, 1) against (B,) has become (B, B): squeeze the chosen Q-values": lambda n, b, t: _huber(
            _chosen(n, b)[:, None].expand(len(t), len(t)), t.expand(len(t), len(t))
        ),
        "q[:, batch.actions] takes columns for every row, (B, B): take one entry of each row": lambda n, b, t: _huber(
            n(b.observations)[:, b.actions], t.expand(len(t), len(t))
        ),
        "it takes the largest Q-value of each row: take that of the action that was taken": lambda n, b, t: _huber(
            n(b.observations).max(dim=1).values, t
        ),
        "it compares every action: only the action that was taken has a target": lambda n, b, t: _huber(
            n(b.observations), t[:, None].expand(len(t), 3)
        ),
        "it takes the mean over actions: take the Q-value of the action that was taken": lambda n, b, t: _huber(
            n(b.observations).mean(dim=1), t
        ),
        "it looks at next_observations: the action was taken in observations": lambda n, b, t: _huber(
            n(b.next_observations).gather(1, b.actions[:, None]).squeeze(1), t
        ),
        "errors are counted with their sign and cancel out: use Huber's function": lambda n, b, t: (
            _chosen(n, b) - t
        ).mean(),
        "its sign is wrong: the loss grows with the error": lambda n, b, t: -_huber(_chosen(n, b), t),
    },
    also=_expect_gradient,
)


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin as every PyTorch loop does: agent.optimizer.zero_grad(), loss.backward(), and later "
        "agent.optimizer.step().",
        "Between backward and step: nn.utils.clip_grad_norm_(agent.network.parameters(), config.max_grad_norm). After "
        "the step count up agent.updates.",
        "A copy is due when agent.updates can be divided by config.updates_per_copy: "
        "`agent.target.load_state_dict(agent.network.state_dict())`",
    ),
    returns=promise.nothing(),
    changes=("agent",),
)
def update(agent: Agent, loss: Tensor, config: DQNConfig) -> None:
    """Take one step of the optimizer, and copy the network into the target network when it is time.

    Args:
        agent: `network`, `target`, `optimizer`, and `updates`, the number of updates so far, to be counted up.
        loss: what `td_loss` returned.
        config: `max_grad_norm`, the longest gradient that is used (`nn.utils.clip_grad_norm_` shortens it), and
            `updates_per_copy`: each time that so many updates are done, the target network becomes a copy
            (`load_state_dict` takes what `state_dict` of the other one returns).
    """
    # 1. the gradient of this loss alone
    agent.optimizer.zero_grad()
    loss.backward()
    # 2. not longer than allowed
    nn.utils.clip_grad_norm_(agent.network.parameters(), config.max_grad_norm)
    # 3. one step, counted
    agent.optimizer.step()
    agent.updates += 1
    # 4. now and then the target network catches up
    if agent.updates % config.updates_per_copy == 0:
        agent.target.load_state_dict(agent.network.state_dict())


_OFTEN = DQNConfig(target_update=6, train_every=2, max_grad_norm=0.2)  # clipped always, copied every 3 updates
_ALMOST_FREE = DQNConfig(target_update=8, train_every=4, max_grad_norm=100.0)  # never clipped, copied every 2


@dataclass(frozen=True)
class _Told:
    """What some updates in a row did.

    Attributes:
        weights: of the online network after each, (updates, ...).
        held: of the target network after each.
        counts: agent.updates after each.
    """

    weights: Tensor
    held: Tensor
    counts: list[int]

    def equals(self, other: _Told) -> bool:
        """Whether another did the same, up to rounding."""
        pairs = (self.weights, other.weights), (self.held, other.held)
        return self.counts == other.counts and all(torch.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in pairs)


def _told(function: Callable, config: DQNConfig, updates: int = 7) -> _Told:
    """Let a function make some updates, and look at the agent after each."""
    agent = example_agent()
    network, target = agent.network, agent.target
    batch, weights, held, counts = example_batch(), [], [], []
    for number in range(updates):
        function(agent, td_loss(agent.network, batch, _TARGETS + number), config)
        expect(agent.network is network, "agent.network was exchanged: its weights should change, not the object")
        expect(
            agent.target is not agent.network,
            "agent.target is agent.network now: one object moves with every update; copy its weights instead",
        )
        expect(agent.target is target, "agent.target was exchanged: load the weights into the one that is there")
        weights.append(nn.utils.parameters_to_vector(network.parameters()).detach().clone())
        held.append(nn.utils.parameters_to_vector(target.parameters()).detach().clone())
        counts.append(agent.updates)
    return _Told(torch.stack(weights), torch.stack(held), counts)


def _spoiled(
    *,
    zero: bool = True,
    clip: str = "norm",
    sign: float = 1.0,
    steps: int = 1,
    count: int = 1,
    every: Callable[[int, DQNConfig], bool] = lambda done, config: done % config.updates_per_copy == 0,
    back: bool = False,
    early: bool = False,
) -> Callable[[Agent, Tensor, DQNConfig], None]:
    """Make an update with a mistake."""

    def answer(agent: Agent, loss: Tensor, config: DQNConfig) -> None:
        if early and every(agent.updates + 1, config):
            agent.target.load_state_dict(agent.network.state_dict())
        if zero:
            agent.optimizer.zero_grad()
        (sign * loss).backward()
        if clip == "norm":
            nn.utils.clip_grad_norm_(agent.network.parameters(), config.max_grad_norm)
        elif clip == "value":
            nn.utils.clip_grad_value_(agent.network.parameters(), config.max_grad_norm)
        for _ in range(steps):
            agent.optimizer.step()
        agent.updates += count
        if every(agent.updates, config) and not early:
            one, other = (agent.network, agent.target) if back else (agent.target, agent.network)
            one.load_state_dict(other.state_dict())

    return answer


_SPOILED: dict[str, Callable] = {
    "old gradients add up: empty them with zero_grad before backward": _spoiled(zero=False),
    "the gradient is not shortened to max_grad_norm: clip between backward and step": _spoiled(clip="none"),
    "each entry of the gradient is clipped by itself: clip the norm, which keeps the direction": _spoiled(clip="value"),
    "the step goes uphill: the optimizer follows the negative gradient by itself": _spoiled(sign=-1.0),
    "the optimizer takes two steps": _spoiled(steps=2),
    "the weights do not change: are loss.backward() and agent.optimizer.step() both there?": _spoiled(steps=0),
    "agent.updates is not counted up, and so a copy is made at every update": _spoiled(count=0),
    "agent.updates is not counted up, and no copy is made": _spoiled(count=0, every=lambda done, config: False),
    "the target network is never copied": _spoiled(every=lambda done, config: False),
    "the target network is copied at every update: only when updates_per_copy more are done": _spoiled(
        every=lambda done, config: True
    ),
    "copies are made after update 1, 1 + updates_per_copy and so on: count first, then ask if one is due": _spoiled(
        every=lambda done, config: (done - 1) % config.updates_per_copy == 0
    ),
    "a copy is made one update late": _spoiled(every=lambda done, config: done % (config.updates_per_copy + 1) == 0),
    "a copy is made after target_update updates, which counts steps: use updates_per_copy": _spoiled(
        every=lambda done, config: done % config.target_update == 0
    ),
    "a copy is made only once": _spoiled(every=lambda done, config: done == config.updates_per_copy),
    "it copies at all updates but those where a copy is due": _spoiled(
        every=lambda done, config: done % config.updates_per_copy != 0
    ),
    "the copy goes the wrong way, from the target network into the network": _spoiled(back=True),
    "the copy is made before the step: the target network misses the newest weights": _spoiled(early=True),
}


@update.check
def _(answer: Callable) -> None:
    configs = (_OFTEN, _ALMOST_FREE)
    got, right = ([_told(function, config) for config in configs] for function in (answer, update.reference))
    if all(one.equals(other) for one, other in zip(got, right, strict=True)):
        _expect_still(answer)
        return
    for message, wrong in _SPOILED.items():
        if all(_told(wrong, config).equals(one) for config, one in zip(configs, got, strict=True)):
            raise Mistake(message)
    for config, one, other in zip(configs, got, right, strict=True):
        _expect_told(one, other, f"max_grad_norm={config.max_grad_norm:g}, updates_per_copy={config.updates_per_copy}")


def _expect_still(answer: Callable) -> None:
    """Expect an update that has nothing to learn to change no weight: it comes in a lesson, and divides by 0."""
    agent = example_agent()
    before = nn.utils.parameters_to_vector(agent.network.parameters()).detach().clone()
    answer(agent, agent.network(example_batch().observations).sum() * 0.0, _OFTEN)
    after = nn.utils.parameters_to_vector(agent.network.parameters()).detach()
    still = "all is right but this: where the gradient is 0 the weights should stay as they are"
    expect(torch.equal(after, before), still, got=after, wanted=before)


def _expect_told(got: _Told, right: _Told, given: str) -> None:
    """Say plainly what came out otherwise, and after which update."""
    for number, (count, due) in enumerate(zip(got.counts, right.counts, strict=True), start=1):
        expect(count == due, f"agent.updates is wrong after update {number}", got=count, wanted=due, given=given)
    pairs = {"network": (got.weights, right.weights), "target": (got.held, right.held)}
    for number in range(1, len(right.counts) + 1):
        for name, (one, other) in pairs.items():
            mine, wanted = one[number - 1], other[number - 1]
            what = f"agent.{name} has the wrong weights after update {number}, and the right ones before"
            expect(torch.allclose(mine, wanted, rtol=1e-4, atol=1e-6), what, got=mine, wanted=wanted, given=given)
