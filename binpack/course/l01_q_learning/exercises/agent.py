"""An agent that learns while it acts: how it chooses, and its whole loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import Mistake, exercise, expect, promise
from binpack.course.exercises import global_randomness_untouched as own_randomness
from binpack.course.l01_q_learning.exercises.table import td_update

# ------------------------------------------------------------------------------------------------------- epsilon_greedy


@exercise(
    minutes=6,
    difficulty=1,
    hints=(
        "Begin with the coin: `rng.random()` is equally likely anywhere between 0 and 1, so it is below epsilon with "
        "probability epsilon. Below it, explore; otherwise exploit.",
        "To explore, list the possible actions with `np.flatnonzero(values > -np.inf)` and draw one of the list with "
        "`rng.integers(len(possible))`. To exploit, `values.argmax()`.",
        "`if rng.random() < epsilon: return possible[rng.integers(len(possible))]`, and after it "
        "`return values.argmax()`.",
    ),
    returns=promise.an_int("the action"),
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
    # 2. exploit: the action of highest value
    return int(values.argmax())


@epsilon_greedy.check
def _(answer: Callable) -> None:
    values, choices = np.array([-np.inf, -2.0, 0.5, -np.inf, -1.0]), 1200
    with own_randomness():
        expect(
            not _returns_places(answer),
            "exploring returns a place in the list of possible actions: return the action that stands there",
        )
        greedy, mixed, uniform = (_taken(answer, values, epsilon, choices) for epsilon in (0.0, 0.3, 1.0))
    row = "the row (-inf, -2, 0.5, -inf, -1)"
    flipped = uniform[2] == choices and greedy[[1, 2, 4]].min() > 300
    expect(not flipped, "exploring and exploiting are exchanged: it is epsilon that explores", given=row)
    often = f"{choices:,} choices at epsilon 0, {row}"
    expect(
        greedy[2] == choices,
        "at epsilon 0 it should always take the action of highest value",
        got=_times(greedy),
        wanted=_times({2: choices}),
        given=often,
    )
    often = often.replace("epsilon 0", "epsilon 1")
    due = f"about {choices // 3:,} times each of 1, 2 and 4"
    expect(
        uniform[2] > 0,
        "exploring leaves the best action out: all possible ones are alike",
        got=_times(uniform),
        wanted=due,
        given=often,
    )
    expect(
        uniform[[1, 2, 4]].min() > 300,
        "at epsilon 1 every possible action should be taken equally often",
        got=_times(uniform),
        wanted=due,
        given=often,
    )
    others = mixed[[1, 4]].sum() / choices
    expect(
        0.14 < others < 0.26,
        "at epsilon 0.3 another action than the best is due in 0.3 x 2/3 of all choices",
        got=f"{others:.2f} of all choices",
        wanted="about 0.20",
        given=often.replace("epsilon 1", "epsilon 0.3"),
    )
    expect(
        abs(mixed[1] - mixed[4]) < 80,
        "at epsilon 0.3 the actions that are not best should come equally often",
        got=_times(mixed),
    )
    for row_, best in (([3.0, 1.0, -np.inf, 2.0], (0,)), ([0.0, 0.0, -np.inf], (0, 1)), ([-np.inf, -7.0], (1,))):
        action = answer(np.array(row_), 0.0, np.random.default_rng(0))
        expect(action in best, "at epsilon 0 it should take an action of the highest value")
    _expect_all_chance_from(lambda rng: [answer(values, 0.5, rng) for _ in range(50)])


def _returns_places(answer: Callable) -> bool:
    """Tell whether exploring counts 0, 1, 2, ... through the possible actions, whichever these are."""
    rng = np.random.default_rng(0)
    for row in ([-np.inf, -2.0, 0.5, -np.inf, -1.0], [-np.inf, 1.0, -np.inf, 3.0], [-np.inf, 2.0, 1.0, 0.0, -1.0]):
        taken = {answer(np.array(row), 1.0, rng) for _ in range(60)}
        if taken != set(range(np.isfinite(row).sum())):
            return False
    return True


def _taken(answer: Callable, values: NDArray, epsilon: float, choices: int) -> NDArray:
    """Count how often each action is taken, and name one that must not be."""
    rng, counts = np.random.default_rng(0), np.zeros(len(values), int)
    for _ in range(choices):
        action = answer(values, epsilon, rng)
        expect(0 <= action < len(values), f"it returns {action}, which is no action: there are 0 to {len(values) - 1}")
        expect(
            values[action] > -np.inf, f"at epsilon {epsilon:g} it takes action {action}, which is not possible there"
        )
        counts[action] += 1
    return counts


def _times(counts: NDArray | dict[int, int]) -> str:
    """Write counts of actions, those that never come left out."""
    pairs = counts.items() if isinstance(counts, dict) else enumerate(counts.tolist())
    return ", ".join(f"{count:,} times {action}" for action, count in pairs if count)


def _expect_all_chance_from(play: Callable[[np.random.Generator], object]) -> None:
    """Raise `Mistake` where two generators in one state lead to different results."""
    first, second = (play(np.random.default_rng(1)) for _ in range(2))
    expect(
        first == second, "run twice from the same state of rng, it chooses differently: all chance must come from rng"
    )


# ----------------------------------------------------------------------------------------------------------- q_learning


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with the frame: one round of an outer loop for each pair of `zip(alphas, epsilons)`. It starts with "
        "`state, _ = env.reset()` and a total of 0, and ends by noting the total.",
        "Inside it, a `while` loop of four lines: choose with `epsilon_greedy`, take the step, learn with `td_update`, "
        "and let the next state become the state.",
        "The loop ends at `terminated or truncated`, but `td_update` is told `terminated` alone.",
        "`action = epsilon_greedy(q[state], epsilon, rng)`, then "
        "`next_state, reward, terminated, truncated, _ = env.step(action)`, then "
        "`td_update(q, state, action, reward, next_state, terminated, alpha, gamma)`, then `state = next_state`.",
    ),
    returns=promise.a_list("the returns", of=promise.a_float("a return")),
    changes=("q",),
)
def q_learning(
    env: gym.Env, q: NDArray, alphas: NDArray, epsilons: NDArray, gamma: float, rng: np.random.Generator
) -> list[float]:
    """Play one episode for each entry of two schedules, and learn from every step.

    Args:
        env: states and actions are numbers; seeded already, so reset it without a seed.
        q: the table, float64, (S, A): S states, A actions; changed in place.
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


