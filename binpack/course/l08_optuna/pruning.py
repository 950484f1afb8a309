"""Lesson 08b: pruners replayed on recorded curves, many searches side by side, as arrays with a row for each.

A search tries recorded configurations in a random order, each with one of its seeds. A pruner is asked after each point
of a curve but the last: a trial that has reached its end is complete, and costs no more. The decisions are those of
Optuna 5, whose pruners are given the same reports.

References:
    Jamieson, Talwalkar (2016). Non-stochastic Best Arm Identification and Hyperparameter Optimization. AISTATS.
    Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar (2018). Hyperband: A Novel Bandit-Based Approach to Hyperparameter
        Optimization. JMLR 18.
    Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar (2020). A System for Massively Parallel
        Hyperparameter Tuning. MLSys.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from binpack.course.searching import curves, leaders
from binpack.search.landscape.table import Runs

Pruner = Callable[[NDArray, np.random.Generator], NDArray]
"""(scores (repeats, trials, points), rng) -> how many points each trial takes, int64, (repeats, trials)."""
GOOD = 0.1
"""The best tenth of the tried configurations is called good."""


@dataclass(frozen=True, eq=False)
class Searches:
    """Trials of many searches, whole, as they are without a pruner.

    Attributes:
        scores: utilization on the validation streams at each point, float64, (repeats, trials, points).
        steps: environment steps taken up to each point, int64, (repeats, trials, points).
        worth: what each trial's configuration is truly worth, float64, (repeats, trials).
    """

    scores: NDArray
    steps: NDArray
    worth: NDArray

    def first(self, trials: int) -> Searches:
        """Return the same searches, ended after some trials.

        Args:
            trials: how many.
        """
        return Searches(self.scores[:, :trials], self.steps[:, :trials], self.worth[:, :trials])


def searches(runs: Runs, trials: int, repeats: int, rng: np.random.Generator) -> Searches:
    """Draw searches of recorded configurations, each of which is tried at most once.

    Args:
        runs: the configurations.
        trials: of each search.
        repeats: how many searches.
        rng: draws the order of the configurations, and a seed for each.
    """
    configs = rng.permuted(np.tile(np.arange(len(runs.configs)), (repeats, 1)), axis=1)[:, :trials]
    seeds = rng.integers(len(runs.seeds), size=configs.shape)
    scores, steps = curves(runs)
    return Searches(scores[configs, seeds], steps[configs, seeds], runs.truth[configs])


# ------------------------------------------------------------------------------------------------------------- pruners


def whole(scores: NDArray, rng: np.random.Generator) -> NDArray:
    """Prune nothing; see `Pruner`."""
    return np.full(scores.shape[:2], scores.shape[2])


def percentile(keep: float, startup: int = 5, warmup: int = 0) -> Pruner:
    """Make Optuna's percentile pruner: the median pruner with ``keep = 0.5``.

    A trial is stopped where its best score so far is below the quantile of what the complete trials had at that point.

    Args:
        keep: share of the complete trials that a trial has to be among.
        startup: so many trials have to be complete first.
        warmup: so many points of a trial are never asked about.
    """

    def pruner(scores: NDArray, rng: np.random.Generator) -> NDArray:
        repeats, trials, points = scores.shape
        ends = np.full((repeats, trials), points)
        complete = np.full((repeats, points, trials), np.inf)  # ascending; what is not there yet comes last
        count = np.zeros(repeats, int)
        for trial in range(trials):
            best = np.maximum.accumulate(scores[:, trial], axis=1)
            stops = best < _quantile(complete, count, 1 - keep)
            stops[count < startup] = False
            stops[:, :warmup] = stops[:, -1] = False
            ends[:, trial] = _first(stops)
            done = np.flatnonzero(ends[:, trial] == points)
            complete[done, :, count[done]] = scores[done, trial]
            count[done] += 1
            complete[done, :, : trial + 1] = np.sort(complete[done, :, : trial + 1], axis=2)
        return ends

    return pruner


def _quantile(ordered: NDArray, count: NDArray, share: float) -> NDArray:
    """Return numpy's quantile of the first few of ascending values, (repeats, points, trials) -> (repeats, points)."""
    place = share * np.maximum(count - 1, 0)
    low = np.floor(place).astype(int)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    rows = np.arange(len(ordered))
    below, above = ordered[rows, :, low], ordered[rows, :, high]
    with np.errstate(invalid="ignore"):  # infinite where nothing is complete, and then nobody asks
        return below + (above - below) * (place - low)[:, None]


def _first(stops: NDArray) -> NDArray:
    """Return after how many points each trial is stopped first, all of them where it never is, int64, (repeats,)."""
    return np.where(stops.any(axis=1), stops.argmax(axis=1) + 1, stops.shape[1])


def rungs(points: int, factor: int, first: int = 1) -> list[int]:
    """Return after how many points successive halving decides.

    Args:
        points: of a whole trial.
        factor: each rung is so many times as far as the one before.
        first: the first rung.
    """
    return [first * factor**rung for rung in range(points) if first * factor**rung < points]


