"""Lesson 01: the Q-table, how it learns from rewards, and where it ends.

Q-learning is due to Watkins, "Learning from delayed rewards" (1989), and Watkins and Dayan, "Q-learning" (Machine
Learning 8, 1992). In a table, -inf marks an action that is not possible in a state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import Mistake, exercise, expect, expect_close, expect_shape, expect_type
from binpack.course.exercises import global_randomness_untouched as own_randomness
from binpack.course.l01_q_learning.worlds import Outcomes, TabularWorld, policy_value

# --------------------------------------------------------------------------------------------- used by the notebook


class Runs(NamedTuple):
    """Training runs of one setting, one row a seed."""

    episodes: NDArray
    """After how many episodes the table was measured, integers, (n,)."""
    scores: NDArray
    """Expected return of the greedy policy then, float64, (seeds, n)."""
    returns: NDArray
    """Return of each training episode, exploration included, float64, (seeds, episodes)."""
    tables: list[NDArray]
    """The table of each seed after its last episode, (S, A)."""


def train_seeds(
    train: Callable,
    read: Callable,
    world: TabularWorld,
    *,
    alphas: NDArray,
    epsilons: NDArray,
    gamma: float,
    seeds: Sequence[int],
    judge: float = 1.0,
    points: int = 1,
) -> Runs:
    """Train one table a seed and measure on the way what its greedy policy is worth: exactly, without playing.

    Args:
        train: the function of the exercise `q_learning`.
        read: the function of the exercise `greedy_policy`.
        world: where to train.
        alphas: step size of each episode, (episodes,).
        epsilons: exploration rate of each episode, (episodes,).
        gamma: the discount.
        seeds: one seed a run, for the world and for the agent.
        judge: the discount that the policies are judged at, whatever they were trained with.
        points: how often to measure, the last time at the end; 1 measures there only.
    """
    ends = np.linspace(0, len(alphas), points + 1).round().astype(int)[1:]
    scores, returns, tables = [], [], []
    for seed in seeds:
        q, rng = world.new_table(), np.random.default_rng(seed)
        world.reset(seed=seed)
        row, earned, done = [], [], 0
        for end in ends:
            earned += list(train(world, q, alphas[done:end], epsilons[done:end], gamma, rng))
            row.append(policy_value(world, np.asarray(read(q)), judge))
            done = end
        scores.append(row)
        returns.append(earned)
        tables.append(q)
    return Runs(ends, np.array(scores), np.array(returns), tables)


# ------------------------------------------------------------------------------------------------------- exercises


@exercise(
    minutes=3,
    difficulty=1,
    hints=(
        "If everything is too small by the factor gamma: the first reward is not discounted.",
        "If late rewards weigh more than early ones, the exponents run the wrong way: t counts from the first reward.",
    ),
)
def discounted_return(rewards: Sequence[float], gamma: float) -> float:
    """Add up the rewards of an episode, each discounted by the number of steps before it.

    Args:
        rewards: the reward of each step, in order.
        gamma: the discount, in [0, 1].

    Returns:
        The return G; 0 for an episode without steps.
    """
    # 1. the first reward counts in full, the next one times gamma, and so on
    return sum(gamma**t * reward for t, reward in enumerate(rewards))


@discounted_return.check
def _(answer: Callable) -> None:
    rewards, gamma = [1.0, 0.0, 2.0, 5.0], 0.5
    got = answer(list(rewards), gamma)
    expect_shape(got, (), "the return of one episode")
    right = 1.0 + 2.0 * 0.25 + 5.0 * 0.125
    named = {
        "everything is discounted once too often: the first reward counts in full": right * gamma,
        "it adds up the rewards without discounting them": sum(rewards),
        "the exponents run the wrong way: the last reward is discounted most": 0.125 + 2.0 * 0.5 + 5.0,
        "every reward gets the same discount: the exponent is the number of steps before it": sum(rewards) * gamma,
        "it averages: a return is a sum": right / len(rewards),
    }
    for message, wrong in named.items():
        expect(not np.isclose(float(np.asarray(got)), wrong), message)
    expect_close(got, right, f"rewards 1, 0, 2, 5 at gamma 0.5 should give {right:g}")
    expect_close(answer([], 0.9), 0.0, "an episode without steps has the return 0")
    expect_close(answer([3.0, 4.0], 0.0), 3.0, "at gamma 0 only the first reward counts")
    expect_close(answer([3.0, 4.0], 1.0), 7.0, "at gamma 1 all rewards count in full")
    expect_close(answer([0.0, -1.0, 2.0], 0.9), -0.9 + 2 * 0.81, "rewards 0, -1, 2 at gamma 0.9 come out wrong")


@exercise(
    minutes=5,
    difficulty=1,
    hints=(
        "If a smaller epsilon explores more, turn the comparison round: explore where rng.random() < epsilon.",
        "If an impossible action turns up, draw from np.flatnonzero(values > -np.inf) only.",
    ),
)
def epsilon_greedy(values: NDArray, epsilon: float, rng: np.random.Generator) -> int:
    """Choose an action: with probability epsilon any possible one, otherwise one of highest value.

    Args:
        values: the state's row of the Q-table, float64, (A,); -inf where an action is not possible.
        epsilon: probability of exploring, in [0, 1].
        rng: source of all randomness.

    Returns:
        Number of the action.
    """
    # 1. explore: every possible action alike, the best one included
    if rng.random() < epsilon:
        possible = np.flatnonzero(values > -np.inf)
        return int(possible[int(rng.random() * len(possible))])
    # 2. exploit
    return int(values.argmax())


@epsilon_greedy.check
def _(answer: Callable) -> None:
    values, rng = np.array([-np.inf, -2.0, 0.5, -np.inf, -1.0]), np.random.default_rng(0)
    before = values.copy()
    with own_randomness():
        first = answer(values, 0.0, rng)
        expect_shape(first, (), "the action")
        expect_type(first, int, "the action")
        counts = {epsilon: _counts(answer, values, epsilon, rng) for epsilon in (0.0, 0.3, 1.0)}
    expect(np.array_equal(values, before), "the row of the table was changed: choosing an action teaches nothing")
    greedy, mixed, uniform = counts.values()
    expect(len(greedy) == 5 and len(uniform) == 5, "it returns a number that is no action: choose one from 0 to 4")
    impossible = greedy[[0, 3]].sum() + mixed[[0, 3]].sum() + uniform[[0, 3]].sum()
    expect(impossible == 0, "it takes actions that are not possible: draw from those above -inf only")
    flipped = greedy[2] < 3000 and uniform[2] > 2900
    expect(not flipped, "exploring and exploiting are exchanged: it is epsilon that explores, and at 0 none does")
    expect(greedy[1] != 3000, "at epsilon 0 it takes the lowest value: the best action has the highest")
    expect(greedy[2] == 3000, "at epsilon 0 it should always take the action of highest value")
    expect(uniform[2] < 2900, "at epsilon 1 it still exploits: is epsilon used?")
    expect(uniform[2] > 0, "exploring leaves the best action out: all possible ones are alike")
    expect(uniform[[1, 2, 4]].min() > 850, "at epsilon 1 every possible action should be taken equally often")
    expect(mixed[2] > mixed[[1, 4]].max(), "at epsilon 0.3 it explores too often")
    share = mixed[[1, 4]].sum() / 3000
    expect(0.15 < share < 0.25, f"at epsilon 0.3, one other action in 5 is due (0.3 x 2/3); yours: {share:.2f}")
    lowest = np.array([0.0, 0.0, -np.inf])
    expect(answer(lowest, 0.0, rng) in (0, 1), "among equal values any will do, but not one at -inf")


def _counts(answer: Callable, values: NDArray, epsilon: float, rng: np.random.Generator) -> NDArray:
    """How often each action is taken in 3,000 choices."""
    taken = np.array([int(answer(values, epsilon, rng)) for _ in range(3000)])
    expect((taken >= 0).all(), "it returns a number that is no action: choose one from 0 to 4")
    return np.bincount(taken, minlength=len(values))


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "If nan or -inf appears, you look for a best action in a state that ended the episode: there is none.",
        "If values overshoot, alpha belongs to the whole error: target minus old entry, not to the target alone.",
    ),
)
def td_update(
    q: NDArray, state: int, action: int, reward: float, next_state: int, terminated: bool, alpha: float, gamma: float
) -> float:
    """Learn from one step: move one entry of the table towards what the step has shown.

    Args:
        q: the table, float64, (S, A); changed in place.
        state: where the step began.
        action: what was done.
        reward: what it paid.
        next_state: where it led.
        terminated: whether that state ended the episode; then nothing comes after it.
        alpha: step size.
        gamma: the discount.

    Returns:
        The temporal-difference error, before alpha.
    """
    # 1. what the step says that the action is worth
    target = reward if terminated else reward + gamma * q[next_state].max()
    # 2. how far the table is off
    error = target - q[state, action]
    # 3. go part of the way
    q[state, action] += alpha * error
    return float(error)


@td_update.check
def _(answer: Callable) -> None:
    table = np.array([[1.0, 2.0, -np.inf], [6.0, 4.0, 3.0], [-np.inf] * 3])
    q = table.copy()
    error = answer(q, 0, 1, 1.5, 1, False, 0.25, 0.5)
    expect(not np.array_equal(q, table), "the table did not change: update q in place")
    expect(np.array_equal(q[1:], table[1:]), "it changed another row than the state's: q[state, action] learns")
    expect(q[0, 0] == 1.0 and q[0, 2] == -np.inf, "it changed entries of other actions")
    got, old, row = q[0, 1], 2.0, table[1]
    named = {
        "the largest entry of the next state is not discounted: where is gamma?": old + 0.25 * (1.5 + 6.0 - old),
        "the reward is missing from the target": old + 0.25 * (0.5 * 6.0 - old),
        "the future is missing from the target: add gamma times the best entry of the next state": old
        + 0.25 * (1.5 - old),
        "it uses the next state's entry of the same action, but you will be free to take the best one": old
        + 0.25 * (1.5 + 0.5 * row[1] - old),
        "it averages over the next state's actions: take the best": old + 0.25 * (1.5 + 0.5 * row.mean() - old),
        "the entry became the whole target: go only the share alpha of the way": 1.5 + 0.5 * 6.0,
        "alpha weighs the target alone: it belongs to target minus old entry": old + 0.25 * (1.5 + 0.5 * 6.0),
        "the error has the wrong sign: target minus old entry": old - 0.25 * (1.5 + 0.5 * 6.0 - old),
        "gamma multiplies the reward too": old + 0.25 * (0.5 * (1.5 + 6.0) - old),
        "alpha and gamma are exchanged": old + 0.5 * (1.5 + 0.25 * 6.0 - old),
        "the best action is looked up in the state where the step began": old + 0.25 * (1.5 + 0.5 * 2.0 - old),
    }
    for message, wrong in named.items():
        expect(not np.isclose(got, wrong), message)
    expect_close(got, 2.625, "2 should become 2 + 0.25 (1.5 + 0.5 x 6 - 2) = 2.625")
    expect(error is not None, "the table is right, but nothing is returned: return the error")
    expect_shape(error, (), "the error")
    expect(not np.isclose(error, 0.625), "it returns the change; return the error, before alpha")
    expect(not np.isclose(error, 2.625), "it returns the new entry; return the error")
    expect_close(error, 2.5, "the error should be 1.5 + 0.5 x 6 - 2 = 2.5")
    for dead in (table[2], np.array([7.0, 8.0, 9.0])):
        q = table.copy()
        q[2] = dead
        error = answer(q, 1, 0, 2.0, 2, True, 0.5, 0.9)
        expect(np.isfinite(q[1, 0]), "after the last step it looks for a best action in a state that has none")
        expect(q[1, 0] != 6.0 + 0.5 * (2.0 + 0.9 * 9.0 - 6.0), "it ignores terminated: nothing comes after the end")
        expect(not np.isclose(q[1, 0], 6.0), "it learns nothing from the last step: the target there is the reward")
        expect_close([q[1, 0], error], [4.0, -4.0], "after the last step the target is the reward alone")
    q = np.array([[0.0, 2.0], [-3.0, -1.0]])
    answer(q, 0, 0, 0.0, 1, False, 1.0, 1.0)
    expect_close(q[0, 0], -1.0, "with negative entries it goes wrong: the best of -3 and -1 is -1")


@exercise(
    minutes=12,
    difficulty=3,
    hints=(
        "If it never ends, or only one entry ever changes: does the next state become the state?",
        "If it fails at a time limit only: stop at terminated or truncated, but tell td_update about terminated alone.",
    ),
)
def q_learning(
    env: gym.Env, q: NDArray, alphas: Sequence[float], epsilons: Sequence[float], gamma: float, rng: np.random.Generator
) -> list[float]:
    """Play one episode for each entry of two schedules, and learn from every step.

    Args:
        env: states and actions are numbers; seeded already, so reset it without a seed.
        q: the table, float64, (S, A); changed in place.
        alphas: step size of each episode, (episodes,).
        epsilons: exploration rate of each episode, (episodes,).
        gamma: the discount.
        rng: source of the agent's randomness.

    Returns:
        The sum of rewards of each episode, undiscounted.
    """
    returns = []
    for alpha, epsilon in zip(alphas, epsilons, strict=True):
        # 1. a new episode
        state, _ = env.reset()
        total, over = 0.0, False
        while not over:
            # 2. act
            action = epsilon_greedy(q[state], epsilon, rng)
            next_state, reward, terminated, truncated, _ = env.step(action)
            # 3. learn; an episode that was only cut off would have gone on
            td_update(q, state, action, reward, next_state, terminated, alpha, gamma)
            # 4. go on from there
            state, total, over = next_state, total + reward, terminated or truncated
        returns.append(total)
    return returns


@q_learning.check
def _(answer: Callable) -> None:
    rng, gamma = np.random.default_rng(0), 0.5
    alphas, epsilons = np.array([0.5, 0.25, 1.0]), np.array([0.0, 0.0, 0.0])
    chain, q = _Chain(3), np.zeros((4, 1))
    returns = answer(chain, q, alphas, epsilons, gamma, rng)
    expect(returns is not None, "it returns nothing: return the sum of rewards of each episode")
    expect(chain.episodes > 0, "no episode was played: does it call env.reset?")
    expect(q.any(), "the table did not change: update q itself, not a copy of it")
    expect(chain.episodes == 3, f"3 step sizes are 3 episodes; {chain.episodes} were played")
    expect(q[1:3].any(), "only the first state learns: does the next state become the state?")
    right = _chain_table(alphas, gamma)
    named = {
        "every episode uses the first step size: take the episode's own": _chain_table(alphas[[0, 0, 0]], gamma),
        "every episode uses the last step size: take the episode's own": _chain_table(alphas[[2, 2, 2]], gamma),
        "gamma is not used": _chain_table(alphas, 1.0),
    }
    for message, wrong in named.items():
        expect(not np.allclose(q, wrong), message)
    expect_close(q, right, "on a chain of 3 steps the table comes out wrong: learn from every step once")
    expect_shape(returns, (3,), "the returns of 3 episodes")
    expect(not np.allclose(returns, 1 + 0.5 + 0.25), "the returns are discounted: add up the plain rewards")
    expect(not np.allclose(returns, 1), "it returns the last reward of each episode: add them up")
    expect(not np.allclose(returns, [3, 6, 9]), "the returns pile up: start each episode's sum at 0")
    expect_close(returns, [3, 3, 3], "each episode on a chain of 3 steps that pay 1 has the return 3")
    _check_truncation(answer, rng)
    _check_exploration(answer)


def _check_truncation(answer: Callable, rng: np.random.Generator) -> None:
    chain, q = _Chain(9, limit=2), np.array([[1.0], [1.0], [4.0], *[[0.0]] * 7])
    answer(chain, q, [1.0], [0.0], 0.5, rng)
    cut = q[1, 0]
    expect(not np.isclose(cut, 1.0), "a truncated episode is treated as ended in td_update: pass terminated alone")
    expect_close(q[:2], [[1.5], [3.0]], "with a time limit the table comes out wrong: is the last step learned from?")


def _check_exploration(answer: Callable) -> None:
    epsilons = np.array([0.0] * 50 + [1.0] * 50)
    fork, rng = _Fork(), np.random.default_rng(0)
    with own_randomness():
        answer(fork, np.array([[0.0, 1.0], [0.0, 0.0]]), np.zeros(100), epsilons, 0.9, rng)
    expect(len(fork.taken) == 100, "100 episodes of one step each should take 100 actions")
    early, late = fork.taken[:50].count(0), fork.taken[50:].count(0)
    expect(early < 50, "it takes the worst action at epsilon 0: call epsilon_greedy with the state's row")
    expect(early == 0, "it explores at epsilon 0: use the episode's own epsilon")
    expect(10 < late < 40, "it does not explore at epsilon 1: use the episode's own epsilon")


class _Chain(gym.Env):
    """Walk from state 0 to the last one, where the episode ends. One action, and every step pays 1."""

    def __init__(self, length: int, limit: int = 99) -> None:
        self.length, self.limit, self.episodes, self._steps, self._over = length, limit, 0, 0, True

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[int, dict]:
        expect(seed is None, "it seeds each episode anew, so that all are alike: reset without a seed")
        self.episodes, self._steps, self._over = self.episodes + 1, 0, False
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict]:
        if self._over:
            raise Mistake("it steps on after the end: stop at terminated or truncated, and reset for each episode")
        self._steps += 1
        terminated, truncated = self._steps == self.length, self._steps == self.limit
        self._over = terminated or truncated
        return self._steps, 1.0, terminated, truncated, {}


class _Fork(gym.Env):
    """One step, two actions: notes which one is taken."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[int, dict]:
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict]:
        self.taken.append(int(action))
        return 1, float(action), True, False, {}


