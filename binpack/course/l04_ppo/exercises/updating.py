"""How often transitions are used: epochs of shuffled minibatches, each a step of the optimizer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from binpack.course.exercises import exercise, expect, expect_close, global_randomness_untouched, promise
from binpack.course.l04_ppo.agent import Agent, Batch, Settings
from binpack.course.l04_ppo.exercises._stand_ins import Slopes, numbered


@exercise(
    minutes=12,
    difficulty=2,
    hints=(
        "Begin with the epochs, `for _ in range(settings.n_epochs):`, and in each a new order of all rows: "
        "`order = rng.permutation(len(batch.actions))`.",
        "A minibatch is the next settings.batch_size numbers of that order: `order[start : start + "
        "settings.batch_size]` for start in range(0, len(order), settings.batch_size). Its loss is "
        "`loss_of(batch.rows(numbers))`.",
        "A step is four lines, as in lesson 02: zero_grad, backward, "
        "`nn.utils.clip_grad_norm_(agent.network.parameters(), settings.max_grad_norm)`, optimizer.step.",
    ),
    returns=promise.nothing(),
)
def update(agent: Agent, batch: Batch, settings: Settings, loss_of: Callable, rng: np.random.Generator) -> None:
    """Learn from a rollout: some epochs of shuffled minibatches, and a step of the optimizer for each.

    Args:
        agent: `agent.network` is changed, by `agent.optimizer`.
        batch: all transitions of the rollout; `batch.rows(numbers)` are some of them.
        settings: `n_epochs`, `batch_size` (the last minibatch of an epoch may be smaller) and `max_grad_norm`.
        loss_of: gives the loss of a minibatch.
        rng: shuffles, anew in each epoch.
    """
    for _ in range(settings.n_epochs):
        # 1. all transitions in a new random order
        order = rng.permutation(len(batch.actions))
        for start in range(0, len(order), settings.batch_size):
            # 2. the loss of the next minibatch
            loss = loss_of(batch.rows(order[start : start + settings.batch_size]))
            # 3. empty the gradients, compute new ones, shorten them, take a step
            agent.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(agent.network.parameters(), settings.max_grad_norm)
            agent.optimizer.step()


_UPDATE = Settings(n_epochs=3, batch_size=4, max_grad_norm=0.5)
_ROWS = 10


@update.check
def _(answer: Callable) -> None:
    loss = _spied(answer, 0.25, 0)
    calls, sizes = len(loss.minibatches), [len(numbers) for numbers in loss.minibatches]
    expect(calls, "loss_of is never called")
    every = 3 * [4, 4, 2]
    expect(sizes[:3] != [10] * min(3, calls), "loss_of gets the whole batch: cut it into minibatches", got=sizes)
    expect(
        sizes != [4, 4, 2], "it goes through the batch once: settings.n_epochs says how often", got=sizes, wanted=every
    )
    text = "each epoch leaves two rows out: 4 does not divide 10, so the last minibatch is smaller"
    expect(sizes != 3 * [4, 4], text, got=sizes, wanted=every)
    text = "len(batch) counts the tensors of the batch, 6 of them: len(batch.actions) counts transitions"
    expect(sizes != 3 * [4, 2], text, got=sizes, wanted=every)
    expect(sizes == every, "the minibatches of 3 epochs of 10 rows have other sizes", got=sizes, wanted=every)
    epochs = [[row for rows in loss.minibatches[first : first + 3] for row in rows] for first in (0, 3, 6)]
    plain = list(range(_ROWS))
    once = all(sorted(numbers) == plain for numbers in epochs)
    text = "an epoch should hold every row once: shuffle the rows instead of drawing them"
    expect(once, text, got=next((each for each in epochs if sorted(each) != plain), epochs[0]))
    expect(epochs[0] != plain or epochs[1] != plain, "the rows are not shuffled: use rng.permutation", got=epochs[0])
    expect(epochs[0] != epochs[1], "each epoch goes through the rows in the same order: shuffle anew", got=epochs[:2])
    again, other = _spied(answer, 0.25, 0), _spied(answer, 0.25, 1)
    expect(again.minibatches == loss.minibatches, "two calls with the same rng differ: shuffle with rng")
    expect(other.minibatches != loss.minibatches, "another rng gives the same order: shuffle with rng")
    _expect_steps(answer)


def _spied(answer: Callable, slope: float, seed: int) -> Slopes:
    """Update a network of one weight by plain gradient descent, and return what the loss was asked."""
    network = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(10.0)
    agent = Agent(network, torch.optim.SGD(network.parameters(), lr=1.0), _unused, torch.Generator())
    loss = Slopes(network, slope)
    with global_randomness_untouched():
        answer(agent, numbered(_ROWS), _UPDATE, loss, np.random.default_rng(seed))
    loss.weights.append(network.weight.item())
    return loss


def _unused(logits: Tensor, masks: Tensor) -> Tensor:
    raise AssertionError("an update does not act")


def _expect_steps(answer: Callable) -> None:
    """Expect that each minibatch moves the weight by its own gradient, shortened where it is too long."""
    moved = -np.diff(_spied(answer, 0.25, 0).weights)
    given = "a gradient of 0.25 at each minibatch, max_grad_norm 0.5, plain steps with a learning rate of 1"
    expect(moved.any(), "the weights do not move: loss.backward() and agent.optimizer.step() are needed", given=given)
    text = "gradients of earlier minibatches pile up: empty them with agent.optimizer.zero_grad()"
    expect(not (moved[1:] > 0.3).any(), text, got=moved, wanted=[0.25] * 9, given=given)
    late = np.allclose(moved[:-1:3], 0) or np.allclose(moved[:2], 0)
    expect(not late, "some minibatches bring no step: take one after each", got=moved, wanted=[0.25] * 9, given=given)
    expect(moved.min() > 0, "it climbs: the optimizer makes the loss small by itself", got=moved, given=given)
    grown = np.allclose(moved, 0.5)
    expect(not grown, "a short gradient is stretched to max_grad_norm: only longer ones are changed", given=given)
    expect_close(moved, [0.25] * 9, "the steps are not those of the gradients", atol=1e-5)
    moved = -np.diff(_spied(answer, 3.0, 0).weights)
    given = given.replace("0.25", "3")
    expect(
        not np.allclose(moved, 3.0),
        "a gradient longer than max_grad_norm is used as it is: shorten it between backward and step",
        got=moved,
        wanted=[0.5] * 9,
        given=given,
    )
    expect(
        np.allclose(moved, 0.5, atol=1e-4), "a long gradient is not shortened to max_grad_norm", got=moved, given=given
    )
    _expect_direction(answer)


def _expect_direction(answer: Callable) -> None:
    """Expect that a long gradient is shortened as a whole, which one weight alone cannot show."""
    network = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        network.weight.zero_()
    agent = Agent(network, torch.optim.SGD(network.parameters(), lr=1.0), _unused, torch.Generator())
    slopes = torch.tensor([[3.0, 4.0]])
    answer(
        agent,
        numbered(_ROWS),
        Settings(n_epochs=1, batch_size=_ROWS, max_grad_norm=0.5),
        lambda rows: (network.weight * slopes).sum(),
        np.random.default_rng(0),
    )
    moved = -network.weight.detach().numpy()[0]
    given = "a gradient of (3, 4), max_grad_norm 0.5, one plain step with a learning rate of 1"
    text = "the entries of a gradient are cut one by one: clip_grad_norm_ shortens all of them alike"
    expect(not np.allclose(moved, 0.5, atol=1e-4), text, got=moved, wanted=[0.3, 0.4], given=given)
    expect_close(moved, [0.3, 0.4], "a long gradient does not keep its direction", atol=1e-4)
