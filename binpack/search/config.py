"""What one tuning study is, as data: everything that decides its result is in a ``TuneConfig``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from binpack.agents.config import PPOConfig, TrainConfig, differences
from binpack.agents.sameness import meaning
from binpack.files import InputError
from binpack.search._model import Model, SearchError, one_line
from binpack.search.samplers import PrunerConfig, SamplerConfig
from binpack.search.seeds import SeedPlan
from binpack.search.space import DEFAULT_SPACE, Int, Space
from binpack.search.storage import DEFAULT_NAME


class TuneConfig(Model):
    """A study: what is trained, what varies, how it is searched, and for how long.

        >>> study = TuneConfig(train=TrainConfig(total_steps=5_000), sampler="random", n_trials=30, seeds=3)
        >>> study.budget, study.eval_every, study.default_is_trial_0
        (450000, 2500, True)

    The score of a trial is declared here, before anything runs: the last evaluation of each training run, the mean over
    the trial's seeds; every trial has the same seeds and is scored on the same item streams.

    Attributes:
        name: the study's name in its storage.
        train: the configuration that every trial starts from; also "the default" that the best one is compared with.
            Where it leaves ``eval_every`` open and nothing is pruned, runs are evaluated half way and at their end.
        space: what varies; names are fields of ``PPOConfig``.
        sampler: the search, or its kind alone, which may be ``module:name`` of your own (see ``samplers``).
        pruner: the early stopping of trials, or its kind alone, which may be ``module:name`` as well.
        n_trials: how many trials the study has in the end, over all its processes; None for all that the search has,
            such as every cell of a grid.
        seeds: training runs per trial.
        final_seeds: fresh training seeds for the held-out comparison of best and default; 0 for no comparison.
        test_streams: item streams of the held-out comparison.
        test_seed: seed of those streams; another than ``train.eval_seed``, which is the tuning streams'.
        include_default: whether trial 0 is the default configuration. None: yes for random and tpe if the space
            contains it; a grid never has it unless as a cell of its own.
    """

    name: str = DEFAULT_NAME
    pruner: PrunerConfig = PrunerConfig()
    # checked after the pruner, which decides how often a run has to be evaluated
    train: TrainConfig = Field(default_factory=TrainConfig, validate_default=True)
    space: Space = DEFAULT_SPACE
    sampler: SamplerConfig = SamplerConfig()
    n_trials: int | None = Field(default=20, ge=1, le=10**6)
    seeds: int = Field(default=2, ge=1, le=1000)
    final_seeds: int = Field(default=3, ge=0, le=1000)
    test_streams: int = Field(default=200, ge=1, le=10**6)
    test_seed: int = Field(default=20_000, ge=0)
    include_default: bool | None = None

    @field_validator("sampler", "pruner", mode="before")
    @classmethod
    def _kind_alone(cls, value: Any) -> Any:
        return {"kind": value} if isinstance(value, str) else value

    @field_validator("train", mode="after")
    @classmethod
    def _canonical(cls, train: TrainConfig, info: ValidationInfo) -> TrainConfig:
        # Some fields have several spellings ("corners", "corners:0.95,..."): studies compare the one that JSON keeps.
        fields = train.model_dump()
        pruner = info.data.get("pruner")
        if pruner is not None and pruner.never and train.eval_every is None:
            # Nobody decides on evaluations before the last one, and five take as long as a short training run.
            fields["eval_every"] = -(-train.total_steps // 2)
        return TrainConfig(**fields)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.final_seeds in (1, 2):
            raise InputError(
                f"final_seeds: a comparison needs at least 3 training seeds (or 0: none), got {self.final_seeds}"
            )
        self._check_space()
        if (cells := self.sampler.cells(self.space)) is not None:
            self._check_cells(cells)
        elif self.n_trials is None:
            raise InputError(f"n_trials: {self.sampler.kind} search needs a number of trials")
        elif self.include_default and (why := self.space.outside(self.defaults())):
            raise InputError(f"include_default: the default configuration is not in the space: {why}")
        self.plan()
        return self

    def _check_space(self) -> None:
        known = PPOConfig.model_fields
        for name, parameter in self.space.parameters.items():
            if name not in known:
                raise InputError(f"space: {name} is no field of PPOConfig, which has {', '.join(known)}")
            # The ends of a range, or every choice: a value that PPO refuses is better known before the first trial.
            for value in parameter.grid(2):
                try:
                    PPOConfig(**{**self.train.ppo.model_dump(), name: value})
                except ValidationError as error:
                    raise InputError(f"space: {name} = {value}: {one_line(error)}") from None
                except ValueError as error:
                    raise InputError(f"space: {name} = {value}: {error}") from None

        for replicas in self._all_values("replicas"):
            if self.train.n_envs % replicas:
                envs = f"n_envs {self.train.n_envs}, which is no multiple of it"
                raise InputError(f"space: replicas {replicas} does not go with {envs}")
        steps, batches = (self._all_values(name) for name in ("n_steps", "batch_size"))
        if max(batches) > (rollout := min(steps) * self.train.n_envs):
            raise InputError(
                f"space: batch_size {max(batches)} does not go with n_steps {min(steps)}: "
                f"a rollout has {rollout} steps with {self.train.n_envs} environments"
            )

    def _all_values(self, name: str) -> list[Any]:
        """What a parameter can be: of a range of whole numbers those at both ends, and for replicas all."""
        parameter = self.space.parameters.get(name)
        if parameter is None:
            return [getattr(self.train.ppo, name)]
        if name == "replicas" and isinstance(parameter, Int):
            return list(range(parameter.low, parameter.high + 1, parameter.step))
        return parameter.grid(2)

    @property
    def largest(self) -> TrainConfig:
        """The default configuration with the longest rollout that the space has."""
        ppo = self.train.ppo.model_copy(update={"n_steps": max(self._all_values("n_steps"))})
        return self.train.model_copy(update={"ppo": ppo})

    def networks(self) -> list[TrainConfig]:
        """The default configuration, and those with one other value of what shapes a network, at the ends of ranges."""
        shaping: list[str] = [name for name in ("policy", "net_arch", "channels", "layers") if name in self.space.names]
        changes = [{name: value} for name in shaping for value in self._all_values(name)]
        return [self.train_config(change, self.train.seed) for change in changes or [{}]]

    def _check_cells(self, cells: int) -> None:
        if self.n_trials is not None and self.n_trials > cells:
            raise InputError(f"n_trials: the grid has {cells} cells, so at most {cells} trials, got {self.n_trials}")
        if self.include_default:
            raise InputError("include_default: a grid has its cells and nothing else")

    @property
    def total(self) -> int:
        """How many trials the study has in the end."""
        # Without a number of trials the search has one of its own: ``_check`` saw to that.
        return self.n_trials if self.n_trials is not None else self.sampler.cells(self.space) or 0

    @property
    def trial_steps(self) -> int:
        """Environment steps of a trial that is not stopped early."""
        return self.seeds * self.train.total_steps

    @property
    def eval_every(self) -> int:
        """Environment steps between two evaluations."""
        return self.train.evaluation_interval

    @property
    def budget(self) -> int:
        """Environment steps of the search if nothing is stopped early, without the held-out comparison.

        Runs end with whole rollouts, so that what is taken is a little more.
        """
        return self.total * self.trial_steps

    def plan(self) -> SeedPlan:
        """The seeds: training and streams, for tuning and for the comparison, disjoint.

        Raises:
            SearchError: an overlap.
        """
        sizes = SeedPlan.of_size(self.seeds, max(1, self.final_seeds), first=self.train.seed)
        try:
            return SeedPlan(
                tuning=sizes.tuning,
                final=sizes.final,
                tuning_streams=self.train.eval_seed,
                test_streams=self.test_seed,
            )
        except ValidationError as error:
            raise SearchError(one_line(error)) from None

    def defaults(self) -> dict[str, Any]:
        """The default configuration's values of the space's parameters, of those that exist in it."""
        values = self.train.ppo.model_dump(mode="json")
        return {name: values[name] for name in self.space.active(values)}

    @property
    def default_is_trial_0(self) -> bool:
        """Whether the first trial is the default configuration."""
        if self.sampler.cells(self.space) is not None or self.include_default is False:
            return False
        return self.space.contains(self.defaults())

    def train_config(self, values: Mapping[str, Any], seed: int) -> TrainConfig:
        """The base configuration with some values of PPO and a training seed.

        Raises:
            SearchError: values that ``TrainConfig`` refuses together.
        """
        data = self.train.model_dump()
        data["ppo"].update(values)
        data["seed"] = seed
        try:
            return TrainConfig(**data)
        except ValidationError as error:
            raise SearchError(one_line(error)) from None

    def first_difference(self, stored: TuneConfig, *, same_items: bool = False) -> tuple[str, Any, Any] | None:
        """The first field in which a stored configuration is another one than this, however they are spelt.

        Both are whole, so that a field that is newer than the study counts with its default. ``n_trials`` may have
        grown since.

        Args:
            stored: what the study was made with, as ``study_config`` reads it.
            same_items: whether the items are known to be the same, whatever names them.

        Returns:
            The field's dotted name, the stored value and this one's (None for one that is missing); None if they
            agree.
        """
        for field, before, now in differences(stored._meaning(), self._meaning()):
            if (field == "n_trials" and now >= before) or (field == "train.env.items" and same_items):
                continue
            return field, before, now
        return None

    def _meaning(self) -> dict[str, Any]:
        """What the study is, as nested values that are equal where studies are the same."""
        said = {
            "train": {**meaning(self.train), "eval_every": self.eval_every},
            "n_trials": self.total,
            "include_default": self.default_is_trial_0,
        }
        return {**self.model_dump(mode="json"), **said}