def _chain_table(alphas: Sequence[float] | NDArray, gamma: float) -> NDArray:
    """What the table of a chain of 3 steps is after some episodes: an oracle that shares nothing with the reference."""
    q = np.zeros(4)
    for alpha in alphas:
        for state in range(3):
            q[state] = (1 - alpha) * q[state] + alpha * (1 + gamma * q[state + 1])
    return q[:, None]


@exercise(
    minutes=3,
    difficulty=1,
    hints=(
        "If you get one number an action, you reduce over the states: the best action is sought along a row.",
        "If walls and exits get action 0: argmax of a row of -inf is 0; put -1 where no entry is above -inf.",
    ),
)
def greedy_policy(q: NDArray) -> NDArray:
    """Read the table: which action is best in each state.

    Args:
        q: the table, float64, (S, A); -inf where an action is not possible.

    Returns:
        Integers, (S,); -1 where no action is possible.
    """
    # 1. the best action of each row
    best = q.argmax(axis=1)
    # 2. -1 where there is none
    return np.where(q.max(axis=1) > -np.inf, best, -1)


@greedy_policy.check
def _(answer: Callable) -> None:
    no = -np.inf
    q = np.array([[0.5, 2.0, 1.0], [no, no, no], [no, -3.0, -1.0], [4.0, no, no], [1.0, 0.0, 0.9]])
    before = q.copy()
    got = answer(q)
    expect(np.array_equal(q, before), "the table was changed: reading it should leave it as it is")
    if np.shape(got) == (3,):
        raise Mistake("it has one entry an action: seek the best action in each row, along axis 1")
    expect_shape(got, (5,), "the policy of a table with 5 states")
    got = np.asarray(got, float)
    named = {
        "it returns the best values: return the numbers of the best actions": q.max(axis=1),
        "it returns the worst actions": np.array([0, -1, 1, 0, 1]),
        "it counts actions from 1: the first has the number 0": np.array([2, -1, 3, 1, 1]),
        "state 1 has no possible action: put -1 there": np.array([1, 0, 2, 0, 0]),
    }
    for message, wrong in named.items():
        expect(not np.array_equal(got, wrong), message)
    expect(got[2] != 0, "it takes an action at -inf for the best one")
    expect(got[3] == 0 and got[4] == 0, "-1 belongs only where no action is possible: 0 is an action too")
    expect_close(got, [1, -1, 2, 0, 0], "some actions are wrong: the largest entry of each row decides")
    large = np.random.default_rng(0).normal(size=(40, 6))
    expect_close(answer(large), large.argmax(axis=1), "on a table of 40 states and 6 actions some actions are wrong")


