"""Lesson 09: one question put to several libraries: the recorded study's surrogate in the unit cube.

Each of them searches eleven numbers from 0 to 1, so none has an advantage from its scales or its whole numbers. Weights
& Biases runs nothing here and asks nobody: ``sweeps`` is the package by which its server chooses, called directly.

References:
    Bergstra, Yamins, Cox (2013). Making a Science of Model Search: Hyperparameter Optimization in Hundreds of
        Dimensions for Vision Architectures. ICML.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from binpack.search.bridges.local_sweep import seeded
from binpack.search.bridges.optional import needed
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate

NAMES = tuple(task.SPACE.names)


@dataclass
class Objective:
    """The surrogate as an objective that keeps what it was asked for, and for how long it was busy.

    Attributes:
        model: of the recorded study.
        rng: draws the luck of each run.
        scores: of the trials so far.
        worth: what their configurations are truly worth.
        seconds: that were spent in here.
    """

    model: Surrogate
    rng: np.random.Generator
    scores: list[float] = field(default_factory=list)
    worth: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def __call__(self, shares: Mapping[str, float]) -> float:
        """Score a place in the unit cube.

        Args:
            shares: name of a hyperparameter -> place, 0 to 1.
        """
        begun = time.perf_counter()
        config = task.SPACE.at([min(max(float(shares[name]), 0.0), 1.0) for name in NAMES])
        finals, means = self.model.finals(np.array(task.SPACE.place(config)), self.rng)
        self.scores.append(float(finals[0]))
        self.worth.append(float(means[0]))
        self.seconds += time.perf_counter() - begun
        return self.scores[-1]


# ------------------------------------------------------------------------------------------------------------ searches


def _with_optuna(sampler: Callable[[int], optuna.samplers.BaseSampler]) -> Callable[[Objective, int, int], None]:
    def search(objective: Objective, trials: int, seed: int) -> None:
        study = optuna.create_study(direction="maximize", sampler=sampler(seed))
        study.optimize(
            lambda trial: objective({name: trial.suggest_float(name, 0, 1) for name in NAMES}), n_trials=trials
        )

    return search


def _hyperopt(objective: Objective, trials: int, seed: int) -> None:
    hyperopt = needed("hyperopt", "a search with Hyperopt")
    space = {name: hyperopt.hp.uniform(name, 0, 1) for name in NAMES}
    hyperopt.fmin(
        lambda shares: -objective(shares),  # it minimizes
        space,
        algo=hyperopt.tpe.suggest,
        max_evals=trials,
        rstate=np.random.default_rng(seed),
        show_progressbar=False,
        verbose=False,
    )


def _sweep(objective: Objective, trials: int, seed: int) -> None:
    sweeps = needed("sweeps", "a sweep of W&B")
    config = sweep_config()
    runs: list[Any] = []
    with seeded(np.random.default_rng(seed)):
        for _ in range(trials):
            run = sweeps.next_run(config, runs)
            score = objective({name: run.config[name]["value"] for name in NAMES})
            run.state, run.summary_metrics = sweeps.RunState.finished, {"score": score}
            runs.append(run)


def sweep_config() -> dict[str, Any]:
    """Return the question as Weights & Biases has it in a sweep's YAML."""
    parameters = {name: {"distribution": "uniform", "min": 0.0, "max": 1.0} for name in NAMES}
    return {"method": "bayes", "metric": {"name": "score", "goal": "maximize"}, "parameters": parameters}


LIBRARIES: Mapping[str, Callable[[Objective, int, int], None]] = {
    "random": _with_optuna(lambda seed: RandomSampler(seed=seed)),
    "Optuna, TPE": _with_optuna(lambda seed: TPESampler(seed=seed)),
    "Hyperopt, TPE": _hyperopt,
    "W&B, bayes": _sweep,
}
"""Name -> what searches: (objective, trials, seed)."""


@dataclass(frozen=True, eq=False)
class Search:
    """A search.

    Attributes:
        scores: of the trials, float64, (trials,).
        worth: what their configurations are truly worth, float64, (trials,).
        overhead: seconds that the library took for each trial, on average.
    """

    scores: NDArray
    worth: NDArray
    overhead: float


def search(model: Surrogate, name: str, trials: int, seed: int) -> Search:
    """Let a library search the surrogate.

    Args:
        model: of the recorded study.
        name: in `LIBRARIES`.
        trials: how many.
        seed: of the library and of the luck of each run.

    Raises:
        SearchError: it is not installed.
    """
    objective = Objective(model, np.random.default_rng(seed))
    begun = time.perf_counter()
    LIBRARIES[name](objective, trials, seed)
    overhead = (time.perf_counter() - begun - objective.seconds) / trials
    return Search(np.array(objective.scores), np.array(objective.worth), overhead)


