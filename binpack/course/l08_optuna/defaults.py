"""Lesson 08b: what `tune` does where nobody says otherwise, beside what the records recommend."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from binpack.core.statistics import Verdict, verdict
from binpack.course.l08_optuna import pruning, record_budgets, record_pruning
from binpack.course.l08_optuna.reading_words import best_pruner, best_space
from binpack.course.l08_optuna.searches import PER_TRIAL, Searches
from binpack.course.searching import EVEN, apart, chance_better, worth_of_leaders
from binpack.course.tables import Table
from binpack.search.config import TuneConfig
from binpack.search.landscape.table import Runs

MOSTLY = 0.75
"""In so many searches the leader should be worth more than the default."""


def doubled(runs: Runs, trials: int, repeats: int, rng: np.random.Generator) -> NDArray:
    """Return what twice as many whole trials are worth more, float64, (repeats,).

    Args:
        runs: recorded configurations; searches draw from them at random.
        trials: of the shorter search.
        repeats: searches.
        rng: draws them.
    """
    found = pruning.searches(runs, 2 * trials, repeats, rng)
    worth = worth_of_leaders(found.scores[..., -1], found.worth)
    return worth[:, -1] - worth[:, trials - 1]


def judged(best: Runs, default: Runs, seen: int = 3, kept_out: int = 10) -> tuple[float, Verdict]:
    """Choose among configurations with a few seeds, and judge the choice by seeds and streams that took no part.

    Args:
        best: the configurations.
        default: the default configuration.
        seen: how many seeds choose.
        kept_out: the first of the seeds that judge.

    Returns:
        By how much the choice scored more than the default, and the verdict on fresh seeds.
    """
    chosen = int(best.final[:, :seen].mean(axis=1).argmax())
    promised = float(best.final[chosen, :seen].mean() - default.final[0, :seen].mean())
    fresh = [seed for seed in best.seeds if seed >= kept_out and seed in default.seeds]
    scores = (
        np.nan_to_num(runs.test[row, [runs.seeds.index(seed) for seed in fresh]].astype(float))
        for runs, row in ((best, chosen), (default, 0))
    )
    return promised, verdict(*scores)


def mostly_ahead(budgets: record_budgets.Record, space: str, mostly: float = MOSTLY) -> int | None:
    """Return after how many trials by TPE most leaders are worth more than the default; None: never.

    Args:
        budgets: the long searches.
        space: what is searched.
        mostly: what share of the searches is most.
    """
    worth = budgets.found[space, "TPE"]
    there = (worth > budgets.default).mean(axis=0) >= mostly
    return record_budgets.AT[int(there.argmax())] if there.any() else None


def proposals(
    pruners: record_pruning.Record, budgets: record_budgets.Record, searches: Searches, more: NDArray, trials: int = 50
) -> Table:
    """Put the defaults of `tune` beside what the records say.

    Args:
        pruners: the replays.
        budgets: the long searches.
        searches: those with several seeds a trial.
        more: what the two cores buy that a pruned trial cannot use; see `doubled`.
        trials: at which samplers and spaces are compared.
    """
    today = TuneConfig()
    space, why = best_space(budgets, trials)
    rows = [
        ["sampler", today.sampler.kind, *_sampler(budgets, trials)],
        ["pruner", today.pruner.kind, *_pruner(pruners, more)],
        ["seeds a trial", str(today.seeds), *_seeds(searches)],
        ["space", ", ".join(today.space.names), ", ".join(budgets.names[space]) or space, why],
        ["trials", str(today.n_trials), *_trials(budgets, space)],
    ]
    return Table(("setting", "tune", "the records say", "for"), rows)


def _sampler(budgets: record_budgets.Record, trials: int) -> tuple[str, str]:
    chance = chance_better(*(budgets.at("all eleven", name, trials) for name in ("TPE", "random")))
    kind = "tpe" if chance > 0.5 + EVEN else "random" if chance < 0.5 - EVEN else "either"
    return kind, f"after {trials} trials in all eleven TPE is ahead of random search in {chance:.0%} of the pairs"


def _pruner(pruners: record_pruning.Record, more: NDArray) -> tuple[str, str]:
    name, said = best_pruner(pruners, "points")
    gains = pruners.found["points", name]["worth"] - pruners.found["points", "none"]["worth"]
    error = 2 * float(np.hypot(*(each.std() / len(each) ** 0.5 for each in (gains, more))))
    if gains.mean() <= more.mean() + error:
        return "none", (
            f"{name} buys {gains.mean():+.4f} at an equal number of steps; two seeds side by side, which only a study "
            f"without a pruner has, make twice the trials in the same time and buy {more.mean():+.4f}"
        )
    return name, said


def _seeds(searches: Searches) -> tuple[str, str]:
    worth = {count: searches.values("seeds", "TPE", str(count)) for count in PER_TRIAL}
    best = max(worth, key=lambda count: worth[count].mean())
    level = [str(count) for count in PER_TRIAL if count != best and not apart(worth[best], worth[count])]
    return str(best), f"with so many TPE chose best; level with it: {', '.join(level) or 'none'}"


def _trials(budgets: record_budgets.Record, space: str) -> tuple[str, str]:
    number = mostly_ahead(budgets, space)
    if number is None:
        return "more", f"no number of trials has a leader above the default in {MOSTLY:.0%} of the searches"
    share = (budgets.at(space, "TPE", number) > budgets.default).mean()
    return str(number), f"in this space the first number after which most leaders beat the default: {share:.0%} do"