@exercise(
    minutes=5,
    difficulty=2,
    hints=(
        "If two states share a number: a cell has bin_height + 1 possible heights, since 0 counts too.",
        "If a large floor gives a negative number, numpy's integers overflow: turn each height into int first.",
    ),
)
def state_number(heights: NDArray, item: int, bin_height: int, items: int) -> int:
    """Turn a height map and the next item into one number, as in a number system of base H + 1.

    Args:
        heights: the height map, integers, (L, W).
        item: which item is next, from 0 to items - 1.
        bin_height: height of the bin (H), in cells.
        items: how many kinds of items there are (K).

    Returns:
        The number, a Python int, which has no largest value.
    """
    number = 0
    # 1. cell by cell, row by row: what is there moves one digit up
    for height in heights.reshape(-1):
        number = number * (bin_height + 1) + int(height)
    # 2. the item is the last digit, of base K
    return number * items + item


@state_number.check
def _(answer: Callable) -> None:
    heights = np.array([[2, 0, 1], [3, 1, 2]], np.int16)
    before = heights.copy()
    got = answer(heights, 3, 4, 5)
    expect(np.array_equal(heights, before), "the height map was changed")
    expect_shape(got, (), "the number of a state")
    expect_type(got, int, "the number of a state")
    cells = [int(height) for height in heights.reshape(-1)]
    turned = [int(height) for height in heights.T.reshape(-1)]
    named = {
        "the base is H, but a cell has H + 1 heights, from 0 to H": _digits(cells, 4) * 5 + 3,
        "the item is left out: the same heights with another item are another state": _digits(cells, 5),
        "the item is left out: the last digit is always 0": _digits(cells, 5) * 5,
        "the cells are read column by column: row by row, y runs fastest": _digits(turned, 5) * 5 + 3,
        "the cells are read backwards: the first cell is the highest digit": _digits(cells[::-1], 5) * 5 + 3,
        "the item is the first digit, but it should be the last": 3 * 5**6 + _digits(cells, 5),
    }
    for message, wrong in named.items():
        expect(got != wrong, message)
    right = _digits(cells, 5) * 5 + 3
    expect_close(got, right, f"heights 2 0 1 / 3 1 2, item 3, H = 4, K = 5 should give {right}")
    every = [np.array(np.unravel_index(n, (3,) * 4)).reshape(2, 2) for n in range(81)]
    numbers = [int(answer(one, item, 2, 2)) for one in every for item in range(2)]
    expect(numbers == list(range(162)), "a floor of 2 x 2 with H = 2, K = 2 should use the numbers 0 to 161, each once")
    full = answer(np.full((10, 10), 10, np.int16), 1, 10, 2)
    expect(full > 0, "on a floor of 10 x 10 numpy's integers overflow: turn each height into a Python int first")
    expect(full == 2 * 11**100 - 1, "on a floor of 10 x 10 digits are lost: use Python ints, not numpy's nor floats")


