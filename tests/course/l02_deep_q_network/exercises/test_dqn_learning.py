"""Checks of lesson 02: other right answers pass, and each named mistake gets its own message."""

import copy

import pytest
import torch
from judging import verdict, wrong
from torch import nn

from binpack.course.l02_deep_q_network import exercises as lesson
from binpack.course.l02_deep_q_network.agent import double_targets

# ----------------------------------------------------------------------------------------------------------- td_targets


def detached(batch, agent, gamma):
    best, _ = torch.max(agent.target(batch.next_observations), 1)
    return torch.where(batch.terminated, batch.rewards, batch.rewards + gamma * best).detach()


def by_rows(batch, agent, gamma):
    out = batch.rewards.clone()
    with torch.no_grad():
        for row, over in enumerate(batch.terminated):
            if not over:
                out[row] += gamma * agent.target(batch.next_observations[row]).max()
    return out


@pytest.mark.parametrize("answer", [detached, by_rows])
def test_td_targets_in_other_forms(answer):
    assert verdict(lesson.td_targets, answer).outcome == "correct"


def future(b, agent):
    with torch.no_grad():
        return agent.target(b.next_observations)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            lambda b, a, g: b.rewards + g * a.network(b.next_observations).max(1).values.detach() * ~b.terminated,
            "online",
        ),
        (lambda b, a, g: b.rewards + g * future(b, a).max(1).values, "the future after a final state is counted"),
        (lambda b, a, g: b.rewards + g * future(b, a).max(1).values * b.terminated, "it is turned round"),
        (lambda b, a, g: b.rewards + future(b, a).max(1).values * ~b.terminated, "the discount is missing"),
        (lambda b, a, g: g * future(b, a).max(1).values * ~b.terminated, "the reward is missing"),
        (lambda b, a, g: g * (b.rewards + future(b, a).max(1).values * ~b.terminated), "it discounts the reward too"),
        (lambda b, a, g: b.rewards + g * future(b, a).mean(1) * ~b.terminated, "it takes the mean over actions"),
        (lambda b, a, g: b.rewards + g * future(b, a).min(1).values * ~b.terminated, "it takes the worst action"),
        (lambda b, a, g: b.rewards + g * future(b, a).max() * ~b.terminated, "the best of the whole batch"),
        (
            lambda b, a, g: b.rewards + g * future(b, a).gather(1, b.actions[:, None])[:, 0] * ~b.terminated,
            "which is SARSA",
        ),
        (
            lambda b, a, g: b.rewards + g * a.target(b.observations).max(1).values.detach() * ~b.terminated,
            "it looks at the observation before the action",
        ),
        (double_targets, "which is double DQN, the bonus"),
        (lambda b, a, g: (b.rewards + g * future(b, a).max(1).values) * ~b.terminated, "the reward of a final step"),
        (
            lambda b, a, g: b.rewards + g * a.target(b.next_observations).max(1).values * ~b.terminated,
            "a gradient flows through the targets",
        ),
        (lambda b, a, g: lesson.td_targets(b, a, g)[:, None], "it has shape (6, 1)"),
        (lambda b, a, g: lesson.td_targets(b, a, 0.9), "with gamma = 0 only the rewards should be left"),
    ],
)
def test_mistakes_in_td_targets(answer, message):
    assert message in wrong(lesson.td_targets, answer)


# -------------------------------------------------------------------------------------------------------------- td_loss


def by_hand(network, batch, targets):
    error = (network(batch.observations)[torch.arange(len(targets)), batch.actions] - targets).abs()
    return torch.where(error < 1, 0.5 * error**2, error - 0.5).mean()


def by_one_hot(network, batch, targets):
    q = network(batch.observations)
    chosen = (q * nn.functional.one_hot(batch.actions, q.shape[1])).sum(1)
    return nn.HuberLoss()(chosen, targets)


@pytest.mark.parametrize("answer", [by_hand, by_one_hot])
def test_td_loss_in_other_forms(answer):
    assert verdict(lesson.td_loss, answer).outcome == "correct"


def chosen(network, b):
    return network(b.observations).gather(1, b.actions[:, None])


