"""Lesson 08b: what `tune` does where nobody says otherwise, beside what the records recommend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from binpack.course.l08_optuna import record_budgets, record_pruning
from binpack.course.l08_optuna.reading_words import best_pruner, best_space, enough
from binpack.course.searching import EVEN, chance_better
from binpack.course.tables import Table
from binpack.search.config import TuneConfig
from binpack.search.landscape.table import Runs

# TODO(record): once the records are whole, the defaults of `TuneConfig` become what `proposals` says, with its figures.


def by_seeds(
    runs: Runs, budget: int, seeds: Sequence[int], repeats: int, rng: np.random.Generator
) -> dict[int, NDArray]:
    """Divide a budget of runs in several ways, and return what is chosen: seeds of a trial -> worth, (repeats,).

    Args:
        runs: the recorded configurations.
        budget: runs in all.
        seeds: runs of a trial.
        repeats: searches of each kind.
        rng: draws configurations, and which of their seeds are used.
    """
    found = {}
    for count in seeds:
        trials = min(budget // count, len(runs.configs))
        configs = rng.permuted(np.tile(np.arange(len(runs.configs)), (repeats, 1)), axis=1)[:, :trials]
        drawn = rng.integers(len(runs.seeds), size=(repeats, trials, count))
        scores = runs.final[configs[..., None], drawn].mean(axis=2)
        found[count] = runs.truth[configs[np.arange(repeats), scores.argmax(axis=1)]]
    return found


def best_seeds(found: Mapping[int, NDArray]) -> int:
    """Return with how many seeds a trial the choice is worth most on average.

    Args:
        found: as `by_seeds` returns it.
    """
    return max(found, key=lambda count: found[count].mean())


def proposals(
    pruners: record_pruning.Record, budgets: record_budgets.Record, seeds: Mapping[int, NDArray], trials: int = 100
) -> Table:
    """Put the defaults of `tune` beside what the records say.

    Args:
        pruners: the replays.
        budgets: the long searches.
        seeds: as `by_seeds` returns it.
        trials: at which samplers and spaces are compared.
    """
    today = TuneConfig()
    ends = {name: budgets.at("all eleven", name, trials) for name in ("TPE", "random")}
    chance = chance_better(ends["TPE"], ends["random"])
    sampler = "tpe" if chance > 0.5 + EVEN else "random" if chance < 0.5 - EVEN else "either"
    pruner, _ = best_pruner(pruners, "points")
    number, _ = enough(budgets)
    space, _ = best_space(budgets, trials)
    rows = [
        ["sampler", today.sampler.kind, sampler, f"after {trials} trials TPE is ahead in {chance:.0%} of the pairs"],
        ["pruner", today.pruner.kind, pruner, "most worth at an equal budget"],
        ["seeds a trial", str(today.seeds), str(best_seeds(seeds)), "most worth of the choice from as many runs"],
        ["trials", str(today.n_trials), str(number), "nine tenths of what a long search gains"],
        ["space", f"{len(today.space)} hyperparameters", space, f"most worth after {trials} trials"],
    ]
    return Table(("setting", "tune today", "the records say", "by"), rows)
