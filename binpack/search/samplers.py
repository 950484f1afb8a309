"""How the next configuration is chosen and when a trial is stopped early, as data, and the Optuna objects for it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler, GridSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState
from pydantic import Field, field_validator

from binpack.core.registry import Registry
from binpack.search._model import Model
from binpack.search.space import Space


class Sampler(Protocol):
    """A search with a name. One of your own has these two methods and is named ``module:name``."""

    def build(self, config: SamplerConfig, space: Space) -> BaseSampler:
        """Make the Optuna sampler.

        Raises:
            SearchError: settings that do not fit the space.
        """
        ...

    def cells(self, config: SamplerConfig, space: Space) -> int | None:
        """Return how many trials the search has at all; None for one that could go on for ever."""
        ...


class Pruner(Protocol):
    """An early stopping with a name. One of your own has this method and is named ``module:name``."""

    def build(self, config: PrunerConfig, eval_every: int, max_steps: int) -> BasePruner:
        """Make the Optuna pruner.

        Args:
            config: its settings.
            eval_every: environment steps between two evaluations.
            max_steps: environment steps of a whole trial, over all its seeds.
        """
        ...


_HERE = "binpack.search.samplers"
SAMPLERS: Registry[Sampler] = Registry(
    "sampler", ("build", "cells"), {name: f"{_HERE}:{name.upper()}" for name in ("grid", "random", "tpe")}
)
PRUNERS: Registry[Pruner] = Registry(
    "pruner",
    ("build",),
    {name: f"{_HERE}:{name.upper()}" for name in ("none", "median", "percentile", "halving", "hyperband")},
)


class SamplerConfig(Model):
    """Which search, and its settings.

        >>> from binpack.search.space import DEFAULT_SPACE
        >>> few = DEFAULT_SPACE.only("learning_rate", "n_steps")
        >>> SamplerConfig(kind="grid", points=3).cells(few), SamplerConfig(kind="tpe").cells(few)
        (12, None)

    Attributes:
        kind: ``grid`` visits every cell of the grid once, in a random order (a failed cell counts as visited);
            ``random`` draws every configuration independently (Bergstra and Bengio 2012); ``tpe`` is the
            tree-structured Parzen estimator (Bergstra et al. 2011) as Optuna has it; ``module:name`` is a `Sampler`
            of your own.
        seed: of the suggestions (random, tpe) or of the order of the cells (grid).
        points: grid only: values per numeric parameter, for all alike or by name.
        n_startup_trials: tpe only: how many trials are random before the first model.
        n_ei_candidates: tpe only: candidates drawn per suggestion.
        multivariate: tpe only: model the parameters jointly (Falkner et al. 2018) rather than one by one.
    """

    kind: str = "tpe"
    seed: int = Field(default=0, ge=0, lt=2**32)
    points: int | dict[str, int] = 3
    n_startup_trials: int = Field(default=10, ge=1)
    n_ei_candidates: int = Field(default=24, ge=1)
    multivariate: bool = True

    @field_validator("kind", mode="after")
    @classmethod
    def _known(cls, kind: str) -> str:
        SAMPLERS.get(kind)
        return kind

    def build(self, space: Space) -> BaseSampler:
        """Make the Optuna sampler.

        Raises:
            SearchError: grid points that do not fit the space.
        """
        return SAMPLERS.get(self.kind).build(self, space)

    def cells(self, space: Space) -> int | None:
        """How many trials the search has at all; None for one that could go on for ever."""
        return SAMPLERS.get(self.kind).cells(self, space)


class PrunerConfig(Model):
    """When a trial that does badly is stopped, in environment steps over all its seeds.

    Attributes:
        kind: ``none``; ``median`` or ``percentile``: stop a trial whose best report so far is below that share of the
            other trials' reports at the same step; ``halving`` (asynchronous successive halving, Li et al. 2020);
            ``hyperband`` (Li et al. 2018: several brackets of halving); ``module:name`` is a `Pruner` of your own.
        percentile: percentile only: the trial must be above this percentile of the others.
        startup_trials: median, percentile: no pruning before this many complete trials.
        warmup_steps: median, percentile: no pruning before this step of a trial.
        min_resource: halving, hyperband: the steps of the first rung; None for one evaluation interval.
        reduction_factor: halving, hyperband: one in so many goes on to the next rung.
    """

    kind: str = "none"
    percentile: float = Field(default=25.0, ge=0, le=100)
    startup_trials: int = Field(default=5, ge=0)
    warmup_steps: int = Field(default=0, ge=0)
    min_resource: int | None = Field(default=None, ge=1)
    reduction_factor: int = Field(default=3, ge=2)

    @field_validator("kind", mode="after")
    @classmethod
    def _known(cls, kind: str) -> str:
        PRUNERS.get(kind)
        return kind

    def build(self, eval_every: int, max_steps: int) -> BasePruner:
        """Make the Optuna pruner.

        Args:
            eval_every: environment steps between two evaluations.
            max_steps: environment steps of a whole trial, over all its seeds.
        """
        return PRUNERS.get(self.kind).build(self, eval_every, max_steps)

    @property
    def never(self) -> bool:
        """Whether no trial is ever stopped early, so that its seeds may be trained side by side."""
        return PRUNERS.get(self.kind) is NONE


class _Grid:
    def build(self, config: SamplerConfig, space: Space) -> BaseSampler:
        cells = space.grid(config.points)
        stored = {name: [space.parameters[name].encode(value) for value in values] for name, values in cells.items()}
        return _VisitedGridSampler(stored, seed=config.seed)

    def cells(self, config: SamplerConfig, space: Space) -> int | None:
        return space.size(config.points)


class _Endless:
    """A sampler that draws from a seed, trial after trial."""

    def __init__(self, make: Callable[[SamplerConfig, Space, int], BaseSampler]) -> None:
        self._make = make

    def build(self, config: SamplerConfig, space: Space) -> BaseSampler:
        return SeededSampler(lambda seed: self._make(config, space, seed), config.seed)

    def cells(self, config: SamplerConfig, space: Space) -> int | None:
        return None


def _tpe(config: SamplerConfig, space: Space, seed: int) -> TPESampler:
    return TPESampler(
        n_startup_trials=config.n_startup_trials,
        n_ei_candidates=config.n_ei_candidates,
        multivariate=config.multivariate,
        # Parameters that do not always exist are modelled jointly with those beside which they do.
        group=config.multivariate and bool(space.conditions),
        # One process works on a study: there is no parallel trial to keep away from.
        constant_liar=False,
        seed=seed,
    )


GRID: Sampler = _Grid()
RANDOM: Sampler = _Endless(lambda config, space, seed: RandomSampler(seed=seed))
TPE: Sampler = _Endless(_tpe)


class _None:
    def build(self, config: PrunerConfig, eval_every: int, max_steps: int) -> BasePruner:
        return optuna.pruners.NopPruner()


class _Percentile:
    """Stop what is below a percentile; without one of its own, below that of the configuration."""

    def __init__(self, percentile: float | None = None) -> None:
        self._percentile = percentile

    def build(self, config: PrunerConfig, eval_every: int, max_steps: int) -> BasePruner:
        return optuna.pruners.PercentilePruner(
            config.percentile if self._percentile is None else self._percentile,
            n_startup_trials=config.startup_trials,
            n_warmup_steps=config.warmup_steps,
            interval_steps=1,
            n_min_trials=1,
        )


class _Halving:
    def build(self, config: PrunerConfig, eval_every: int, max_steps: int) -> BasePruner:
        least = min(config.min_resource or eval_every, max_steps)
        return optuna.pruners.SuccessiveHalvingPruner(least, config.reduction_factor, 0, 0)


class _Hyperband:
    def build(self, config: PrunerConfig, eval_every: int, max_steps: int) -> BasePruner:
        least = min(config.min_resource or eval_every, max_steps)
        return optuna.pruners.HyperbandPruner(least, max_steps, config.reduction_factor)


NONE: Pruner = _None()
MEDIAN: Pruner = _Percentile(50.0)
PERCENTILE: Pruner = _Percentile()
HALVING: Pruner = _Halving()
HYPERBAND: Pruner = _Hyperband()


def warm_up(study: optuna.Study) -> None:
    """Make Hyperband lay out its brackets now.

    It does so at its first decision, and until then a sampler sees the trials of all brackets: a resumed process would
    suggest something else than one that went through.
    """
    if isinstance(study.pruner, optuna.pruners.HyperbandPruner):
        study.pruner.prune(study, optuna.trial.create_trial(state=TrialState.RUNNING))


class SeededSampler(BaseSampler):
    """A sampler whose suggestions depend on the seed, the trial's number and the history, and on nothing else.

    Optuna's samplers carry a random state from trial to trial. A process that is started again with the same seed would
    draw the same numbers again, and one interrupted within a trial would draw others. Here every trial, and every
    parameter that is drawn on its own, has a generator of its own: a study that was killed and resumed gets the very
    suggestions of one that was not.

    Args:
        make: makes the sampler from a seed.
        seed: the study's seed.
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int) -> None:
        self._make = make
        self._seed = seed
        self._relative: BaseSampler | None = None

    def _fresh(self, trial: FrozenTrial, name: str = "") -> BaseSampler:
        # crc32, as Python's own hash of a string differs between processes.
        entropy = np.random.SeedSequence([self._seed, trial.number, zlib.crc32(name.encode())])
        return self._make(int(entropy.generate_state(1)[0]))

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The parameters to be drawn jointly."""
        self._relative = self._fresh(trial)
        return self._relative.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Draw them; Optuna calls this right after ``infer_relative_search_space``."""
        assert self._relative is not None
        return self._relative.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Draw one parameter on its own."""
        return self._fresh(trial, param_name).sample_independent(study, trial, param_name, param_distribution)


class _VisitedGridSampler(GridSampler):
    """Optuna's grid, whose n-th trial is the n-th cell of a shuffled order, with the loop's end left to us."""

    def __init__(self, search_space: Mapping[str, Sequence[Any]], seed: int) -> None:
        super().__init__(search_space, seed=seed)

    def after_trial(
        self, study: optuna.Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Do nothing: the original stops ``study.optimize``, which is not running here, and raises for that."""