# --------------------------------------------------------------------------------------------------------------- facts

TRIED = 5


def kept_by_optuna(folder: Path) -> int:
    """Make five trials, forget everything, open the journal again, and return how many trials are there."""
    path = str(folder / "optuna.journal")
    for trials in (TRIED, 0):
        storage = JournalStorage(JournalFileBackend(path))
        study = optuna.create_study(storage=storage, study_name="kept", load_if_exists=True)
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=trials)
    return len(study.trials)


def kept_by_hyperopt(folder: Path) -> int:
    """Do the same with the file that ``fmin`` writes where it is told to; it is a pickle."""
    hyperopt = needed("hyperopt", "a search with Hyperopt")
    asked: list[float] = []

    def objective(x: float) -> float:
        asked.append(x)
        return x

    for most in (TRIED, 2 * TRIED):
        hyperopt.fmin(
            objective,
            hyperopt.hp.uniform("x", 0, 1),
            algo=hyperopt.rand.suggest,
            max_evals=most,
            rstate=np.random.default_rng(0),
            trials_save_file=str(folder / "hyperopt.pickle"),
            show_progressbar=False,
            verbose=False,
        )
    return 2 * TRIED - len(asked) + TRIED


def kept_by_sweeps(folder: Path) -> int:
    """Let ``sweeps`` go through a grid, forget everything, and return after how many cells it goes on."""
    sweeps = needed("sweeps", "a sweep of W&B")
    config = {"method": "grid", "parameters": {"x": {"values": list(range(2 * TRIED))}}}
    runs: list[Any] = []
    for _ in range(TRIED):
        run = sweeps.next_run(config, runs)
        run.state = sweeps.RunState.finished
        runs.append(run)
    return int(sweeps.next_run(config, []).config["x"]["value"])


def stopped_by_optuna() -> bool:
    """Tell whether a bad trial is stopped at its first report, after good ones."""
    study = optuna.create_study(direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=1))
    for score in (0.9, 0.1):
        trial = study.ask()
        for step in range(3):
            trial.report(score, step)
            if trial.should_prune():
                return True
        study.tell(trial, score)
    return False


def stopped_by_hyperopt() -> bool:
    """Tell whether there is a way to stop one trial: its objective is handed the values, and nothing to report to."""
    hyperopt = needed("hyperopt", "a search with Hyperopt")
    reporting = [name for name in ("report", "should_prune") if hasattr(hyperopt.Ctrl, name)]
    return bool(reporting)


def stopped_by_sweeps() -> bool:
    """Tell whether a bad run is stopped that reports beside a good one."""
    sweeps = needed("sweeps", "a sweep of W&B")
    config = {**sweep_config(), "early_terminate": {"type": "hyperband", "max_iter": 8, "eta": 2, "s": 2}}
    shares = {name: {"value": 0.5} for name in NAMES}
    runs = [
        # by its alias, or the history is silently left empty
        sweeps.SweepRun(name=name, config=shares, state=sweeps.RunState.running, sampledHistory=[{"score": score}] * 8)
        for name, score in (("good", 0.9), ("good too", 0.8), ("bad", 0.1), ("bad too", 0.05))
    ]
    return bool(sweeps.stop_runs(config, runs))


@dataclass(frozen=True)
class Facts:
    """What a library does by itself.

    Attributes:
        kept: of five trials, how many are there when its process is gone.
        stops: whether it can stop a bad trial.
        start: seconds that its import takes in a new process.
    """

    kept: int
    stops: bool
    start: float = field(compare=False)


def facts(folder: Path) -> dict[str, Facts]:
    """Try what each library does by itself.

    Args:
        folder: where files may be made.
    """
    return {
        "Optuna": Facts(kept_by_optuna(folder), stopped_by_optuna(), seconds_to_import("optuna")),
        "Hyperopt": Facts(kept_by_hyperopt(folder), stopped_by_hyperopt(), seconds_to_import("hyperopt")),
        "W&B": Facts(kept_by_sweeps(folder), stopped_by_sweeps(), seconds_to_import("sweeps")),
    }


def seconds_to_import(package: str, repeats: int = 3) -> float:
    """Return how long a new process takes to import a package, the shortest of some times.

    Args:
        package: its name.
        repeats: how many times.
    """
    code = f"import time; begun = time.perf_counter(); import {package}; print(time.perf_counter() - begun)"
    line = [sys.executable, "-W", "ignore", "-c", code]
    times = [subprocess.run(line, capture_output=True, text=True, check=True).stdout for _ in range(repeats)]
    return min(float(each.split()[-1]) for each in times)