class _Info(dict):
    """What `reset` returns beside the state; numpy asks for its array where a learner takes the pair for the state."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        raise Mistake("env.reset returns two values, of which the state is the first: state, _ = env.reset()")


class _Chain(gym.Env):
    """Walk from state 0 to the last one, where the episode ends. One action; step n pays 3n - 1.

    Args:
        length: steps to the end.
        limit: steps after which an episode is cut off.
    """

    def __init__(self, length: int, limit: int = 99) -> None:
        self.length, self.limit, self._steps, self._walks = length, limit, 0, False

    def __repr__(self) -> str:
        cut = f", cut off after {self.limit}" if self.limit < self.length else ""
        return f"a walk of {self.length} steps that pay 2, 5, 8, ...{cut}"

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[int, dict]:
        expect(seed is None, "it seeds each episode anew, so that all are alike: reset without a seed")
        self._steps, self._walks = 0, True
        return 0, _Info()

    def step(self, action: int) -> tuple[int, float, bool, bool, dict]:
        if not self._walks:
            said = "after the end of an episode: stop at terminated or truncated" if self._steps else "before any reset"
            raise Mistake(f"it takes a step {said}, and call env.reset for each episode")
        expect(action == 0, f"it takes action {action}, but this world has only action 0: choose with epsilon_greedy")
        self._steps += 1
        terminated = self._steps == self.length
        truncated = self._steps == self.limit and not terminated
        self._walks = not (terminated or truncated)
        return self._steps, 3.0 * self._steps - 1.0, terminated, truncated, {}


class _Fork(gym.Env):
    """One step, two actions: notes which one is taken."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[int, dict]:
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict]:
        self.taken.append(int(action))
        return 1, float(action), True, False, {}


def _walk(length: int, alphas: Sequence[float], gamma: float, limit: int = 99) -> tuple:
    """Input of `q_learning` on a chain, whose table is not all 0 to begin with."""
    q = np.append(np.linspace(0.5, 1.0, length), -np.inf)[:, None]
    epsilons = 1 - np.array(alphas)  # with one action they change nothing, unless they are taken for step sizes
    return _Chain(length, limit), q, np.array(alphas), epsilons, gamma, np.random.default_rng(0)


def _walk_draw(rng: np.random.Generator) -> tuple:
    """A random chain, now and then one that is cut off."""
    length, episodes = int(rng.integers(3, 6)), int(rng.integers(2, 5))
    limit = 2 if rng.random() < 0.5 else 99
    return _walk(length, rng.uniform(0.2, 0.9, episodes).tolist(), float(rng.uniform(0.3, 0.9)), limit)