huber = nn.functional.smooth_l1_loss


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda n, b, t: nn.functional.mse_loss(chosen(n, b)[:, 0], t), "these are squared errors"),
        (lambda n, b, t: nn.functional.l1_loss(chosen(n, b)[:, 0], t), "these are absolute errors"),
        (lambda n, b, t: huber(chosen(n, b)[:, 0], t, reduction="sum"), "it sums over the batch"),
        (lambda n, b, t: huber(chosen(n, b)[:, 0], t, reduction="none"), "is there a mean over the batch?"),
        (lambda n, b, t: huber(chosen(n, b), t), "(B, 1) against (B,) has become (B, B)"),
        (lambda n, b, t: huber(n(b.observations).max(1).values, t), "it takes the largest Q-value"),
        (lambda n, b, t: huber(n(b.observations), t[:, None].expand(6, 3)), "it compares every action"),
        (
            lambda n, b, t: huber(n(b.next_observations).gather(1, b.actions[:, None])[:, 0], t),
            "it looks at next_observations",
        ),
        (lambda n, b, t: lesson.td_loss(n, b, t).detach(), "no gradient flows"),
        (lambda n, b, t: lesson.td_loss(n, b, t).item(), "the loss should be of type Tensor"),
        (lambda n, b, t: -lesson.td_loss(n, b, t), "the loss is wrong"),
    ],
)
def test_mistakes_in_td_loss(answer, message):
    assert message in wrong(lesson.td_loss, answer)


# --------------------------------------------------------------------------------------------------------------- update


def steps(agent, loss, config, *, clip="norm", zero=True, move=True, count=1, sync="copy"):
    """An update with parts that can be left out."""
    if zero:
        agent.optimizer.zero_grad()
    loss.backward()
    if clip == "norm":
        nn.utils.clip_grad_norm_(agent.network.parameters(), config.max_grad_norm)
    elif clip == "value":
        nn.utils.clip_grad_value_(agent.network.parameters(), 0.01)
    if move:
        agent.optimizer.step()
    agent.updates += count
    if sync == "always" or (sync == "copy" and agent.updates % config.updates_per_copy == 0):
        agent.target.load_state_dict(agent.network.state_dict())
    elif sync == "alias":
        agent.target = agent.network
    elif sync == "new" and agent.updates % config.updates_per_copy == 0:
        agent.target = copy.deepcopy(agent.network)
    elif sync == "late" and agent.updates % (config.updates_per_copy + 1) == 0:
        agent.target.load_state_dict(agent.network.state_dict())


def own_step(agent, loss, config):
    """The same by other means."""
    agent.network.zero_grad()
    gradients = torch.autograd.grad(loss, list(agent.network.parameters()))
    length = torch.sqrt(sum((gradient**2).sum() for gradient in gradients))
    for weights, gradient in zip(agent.network.parameters(), gradients, strict=True):
        weights.grad = gradient * min(1.0, config.max_grad_norm / length)
    agent.optimizer.step()
    agent.updates += 1
    if not agent.updates % config.updates_per_copy:
        for old, new in zip(agent.target.parameters(), agent.network.parameters(), strict=True):
            old.data.copy_(new.data)


def clips_late(agent, loss, config):
    agent.optimizer.zero_grad()
    loss.backward()
    agent.optimizer.step()
    nn.utils.clip_grad_norm_(agent.network.parameters(), config.max_grad_norm)
    agent.updates += 1


def test_update_in_other_forms():
    judged = verdict(lesson.update, own_step)
    assert judged.outcome == "correct", judged


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda a, x, c: steps(a, x, c, zero=False), "are old gradients emptied with zero_grad?"),
        (lambda a, x, c: steps(a, x, c, clip=None), "the gradient is longer than max_grad_norm"),
        (clips_late, "the gradient is longer than max_grad_norm"),
        (lambda a, x, c: steps(a, x, c, clip="value"), "each weight's gradient is clipped by itself"),
        (lambda a, x, c: steps(a, x, c, move=False), "the weights did not change"),
        (lambda a, x, c: steps(a, -x, c), "the step goes uphill"),
        (lambda a, x, c: steps(a, x, c, count=0, sync=None), "after 1 updates agent.updates is 0"),
        (lambda a, x, c: steps(a, x, c, sync=None), "is it ever copied?"),
        (lambda a, x, c: steps(a, x, c, sync="always"), "is a copy after update 1"),
        (lambda a, x, c: steps(a, x, c, sync="late"), "is it ever copied?"),
        (lambda a, x, c: steps(a, x, c, sync="alias"), "agent.target is agent.network now"),
        (lambda a, x, c: steps(a, x, c, sync="new"), "agent.target was exchanged"),
    ],
)
def test_mistakes_in_update(answer, message):
    assert message in wrong(lesson.update, answer)
