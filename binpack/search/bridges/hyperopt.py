"""Hyperopt: the same space as ``hp.*``, and a search of it with ``fmin`` and TPE (Bergstra et al. 2011).

Hyperopt's distributions draw real numbers, and round them to multiples of a step from 0. Ours are said so that every
value has the share that it has in Optuna:

    Float                hp.uniform(low, high); with log, hp.loguniform(ln low, ln high)
    Int                  the number of the step, hp.quniform(-0.5, n - 0.5, 1); with log, hp.qloguniform over
                         ln(low - 0.5) to ln(high + 0.5)
    Categorical          the number of the choice, hp.choice(0, 1, ...)
    a condition          the parameter stands in those options of its parent's hp.choice in which it exists
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from binpack.search._model import SearchError
from binpack.search.bridges.optional import needed
from binpack.search.bridges.tried import Objective, add_trial, new_study, try_out
from binpack.search.space import Categorical, Float, Int, Space
from binpack.search.storage import DEFAULT_NAME

_CHOSEN = "="
"""The key of an option's own number, beside the parameters that exist with it; no parameter is called so."""


def to_hyperopt(space: Space) -> dict[str, Any]:
    """Return a space as Hyperopt has it; ``from_hyperopt`` makes a configuration of what is drawn from it.

    Raises:
        SearchError: Hyperopt is not installed.
    """
    hp = needed("hyperopt", "a search with Hyperopt").hp
    nodes: dict[str, Any] = {}
    # what depends on a parameter stands behind it, and is a part of its options
    for name in reversed(space.names):
        parameter = space.parameters[name]
        if isinstance(parameter, Categorical):
            beside = [_with(space, name, choice, nodes) for choice in parameter.choices]
            options = [{_CHOSEN: number, **each} if each else number for number, each in enumerate(beside)]
            nodes[name] = hp.choice(name, options)
        else:
            nodes[name] = _number(hp, name, parameter)
    return {name: nodes[name] for name in space.names if name not in space.conditions}


def _with(space: Space, name: str, choice: Any, nodes: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that exist where another one is this choice."""
    parent = space.parameters[name]
    stored = parent.encode(choice)
    return {
        child: nodes[child]
        for child, condition in space.conditions.items()
        if condition.parameter == name and stored in [parent.encode(value) for value in condition.values]
    }


def _number(hp: Any, name: str, parameter: Float | Int) -> Any:
    if isinstance(parameter, Int):
        if parameter.log:
            return hp.qloguniform(name, math.log(parameter.low - 0.5), math.log(parameter.high + 0.5), 1)
        steps = (parameter.high - parameter.low) // parameter.step
        return hp.quniform(name, -0.5, steps + 0.5, 1)
    low, high = (math.log(end) if parameter.log else end for end in (parameter.low, parameter.high))
    if low == high:  # a range of one number, which Hyperopt refuses
        return hp.choice(name, [parameter.low])
    return hp.loguniform(name, low, high) if parameter.log else hp.uniform(name, low, high)


def from_hyperopt(space: Space, drawn: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration that a draw of Hyperopt's stands for, in the space's order."""
    flat = dict(_flat(drawn))
    return {name: _value(space.parameters[name], flat[name]) for name in space.names if name in flat}


def _flat(drawn: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in drawn.items():
        if isinstance(value, Mapping):
            yield name, value[_CHOSEN]
            yield from _flat({child: each for child, each in value.items() if child != _CHOSEN})
        else:
            yield name, value


def _value(parameter: Float | Int | Categorical, drawn: Any) -> Any:
    if isinstance(parameter, Categorical):
        return parameter.choices[int(drawn)]
    if isinstance(parameter, Float):
        # exp(log(high)) may land one rounding above high
        return min(max(float(drawn), parameter.low), parameter.high)
    number = round(float(drawn))
    value = number if parameter.log else parameter.low + parameter.step * number
    return min(max(value, parameter.low), parameter.high)


def run_hyperopt(
    space: Space,
    objective: Objective,
    trials: int,
    rng: np.random.Generator,
    *,
    startup: int = 20,
    storage: str | Path | None = None,
    name: str = DEFAULT_NAME,
) -> optuna.Study:
    """Search with Hyperopt's TPE.

    Args:
        space: what varies.
        objective: what scores, the higher the better: ``objective(values, report) -> float``. Hyperopt stops no trial
            early; what is reported is kept.
        trials: how many.
        rng: what Hyperopt draws from.
        startup: trials that are random before the first model; Hyperopt's own default is 20, Optuna's 10.
        storage: keep the study there, as for ``storage.locate``; None: in memory.
        name: the study's name.

    Returns:
        The trials as a study. A failed one has its ``error``.

    Raises:
        SearchError: Hyperopt is not installed, fewer than 1 trial, or the storage cannot be used.
    """
    hyperopt = needed("hyperopt", "a search with Hyperopt")
    if trials < 1:
        raise SearchError(f"{trials} trials: expected 1 or more")
    nodes = to_hyperopt(space)
    study = new_study(space, "Hyperopt", storage, name)

    def loss(drawn: Mapping[str, Any]) -> dict[str, Any]:
        tried = try_out(objective, from_hyperopt(space, drawn))
        add_trial(study, space, tried)
        if tried.score is None:
            return {"status": hyperopt.STATUS_FAIL}
        return {"status": hyperopt.STATUS_OK, "loss": -tried.score}

    hyperopt.fmin(
        loss,
        nodes,
        algo=partial(hyperopt.tpe.suggest, n_startup_jobs=startup),
        max_evals=trials,
        trials=hyperopt.Trials(),
        rstate=rng,
        allow_trials_fmin=False,
        return_argmin=False,
        show_progressbar=False,
        verbose=False,
    )
    return study
