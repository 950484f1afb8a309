"""Lesson 02: a deep Q-network (Mnih et al., 2015) in ten parts, each an exercise."""

from __future__ import annotations

import copy
import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import gymnasium as gym
import numpy as np
import optuna
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.trial import FixedTrial
from torch import Tensor, nn

from binpack.course.exercises import (
    Mistake,
    exercise,
    expect,
    expect_close,
    expect_shape,
    expect_type,
    global_randomness_untouched,
)
from binpack.course.l02_deep_q_network.agent import (
    Agent,
    Batch,
    DQNConfig,
    Parts,
    Replay,
    Run,
    greedy_action,
    make_agent,
)

VALIDATION_SEED = 1_000_000
"""Seed of the first validation episode; training and test episodes start from others."""


@exercise(
    minutes=4,
    difficulty=1,
    hints=(
        "If an output can never be negative, it ends in an activation: a Q-value is any number, so end in nn.Linear.",
        "If shapes clash inside, each layer's inputs are the outputs before: n_inputs, 128, 128, n_actions.",
    ),
)
def make_network(n_inputs: int, n_actions: int) -> nn.Module:
    """Make the network that turns an observation into one Q-value for each action.

    Two hidden layers of 128 units, each followed by ReLU.

    Args:
        n_inputs: length of an observation.
        n_actions: number of actions.

    Returns:
        A network that maps float32 (B, n_inputs) to float32 (B, n_actions).
    """
    return nn.Sequential(
        # 1. two hidden layers with ReLU
        nn.Linear(n_inputs, 128),
        nn.ReLU(),
        nn.Linear(128, 128),
        nn.ReLU(),
        # 2. one plain number for each action
        nn.Linear(128, n_actions),
    )


@make_network.check
def _(answer: Callable) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network, other = answer(3, 4), answer(3, 4)
        expect_type(network, nn.Module, "the answer")
        inputs = torch.randn(64, 3)
        got = network(inputs).detach()
        expect_shape(got, (64, 4), "the Q-values of 64 observations of 3 numbers with 4 actions")
        sums = got.sum(dim=1)
        expect(
            not torch.allclose(sums, torch.ones(64), atol=1e-4),
            "each row sums to 1: a softmax makes probabilities, but Q-values are any numbers",
        )
        expect(torch.equal(got, network(inputs).detach()), "the same input gives two outputs: leave dropout out")
        one_by_one = torch.cat([network(row[None]).detach() for row in inputs]) if _accepts_one(network) else got + 1
        expect_close(one_by_one, got, "a row's output depends on its batch: leave batch normalisation out", atol=1e-4)
        expect(not (got >= 0).all(), "no output is ever negative: leave out the activation after the last layer")
        large = network(inputs * 1e4).detach()
        squashed = ((large.abs() - 1).abs() < 1e-3).float().mean() > 0.9
        expect(not squashed, "outputs are squashed: leave out the activation after the last layer")
        bend = network(inputs) + network(-inputs) - 2 * network(torch.zeros(1, 3))
        expect(bend.abs().max() > 1e-5, "it is a linear function, whatever the layers: is there a ReLU between them?")
        twice = network(inputs * 2e4).detach()
        growth = (twice.abs() / large.abs().clamp(min=1e-9)).median()
        expect(growth > 1.5, "hidden units saturate for large inputs: use ReLU")
    shapes = [tuple(weight.shape) for weight in network.parameters() if weight.ndim == 2]
    expect(
        shapes == [(128, 3), (128, 128), (4, 128)],
        f"the weight matrices are {shapes}: wanted are 3 -> 128 -> 128 -> 4, two hidden layers of 128 units",
    )
    same = torch.equal(network(inputs), other(inputs))
    expect(not same, "two networks come out equal: make new layers at each call and set no seed inside")


def _accepts_one(network: nn.Module) -> bool:
    try:
        network(torch.zeros(1, 3))
    except ValueError:  # batch normalisation has nothing to normalise
        return False
    return True


