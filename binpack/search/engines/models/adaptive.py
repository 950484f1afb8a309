"""``axsearch``: Bayesian optimization as Ax chooses it for the space, with BoTorch's Gaussian processes."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from binpack.search.action.distributions import (
    Choice,
    Distribution,
    LogRandInt,
    LogUniform,
    RandInt,
    Uniform,
)
from binpack.search.engines.models.seen import Seen

_SCORE = "score"


def suggest(varied: Sequence[Distribution], seen: Sequence[Seen], seed: int) -> dict[str, Any]:
    """Return the values that Ax suggests; see ``suggesting.Suggest``. Trials that are running count as pending."""
    logging.getLogger("ax").setLevel(logging.ERROR)
    # Ax names parameters in expressions of its own, where not every name can stand.
    names = {each.name: f"x{number}" for number, each in enumerate(varied)}
    # Its generators are torch's.
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        client = Client(random_seed=seed)
        client.configure_experiment([_parameter(each, names[each.name]) for each in varied])
        client.configure_optimization(_SCORE)
        # Those that have been seen are the initial ones.
        client.configure_generation_strategy(
            initialization_budget=sum(each.score is not None for each in seen),
            initialize_with_center=False,
            initialization_random_seed=seed,
            allow_exceeding_initialization_budget=True,
        )
        for each in seen:
            number = client.attach_trial({names[one.name]: _stored(one, each.config[one.name]) for one in varied})
            if each.score is not None:
                client.complete_trial(number, {_SCORE: each.score})
            elif each.over:
                client.mark_trial_failed(number)
        (found,) = client.get_next_trials(1).values()
    return {each.name: _value(each, found[names[each.name]]) for each in varied}


def _parameter(varied: Distribution, name: str) -> RangeParameterConfig | ChoiceParameterConfig:
    if isinstance(varied, Choice):
        return ChoiceParameterConfig(name, [str(number) for number in range(len(varied.options))], "str", False)
    assert isinstance(varied, Uniform | LogUniform | RandInt | LogRandInt)
    scaling = "log" if isinstance(varied, LogUniform | LogRandInt) else "linear"
    kind = "int" if isinstance(varied, RandInt | LogRandInt) else "float"
    return RangeParameterConfig(name, (varied.min, varied.max), kind, None, scaling)  # type: ignore[arg-type]


def _stored(varied: Distribution, value: Any) -> Any:
    if isinstance(varied, Choice):
        return str(varied.index(value))
    return float(value) if isinstance(varied, Uniform | LogUniform) else int(value)


def _value(varied: Distribution, stored: Any) -> Any:
    if isinstance(varied, Choice):
        return varied.options[int(stored)]
    assert isinstance(varied, Uniform | LogUniform | RandInt | LogRandInt)
    if isinstance(varied, Uniform | LogUniform):
        return float(min(max(stored, varied.min), varied.max))
    return int(stored)
