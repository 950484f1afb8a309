"""Lesson 08b: a search of recorded runs as an Optuna study, with its pruned trials, its reports and its clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial, TrialState

from binpack.course.l08_optuna.pruning import Pruner
from binpack.course.l08_optuna.shares import frozen
from binpack.course.searching import curves
from binpack.search.landscape import task
from binpack.search.landscape.table import Runs

_BEGIN = datetime(2026, 1, 1, 9)
WORKERS = 2


def study(runs: Runs, trials: int, pruner: Pruner, rng: np.random.Generator, name: str = "recorded") -> optuna.Study:
    """Replay a random search, trial by trial, as two processes would have made it.

    Start and end of each trial are worked out from the recorded processor time. Pruning follows the order of the
    trials, as in one process.

    Args:
        runs: the recorded configurations.
        trials: how many are drawn.
        pruner: when a trial is stopped.
        rng: draws configurations and seeds.
        name: of the study.
    """
    configs = rng.permutation(len(runs.configs))[:trials]
    seeds = rng.integers(len(runs.seeds), size=len(configs))
    scores, seconds = curves(runs)[0][configs, seeds], runs.seconds[configs, seeds].astype(float)
    ends = pruner(scores[None], rng)[0]
    free = [_BEGIN] * WORKERS
    found = optuna.create_study(study_name=name, direction="maximize", sampler=RandomSampler(seed=0))
    for number, (config, end) in enumerate(zip(configs, ends, strict=True)):
        worker = int(np.argmin(np.array(free)))
        trial = _trial(runs, int(config), scores[number], int(end))
        trial.datetime_start = free[worker]
        trial.datetime_complete = free[worker] = free[worker] + timedelta(seconds=_until(seconds[number], int(end)))
        trial.set_user_attr("seed", runs.seeds[int(seeds[number])])
        found.add_trial(trial)
    return found


def _until(seconds: NDArray, end: int) -> float:
    """Return the seconds up to a point; a run that has diverged has none after it."""
    known = seconds[:end][np.isfinite(seconds[:end])]
    return float(known.max()) if len(known) else 0.0


def _trial(runs: Runs, config: int, scores: NDArray, end: int) -> FrozenTrial:
    trial = frozen(runs.configs[config], float(scores[end - 1]))
    trial.intermediate_values = {(point + 1) * task.EVERY: float(score) for point, score in enumerate(scores[:end])}
    trial.state = TrialState.COMPLETE if end == len(scores) else TrialState.PRUNED
    trial.set_user_attr("config", config)
    return trial