@exercise(
    minutes=7,
    difficulty=2,
    hints=(
        "If the fourth transition finds no row among three, the position has to go round: a remainder does that.",
        "If samples hold rows of zeros, size counts rows that were never written: it grows with add, up to capacity.",
    ),
)
def add(
    replay: Replay, observation: NDArray, action: int, reward: float, next_observation: NDArray, terminated: bool
) -> None:
    """Write one transition into the replay buffer, over the oldest once it is full.

    Args:
        replay: its arrays `observations`, `actions`, `rewards`, `next_observations` and `terminated` are preallocated;
            `position` is the row to write next, `size` the number of rows that hold a transition, at most `capacity`.
        observation: what the agent saw, (n_inputs,).
        action: what it did.
        reward: what it got.
        next_observation: what it saw then, (n_inputs,).
        terminated: whether that was a state without a future.
    """
    # 1. fill the row
    row = replay.position
    replay.observations[row] = observation
    replay.actions[row] = action
    replay.rewards[row] = reward
    replay.next_observations[row] = next_observation
    replay.terminated[row] = terminated
    # 2. move on, from the last row to the first
    replay.position = (row + 1) % replay.capacity
    # 3. count the rows that are filled
    replay.size = min(replay.size + 1, replay.capacity)


_ARRAYS = ("observations", "actions", "rewards", "next_observations", "terminated")


@add.check
def _(answer: Callable) -> None:
    replay = Replay(3, 2)
    before = {name: getattr(replay, name) for name in _ARRAYS}
    seen = np.array([1.0, 2.0], np.float32)
    answer(replay, seen, 4, -0.5, np.array([3.0, 5.0], np.float32), True)
    replaced = [name for name in _ARRAYS if getattr(replay, name) is not before[name]]
    expect(not replaced, f"{', '.join(replaced)}: a new array was made; write into the row of the one that is there")
    expect(not replay.observations[1].any(), "the first transition is in row 1 or everywhere: write, then move on")
    expect_close(replay.observations[0], [1.0, 2.0], "observations[0] is not the observation that was added")
    stored_next = replay.next_observations[0]
    expect(not np.array_equal(stored_next, [1.0, 2.0]), "next_observations holds the observation before the action")
    expect_close(stored_next, [3.0, 5.0], "next_observations[0] is not the next observation that was added")
    expect(replay.actions[0] == 4, "actions[0] is not the action that was added")
    expect(replay.rewards[0] == -0.5, "rewards[0] is not the reward that was added")
    expect(replay.terminated[0], "terminated[0] is False though the transition ended in a final state")
    expect(replay.position == 1, f"after one transition the position is {replay.position}, so the next goes there")
    expect(replay.size == 1, f"after one transition size is {replay.size}: samples would come from the wrong rows")
    for number in range(2, 6):
        where = f"with transition {number} in a buffer of 3 rows"
        try:
            answer(replay, np.full(2, number), number, float(number), np.full(2, number + 1), False)
        except IndexError:
            raise Mistake(f"{where} the row lies outside the arrays: the position must go round") from None
        row = (number - 1) % 3
        expect(replay.size <= 3, f"{where} size is {replay.size}: it counts rows, and there are no more of them")
        expect(replay.size == min(number, 3), f"{where} size is {replay.size}, but {min(number, 3)} rows are filled")
        expect(replay.rewards[row] == number, f"{where} the newest does not replace the oldest, in row {row}")
        expect(not replay.terminated[row], f"{where} terminated is True though its state has a future")
        expect(replay.position == number % 3, f"{where} the position is {replay.position}, not {number % 3}")
        expect_close(replay.next_observations[row], np.full(2, number + 1), f"{where} next_observations is wrong")


@exercise(
    minutes=3,
    difficulty=1,
    hints=(
        "If it goes on falling after the decay, or below zero, bound the share of the decay that is done by 1.",
        "If it starts at the last value, the direction is wrong: 1 at step 0, epsilon_last at step epsilon_steps.",
    ),
)
def epsilon(step: int, config: DQNConfig) -> float:
    """Compute the exploration rate: from 1 down a straight line to its last value, where it stays.

    Args:
        step: environment steps so far, from 0 up.
        config: `epsilon_steps`, steps until the last value is reached, and `epsilon_last`.

    Returns:
        Probability of a random action.
    """
    # 1. the share of the decay that is done
    done = min(step / config.epsilon_steps, 1.0)
    # 2. that share of the way from 1 to the last value
    return 1.0 + done * (config.epsilon_last - 1.0)


