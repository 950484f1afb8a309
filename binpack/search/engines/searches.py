"""Searches and schedulers, for every engine that keeps its trials in Optuna's storage.

TPE and the schedulers are Optuna's. The other searches are libraries of their own (``models``), which are asked for
one configuration at a time and told all that the storage has. They keep no state between two questions: every engine
has all of them, and a resumed job needs nothing but its storage. Ray Tune has adapters for the same libraries, whose
state is a pickle; Optuna's rejects or rounds off several distributions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, HyperbandPruner, NopPruner, PercentilePruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import Trial as OptunaTrial
from optuna.trial import TrialState

from binpack.search.action.distributions import Distribution
from binpack.search.action.job import Params
from binpack.search.action.schedulers import Asha, Fifo, Hyperband, Median, Pbt
from binpack.search.engines.models.seen import Seen
from binpack.search.engines.models.suggesting import MODELS, Model, suggest_by
from binpack.search.engines.variants import Variants
from binpack.search.samplers import SeededSampler

CONFIG = "config"
"""What a trial's entry in the storage has from its beginning: the values of what varies."""


def pruner_of(scheduler: Any) -> BasePruner:
    """Return Optuna's form of a scheduler."""
    return _PRUNERS[type(scheduler)](scheduler.options)


_PRUNERS: Mapping[type, Any] = {
    Fifo: lambda options: NopPruner(),
    # stops nobody: what it does is ``pbt``'s
    Pbt: lambda options: NopPruner(),
    Median: lambda options: PercentilePruner(
        50.0, n_startup_trials=options.min_samples_required, n_warmup_steps=options.grace_period, n_min_trials=1
    ),
    Asha: lambda options: SuccessiveHalvingPruner(options.grace_period, options.reduction_factor, 0, 0),
    Hyperband: lambda options: HyperbandPruner(1, options.max_t, options.reduction_factor),
}
PRUNED = frozenset({"fifo", "median", "asha", "hyperband"})
"""The schedulers that Optuna's pruners are."""


class Search(Protocol):
    """Where configurations come from."""

    @property
    def total(self) -> int:
        """How many trials there are in all."""
        ...

    def prepare(self, study: optuna.Study) -> None:
        """Put into the study what comes first; called whenever it is opened."""
        ...

    def config(self, trial: OptunaTrial) -> dict[str, Any]:
        """Return a trial's values; the same again for one that was left behind."""
        ...


class _Listed:
    """Configurations that follow from the trial's number."""

    def __init__(self, params: Params) -> None:
        settings, search = params.tuning, params.tuning.search_alg
        varied = list(params.varied.values())
        self.variants = Variants(varied, settings.num_samples, search.points_to_evaluate, search.seed)
        self.total = self.variants.total

    def prepare(self, study: optuna.Study) -> None:
        """Do nothing: nothing is drawn by Optuna."""

    def config(self, trial: OptunaTrial) -> dict[str, Any]:
        """Return a trial's values."""
        return self.variants.config(trial.number)


class _Suggested:
    """Configurations that Optuna's sampler suggests."""

    def __init__(self, params: Params) -> None:
        self._varied = params.varied
        self._points = params.tuning.search_alg.points_to_evaluate
        self.total = params.tuning.num_samples

    def prepare(self, study: optuna.Study) -> None:
        """Put the points to evaluate first, also where a process was killed while it did so."""
        for point in self._points[len(study.get_trials(deepcopy=False)) :]:
            study.enqueue_trial({name: self._varied[name].encode(value) for name, value in point.items()})

    def config(self, trial: OptunaTrial) -> dict[str, Any]:
        """Return a trial's values; those that it has already stay."""
        return {name: _suggest(trial, each) for name, each in self._varied.items()}


class _Modelled:
    """Configurations that another library suggests from what the trials so far have shown."""

    def __init__(self, params: Params, model: Model) -> None:
        self._varied = list(params.varied.values())
        self._points = params.tuning.search_alg.points_to_evaluate
        self._seed = params.tuning.search_alg.seed
        self._maximize = params.tuning.mode == "max"
        self._model = model
        self.total = params.tuning.num_samples

    def prepare(self, study: optuna.Study) -> None:
        """Do nothing: points to evaluate follow from the trial's number."""

    def config(self, trial: OptunaTrial) -> dict[str, Any]:
        """Return a trial's values; what a point to evaluate leaves open is drawn."""
        rng = np.random.default_rng([self._seed, trial.number])
        if trial.number < len(self._points):
            drawn = {each.name: each.sample(rng) for each in self._varied}
            return {**drawn, **self._points[trial.number]}
        return suggest_by(self._model, self._varied, seen_by(trial, maximize=self._maximize), rng)


def seen_by(trial: OptunaTrial, *, maximize: bool) -> list[Seen]:
    """Return what is known when a trial begins: all others that have a configuration, by their numbers.

    The score of one that was stopped early is its last, as Optuna and Ray have it.

    Args:
        trial: which begins.
        maximize: whether scores are to be large; they are turned round where not.
    """
    sign = 1.0 if maximize else -1.0
    seen = []
    for other in trial.study.get_trials(deepcopy=False):
        if other.number == trial.number or CONFIG not in other.user_attrs:
            continue
        over = other.state.is_finished()
        has = other.state in (TrialState.COMPLETE, TrialState.PRUNED) and other.value is not None
        seen.append(Seen(other.user_attrs[CONFIG], sign * other.value if has else None, over))  # type: ignore[operator]
    return seen


_BY_OPTUNA: Mapping[str, type[_Listed] | type[_Suggested]] = {
    "basicvariantgenerator": _Listed,
    "optunasearch": _Suggested,
}
SEARCHES = frozenset(_BY_OPTUNA) | frozenset(MODELS)
"""What an engine on Optuna's storage has."""


def search_of(params: Params) -> Search:
    """Return a job's search; its ``search_alg`` is one of ``SEARCHES``."""
    name = params.tuning.search_alg.name
    return _Modelled(params, MODELS[name]) if name in MODELS else _BY_OPTUNA[name](params)


def sampler_of(params: Params, *, side_by_side: bool) -> BaseSampler:
    """Return Optuna's form of a search.

    Args:
        params: the job's.
        side_by_side: whether trials run at the same time, whose suggestions are to keep away from each other.
    """
    search = params.tuning.search_alg
    if search.name == "optunasearch":
        return SeededSampler(lambda seed: TPESampler(seed=seed, constant_liar=side_by_side), search.seed)
    return RandomSampler(seed=search.seed)


def _suggest(trial: OptunaTrial, varied: Distribution) -> Any:
    space: BaseDistribution | None = varied.optuna()
    if isinstance(space, FloatDistribution):
        stored: Any = trial.suggest_float(varied.name, space.low, space.high, step=space.step, log=space.log)
    elif isinstance(space, IntDistribution):
        stored = trial.suggest_int(varied.name, space.low, space.high, step=space.step, log=space.log)
    else:
        assert isinstance(space, CategoricalDistribution)
        stored = trial.suggest_categorical(varied.name, space.choices)
    return varied.decode(stored)