def _digits(cells: Sequence[int], base: int) -> int:
    return sum(height * base**place for place, height in enumerate(reversed(cells)))


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "If shapes clash: values[model.next_states] has the model's shape (S, A, K); sum over its last axis.",
        "If -inf or nan comes out, some states have no possible action: np.where(possible.any(axis=1), best, 0).",
    ),
)
def value_sweep(values: NDArray, model: Outcomes, possible: NDArray, gamma: float) -> NDArray:
    """Look one step ahead from every state, with the model in hand: the Bellman optimality update.

    Args:
        values: what each state is worth so far, float64, (S,).
        model: probabilities, next_states, rewards, terminated, each (S, A, K) for K outcomes of an action.
        possible: which actions are possible, bool, (S, A).
        gamma: the discount.

    Returns:
        Better values, float64, (S,); 0 where no action is possible.
    """
    # 1. what comes after each outcome: nothing where it ends the episode
    later = np.where(model.terminated, 0.0, values[model.next_states])
    # 2. the expected return of each action
    expected = (model.probabilities * (model.rewards + gamma * later)).sum(axis=2)
    # 3. the best possible action
    best = np.where(possible, expected, -np.inf).max(axis=1)
    return np.where(possible.any(axis=1), best, 0.0)


@value_sweep.check
def _(answer: Callable) -> None:
    model, possible, values = _example_model()
    before, gamma = values.copy(), 0.5
    got = answer(values, model, possible, gamma)
    expect(np.array_equal(values, before), "the old values were changed: every state should look at the old ones")
    expect_shape(got, (4,), "the values of 4 states")
    got = np.asarray(got, float)
    expect(np.isfinite(got).all(), "some values are -inf or nan: a state without a possible action is worth 0")
    expect_close(got[3], 0.0, "state 3 has no possible action and should be worth 0, whatever the old values say")
    p, after, pays, over = model
    kept = np.where(over, 0.0, values[after])
    named = {
        "it ignores terminated: nothing comes after an outcome that ends the episode": p
        * (pays + gamma * values[after]),
        "the rewards are missing": p * gamma * kept,
        "gamma is not used": p * (pays + kept),
        "the rewards are not weighed by the outcomes' probabilities": pays + p * gamma * kept,
        "the outcomes are not weighed by their probabilities": pays + gamma * kept,
        "the reward of the last step is lost where the episode ends": np.where(over, 0.0, p * (pays + gamma * kept)),
        "the future is missing: add gamma times the value of the next state": p * pays,
    }
    right = _best(p * (pays + gamma * kept), possible)
    for message, parts in named.items():
        expect(not np.allclose(got, _best(parts, possible)), message)
    expected = (p * (pays + gamma * kept)).sum(axis=2)
    share = np.where(possible, expected, 0).sum(axis=1) / np.maximum(possible.sum(axis=1), 1)
    expect(not np.allclose(got, share), "it averages over the actions: take the best one")
    expect(
        not np.allclose(got, expected.max(axis=1)),
        "impossible actions, worth 0, win over losses: leave them out",
    )
    expect(
        not np.allclose(got, np.where(possible.any(axis=1), np.where(possible, expected, np.inf).min(axis=1), 0)),
        "it takes the worst action",
    )
    expect_close(got, right, "some values are wrong: the best action by reward plus discounted value of the next state")