def halving(factor: int, first: int = 1) -> Pruner:
    """Make Optuna's asynchronous successive halving: at each rung the best so far go on, one in ``factor``.

    Args:
        factor: see `rungs`.
        first: see `rungs`.
    """
    return lambda scores, rng: in_brackets(scores, np.zeros(scores.shape[:2], int), factor, first)


def hyperband(factor: int, first: int = 1) -> Pruner:
    """Make Optuna's Hyperband: trials are dealt out to brackets of halving, the later ones with a later first rung.

    Args:
        factor: see `rungs`.
        first: see `rungs`.
    """

    def pruner(scores: NDArray, rng: np.random.Generator) -> NDArray:
        shares = bracket_shares(scores.shape[2], factor, first)
        return in_brackets(scores, rng.choice(len(shares), size=scores.shape[:2], p=shares), factor, first)

    return pruner


def bracket_shares(points: int, factor: int, first: int = 1) -> NDArray:
    """Return which share of the trials each of Hyperband's brackets gets, float64, (brackets,).

    Args:
        points: of a whole trial.
        factor: see `rungs`.
        first: see `rungs`.
    """
    count = math.floor(math.log(points / first, factor)) + 1
    budgets = [math.ceil(count * factor**left / (left + 1)) for left in reversed(range(count))]
    return np.array(budgets) / sum(budgets)


