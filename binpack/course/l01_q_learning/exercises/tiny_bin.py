"""A bin that fits a table: the number of a state, and a sweep of value iteration (Bellman, 1957)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from binpack.course.exercises import exercise, promise
from binpack.course.l01_q_learning.worlds import Outcomes

# --------------------------------------------------------------------------------------------------------- state_number


@exercise(
    minutes=6,
    difficulty=2,
    hints=(
        "Begin with `number = 0` and go through the heights row by row: `for height in heights.reshape(-1)`.",
        "In a decimal number, each new digit makes what was read so far ten times as large. Here a digit is a height, "
        "from 0 to H, so it is H + 1 times. Numpy's integers have a largest value: use `int(height)`.",
        "In the loop `number = number * (bin_height + 1) + int(height)`; after it `number * items + item`.",
    ),
    returns=promise.an_int("the number"),
)
def state_number(heights: NDArray, item: int, bin_height: int, items: int) -> int:
    """Turn a height map and the next item into one number, as in a number system of base H + 1.

    For a floor of 10 x 10 cells the number has 105 digits, more than an integer of numpy holds. So compute with
    Python's, which hold any number: `int(height)`.

    Args:
        heights: the height map, integers of numpy, (L, W).
        item: which item is next, from 0 to items - 1.
        bin_height: height of the bin (H), in cells.
        items: how many kinds of items there are (K).

    Returns:
        The number, a Python int.
    """
    number = 0
    # 1. cell by cell, row by row: the digits so far move up by one place, and the new one is added
    for height in heights.reshape(-1):
        number = number * (bin_height + 1) + int(height)
    # 2. the item is the last digit, of base K
    return number * items + item


def _digits(cells: NDArray, base: int) -> int:
    """Read cells as the digits of a number, without what the reference uses."""
    return sum(int(height) * base**place for place, height in enumerate(reversed(cells.reshape(-1).tolist())))


def _in_dtype(heights: NDArray, dtype: type | np.dtype, bin_height: int) -> int:
    """Read a height map in numpy's integers, which wrap around."""
    with np.errstate(over="ignore"):
        number = np.zeros(1, dtype)
        for height in heights.reshape(-1):
            number = number * np.array([bin_height + 1], dtype) + height.astype(dtype)
    return int(number[0])


def _number_draw(rng: np.random.Generator) -> tuple:
    """A random height map, in the world's type of integers, and an item."""
    shape, height, items = rng.integers(2, 4, 2), int(rng.integers(2, 6)), int(rng.integers(2, 5))
    heights = rng.integers(0, height + 1, shape).astype(np.int16)
    return heights, int(rng.integers(items)), height, items


state_number.examine(
    cases=lambda: [
        (np.array([[1, 1], [0, 0]], np.int16), 1, 3, 2),
        (np.array([[0, 2], [1, 3]], np.int16), 0, 3, 2),
        (np.array([[2, 0, 1], [3, 1, 2]], np.int16), 3, 4, 5),
        (np.full((2, 2), 3, np.int16), 1, 3, 2),
        (np.full((10, 10), 10, np.int16), 1, 10, 2),
        (np.full((5, 6), 4, np.int16), 0, 5, 3),
    ],
    draw=_number_draw,
    mistakes={
        "the base is H, but a cell has H + 1 heights, from 0 to H": lambda h, i, top, k: _digits(h, top) * k + i,
        "the base is H, but a cell has H + 1 heights; and it overflows in int16, so turn each height into an int": (
            lambda h, i, top, k: int((np.array([_in_dtype(h, h.dtype, top - 1)], h.dtype) * h.dtype.type(k) + i)[0])
        ),
        "the item is left out: the same heights with another item are another state": lambda h, i, top, k: _digits(
            h, top + 1
        ),
        "the last digit is always 0: add the item": lambda h, i, top, k: _digits(h, top + 1) * k,
        "the item is added without making room for it: multiply by the number of items first": (
            lambda h, i, top, k: _digits(h, top + 1) + i
        ),
        "the cells are read column by column: row by row, y runs fastest": (
            lambda h, i, top, k: _digits(h.T, top + 1) * k + i
        ),
        "the cells are read backwards: the first cell is the highest digit": (
            lambda h, i, top, k: _digits(h.reshape(-1)[::-1], top + 1) * k + i
        ),
        "the item is the highest digit, but it should be the last": (
            lambda h, i, top, k: i * (top + 1) ** h.size + _digits(h, top + 1)
        ),
        "the item's digit has base H + 1, but there are only K items": (
            lambda h, i, top, k: _digits(h, top + 1) * (top + 1) + i
        ),
        "the heights are added up, so different maps share a number": lambda h, i, top, k: int(h.sum()) * k + i,
        "the number overflows in the heights' own int16: turn each height into a Python int first": (
            lambda h, i, top, k: int((np.array([_in_dtype(h, h.dtype, top)], h.dtype) * h.dtype.type(k) + i)[0])
        ),
        "on a large floor the number overflows in numpy's int64: turn each height into a Python int first": (
            lambda h, i, top, k: int((np.array([_in_dtype(h, np.int64, top)]) * k + i)[0])
        ),
        "on a large floor the digits overflow in numpy's int64: turn each height and power into a Python int first": (
            lambda h, i, top, k: _in_dtype(h, np.int64, top) * k + i
        ),
    },
)