def _loop_like(**changes: Callable) -> Callable:
    """Make a wrong `q_learning` from a right one by exchanging parts; their names are the keys below."""
    part: dict[str, Callable[..., Any]] = {
        "alpha": lambda alphas, episode: alphas[episode],
        "gamma": lambda gamma: gamma,
        "ended": lambda terminated, truncated: terminated,
        "learns": lambda over: True,
        "next": lambda state, next_state: next_state,
        "adds": lambda total, reward, step, gamma: total + reward,
        "begins": lambda returns: 0.0,
        "notes": lambda total, steps: total,
        "episodes": len,
        "table": lambda q: q,
    }
    part.update(changes)

    def answer(
        env: gym.Env, q: NDArray, alphas: NDArray, epsilons: NDArray, gamma: float, rng: np.random.Generator
    ) -> list[float]:
        returns, mine = [], part["table"](q)
        for episode in range(part["episodes"](alphas)):
            (state, _), total, over, step = env.reset(), part["begins"](returns), False, 0
            while not over:
                action = epsilon_greedy(mine[state], epsilons[episode], rng)
                after, reward, terminated, truncated, _ = env.step(action)
                over = terminated or truncated
                if part["learns"](over):
                    ended, alpha = part["ended"](terminated, truncated), part["alpha"](alphas, episode)
                    td_update(mine, state, action, reward, after, ended, alpha, part["gamma"](gamma))
                total, step = part["adds"](total, reward, step, gamma), step + 1
                state = part["next"](state, after)
            returns.append(part["notes"](total, step))
        return returns

    return answer


def _check_exploration(answer: Callable) -> None:
    """What a chain of one action cannot show: which actions are taken."""
    epsilons = np.array([0.0] * 50 + [1.0] * 50)

    def play(rng: np.random.Generator) -> list[int]:
        fork = _Fork()
        answer(fork, np.array([[0.0, 1.0], [-np.inf, -np.inf]]), np.zeros(100), epsilons, 0.9, rng)
        return fork.taken

    given = "100 episodes of one step with a better and a worse action, epsilon 0 in the first 50, 1 in the others"
    with own_randomness():
        taken = play(np.random.default_rng(0))
    early, late = taken[:50].count(0), taken[50:].count(0)
    expect(
        early == 0,
        "it takes the worse action at epsilon 0: is it the episode's own epsilon, and the state's row?",
        got=f"{early} of 50",
        wanted="0 of 50",
        given=given,
    )
    expect(
        10 < late < 40,
        "at epsilon 1 both actions are due equally often: is it the episode's own epsilon?",
        got=f"{late} of 50 the worse",
        wanted="about 25 of 50",
        given=given,
    )
    _expect_all_chance_from(play)


q_learning.examine(
    cases=lambda: [
        _walk(3, [0.6], 0.5),
        _walk(3, [0.6, 0.25, 0.9], 0.5),
        _walk(4, [0.25, 0.75], 0.8),
        _walk(4, [0.9], 0.5, limit=2),
        _walk(5, [0.6, 0.25], 0.9, limit=3),
    ],
    draw=_walk_draw,
    mistakes={
        "q does not change: is td_update called after each step, and with q itself?": _loop_like(table=np.copy),
        "only one episode is played: one for each step size": _loop_like(episodes=lambda alphas: 1),
        "it plays every step size with every epsilon: zip(alphas, epsilons) goes through both together": (
            lambda env, q, alphas, epsilons, gamma, rng: _loop_like()(
                env, q, np.repeat(alphas, len(epsilons)), np.tile(epsilons, len(alphas)), gamma, rng
            )
        ),
        "every episode uses the first step size: take the episode's own": _loop_like(alpha=lambda alphas, n: alphas[0]),
        "every episode uses the last step size: take the episode's own": _loop_like(alpha=lambda alphas, n: alphas[-1]),
        "alphas and epsilons are exchanged": lambda env, q, alphas, epsilons, gamma, rng: _loop_like()(
            env, q, epsilons, alphas, gamma, rng
        ),
        "gamma is not used": _loop_like(gamma=lambda gamma: 1.0),
        "only the first state learns: does the next state become the state?": _loop_like(
            next=lambda state, next_state: state
        ),
        "a cut-off episode is treated as ended in td_update: pass terminated alone": _loop_like(
            ended=lambda terminated, truncated: terminated or truncated
        ),
        "nothing is learned from the last step of an episode": _loop_like(learns=lambda over: not over),
        "the table is right, but the returns are discounted: add up the plain rewards": _loop_like(
            adds=lambda total, reward, step, gamma: total + gamma**step * reward
        ),
        "the table is right, but only the last reward of each episode is noted: add them up": _loop_like(
            adds=lambda total, reward, step, gamma: reward
        ),
        "the table is right, but the returns pile up: start each episode's sum at 0": _loop_like(
            begins=lambda returns: returns[-1] if returns else 0.0
        ),
        "the table is right, but the rewards are averaged: add them up": _loop_like(
            notes=lambda total, steps: total / steps
        ),
        "the table is right, but steps are counted: add up the rewards": _loop_like(notes=lambda total, steps: steps),
    },
    also=_check_exploration,
)