def in_brackets(scores: NDArray, brackets: NDArray, factor: int, first: int = 1) -> NDArray:
    """Halve within brackets; see `Pruner`.

    Args:
        scores: (repeats, trials, points).
        brackets: of each trial, whose first rung is ``first * factor ** bracket``; only trials of one are compared.
        factor: see `rungs`.
        first: see `rungs`.
    """
    repeats, trials, points = scores.shape
    at = np.array(rungs(points, factor, first))
    ends = np.full((repeats, trials), points)
    reached = np.full((repeats, trials, len(at)), -np.inf)
    for trial in range(trials):
        values = scores[:, trial][:, at - 1]
        rivals = np.where(brackets[:, :trial, None] == brackets[:, trial, None, None], reached[:, :trial], -np.inf)
        ahead = (rivals > values[:, None]).sum(axis=1)
        there = np.isfinite(rivals).sum(axis=1) + 1
        starts = np.arange(len(at)) >= brackets[:, trial, None]
        stops = starts & (ahead > np.maximum(there // factor - 1, 0))
        stopped = np.where(stops.any(axis=1), stops.argmax(axis=1), len(at))
        ends[:, trial] = np.append(at, points)[stopped]
        arrived = starts & (np.arange(len(at)) <= stopped[:, None])
        reached[:, trial] = np.where(arrived, values, -np.inf)
    return ends


PRUNERS: Mapping[str, Pruner] = {
    "none": whole,
    "median": percentile(0.5),
    "median after a quarter": percentile(0.5, warmup=5),
    "upper quarter": percentile(0.25),
    "halving": halving(4),
    "Hyperband": hyperband(3),
}
"""Pruners of the lesson; Optuna's defaults, apart from a first rung at the first point."""


# ---------------------------------------------------------------------------------------------------------- over seeds


def wilcoxon(threshold: float = 0.1) -> Pruner:
    """Make Optuna's Wilcoxon pruner, whose points are finished seeds; its scores are means over the seeds so far.

    After each seed but the last, from the second on, the trial is compared with the best complete one, seed by seed. It
    is stopped where a signed-rank test (Wilcoxon, 1945) says that it is worse.

    Args:
        threshold: the test's p under which a trial is stopped.
    """

    def pruner(scores: NDArray, rng: np.random.Generator) -> NDArray:
        repeats, trials, seeds = scores.shape
        each = np.diff(scores * np.arange(1, seeds + 1), axis=2, prepend=0).round(9)  # equal ones are equal again
        ends = np.full((repeats, trials), seeds)
        leading, best = each[:, 0], scores[:, 0, -1]
        for trial in range(1, trials):
            stops = np.zeros((repeats, seeds), bool)
            for count in range(2, seeds):
                behind = _p_worse(each[:, trial, :count] - leading[:, :count]) < threshold
                stops[:, count - 1] = behind & (scores[:, trial, count - 1] < best)
            ends[:, trial] = _first(stops)
            mean = scores[:, trial, -1]
            better = (ends[:, trial] == seeds) & (mean > best)
            leading, best = np.where(better[:, None], each[:, trial], leading), np.where(better, mean, best)
        return ends

    return pruner


def _p_worse(differences: NDArray) -> NDArray:
    """Return the exact one-sided p of a signed-rank test that differences lie below 0, float64, (repeats,).

    It is the share of all signs that the differences could have had whose sum of positive ranks is no higher; the rank
    of a difference of 0 counts half, whatever the signs (``scipy.stats.wilcoxon`` with ``zero_method="zsplit"``).

    Args:
        differences: between a few seeds, (repeats, n).
    """
    from scipy.stats import rankdata

    n = differences.shape[1]
    ranks = rankdata(np.abs(differences), axis=1)
    sums = _signs(n) @ np.where(differences != 0, ranks, 0.0).T
    observed = np.where(differences > 0, ranks, 0.0).sum(axis=1)
    return (sums <= observed + 1e-9).mean(axis=0)


@cache
def _signs(n: int) -> NDArray:
    """Every way in which n differences can be positive, 1, or not, 0: (2 ** n, n)."""
    return np.array(list(product((0.0, 1.0), repeat=n)))


def seed_searches(runs: Runs, trials: int, repeats: int, rng: np.random.Generator) -> Searches:
    """Draw searches whose trials have every recorded seed, one after the other.

    The points are finished seeds, and the score at one is the mean over the seeds so far.

    Args:
        runs: the configurations.
        trials: of each search.
        repeats: how many searches.
        rng: draws the order of the configurations, and in each search an order of the seeds.
    """
    configs = rng.permuted(np.tile(np.arange(len(runs.configs)), (repeats, 1)), axis=1)[:, :trials]
    seeds = rng.permuted(np.tile(np.arange(len(runs.seeds)), (repeats, 1)), axis=1)[:, None]
    scores, steps = curves(runs)
    finals, lengths = scores[configs[..., None], seeds, -1], steps[configs[..., None], seeds, -1]
    means = np.cumsum(finals, axis=2) / np.arange(1, len(runs.seeds) + 1)
    return Searches(means, np.cumsum(lengths, axis=2), runs.truth[configs])


OVER_SEEDS: Mapping[str, Pruner] = {"none": whole, "median": percentile(0.5), "Wilcoxon": wilcoxon()}
"""Pruners of trials with many seeds."""


# ------------------------------------------------------------------------------------------------------ what came of it


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What a pruner did to searches, a number for each, float64, (repeats,).

    Attributes:
        saved: share of the steps that were not taken.
        good_killed: share of the good configurations that were stopped, of those whose trial was tried.
        best_killed: 1 where the truly best of the tried configurations was stopped.
        rank: true rank, from 1, of the best configuration that was stopped; 0 where none was.
        loss: by how much the search's choice is worth less than without a pruner.
    """

    saved: NDArray
    good_killed: NDArray
    best_killed: NDArray
    rank: NDArray
    loss: NDArray


def outcomes(found: Searches, ends: NDArray) -> Outcomes:
    """Say what a pruner did. A search chooses the complete trial with the highest last score.

    Args:
        found: the searches, whole.
        ends: how many points each trial took, (repeats, trials).
    """
    final = found.scores[..., -1]
    repeats, trials, points = found.scores.shape
    killed = ends < points
    ranks = 1 + np.argsort(np.argsort(-found.worth, axis=1, kind="stable"), axis=1, kind="stable")
    good = ranks <= max(1, round(GOOD * trials))
    best_lost = np.where(killed, ranks, trials + 1).min(axis=1)
    chosen = np.where(killed, -np.inf, final).argmax(axis=1)
    rows = np.arange(repeats)
    return Outcomes(
        1 - taken(found, ends).sum(axis=1) / found.steps[..., -1].sum(axis=1),
        (killed & good).sum(axis=1) / good.sum(axis=1),
        (killed & (ranks == 1)).any(axis=1).astype(float),
        np.where(best_lost > trials, 0, best_lost).astype(float),
        found.worth[rows, final.argmax(axis=1)] - found.worth[rows, chosen],
    )


def taken(found: Searches, ends: NDArray) -> NDArray:
    """Return how many environment steps each trial took, int64, (repeats, trials).

    Args:
        found: the searches, whole.
        ends: how many points each trial took, (repeats, trials).
    """
    return np.take_along_axis(found.steps, ends[..., None] - 1, axis=2)[..., 0]


def at_budget(found: Searches, ends: NDArray, whole_trials: int) -> tuple[NDArray, NDArray]:
    """Let a pruned search spend on further trials what it saves.

    Args:
        found: the searches, whole, with many more trials than ``whole_trials``.
        ends: how many points each trial took.
        whole_trials: the budget: what so many trials cost without a pruner.

    Returns:
        What the search's choice is worth when the budget is spent, float64, and how many trials were started, int64,
        (repeats,) each.
    """
    budget = found.steps[:, :whole_trials, -1].sum(axis=1)
    spent = np.cumsum(taken(found, ends), axis=1)
    started = np.maximum((spent <= budget[:, None]).sum(axis=1), 1)
    final = np.where(ends == found.scores.shape[2], found.scores[..., -1], -np.inf)
    leading = leaders(final)[np.arange(len(final)), started - 1]
    return found.worth[np.arange(len(final)), leading], started