# ---------------------------------------------------------------------------------------------------------- value_sweep


@exercise(
    minutes=15,
    difficulty=3,
    hints=(
        "Begin with what follows each outcome: `values[model.next_states]` has a value for every state, action and "
        "outcome at once, shape (S, A, K). Where `model.terminated` holds it should be 0.",
        "An action is worth the average over its outcomes: multiply (reward plus gamma times later value) by the "
        "outcome's probability and sum over the last axis. That leaves shape (S, A).",
        "Before the maximum over the actions, `np.where(possible, expected, -np.inf)` rules the impossible ones out. A "
        "state in which none is possible is worth 0.",
        "`later = np.where(model.terminated, 0.0, values[model.next_states])`, then "
        "`expected = (model.probabilities * (model.rewards + gamma * later)).sum(axis=2)`.",
    ),
    returns=promise.an_array("the values", float),
)
def value_sweep(values: NDArray, model: Outcomes, possible: NDArray, gamma: float) -> NDArray:
    """Look one step ahead from every state: one sweep of value iteration.

    Args:
        values: what each state is worth so far, float64, (S,); may be negative.
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


def _example_model() -> tuple[Outcomes, NDArray]:
    """Four states, two actions, two outcomes each; state 2 has only a loss to choose, state 3 nothing."""
    possible = np.array([[True, True], [True, True], [True, False], [False, False]])
    probabilities = np.array([[[0.5, 0.5], [0.9, 0.1]], [[0.25, 0.75], [1.0, 0.0]], [[0.6, 0.4], [0, 0]], [[0, 0]] * 2])
    after = np.array([[[1, 2], [1, 3]], [[3, 2], [0, 0]], [[3, 0], [0, 0]], [[0, 0]] * 2])
    rewards = np.array([[[1.0, 2.0], [0.5, 4.0]], [[3.0, 1.0], [0.5, 0.5]], [[-9.0, -2.0], [0, 0]], [[0.0, 0.0]] * 2])
    mask = possible[:, :, None]
    return Outcomes(probabilities * mask, after, rewards * mask, (after == 3) & mask), possible


def _model_draw(rng: np.random.Generator) -> tuple:
    """A random model of five states, the last of which is an end."""
    states, actions, outcomes = 5, 3, 2
    possible = rng.random((states, actions)) < 0.7
    possible[:-1, 0], possible[-1] = True, False
    mask = possible[:, :, None]
    chances = rng.dirichlet(np.ones(outcomes), (states, actions)) * mask
    after = rng.integers(0, states, (states, actions, outcomes)) * mask
    rewards = rng.normal(-0.5, 1.0, after.shape).round(2) * mask
    model = Outcomes(chances, after, rewards, (after == states - 1) & mask)
    return rng.normal(size=states).round(2), model, possible, float(rng.uniform(0.3, 0.9))


def _sweep_like(
    outcome: Callable[..., NDArray] | None = None, choose: Callable[[NDArray, NDArray], NDArray] | None = None
) -> Callable[..., NDArray]:
    """Make a wrong `value_sweep` from a right one by exchanging a part.

    Args:
        outcome: what each outcome adds, (S, A, K), of (probabilities, rewards, later values, values of the next states,
            gamma).
        choose: the values, of (expected returns, possible actions).
    """

    def answer(values: NDArray, model: Outcomes, possible: NDArray, gamma: float) -> NDArray:
        after = values[model.next_states]
        later = np.where(model.terminated, 0.0, after)
        parts = model.probabilities, model.rewards, later, after, gamma
        expected = (outcome or (lambda p, r, later, after, g: p * (r + g * later)))(*parts).sum(axis=2)
        return (choose or _best_possible)(expected, possible)

    return answer


def _keeps_the_dead(values: NDArray, model: Outcomes, possible: NDArray, gamma: float) -> NDArray:
    return np.where(possible.any(axis=1), _sweep_like()(values, model, possible, gamma), values)


def _drops_the_last_reward(values: NDArray, model: Outcomes, possible: NDArray, gamma: float) -> NDArray:
    rewards = np.where(model.terminated, 0.0, model.rewards)
    return _sweep_like()(values, model._replace(rewards=rewards), possible, gamma)


def _best_possible(expected: NDArray, possible: NDArray) -> NDArray:
    return np.where(possible.any(axis=1), np.where(possible, expected, -np.inf).max(axis=1), 0.0)


def _sweep_cases() -> list[tuple]:
    """The example model with several values and discounts."""
    model, possible = _example_model()
    return [
        (np.zeros(4), model, possible, 1.0),
        (np.array([2.0, 1.0, 3.0, 0.0]), model, possible, 0.5),
        (np.array([2.0, 1.0, 3.0, 7.0]), model, possible, 0.5),
        (np.array([-1.0, 4.0, -8.0, 7.0]), model, possible, 0.9),
    ]


value_sweep.examine(
    cases=_sweep_cases,
    draw=_model_draw,
    mistakes={
        "it ignores terminated: nothing comes after an outcome that ends the episode": _sweep_like(
            lambda p, r, later, after, g: p * (r + g * after)
        ),
        "the rewards are missing": _sweep_like(lambda p, r, later, after, g: p * g * later),
        "gamma is not used": _sweep_like(lambda p, r, later, after, g: p * (r + later)),
        "gamma multiplies the rewards too": _sweep_like(lambda p, r, later, after, g: p * g * (r + later)),
        "the rewards are not weighed by the outcomes' probabilities": _sweep_like(
            lambda p, r, later, after, g: r + p * g * later
        ),
        "the later values are not weighed by the outcomes' probabilities": _sweep_like(
            lambda p, r, later, after, g: p * r + g * later
        ),
        "the outcomes are not weighed by their probabilities": _sweep_like(lambda p, r, later, after, g: r + g * later),
        "the outcomes are averaged as if all were equally likely: weigh them by their probabilities": _sweep_like(
            lambda p, r, later, after, g: (r + g * later) / p.shape[2]
        ),
        "the weighed outcomes are averaged: their sum is the average already": _sweep_like(
            lambda p, r, later, after, g: p * (r + g * later) / p.shape[2]
        ),
        "it takes the best outcome: which one comes is chance, so average over them": _sweep_like(
            lambda p, r, later, after, g: (r + g * later).max(axis=2, keepdims=True)
        ),
        "it takes the largest of the weighed outcomes: add them up": _sweep_like(
            lambda p, r, later, after, g: (p * (r + g * later)).max(axis=2, keepdims=True)
        ),
        "an outcome that ends the episode loses its reward: only what would come after it is 0": _drops_the_last_reward,
        "the future is missing: add gamma times the value of the next state": _sweep_like(
            lambda p, r, later, after, g: p * r
        ),
        "it averages over the actions: take the best one": _sweep_like(
            choose=lambda expected, possible: (
                np.where(possible, expected, 0.0).sum(axis=1) / np.maximum(possible.sum(axis=1), 1)
            )
        ),
        "impossible actions, worth 0, win over losses: leave them out": _sweep_like(
            choose=lambda expected, possible: expected.max(axis=1)
        ),
        "it takes the worst possible action": _sweep_like(
            choose=lambda expected, possible: -_best_possible(-expected, possible)
        ),
        "a state without a possible action is worth -inf: it should be 0": _sweep_like(
            choose=lambda expected, possible: np.where(possible, expected, -np.inf).max(axis=1)
        ),
        "a state without a possible action keeps its old value: it should be 0": _keeps_the_dead,
        "negative values are raised to 0: a loss may be the best that there is": _sweep_like(
            choose=lambda expected, possible: np.maximum(_best_possible(expected, possible), 0.0)
        ),
    },
)