@epsilon.check
def _(answer: Callable) -> None:
    config = DQNConfig(total_steps=5000, epsilon_steps=1000, epsilon_last=0.2)
    got = [answer(step, config) for step in (0, 250, 500, 1000, 1500, 5000)]
    for value in got:
        expect_shape(value, (), "the rate")
    got = [float(value) for value in got]
    expect(len(set(got)) > 1, f"the rate is {got[0]:g} at every step: it should fall from 1 to epsilon_last")
    expect(min(got) >= 0, "the rate becomes negative: bound the share of the decay that is done by 1")
    expect(not math.isclose(got[0], 0.2), "it starts at epsilon_last: an agent that knows nothing should explore")
    expect(got[-1] > 0.02, "it ends at 0: some exploration, epsilon_last, should stay")
    expect(not got[4] < 0.19, "it falls below epsilon_last: bound the share of the decay that is done by 1")
    expect_close(got[0], 1.0, f"at step 0 it is {got[0]:g}: it should start at 1")
    slow = math.isclose(got[3], 1.0 - 0.8 * 1000 / 5000)
    expect(not slow, "it decays over total_steps: it should reach epsilon_last after epsilon_steps")
    expect_close(got[3], 0.2, f"after epsilon_steps it is {got[3]:g}: it should have reached epsilon_last, 0.2")
    expect_close(got[1:3], [0.8, 0.6], "the ends are right but the way is not a straight line")
    expect_close(got[4:], [0.2, 0.2], "after the decay it should stay at epsilon_last")


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
    batch, agent = _example_batch(), _example_agent()
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


def _example_batch() -> Batch:
    """Six transitions of two numbers and three actions, two of them final."""
    generator = torch.Generator().manual_seed(1)
    return Batch(
        torch.randn(6, 2, generator=generator),
        torch.tensor([2, 0, 1, 0, 2, 1]),
        torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0, 0.25]),
        torch.randn(6, 2, generator=generator),
        torch.tensor([False, True, False, False, True, False]),
    )


def _example_agent() -> Agent:
    """Two different linear networks on two inputs and three actions, and plain gradient descent."""
    network, target = nn.Linear(2, 3), nn.Linear(2, 3)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weights in (*network.parameters(), *target.parameters()):
            weights.copy_(torch.randn(weights.shape, generator=generator))
    return Agent(network, target, torch.optim.SGD(network.parameters(), lr=0.5))


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
    batch, network = _example_batch(), _example_agent().network
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
    gradient = network.weight.grad.clone()
    network.zero_grad()
    functional.smooth_l1_loss(network(batch.observations)[torch.arange(6), batch.actions], targets).backward()
    expect_close(gradient, network.weight.grad, "the value is right but its gradient is not: is a part detached?")


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
        _example_agent(),
        _example_agent(),
        DQNConfig(target_update=12, train_every=4, max_grad_norm=0.2),
    )
    network, target = agent.network, agent.target
    batch, targets = _example_batch(), torch.tensor([0.5, 3.0, -4.0, 1.0, 0.0, 2.0])
    for number in range(1, 7):
        before = copy.deepcopy(network.weight.detach())
        losses = [td_loss(one.network, batch, targets) for one in (agent, right)]
        answer(agent, losses[0], config)
        update(right, losses[1], config)
        expect(agent.network is network, "agent.network was exchanged: its weights should change, not the object")
        expect(
            agent.target is not agent.network,
            "agent.target is agent.network now: one object moves with every update; copy its weights instead",
        )
        expect(agent.target is target, "agent.target was exchanged: load the weights into the one that is there")
        now = network.weight.detach()
        if number == 1:
            expect(not torch.equal(now, before), "the weights did not change: is there an optimizer step?")
            _expect_clipped(before, now, right.network.weight.detach(), losses[1])
        expect(
            torch.allclose(now, right.network.weight.detach(), atol=1e-6),
            f"update {number} goes wrong after {number - 1} right ones: are old gradients emptied with zero_grad?",
        )
        expect(agent.updates == number, f"after {number} updates agent.updates is {agent.updates}: count each once")
        copied = torch.equal(target.weight, network.weight)
        expect(copied or number % 3, "after updates_per_copy updates the target network is no copy: is it ever copied?")
        expect(
            not copied or not number % 3,
            f"the target network is a copy after update {number}, but updates_per_copy is 3",
        )
        held, wanted = target.weight.detach(), right.target.weight.detach()
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


