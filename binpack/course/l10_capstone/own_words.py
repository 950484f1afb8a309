"""Lesson 10b: its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.agents.evaluation import evaluate, make_streams
from binpack.core.statistics import verdict
from binpack.course.l10_capstone import own_rewards
from binpack.course.tables import Table
from binpack.env import BinPackingEnv, EnvConfig

REWARDS = ("volume", f"{own_rewards.__name__}:flat_bonus", f"{own_rewards.__name__}:flat_shaped")
RULE = "binpack.course.l10_capstone.own_support:three_feet"


def returns(rewards: Sequence[str] = REWARDS, episodes: int = 200) -> Table:
    """Play the same careless episodes under several rewards, and list what they pay.

    Args:
        rewards: by name.
        episodes: how many.

    Returns:
        A row for each reward: mean utilization, mean sum of rewards, correlation of the discounted return with the
        number of items, and the largest difference of a discounted return from the first reward's.
    """
    paid = {name: np.array([_episode(name, seed) for seed in range(episodes)]) for name in rewards}
    rows = []
    for name, found in paid.items():
        steps, filled, total, discounted = found.T
        tied = np.corrcoef(discounted, steps)[0, 1] if steps.std() else 0.0
        short = name.rpartition(":")[2]
        apart = np.abs(discounted - paid[rewards[0]][:, 3]).max()
        rows.append([short, f"{filled.mean():.3f}", f"{total.mean():.3f}", f"{tied:.2f}", f"{apart:.6f}"])
    head = ("reward", "utilization", "paid in all", "return and items", "largest change of a return")
    return Table(head, rows, f"{episodes} random episodes, the same for each reward")


def _episode(reward: str, seed: int) -> tuple[float, float, float, float]:
    """Return length, utilization, sum and discounted sum of a random episode."""
    env = BinPackingEnv(EnvConfig(bin_size=(5, 5, 5), items="random:1-3", reward=reward))
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)
    total = discounted = 0.0
    steps, over = 0, False
    info: Mapping[str, Any] = {}
    while not over:
        action = int(rng.choice(np.flatnonzero(env.action_masks())))
        _, paid, terminated, truncated, info = env.step(action)
        total, discounted = total + paid, discounted + own_rewards.GAMMA**steps * paid
        steps, over = steps + 1, terminated or truncated
    return float(steps), float(info["utilization"]), total, discounted


def rules(names: Sequence[str] = ("full", "corners", RULE, "none"), streams: int = 200) -> Table:
    """List how full a heuristic packs under several support rules.

    Args:
        names: of the rules.
        streams: how many.
    """
    rows = []
    for name in names:
        env = EnvConfig(bin_size=(6, 6, 6), items="random:1-4", support=name)
        found = evaluate("deepest_bottom_left", make_streams(env, streams, seed=1), env, seed=0, verify=False)
        rows.append([name.rpartition(":")[2] if name == RULE else name, f"{found.mean:.4f}"])
    return Table(("support rule", "utilization"), rows, f"deepest_bottom_left on {streams} streams")


def trials(result: Mapping[str, Any]) -> Table:
    """List the trials of the shop's job, the best first.

    Args:
        result: of the job.
    """
    models = sorted(result["trial_models"], key=lambda each: -each["metrics"]["score"])
    names = ("learning_rate", "explore", "gamma")
    rows = [[*(f"{each['config'][name]:.3g}" for name in names), f"{each['metrics']['score']:.3f}"] for each in models]
    return Table((*names, "profit of a day"), rows)


def final(tuned: Sequence[float], default: Sequence[float], rule: float) -> Table:
    """Judge a tuned configuration beside the default and the rule of thumb.

    Args:
        tuned: profits, one a fresh seed.
        default: of the default on the same seeds.
        rule: the rule of thumb's.
    """
    rows = [
        ["tuned beside default", str(verdict(tuned, default))],
        ["tuned beside the rule of thumb", str(verdict(tuned, rule))],
        ["default beside the rule of thumb", str(verdict(default, rule))],
    ]
    return Table(("comparison", "verdict, profit of a day"), rows)


def disagreements(compared: tuple[int, int, int]) -> str:
    """Say what a comparison of a rule with a loop found.

    Args:
        compared: placements, accepted ones, disagreements.
    """
    looked, accepted, wrong = compared
    return f"{looked:,} placements, {accepted:,} accepted, {wrong} on which rule and loop disagree"


def mean_profit(profits: NDArray) -> str:
    """Say what many shops earned.

    Args:
        profits: of each shop, (shops,).
    """
    mean, spread = profits.mean(), profits.std()
    return f"{len(profits):,} shops earn {mean:.3f} a day on average, with a standard deviation of {spread:.3f}"
