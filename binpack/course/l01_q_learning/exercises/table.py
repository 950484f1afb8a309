"""A Q-table: how one step changes it, what it says to do, and what its numbers estimate.

The update is due to Watkins, "Learning from delayed rewards" (1989), and Watkins and Dayan, "Q-learning" (Machine
Learning 8, 1992). In a table, -inf marks an action that is not possible in a state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise

# ------------------------------------------------------------------------------------------------------------ td_update


@exercise(
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with the target, a number: for a step that ended the episode it is `reward`. For any other step add to "
        "that `gamma` times the largest entry of the row `q[next_state]`.",
        "The error is the target minus the entry as it is now, `q[state, action]`. Work it out before you change the "
        "entry, and return it.",
        "`target = reward if terminated else reward + gamma * q[next_state].max()`, then "
        "`error = target - q[state, action]`, then `q[state, action] += alpha * error`.",
    ),
    returns=promise.a_float("the error"),
    changes=("q",),
)
def td_update(
    q: NDArray, state: int, action: int, reward: float, next_state: int, terminated: bool, alpha: float, gamma: float
) -> float:
    """Learn from one step: move one entry of the table towards what the step has shown.

    Args:
        q: the table, float64, (S, A): S states, A actions; changed in place.
        state: where the step began.
        action: what was done.
        reward: what it paid.
        next_state: where it led.
        terminated: whether that state ended the episode; then nothing comes after it.
        alpha: step size.
        gamma: what a reward is worth one step later.

    Returns:
        The temporal-difference error, before alpha.
    """
    # 1. the target: what the step says that the action is worth
    target = reward if terminated else reward + gamma * q[next_state].max()
    # 2. how far the table is off
    error = target - q[state, action]
    # 3. go part of the way
    q[state, action] += alpha * error
    return float(error)


def _td_cases() -> list[tuple]:
    """Steps in a table of four states, the simplest first; state 3 is an end and 2 has an impossible action."""
    no = -np.inf
    q = np.array([[1.0, 2.0, 0.5], [6.0, 4.0, 3.0], [no, -3.0, -1.0], [no, no, no]])
    return [
        (q.copy(), 0, 1, 1.5, 1, False, 0.25, 0.5),
        (q.copy(), 1, 0, 2.0, 3, True, 0.5, 0.9),
        (q.copy(), 1, 2, 0.0, 0, False, 0.5, 0.9),
        (q.copy(), 0, 0, 0.0, 2, False, 1.0, 0.8),
        (q.copy(), 2, 1, -1.0, 1, False, 0.1, 0.7),
        (q.copy(), 2, 2, 1.0, 0, True, 0.25, 0.5),
        (q.copy(), 0, 2, -1.0, 3, True, 0.25, 0.9),
    ]


def _td_draw(rng: np.random.Generator) -> tuple:
    """A random step in a random table."""
    q = rng.normal(size=(5, 3)).round(2)
    state, next_state = rng.choice(5, size=2, replace=False).tolist()
    action, reward, terminated = int(rng.integers(3)), round(float(rng.normal()), 2), bool(rng.random() < 0.3)
    return q, state, action, reward, next_state, terminated, float(rng.uniform(0.1, 0.9)), float(rng.uniform(0.1, 0.9))


def _td_like(
    target: Callable[..., float] | None = None,
    step: Callable[[float, float, float], float] | None = None,
    returned: Callable[[float, float, float], float] | None = None,
    *,
    at_the_end: Callable[..., float] | None = None,
) -> Callable[..., float]:
    """Make a wrong `td_update` from a right one by exchanging a part.

    Args:
        target: of (q, state, action, reward, next_state, gamma), for a step that did not end the episode.
        step: the new entry, of (entry, target, alpha).
        returned: of (entry, target, new entry).
        at_the_end: the target of a step that ended the episode, of the same arguments as `target`.
    """

    def answer(
        q: NDArray, state: int, action: int, reward: float, next_state: int, ended: bool, alpha: float, gamma: float
    ) -> float:
        parts = q, state, action, reward, next_state, gamma
        last, before = at_the_end or (lambda q, s, a, r, s2, g: r), target or _td_target
        old = q[state, action]
        goal = (last if ended else before)(*parts)
        q[state, action] = old + alpha * (goal - old) if step is None else step(old, goal, alpha)
        return float(goal - old if returned is None else returned(old, goal, q[state, action]))

    return answer


def _moves_the_row(
    q: NDArray, state: int, action: int, reward: float, next_state: int, ended: bool, alpha: float, gamma: float
) -> float:
    error = (reward if ended else _td_target(q, state, action, reward, next_state, gamma)) - q[state, action]
    q[state] += alpha * error
    return float(error)


def _leaves_early(
    q: NDArray, state: int, action: int, reward: float, next_state: int, ended: bool, alpha: float, gamma: float
) -> float:
    return reward if ended else _td_like()(q, state, action, reward, next_state, ended, alpha, gamma)


def _td_target(q: NDArray, state: int, action: int, reward: float, next_state: int, gamma: float) -> float:
    return reward + gamma * q[next_state].max()


def _td_seen(error: float, arguments: tuple) -> dict[str, object]:
    """What a step did, the entry that learns first: a verdict shows it."""
    q, state, action = arguments[0].copy(), *arguments[1:3]
    entry = float(q[state, action])
    q[state, action] = 0.0
    return {"q[state, action]": entry, "returned": error, "the other entries": q}


td_update.examine(
    cases=_td_cases,
    draw=_td_draw,
    seen=_td_seen,
    mistakes={
        "the largest entry of the next state is not discounted: where is gamma?": _td_like(
            lambda q, s, a, r, s2, g: r + q[s2].max()
        ),
        "the reward is missing from the target": _td_like(lambda q, s, a, r, s2, g: g * q[s2].max()),
        "the future is missing from the target: add gamma times the largest entry of the next state": _td_like(
            lambda q, s, a, r, s2, g: r
        ),
        "the target takes the next state's entry of the same action: the largest one is wanted": _td_like(
            lambda q, s, a, r, s2, g: r + g * q[s2, a]
        ),
        "the target averages over the next state's actions: the largest entry is wanted": _td_like(
            lambda q, s, a, r, s2, g: r + g * q[s2].mean()
        ),
        "the target takes the smallest entry of the next state: the largest one is wanted": _td_like(
            lambda q, s, a, r, s2, g: r + g * q[s2].min()
        ),
        "the target takes the largest entry of the state where the step began: where did it lead?": _td_like(
            lambda q, s, a, r, s2, g: r + g * q[s].max()
        ),
        "gamma multiplies the reward too": _td_like(lambda q, s, a, r, s2, g: g * (r + q[s2].max())),
        "the target takes argmax, which is the number of an action: max is the largest entry": _td_like(
            lambda q, s, a, r, s2, g: r + g * q[s2].argmax()
        ),
        "0 times -inf is nan: after the end do not read the row at all, the target is the reward": _td_like(
            at_the_end=lambda q, s, a, r, s2, g: r + g * float(q[s2].max()) * 0
        ),
        "after the end it returns the reward at once: the entry has to learn from that step too": _leaves_early,
        "it ignores terminated: after the step that ended the episode nothing follows, so the target is the reward": (
            _td_like(at_the_end=_td_target)
        ),
        "terminated is read the wrong way round: it is the last step that has nothing after it": _td_like(
            lambda q, s, a, r, s2, g: r, at_the_end=_td_target
        ),
        "it learns nothing from the last step of an episode: the target there is the reward": _td_like(
            at_the_end=lambda q, s, a, r, s2, g: q[s, a]
        ),
        "the entry becomes the whole target: go only the share alpha of the way": _td_like(
            step=lambda old, goal, alpha: goal
        ),
        "alpha weighs the target alone: it belongs to the error, target minus entry": _td_like(
            step=lambda old, goal, alpha: old + alpha * goal
        ),
        "the entry moves away from the target: the error is target minus entry": _td_like(
            step=lambda old, goal, alpha: old - alpha * (goal - old)
        ),
        "the entry is replaced by alpha times the error: add that to it": _td_like(
            step=lambda old, goal, alpha: alpha * (goal - old)
        ),
        "alpha and gamma are exchanged": lambda q, s, a, r, s2, over, alpha, gamma: _td_like()(
            q, s, a, r, s2, over, gamma, alpha
        ),
        "the table does not change: write into q[state, action]": _td_like(step=lambda old, goal, alpha: old),
        "the whole row of the state moves: only the entry of the action learns": _moves_the_row,
        "the table is right, but the change is returned: return the error, before alpha": _td_like(
            returned=lambda old, goal, new: new - old
        ),
        "the table is right, but the new entry is returned: return the error": _td_like(
            returned=lambda old, goal, new: new
        ),
        "the table is right, but the target is returned: return the error": _td_like(
            returned=lambda old, goal, new: goal
        ),
        "the table is right, but the error is returned with the wrong sign": _td_like(
            returned=lambda old, goal, new: old - goal
        ),
        "the error is worked out after the entry has moved: keep the one from before": _td_like(
            returned=lambda old, goal, new: goal - new
        ),
    },
)


# -------------------------------------------------------------------------------------------------------- greedy_policy


@exercise(
    minutes=4,
    difficulty=1,
    hints=(
        "Begin with the best action of each row, without caring about rows of -inf: `q.argmax(axis=1)` looks along "
        "each row and gives one number a state.",
        "A row in which nothing is possible has only -inf, so its largest entry is -inf as well.",
        "`np.where(condition, a, b)` takes a where the condition holds and b elsewhere: "
        "`np.where(q.max(axis=1) > -np.inf, best, -1)`.",
    ),
    returns=promise.an_array("the policy", int),
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


def _greedy_cases() -> list[tuple]:
    """Tables with and without possible actions, the simplest first."""
    no = -np.inf
    return [
        (np.array([[0.2, 0.5, 0.1], [0.0, 0.3, 0.7]]),),
        (np.array([[0.5, 2.0, 1.0], [no, no, no], [4.0, 1.0, 2.0]]),),
        (np.array([[no, -3.0, -1.0], [4.0, no, no], [no, no, no], [-2.0, -5.0, no]]),),
        (np.array([[-0.5, no, -0.25, no], [no, no, 1.5, 0.5]]),),
    ]


def _greedy_draw(rng: np.random.Generator) -> tuple:
    """A random table in which some actions, and in one state all, are impossible."""
    q = rng.normal(size=(7, 4)).round(2)
    q[rng.random(q.shape) < 0.2] = -np.inf
    q[int(rng.integers(7))] = -np.inf
    return (q,)


def _best_of(worth: NDArray, q: NDArray, *, nowhere: NDArray | int = -1, shift: int = 0) -> NDArray:
    """Return the best action by some other worth where one is possible in q, and something else where none is."""
    return np.where(q.max(axis=1) > -np.inf, worth.argmax(axis=1) + shift, nowhere)


greedy_policy.examine(
    cases=_greedy_cases,
    draw=_greedy_draw,
    mistakes={
        "it has one entry an action: look along each row, axis 1": lambda q: q.argmax(axis=0),
        "a state without a possible action gets 0: put -1 there": lambda q: q.argmax(axis=1),
        "it takes the worst possible action": lambda q: _best_of(np.where(q > -np.inf, -q, -np.inf), q),
        "it takes the smallest entry of each row, which may be -inf: the largest one is wanted": lambda q: _best_of(
            -q, q
        ),
        "it counts actions from 1: the first has the number 0": lambda q: _best_of(q, q, shift=1),
        "it counts the actions and the -1 from 1: the first action has the number 0": lambda q: _best_of(
            q, q, shift=1, nowhere=0
        ),
        "an action at -inf wins over a loss: is -inf replaced by 0?": lambda q: _best_of(
            np.where(q > -np.inf, q, 0.0), q
        ),
        "-1 is put into every state in which some action is impossible: it belongs where all are": lambda q: np.where(
            np.isfinite(q).all(axis=1), q.argmax(axis=1), -1
        ),
        "-1 is put where action 0 is best: 0 is an action too": lambda q: np.where(
            q.argmax(axis=1) > 0, q.argmax(axis=1), -1
        ),
        "-1 is put where the largest entry is not above 0: a loss may be the best that there is": lambda q: np.where(
            q.max(axis=1) > 0, q.argmax(axis=1), -1
        ),
        "the -1 stands in the wrong rows: it belongs where no action is possible": lambda q: np.where(
            q.max(axis=1) > -np.inf, -1, q.argmax(axis=1)
        ),
    },
)


# ---------------------------------------------------------------------------------------------------- discounted_return


@exercise(
    minutes=3,
    difficulty=1,
    hints=(
        "Begin with a total of 0 and go through the rewards with their number: `for t, reward in enumerate(rewards)`.",
        "The first reward has t = 0, and `gamma ** 0` is 1, so it counts in full.",
        "`sum(gamma**t * reward for t, reward in enumerate(rewards))`",
    ),
    returns=promise.a_float("the return"),
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


def _total(rewards: Sequence[float], powers: Sequence[float], gamma: float) -> float:
    return float(sum(gamma**power * reward for power, reward in zip(powers, rewards, strict=True)))


discounted_return.examine(
    cases=lambda: [
        ([1.0, 0.0, 2.0, 5.0], 0.5),
        ([0.0, 0.0, 0.0, 1.0], 0.9),
        ([3.0, 4.0], 1.0),
        ([3.0, 4.0], 0.0),
        ([], 0.9),
        ([0.0, -1.0, 2.0], 0.9),
    ],
    draw=lambda rng: (rng.normal(size=int(rng.integers(2, 7))).round(1).tolist(), float(rng.uniform(0.3, 0.95))),
    mistakes={
        "everything is discounted once too often: the first reward counts in full": lambda r, g: _total(
            r, range(1, len(r) + 1), g
        ),
        "the rewards are added up without a discount": lambda r, g: float(sum(r)),
        "the exponents run the wrong way: the last reward counts in full": lambda r, g: _total(
            r, range(len(r))[::-1], g
        ),
        "every reward gets the same discount: the exponent is the number of steps before it": lambda r, g: g * sum(r),
        "it averages: a return is a sum": lambda r, g: _total(r, range(len(r)), g) / max(len(r), 1),
        "the first reward is left out": lambda r, g: _total(r[1:], range(1, len(r[1:]) + 1), g),
        "the last reward is left out": lambda r, g: _total(r[:-1], range(len(r[:-1])), g),
        "the discount grows by multiplying t with gamma: it is gamma to the power t": lambda r, g: float(
            sum(g * t * reward for t, reward in enumerate(r))
        ),
    },
)
