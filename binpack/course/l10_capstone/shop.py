"""Lesson 10b: a shop as a gymnasium environment that packs nothing, an agent that learns in it, and a ``tune`` for it.

Every evening the agent sees the shelf and orders for the morning. The job of the train action names this module as its
entrypoint.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from binpack.course.l10_capstone.exercises.own import a_day
from binpack.search.action.result import Report
from binpack.search.action.run import Run

ROOM, DAYS, MEAN = 10, 30, 4.0
LEARNING, TESTING, UNSEEN = 100, 200_000, 400_000
"""First seeds of the months for learning, of those by which tuning chooses, and of those for the end: none serves for
two, for training seeds up to 199 and up to 1000 months."""


class Shop(gym.Env):
    """A month of a shop: the observation is the stock, the action is how many are ordered, the reward is the profit."""

    def __init__(self) -> None:
        self.observation_space = gym.spaces.Discrete(ROOM + 1)
        self.action_space = gym.spaces.Discrete(ROOM + 1)
        self._stock, self._day = 0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Begin a month with an empty shelf; the seed decides what will be asked for."""
        super().reset(seed=seed)
        self._stock, self._day = 0, 0
        return self._stock, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Play a day."""
        demand = self.np_random.poisson(MEAN, size=1)
        left, profit = a_day.reference(np.array([self._stock]), np.array([action]), demand)
        self._stock, self._day = int(left[0]), self._day + 1
        # the shop does not close after a month, we only stop looking: truncated and not terminated
        return self._stock, float(profit[0]), False, self._day == DAYS, {}


def score(values: NDArray, episodes: int = 40) -> float:
    """Return the mean profit of a day by a table of values, on months that no learning saw.

    Args:
        values: of each order at each stock, (11, 11).
        episodes: how many months.
    """
    return scored([int(row.argmax()) for row in values], episodes)


def scored(orders: list[int], episodes: int = 40, first: int = TESTING) -> float:
    """Return the mean profit of a day of a plan.

    Args:
        orders: what is ordered at each stock.
        episodes: how many months.
        first: seed of the first one.
    """
    env, total = Shop(), 0.0
    for number in range(episodes):
        stock, _ = env.reset(seed=first + number)
        over = False
        while not over:
            stock, profit, _, over, _ = env.step(orders[stock])
            total += profit
    return total / episodes / DAYS


def up_to(level: int) -> list[int]:
    """Return the rule of thumb: order up to a level.

    Args:
        level: what is on the shelf in the morning.
    """
    return [max(0, level - stock) for stock in range(ROOM + 1)]


def tune(
    run: Run, dataset: str, hyperparameter: Mapping[str, Any], checkpoint: str | None, **kwargs: Any
) -> dict[str, Any]:
    """Learn for some months by Q-learning (Watkins, 1989), and report four times on the way.

    See ``binpack.search.action.entrypoint``.
    """
    months, seed = hyperparameter.get("months", 60), hyperparameter.get("seed", 0)
    values, done = _read(checkpoint) if checkpoint else (np.zeros((ROOM + 1, ROOM + 1)), 0)
    env, quarter = Shop(), -(-months // 4)
    while done < months:
        first, done = done, min(months, done + quarter)
        for month in range(first, done):
            _learn(env, values, hyperparameter, seed, month)
        kept = _write(run.folder / f"month_{done}.json", values, done)
        run.report(Report({"score": round(score(values), 4)}, checkpoint=kept))
    _write(run.checkpoint_output, values, done)
    return {"score": round(score(values), 4)}


train = tune


def _read(path: str) -> tuple[NDArray, int]:
    stored = json.loads(Path(path).read_text(encoding="utf-8"))
    return np.array(stored["values"]), stored["done"]


def _write(path: Path, values: NDArray, done: int) -> Path:
    path.write_text(json.dumps({"values": values.tolist(), "done": done}), encoding="utf-8")
    return path


def _learn(env: Shop, values: NDArray, chosen: Mapping[str, Any], seed: int, month: int) -> None:
    """Learn for a month, in place."""
    rate, explore, gamma = (chosen[name] for name in ("learning_rate", "explore", "gamma"))
    rng = np.random.default_rng([seed, month])
    stock, _ = env.reset(seed=LEARNING + 1000 * seed + month)
    over = False
    while not over:
        order = int(rng.integers(ROOM + 1)) if rng.random() < explore else int(values[stock].argmax())
        later, profit, _, over, _ = env.step(order)
        values[stock, order] += rate * (profit + gamma * values[later].max() - values[stock, order])
        stock = later


def job(trials: int = 8, months: int = 60) -> dict[str, Any]:
    """Return the job that tunes the shop's agent.

    Args:
        trials: how many.
        months: that each learns for.
    """
    return {
        "action": "train",
        "params": {
            "name": "shop",
            "dataset": "random",
            "entrypoint": "binpack.course.l10_capstone.shop",
            "is_tune": True,
            "hyperparameter": {"months": months},
            "hyperparameters": [
                {"name": "learning_rate", "type": "loguniform", "min": 0.01, "max": 1.0, "base": 10},
                {"name": "explore", "type": "uniform", "min": 0.02, "max": 0.5},
                {"name": "gamma", "type": "uniform", "min": 0.0, "max": 0.99},
            ],
            "tune_config": {
                "mode": "max",
                "metric": "score",
                "num_samples": trials,
                "max_concurrent_trials": 2,
                "search_alg": {"name": "optunasearch"},
            },
        },
    }


DEFAULT: Mapping[str, float] = {"learning_rate": 0.1, "explore": 0.1, "gamma": 0.95}
"""What a textbook begins with."""


def learned(values: Mapping[str, float], seeds: range, months: int = 60) -> list[list[int]]:
    """Train a configuration on fresh seeds, and return what each run has learned to order at each stock.

    Args:
        values: of the three hyperparameters.
        seeds: of the runs.
        months: that each learns for.
    """
    found = []
    for seed in seeds:
        env, table = Shop(), np.zeros((ROOM + 1, ROOM + 1))
        for month in range(months):
            _learn(env, table, values, seed, month)
        found.append([int(row.argmax()) for row in table])
    return found


def levels() -> dict[int, float]:
    """Return the mean profit of a day of the rule of thumb at several levels."""
    return {level: scored(up_to(level)) for level in range(2, ROOM + 1)}


def by_hand(play: Any, level: int, shops: int, days: int, rng: np.random.Generator) -> NDArray:
    """Play many shops at once by the rule of thumb, and return the mean profit of each, float64, (shops,).

    Args:
        play: (stock, order, demand) -> (stock, profit).
        level: that is ordered up to.
        shops: how many.
        days: how long.
        rng: decides what is asked for.
    """
    stock, total = np.zeros(shops, np.int64), np.zeros(shops)
    for _ in range(days):
        stock, profit = play(stock, np.maximum(0, level - stock), rng.poisson(MEAN, size=shops))
        total += profit
    return total / days