@exercise(
    minutes=20,
    difficulty=3,
    hints=(
        "If a stored transition starts where it ends, the old observation was overwritten before it was stored.",
        "If episodes never end under a time limit, test terminated or truncated; store terminated alone.",
    ),
)
def train(env: gym.Env, config: DQNConfig, parts: Parts, seed: int, watch: Callable | None = None) -> Run:
    """Train an agent: act, store, learn, and start again whenever an episode is over.

    Begin with `agent, replay = make_agent(env, config, parts, seed)` and `run = Run(agent)`. `agent.act(observation)`
    is the greedy action, `replay.sample(n, rng)` draws a batch, `run.note(total, step)` notes a finished episode.

    Args:
        env: observations of shape (n_inputs,), discrete actions; only the first reset gets the seed.
        config: learning starts once `learning_starts` steps are stored and then happens at every step that
            `train_every` divides, steps counted from 1; `parts.epsilon` counts them from 0.
        parts: the functions of the exercises before.
        seed: of the network, the environment, and a generator for exploring and sampling.
        watch: called as `watch(steps so far, agent)` after each step; a true answer ends the run.

    Returns:
        The agent, and for each finished episode its return and the step at which it ended.
    """
    rng, n_actions = np.random.default_rng(seed), int(env.action_space.n)
    agent, replay = make_agent(env, config, parts, seed)
    run, observation, total = Run(agent), env.reset(seed=seed)[0], 0.0
    for step in range(config.total_steps):
        # 1. explore with probability epsilon, else act greedily
        explore = rng.random() < parts.epsilon(step, config)
        action = int(rng.integers(n_actions)) if explore else agent.act(observation)
        # 2. act and store: was it a final state, or did only the time run out?
        next_observation, reward, terminated, truncated, _ = env.step(action)
        parts.add(replay, observation, action, reward, next_observation, terminated)
        observation, total = next_observation, total + float(reward)
        # 3. after either kind of end, note the return and start again
        if terminated or truncated:
            run.note(total, step + 1)
            observation, total = env.reset()[0], 0.0
        # 4. learn from a sample; whoever watches may stop the run
        if step + 1 >= config.learning_starts and (step + 1) % config.train_every == 0:
            batch = replay.sample(config.batch_size, rng)
            loss = parts.td_loss(agent.network, batch, parts.td_targets(batch, agent, config.gamma))
            parts.update(agent, loss, config)
        if watch is not None and watch(step + 1, agent):
            break
    return run


