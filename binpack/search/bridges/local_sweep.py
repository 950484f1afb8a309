"""A sweep of W&B run on this machine alone: W&B's own engine says what is next and what to stop, without an account.

The engine (the package ``sweeps``) is what W&B's server runs. It draws from Python's and numpy's global generators;
they are seeded here for each call, and afterwards are as they were.
"""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import TrialState

from binpack.search._model import SearchError
from binpack.search.bridges.optional import needed
from binpack.search.bridges.sweep import check_sweep
from binpack.search.bridges.tried import Objective, Tried, add_trial, new_study, try_out
from binpack.search.space import Categorical, Float, Int, Space
from binpack.search.storage import DEFAULT_NAME


def run_sweep(
    config: Mapping[str, Any],
    space: Space,
    objective: Objective,
    trials: int,
    rng: np.random.Generator,
    *,
    storage: str | Path | None = None,
    name: str = DEFAULT_NAME,
) -> optuna.Study:
    """Run a sweep one trial after another.

    Args:
        config: what ``sweep_config`` returned, or ``yaml.safe_load`` of its file.
        space: what it was made of.
        objective: what scores, the higher the better: ``objective(values, report) -> float``. With ``early_terminate``
            a report may end the trial.
        trials: how many; a grid ends with its last cell.
        rng: what the engine draws from.
        storage: keep the study there, as for ``storage.locate``; None: in memory.
        name: the study's name.

    Returns:
        The trials as a study; one that was stopped early is pruned, and a failed one has its ``error``.

    Raises:
        SearchError: ``sweeps`` is not installed or refuses the configuration, fewer than 1 trial, a metric to be
            minimised, or the storage cannot be used.
    """
    sweeps = needed("sweeps", "a sweep of W&B")
    check_sweep(config)
    if trials < 1:
        raise SearchError(f"{trials} trials: expected 1 or more")
    if config["metric"].get("goal") != "maximize":
        raise SearchError("the sweep's metric is to be minimised, and a score is the better the higher it is")
    study = new_study(space, f"W&B sweeps ({config['method']})", storage, name)
    runs: list[Any] = []
    for number in range(trials):
        with seeded(rng):
            run = sweeps.next_run(dict(config), runs)
        if run is None:
            break
        run.name, run.state = str(number), sweeps.RunState.running
        runs.append(run)
        tried = try_out(objective, _values(space, run.config), _Stopping(sweeps, config, runs))
        _finish(sweeps, run, config["metric"]["name"], tried)
        add_trial(study, space, tried)
    return study


class _Stopping:
    """Asks the engine whether the last run is to be stopped."""

    def __init__(self, sweeps: Any, config: Mapping[str, Any], runs: Sequence[Any]) -> None:
        self._sweeps, self._config, self._runs = sweeps, dict(config), runs

    def __call__(self, reports: Sequence[float]) -> bool:
        if "early_terminate" not in self._config:
            return False
        run = self._runs[-1]
        run.history = [{self._config["metric"]["name"]: score} for score in reports]
        return any(each is run for each in self._sweeps.stop_runs(self._config, list(self._runs)))


def _finish(sweeps: Any, run: Any, metric: str, tried: Tried) -> None:
    """Tell the engine how a run ended; one that it stopped counts with what it had reached."""
    scores = [*tried.reports, *([] if tried.score is None else [tried.score])]
    run.history = [{metric: score} for score in scores]
    if scores:
        run.summary_metrics = {metric: scores[-1]}
    failed = tried.state == TrialState.FAIL
    run.state = sweeps.RunState.failed if failed else sweeps.RunState.finished
    run.stopped = tried.state == TrialState.PRUNED


def _values(space: Space, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's values as the space has them: the engine draws numpy's numbers."""
    return {name: _plain(parameter, drawn[name]["value"]) for name, parameter in space.parameters.items()}


def _plain(parameter: Float | Int | Categorical, value: Any) -> Any:
    if isinstance(parameter, Categorical):
        return value
    if isinstance(parameter, Float):
        # exp(log(high)) may land one rounding above high
        return min(max(float(value), parameter.low), parameter.high)
    return int(value)


@contextlib.contextmanager
def seeded(rng: np.random.Generator) -> Iterator[None]:
    """Seed what W&B's engine draws from, Python's and numpy's global generators, and leave them as they were.

    Args:
        rng: draws the seed.
    """
    seed = int(rng.integers(2**32))
    python, numpys = random.getstate(), np.random.get_state()  # noqa: NPY002 - the engine's
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        # its Gaussian process says of every short run that it could be fitted better
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpys)  # noqa: NPY002