def _best(parts: NDArray, possible: NDArray) -> NDArray:
    best = np.where(possible, parts.sum(axis=2), -np.inf).max(axis=1)
    return np.where(possible.any(axis=1), best, 0.0)


def _example_model() -> tuple[Outcomes, NDArray, NDArray]:
    """Four states, two actions, two outcomes each; state 2 has only a loss to choose, state 3 nothing."""
    possible = np.array([[True, True], [True, True], [True, False], [False, False]])
    probabilities = np.array([[[0.5, 0.5], [0.9, 0.1]], [[0.25, 0.75], [1.0, 0.0]], [[0.6, 0.4], [0, 0]], [[0, 0]] * 2])
    after = np.array([[[1, 2], [1, 3]], [[3, 2], [0, 0]], [[3, 0], [0, 0]], [[0, 0]] * 2])
    rewards = np.array([[[1.0, 2.0], [0.5, 4.0]], [[3.0, 1.0], [0.5, 0.5]], [[-9.0, -2.0], [0, 0]], [[0.0, 0.0]] * 2])
    terminated = after == 3
    shape = (*possible.shape, 1)
    mask = possible.reshape(shape)
    values = np.array([2.0, 1.0, 3.0, 7.0])
    return Outcomes(probabilities * mask, after, rewards * mask, terminated & mask), possible, values