class _Ride(gym.Env):
    """Episodes of five steps: every second one is cut off, the others terminate; it notes what is done to it.

    An observation is (number of the episode, step in it); the reward is 1, and 10 at the last step.
    """

    def __init__(self) -> None:
        self.observation_space, self.action_space = spaces.Box(-1e6, 1e6, (2,), np.float32), spaces.Discrete(3)
        self.actions: list[int] = []
        self.seeds: list[int | None] = []
        self._at, self._over = 0, True

    def _see(self) -> NDArray[np.float32]:
        return np.array([len(self.seeds), self._at], np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[NDArray, dict]:
        expect(self._over, "env.reset is called in the middle of an episode: only an end starts a new one")
        self.seeds.append(seed)
        self._at, self._over = 0, False
        return self._see(), {}

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        how = "truncated" if len(self.seeds) % 2 == 0 else "terminated"
        expect(not self._over, f"env.step is called after {how}: an episode is over after terminated or truncated")
        self.actions.append(int(action))
        self._at += 1
        self._over = self._at == 5
        cut = len(self.seeds) % 2 == 0
        return self._see(), 10.0 if self._over else 1.0, self._over and not cut, self._over and cut, {}


class _Spies:
    """Parts that note how they are called. The network always prefers action 2."""

    def __init__(self, explore: float, gamma: float | None = None) -> None:
        self.explore, self.gamma, self.stored, self.steps = explore, gamma, [], []
        self.updates_after: list[int] = []
        self.calls = {"td_targets": 0, "td_loss": 0}
        self.sampled: list[Batch] = []
        self.networks: list[nn.Module] = []

    def parts(self) -> Parts:
        return Parts(self._network, self._add, self._epsilon, self._targets, self._loss, self._update)

    def _network(self, n_inputs: int, n_actions: int) -> nn.Module:
        network = nn.Linear(n_inputs, n_actions)
        with torch.no_grad():
            network.weight.zero_()
            network.bias.copy_(torch.arange(float(n_actions)))
        self.networks.append(network)
        return network

    def _add(self, replay, observation, action, reward, next_observation, terminated):
        self.stored.append((tuple(observation), int(action), float(reward), tuple(next_observation), bool(terminated)))
        add(replay, observation, action, reward, next_observation, terminated)

    def _epsilon(self, step, config):
        self.steps.append(step)
        return self.explore

    def _targets(self, batch, agent, gamma):
        self.calls["td_targets"] += 1
        self.sampled.append(batch)
        expect(self.gamma in (None, gamma), "td_targets should get config.gamma")
        return torch.zeros(len(batch.rewards))

    def _loss(self, network, batch, targets):
        self.calls["td_loss"] += 1
        same = batch is self.sampled[-1]
        expect(same, "targets and loss come from different samples: draw one batch for both")
        return network(batch.observations).sum() * 0

    def _update(self, agent, loss, config):
        self.updates_after.append(len(self.stored))
        agent.updates += 1


_RIDE = DQNConfig(total_steps=53, learning_starts=10, train_every=4, batch_size=8, buffer_size=64, gamma=0.75)


@train.check
def _(answer: Callable) -> None:
    env, spies, watched = _Ride(), _Spies(0.0, gamma=0.75), []
    with global_randomness_untouched():
        run = answer(env, _RIDE, spies.parts(), 7, lambda step, agent: watched.append(step))
    expect_type(run, Run, "the answer")
    expect(len(env.actions) == 53, f"{len(env.actions)} steps were taken, total_steps is 53")
    expect(env.seeds[0] == 7, f"the first reset gets seed {env.seeds[0]}, not the run's")
    expect(set(env.seeds[1:]) == {None}, "later resets get a seed too: every episode would start alike")
    _expect_stored(spies.stored)
    expect(set(env.actions) == {2}, "with epsilon 0 it does not always take the action of the largest Q-value")
    expect(spies.steps == list(range(53)), "epsilon should be asked once at every step, with 0, 1, 2 and so on")
    after = spies.updates_after
    expect(after, "it never learns: is update called?")
    expect(min(after) >= 10, f"it learns after {min(after)} transitions: learning_starts is 10")
    expect(after != list(range(after[0], 54)), "it learns at every step: train_every is 4")
    expect(after == list(range(12, 54, 4)), f"updates come after steps {after}, not after 12, 16, 20 and so on")
    expect(set(spies.calls.values()) == {len(after)}, "each update should use td_targets and td_loss once")
    expect(len(spies.sampled[0].rewards) == 8, "a sample should hold config.batch_size transitions")
    expect(watched == list(range(1, 54)), "watch should be called after every step with 1, 2, 3 and so on")
    returns = [float(total) for total in run.returns]
    expect(returns != [14.0 * n for n in range(1, 11)], "returns grow without end: start each episode's sum at 0")
    expect(returns != [4.0] * 10, "the last reward of an episode is missing from its return")
    expect_close(returns, [14.0] * 10, "the returns of the 10 finished episodes should be 14 each")
    expect(list(run.ends) == list(range(5, 54, 5)), "run.ends should hold the steps 5, 10, 15 and so on")
    env, spies = _Ride(), _Spies(1.0)
    answer(env, _RIDE, spies.parts(), 7)
    expect(set(env.actions) == {0, 1, 2}, "with epsilon 1 it does not take every action: it never explores")
    repeated, spies = _Ride(), _Spies(1.0)
    answer(repeated, _RIDE, spies.parts(), 7)
    expect(repeated.actions == env.actions, "two runs with the same seed differ: make one generator from the seed")
    stopped = _Ride()
    answer(stopped, _RIDE, _Spies(1.0).parts(), 7, lambda step, agent: step == 11)
    expect(len(stopped.actions) == 11, "watch answered True after step 11, but the run went on: then it should end")


def _expect_stored(stored: Sequence[tuple]) -> None:
    expect(len(stored) == 53, f"{len(stored)} transitions were stored in 53 steps")
    for number, (before, _, reward, after, terminated) in enumerate(stored):
        episode, at = number // 5 + 1, number % 5
        expect(before != after, "a transition starts where it ends: keep the old observation until it is stored")
        expect(
            before[0] == after[0],
            "a transition goes from one episode into the next: after reset, go on from its observation",
        )
        expect((before, after) == ((episode, at), (episode, at + 1)), "an observation is not the one before its action")
        expect(reward == (10.0 if at == 4 else 1.0), "a reward is not the one that the action got")
        if at == 4 and episode % 2 == 0:
            expect(not terminated, "truncated is stored as terminated: a time limit is no final state")
        elif at == 4:
            expect(terminated, "a final state is stored as if it had a future: store terminated")
        else:
            expect(not terminated, "a step in the middle of an episode is stored as final")


@exercise(
    minutes=5,
    difficulty=1,
    hints=(
        "If all returns are equal, every episode starts from one seed: give episode i the seed seed + i.",
        "If it never ends, a time limit only sets truncated: stop at either.",
    ),
)
def evaluate(network: nn.Module, env: gym.Env, episodes: int, seed: int) -> NDArray:
    """Measure the greedy policy: play whole episodes without exploring or learning.

    Args:
        network: gives the Q-values; `greedy_action(network, observation)` picks the best action.
        env: the environment.
        episodes: how many.
        seed: episode i, from 0 up, is reset with `seed + i`.

    Returns:
        float64, (episodes,): the return of each, not discounted.
    """
    returns = np.zeros(episodes)
    for episode in range(episodes):
        # 1. a start of its own
        observation, _ = env.reset(seed=seed + episode)
        over = False
        # 2. play greedily to either kind of end
        while not over:
            observation, reward, terminated, truncated, _ = env.step(greedy_action(network, observation))
            returns[episode] += float(reward)
            over = terminated or truncated
    return returns


class _Pay(_Ride):
    """As `_Ride`, but episode i of seed s pays s at its first step and the chosen action's number at the others."""

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        observation, _, terminated, truncated, info = super().step(action)
        paid = float(self.seeds[-1] or 0) if self._at == 1 else float(action)
        return observation, paid, terminated, truncated, info


@evaluate.check
def _(answer: Callable) -> None:
    env, network = _Pay(), _Spies(0.0)._network(2, 3)
    before = copy.deepcopy(network.state_dict())
    with global_randomness_untouched():
        got = answer(network, env, 4, 100)
    expect(np.shape(got) != (), "it returns one number: return every episode's return, the caller takes the mean")
    expect_shape(got, (4,), "the returns of 4 episodes")
    kept = all(torch.equal(weights, before[name]) for name, weights in network.state_dict().items())
    expect(kept, "the network's weights were changed: evaluation only looks")
    expect(set(env.actions) == {2}, "an action was not the best one: evaluation does not explore")
    expect(env.seeds != [100] * 4, "every episode starts from the same seed: give episode i the seed seed + i")
    expect(env.seeds == [100, 101, 102, 103], f"the episodes start from seeds {env.seeds}, not 100, 101, 102, 103")
    got = np.asarray(got, float)
    expect(not np.array_equal(got, [5.0] * 4), "these are lengths of episodes: add up the rewards")
    expect(
        not np.array_equal(got, np.cumsum([108.0 + i for i in range(4)])), "returns add up over episodes: start at 0"
    )
    expect(not np.array_equal(got, [2.0] * 4), "only the last reward is kept: add them up")
    expect_close(got, [108.0, 109.0, 110.0, 111.0], "the returns are wrong: add up the rewards of each episode")


@exercise(
    minutes=3,
    difficulty=1,
    hints=(
        "If the file cannot be read with weights_only=True, it holds the module itself: save its state_dict().",
        "If the loaded network still acts like a new one, load_state_dict has not been called on it.",
    ),
)
def save_and_load(network: nn.Module, path: str | Path, fresh: nn.Module) -> nn.Module:
    """Save the weights of one network in a file, and load them from there into another.

    Args:
        network: what is saved: its weights only, no Python objects.
        path: the file.
        fresh: a new network of the same form.

    Returns:
        The fresh network, which now holds the weights.
    """
    # 1. weights only
    torch.save(network.state_dict(), path)
    # 2. read them without running any code that a file may hold
    fresh.load_state_dict(torch.load(path, weights_only=True))
    return fresh


@save_and_load.check
def _(answer: Callable) -> None:
    network, fresh = _example_agent().network, _example_agent().target
    before = {name: weights.clone() for name, weights in network.state_dict().items()}
    unsafe: list[bool] = []
    really_load = torch.load

    def load(*args: Any, **kwargs: Any) -> Any:
        unsafe.append(kwargs.get("weights_only") is False)
        return really_load(*args, **kwargs)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        with mock.patch("torch.load", load):
            got = answer(network, path, fresh)
        expect(path.is_file(), "there is no file at the path: is the network saved?")
        try:
            saved = really_load(path, weights_only=True)
        except Exception:
            raise Mistake("the file holds the module itself, so reading it runs code: save its state_dict()") from None
        expect(not any(unsafe), "weights_only=False runs whatever code a file holds: leave it True")
        expect(isinstance(saved, dict) and set(saved) == set(before), "the file should hold the network's state_dict()")
        expect(got is not None, "it returns None (is there a return?)")
        expect(got is not network, "it returns the network that was saved: return the fresh one")
        expect_type(got, nn.Module, "the answer")
        same = all(torch.equal(saved[name], weights) for name, weights in before.items())
        expect(same, "the file holds other weights: were the fresh network's saved?")
        after = {name: weights.detach() for name, weights in got.state_dict().items()}
        loaded = set(after) == set(before) and all(torch.equal(after[name], before[name]) for name in before)
        expect(loaded, "the returned network does not hold the saved weights: is load_state_dict called?")
        expect(got is fresh, "another network than the fresh one is returned")
        kept = all(torch.equal(weights, before[name]) for name, weights in network.state_dict().items())
        expect(kept, "the first network's weights were changed")
        with torch.no_grad():
            network.weight.add_(1.0)
        expect(torch.equal(got.weight.detach(), before["weight"]), "both networks share their weights: read the file")


@exercise(
    minutes=12,
    difficulty=2,
    hints=(
        "If every trial scores the same, the suggested values are not used: base.replace(...) makes the configuration.",
        "If trials get better one after another whatever they try, they share something: call train for each seed.",
    ),
)
def tune_objective(
    trial: optuna.trial.BaseTrial, make_env: Callable, base: DQNConfig, parts: Parts, seeds: tuple[int, ...]
) -> float:
    """Score a trial's settings: train a fresh agent for each seed, and return their mean validation return.

    - `learning_rate`: 1e-4 to 1e-2, on a log scale
    - `gamma`: 0.9 to 0.999
    - `batch_size`: 32, 64 or 128
    - `target_update`: 500, 1000 or 2000

    Args:
        trial: gives the values.
        make_env: makes an environment, () -> gym.Env.
        base: all other settings.
        parts: the parts of the agent.
        seeds: one run each; its score is the mean return of 10 episodes from `VALIDATION_SEED` on.

    Returns:
        The mean score over the seeds.
    """
    # 1. what this trial tries
    config = base.replace(
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True),
        gamma=trial.suggest_float("gamma", 0.9, 0.999),
        batch_size=trial.suggest_categorical("batch_size", [32, 64, 128]),
        target_update=trial.suggest_categorical("target_update", [500, 1000, 2000]),
    )
    scores = []
    for seed in seeds:
        # 2. a fresh network and a fresh buffer: train makes both
        run = train(make_env(), config, parts, seed)
        # 3. judge it on episodes that no run was trained on
        scores.append(evaluate(run.agent.network, make_env(), 10, VALIDATION_SEED).mean())
    return float(np.mean(scores))


