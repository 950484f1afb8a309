"""How it learns from a batch: targets, the loss, one step of the optimizer (Mnih et al., 2015)."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from binpack.course.exercises import exercise, expect, expect_close, expect_shape, expect_type
from binpack.course.l02_deep_q_network.agent import Agent, Batch, DQNConfig
from binpack.course.l02_deep_q_network.exercises._stand_ins import example_agent, example_batch, weight


@exercise(
    minutes=8,
    difficulty=3,
    hints=(
        "If terminated has no minus or times, turn it round with ~ first, and let True count as 1.",
        "If the product fails, max(dim=1) returns values and indices: the best of each row are the values.",
    ),
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


@td_targets.check
def _(answer: Callable) -> None:
    batch, agent = example_batch(), example_agent()
    got = answer(batch, agent, 0.9)
    expect_type(got, Tensor, "the answer")
    expect(got.shape != (6, 1), "it has shape (6, 1): against Q-values of shape (6,) it would broadcast to (6, 6)")
    expect_shape(got, (6,), "the targets of 6 transitions")
    expect(not got.requires_grad, "a gradient flows through the targets: compute them under torch.no_grad()")
    with torch.no_grad():
        after, now = agent.target(batch.next_observations), agent.target(batch.observations)
        online = agent.network(batch.next_observations)
    going_on, rewards = (~batch.terminated).float(), batch.rewards
    best = after.max(dim=1).values
    double = after.gather(1, online.argmax(dim=1, keepdim=True)).squeeze(1)
    for message, wrong in {
        "the online network judges: the targets should come from agent.target": rewards
        + 0.9 * online.max(dim=1).values * going_on,
        "the future after a final state is counted: after terminated only the reward is left": rewards + 0.9 * best,
        "it is turned round: the future counts where the episode did not terminate": rewards
        + 0.9 * best * (1 - going_on),
        "the discount is missing: multiply the next value by gamma": rewards + best * going_on,
        "the reward is missing": 0.9 * best * going_on,
        "it discounts the reward too: gamma belongs to the next value only": 0.9 * (rewards + best * going_on),
        "it looks at the observation before the action: next_observations come next": rewards
        + 0.9 * now.max(dim=1).values * going_on,
        "it takes the mean over actions: take the best": rewards + 0.9 * after.mean(dim=1) * going_on,
        "it takes the worst action: the greedy policy takes the best": rewards
        + 0.9 * after.min(dim=1).values * going_on,
        "it takes the value of the action that was taken, which is SARSA: take the best next action": rewards
        + 0.9 * after.gather(1, batch.actions[:, None]).squeeze(1) * going_on,
        "it takes the best of the whole batch: take each row's, dim=1": rewards + 0.9 * after.max() * going_on,
        "the online network chooses the action, which is double DQN, the bonus: here the target does both": rewards
        + 0.9 * double * going_on,
        "the reward of a final step is lost: only the future is": (rewards + 0.9 * best) * going_on,
    }.items():
        expect(not torch.allclose(got, wrong), message)
    expect_close(got, rewards + 0.9 * best * going_on, "some targets are wrong: reward + gamma * best next value")
    expect_close(answer(batch, agent, 0.0), rewards, "with gamma = 0 only the rewards should be left")


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "If you have a Q-value for every action, keep the one of the action taken: gather(1, actions[:, None]).",
        "If the loss is right for one transition only, look at the shapes: (B, 1) minus (B,) is (B, B).",
    ),
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


@td_loss.check
def _(answer: Callable) -> None:
    batch, network = example_batch(), example_agent().network
    targets = torch.tensor([0.5, 3.0, -4.0, 1.0, 0.0, 2.0])
    got = answer(network, batch, targets)
    expect_type(got, Tensor, "the loss")
    expect_shape(got, (), "the loss (is there a mean over the batch?)")
    expect(got.requires_grad, "no gradient flows into the network: leave no_grad, detach and item out")
    functional, value = nn.functional, got.detach()
    with torch.no_grad():
        every = network(batch.observations)
        chosen = every[torch.arange(6), batch.actions]
        after = network(batch.next_observations)[torch.arange(6), batch.actions]
        named = {
            "these are squared errors: Huber is linear beyond an error of 1": functional.mse_loss(chosen, targets),
            "these are absolute errors: Huber is squared below an error of 1": functional.l1_loss(chosen, targets),
            "it sums over the batch: take the mean, or the batch size scales the step": functional.smooth_l1_loss(
                chosen, targets, reduction="sum"
            ),
            "(B, 1) against (B,) has become (B, B): squeeze the chosen Q-values": functional.smooth_l1_loss(
                chosen[:, None].expand(6, 6), targets.expand(6, 6)
            ),
            "it takes the largest Q-value: take that of the action that was taken": functional.smooth_l1_loss(
                every.max(dim=1).values, targets
            ),
            "it compares every action: only the action that was taken has a target": functional.smooth_l1_loss(
                every, targets[:, None].expand(6, 3)
            ),
            "it looks at next_observations: the action was taken in observations": functional.smooth_l1_loss(
                after, targets
            ),
        }
    for message, wrong in named.items():
        expect(not torch.allclose(value, wrong), message)
    wanted = functional.smooth_l1_loss(chosen, targets)
    expect_close(value, wanted, "the loss is wrong: the mean Huber distance of the chosen Q-values from the targets")
    network.zero_grad()
    answer(network, batch, targets).backward()
    gradient = copy.deepcopy(weight(network).grad)
    network.zero_grad()
    functional.smooth_l1_loss(network(batch.observations)[torch.arange(6), batch.actions], targets).backward()
    expect_close(gradient, weight(network).grad, "the value is right but its gradient is not: is a part detached?")


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "If each step is longer than the last, gradients add up: empty them before backward.",
        "If the target network moves at every update, it is the same object: copy weights with load_state_dict.",
    ),
)
def update(agent: Agent, loss: Tensor, config: DQNConfig) -> None:
    """Take one step of the optimizer, and copy the network into the target network when it is time.

    Args:
        agent: `network`, `target`, `optimizer`, and `updates`, the number of updates so far, to be counted up.
        loss: what `td_loss` returned.
        config: `max_grad_norm`, the longest gradient that is used, and `updates_per_copy`: each time that so many
            updates are done, the target network becomes a copy.
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


