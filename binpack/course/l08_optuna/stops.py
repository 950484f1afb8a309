"""Lesson 08: when a callback ends a search, and what that costs, played on the recorded study."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import optuna
from optuna.samplers import RandomSampler

from binpack.course.searching import worth_of_leaders
from binpack.course.tables import Table
from binpack.search.landscape.table import Runs
from binpack.search.storage import quiet

Callback = Callable[[optuna.Study, optuna.trial.FrozenTrial], None]


def played(
    make: Callable[[int], Callback], runs: Runs, patiences: Sequence[int], trials: int, repeats: int, seed: int = 0
) -> Table:
    """Let callbacks end random searches of recorded runs.

    Args:
        make: makes a callback from its patience.
        runs: the configurations; a trial is one of them with one of its seeds.
        patiences: those that are compared.
        trials: of a search that nobody ends.
        repeats: searches, the same for every patience.
        seed: draws them.

    Returns:
        For each patience how long the searches were, and what their leaders are worth.
    """
    rng = np.random.default_rng(seed)
    order = rng.permuted(np.tile(np.arange(len(runs.configs)), (repeats, 1)), axis=1)[:, :trials]
    scores = runs.final[order, rng.integers(len(runs.seeds), size=order.shape)]
    worth = worth_of_leaders(scores, runs.truth[order])
    rows = [_row("no callback", np.full(repeats, trials), worth)]
    for patience in patiences:
        ends = np.array([_end(make(patience), each) for each in scores])
        rows.append(_row(str(patience), ends, worth))
    head = ("patience", "trials on average", "fewest", "most", "worth of the leader")
    return Table(head, rows, f"{repeats} random searches of up to {trials} trials")


def _end(callback: Callback, scores: np.ndarray) -> int:
    """Return how many trials a study has when a callback ends it."""
    with quiet():
        study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=0))
        study.optimize(lambda trial: float(scores[trial.number]), n_trials=len(scores), callbacks=[callback])
    return len(study.get_trials(deepcopy=False))


def _row(name: str, ends: np.ndarray, worth: np.ndarray) -> list[str]:
    found = worth[np.arange(len(ends)), ends - 1]
    return [name, f"{ends.mean():.1f}", str(ends.min()), str(ends.max()), f"{found.mean():.4f}"]