class _Asked(FixedTrial):
    """A trial with given values that refuses names it does not have."""

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self._values = values

    def _known(self, name: str) -> None:
        if name not in self._values:
            raise Mistake(f"it asks for {name!r}, which the docstring does not name")

    def suggest_float(self, name: str, *args: Any, **kwargs: Any) -> float:
        self._known(name)
        return super().suggest_float(name, *args, **kwargs)

    def suggest_int(self, name: str, *args: Any, **kwargs: Any) -> int:
        self._known(name)
        raise Mistake(f"{name} is asked for as an integer: see its kind in the docstring")

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        self._known(name)
        if name in ("learning_rate", "gamma"):
            raise Mistake(f"{name} is asked for as a choice: any number in its range may be drawn, use suggest_float")
        return super().suggest_categorical(name, choices)


SPACE = {
    "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
    "gamma": FloatDistribution(0.9, 0.999),
    "batch_size": CategoricalDistribution([32, 64, 128]),
    "target_update": CategoricalDistribution([500, 1000, 2000]),
}
"""The search space of `tune_objective`."""


@tune_objective.check
def _(answer: Callable) -> None:
    values = {"learning_rate": 3e-3, "gamma": 0.75, "batch_size": 128, "target_update": 1000}
    base = DQNConfig(total_steps=20, learning_starts=12, train_every=4, buffer_size=64, epsilon_last=0.3)
    envs: list[_Pay] = []
    spies, configs = _Spies(1.0), []

    def make_env() -> gym.Env:
        envs.append(_Pay())
        return envs[-1]

    def spied_update(agent: Agent, loss: Tensor, config: DQNConfig) -> None:
        configs.append(config)

    def spied_network(n_inputs: int, n_actions: int) -> nn.Module:
        network = spies._network(n_inputs, n_actions)
        with torch.no_grad():  # of all networks the first prefers action 1, the others action 2
            network.bias[1] += 5.0 if len(spies.networks) == 1 else 0.0
        return network

    trial = _Asked(values)
    got = answer(trial, make_env, base, spies.parts().replace(update=spied_update, make_network=spied_network), (3, 5))
    asked = trial.distributions
    missing = [name for name in SPACE if name not in asked]
    expect(not missing, f"the trial is not asked for {', '.join(missing)}")
    for name, wanted in SPACE.items():
        log = getattr(asked[name], "log", None)
        expect(log == getattr(wanted, "log", None), f"{name}: is it on a log scale or not, as the docstring says?")
        expect(asked[name] == wanted, f"{name} is drawn from another range than the docstring says: {asked[name]}")
    _expect_fresh(envs, spies.networks, (3, 5))
    tried = {name: {getattr(config, name) for config in configs} for name in values}
    for name, value in values.items():
        expect(tried[name] == {value}, f"the runs do not use the suggested {name}: is it in base.replace?")
    others = {(config.total_steps, config.epsilon_last) for config in configs}
    expect(others == {(20, 0.3)}, "settings that the trial does not draw should come from base")
    expect_shape(got, (), "the score of a trial")
    first, second = (VALIDATION_SEED + 4.5 + 4 * action for action in (1, 2))
    expect(not math.isclose(got, first + second, abs_tol=0.6), "it adds the seeds up: return their mean")
    for name, value in (("first", first), ("last", second)):
        expect(not math.isclose(got, value, abs_tol=0.6), f"only the {name} seed's score is returned: take the mean")
    expect_close(
        got, (first + second) / 2, "the score should be the mean over seeds of 10 validation episodes' returns"
    )