@update.check
def _(answer: Callable) -> None:
    agent, right, config = (
        example_agent(),
        example_agent(),
        DQNConfig(target_update=12, train_every=4, max_grad_norm=0.2),
    )
    network, target = agent.network, agent.target
    batch, targets = example_batch(), torch.tensor([0.5, 3.0, -4.0, 1.0, 0.0, 2.0])
    for number in range(1, 7):
        before = copy.deepcopy(weight(network).detach())
        losses = [td_loss(one.network, batch, targets) for one in (agent, right)]
        answer(agent, losses[0], config)
        update(right, losses[1], config)
        expect(agent.network is network, "agent.network was exchanged: its weights should change, not the object")
        expect(
            agent.target is not agent.network,
            "agent.target is agent.network now: one object moves with every update; copy its weights instead",
        )
        expect(agent.target is target, "agent.target was exchanged: load the weights into the one that is there")
        now = weight(network).detach()
        if number == 1:
            expect(not torch.equal(now, before), "the weights did not change: is there an optimizer step?")
            _expect_clipped(before, now, weight(right.network).detach(), losses[1])
        expect(
            torch.allclose(now, weight(right.network).detach(), atol=1e-6),
            f"update {number} goes wrong after {number - 1} right ones: are old gradients emptied with zero_grad?",
        )
        expect(agent.updates == number, f"after {number} updates agent.updates is {agent.updates}: count each once")
        copied = torch.equal(weight(target), weight(network))
        expect(copied or number % 3, "after updates_per_copy updates the target network is no copy: is it ever copied?")
        expect(
            not copied or not number % 3,
            f"the target network is a copy after update {number}, but updates_per_copy is 3",
        )
        held, wanted = weight(target).detach(), weight(right.target).detach()
        expect_close(held, wanted, "the target network holds the wrong weights", atol=1e-5)


def _expect_clipped(before: Tensor, now: Tensor, wanted: Tensor, loss: Tensor) -> None:
    step, right = now - before, wanted - before
    expect((step * right).sum() > 0, "the step goes uphill: the optimizer follows the negative gradient by itself")
    expect(
        step.norm() < 1.5 * right.norm(),
        "the gradient is longer than max_grad_norm: clip after backward and before the optimizer's step",
    )
    direction = nn.functional.cosine_similarity(step.flatten(), right.flatten(), dim=0)
    expect(direction > 0.999, "each weight's gradient is clipped by itself: clip the norm, which keeps the direction")
