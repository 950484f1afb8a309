"""Lesson 07: Optuna's sampler on a few real runs."""

from __future__ import annotations

from collections.abc import Sequence

import optuna

from binpack.course import short_runs
from binpack.course.progress import progress
from binpack.course.tables import Table
from binpack.search.landscape import task

RANDOM = 3
"""Trials after the default that are drawn at random."""


def search(trials: int, names: Sequence[str], seed: int = 0) -> Table:
    """Search the space with Optuna's joint TPE and short runs: the default first, some random ones, then the model's.

    Args:
        trials: how many runs.
        names: hyperparameters that the table shows.
        seed: of the sampler and of all runs.

    Returns:
        The trials in their order.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=1 + RANDOM, multivariate=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial(task.SPACE.encode(task.DEFAULT))
    rows = []
    for number in progress(range(trials), "runs"):
        trial = study.ask()
        values = task.SPACE.suggest(trial)
        score = short_runs.score(values, seed)
        study.tell(trial, score)
        chosen = "the default" if number == 0 else "at random" if number <= RANDOM else "by the model"
        lead = "leads" if study.best_trial.number == trial.number else ""
        rows.append([str(number), chosen, f"{score:.3f}", lead, *(f"{values[name]:.3g}" for name in names)])
    caption = f"{trials} runs of {short_runs.STEPS} steps, seed {seed}"
    return Table(("trial", "chosen", "utilization", "", *names), rows, caption)