def _expect_fresh(envs: Sequence[_Pay], networks: Sequence[nn.Module], seeds: Sequence[int]) -> None:
    """See that one fresh agent was trained for each seed and then judged on the validation episodes."""
    expect(networks, "nothing is trained")
    used = [env.seeds[0] for env in envs if env.seeds]
    trained = [seed for seed in used if seed in seeds]
    expect(trained, f"the runs start from seeds {used[:4]}, not from those given")
    expect(len(networks) >= len(seeds), f"{len(networks)} network for {len(seeds)} seeds: train a fresh one for each")
    expect(sorted(trained) == sorted(seeds), f"{len(seeds)} seeds are given, the runs use {trained}: one run each")
    expect(len(networks) == len(seeds), f"{len(networks)} networks for {len(seeds)} seeds: one run each")
    judged = [seed for env in envs for seed in env.seeds if seed is not None and seed not in seeds]
    expect(judged, "the score comes from training: play validation episodes with evaluate")
    wanted = list(range(VALIDATION_SEED, VALIDATION_SEED + 10))
    expect(judged == wanted * len(seeds), f"{len(seeds)} runs should each play 10 episodes from VALIDATION_SEED on")


# --------------------------------------------------------------------------------------------- used by the notebook


def double_targets(batch: Batch, agent: Agent, gamma: float) -> Tensor:
    """Double DQN's targets (van Hasselt et al., 2016): the online network chooses, the target network judges.

    Args:
        batch: transitions.
        agent: both networks.
        gamma: the discount.

    Returns:
        float32, (B,), through which no gradient flows.
    """
    with torch.no_grad():
        choice = agent.network(batch.next_observations).argmax(dim=1, keepdim=True)
        judged = agent.target(batch.next_observations).gather(1, choice).squeeze(1)
    return batch.rewards + gamma * judged * ~batch.terminated


REFERENCE = Parts(
    make_network.reference, add.reference, epsilon.reference, td_targets.reference, td_loss.reference, update.reference
)
"""The reference solutions, as a training loop wants them."""
