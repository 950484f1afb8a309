"""A job: the JSON of the train action as data, read with everything that is wrong with it said at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from binpack.files import InputError, read_json
from binpack.search.action.distributions import KINDS, Distribution, Hyperparameter
from binpack.search.action.faults import Fault, JobError, faults_of, place
from binpack.search.action.schedulers import SCHEDULERS, Fifo, Scheduler
from binpack.search.action.support import SUPPORT, algorithms_for, supported

DEFAULT_ENTRYPOINT = "binpack.search.action.ppo"
"""The module that trains when a job names none: PPO on bin packing."""
DEFAULT_ENGINE = "local"
Search = Literal["basicvariantgenerator", "bayesoptsearch", "hyperoptsearch", "optunasearch", "axsearch"]


def _named(value: Any) -> Any:
    """Let a name alone stand for the object that has nothing but the name."""
    return {"name": value} if isinstance(value, str) else value


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SearchAlg(_Part):
    """How configurations are chosen.

    Attributes:
        name: the algorithm.
        points_to_evaluate: configurations that are tried first, each one of the samples; what one leaves open is drawn.
        seed: of everything that is drawn.
    """

    name: Search = "basicvariantgenerator"
    points_to_evaluate: tuple[dict[str, Any], ...] = ()
    seed: int = Field(default=0, ge=0, lt=2**32, strict=True)


class TuneSettings(_Part):
    """How a job is tuned.

    Attributes:
        mode: whether the metric is to be large or small.
        metric: what reports and results call the number that trials are compared by.
        num_samples: trials in all; with ``grid_search``, times the cells of the grid.
        max_concurrent_trials: trials side by side; None: as many as the machine has cores for.
        search_alg: how configurations are chosen, or the algorithm's name alone.
        scheduler: which trials are stopped early, or the scheduler's name alone.
    """

    mode: Literal["max", "min"]
    metric: str = Field(min_length=1)
    num_samples: int = Field(default=1, ge=1, strict=True)
    max_concurrent_trials: int | None = Field(default=None, ge=1, strict=True)
    search_alg: Annotated[SearchAlg, BeforeValidator(_named)] = SearchAlg()
    scheduler: Annotated[Scheduler, BeforeValidator(_named)] = Fifo()


class Params(_Part):
    """What is trained or tuned.

    Attributes:
        name: of the job.
        dataset: an item source: a generator such as ``random:2-5``, a file, or a number in ``dataset_registry``.
        dataset_registry: a JSON file from numbers to item sources.
        checkpoint: what training goes on from; of the default entrypoint a run's folder or an agent.
        is_tune: whether to tune.
        num_cpus: cores of a training run.
        num_gpus: GPUs of a training run.
        hyperparameter: fixed values; while tuning, those that do not vary.
        hyperparameters: what varies.
        tune_config: how.
        entrypoint: what trains: a module with ``train`` and ``tune``, or ``module:function``.
        engine: what runs the trials, by name or as ``module:name``.
        ray_address: of the engine ``ray``: the cluster, as ``HOST:PORT`` or ``auto``; None: one of its own.
    """

    name: str = Field(min_length=1)
    dataset: str | int = Field(json_schema_extra={"minLength": 1})
    dataset_registry: str = "datasets.json"
    checkpoint: str | None = None
    is_tune: bool = Field(default=False, strict=True)
    num_cpus: float = Field(default=1, gt=0, strict=True)
    num_gpus: float = Field(default=0, ge=0, strict=True)
    hyperparameter: dict[str, Any] | None = None
    hyperparameters: tuple[Hyperparameter, ...] | None = Field(default=None, json_schema_extra={"minItems": 1})
    tune_config: TuneSettings | None = None
    entrypoint: str = DEFAULT_ENTRYPOINT
    engine: str = DEFAULT_ENGINE
    ray_address: str | None = Field(default=None, min_length=1)

    @field_validator("dataset", mode="before")
    @classmethod
    def _name_or_number(cls, dataset: Any) -> Any:
        if isinstance(dataset, bool) or not isinstance(dataset, str | int) or dataset == "":
            raise InputError(f"expected an item source or its number in the registry, got {dataset!r:.60}")
        return dataset

    @field_validator("hyperparameters")
    @classmethod
    def _some(cls, varied: tuple[Distribution, ...] | None) -> tuple[Distribution, ...] | None:
        if varied == ():
            raise InputError("at least one hyperparameter is needed")
        return varied

    @property
    def fixed(self) -> dict[str, Any]:
        """The values that do not vary."""
        return dict(self.hyperparameter or {})

    @property
    def varied(self) -> dict[str, Distribution]:
        """The hyperparameters that vary, by name."""
        return {each.name: each for each in self.hyperparameters or ()}

    @property
    def tuning(self) -> TuneSettings:
        """The settings of a job that tunes."""
        assert self.tune_config is not None
        return self.tune_config


class Job(_Part):
    """The whole JSON object.

    Attributes:
        action: what is to be done.
        params: what with.
    """

    action: Literal["train"]
    params: Params


@dataclass(frozen=True)
class Draft:
    """What can be understood of a job's ``params``, faulty or not, for checks that look at parts of it.

    Attributes:
        params: as they stand in the JSON.
    """

    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_tune(self) -> bool:
        """Whether it tunes."""
        return self.params.get("is_tune") is True

    @property
    def fixed(self) -> dict[str, Any]:
        """The fixed hyperparameters."""
        given = self.params.get("hyperparameter")
        return given if isinstance(given, dict) else {}

    @cached_property
    def varied(self) -> dict[int, Distribution]:
        """The distributions that can be read, by their number in the list."""
        found = {}
        for number, each in enumerate(self._list):
            try:
                found[number] = _HYPERPARAMETER.validate_python(each)
            except ValidationError:
                continue
        return found

    @property
    def named(self) -> dict[int, tuple[Any, Any]]:
        """Name and type of every distribution, by their number, as they stand there."""
        return {n: (each.get("name"), each.get("type")) for n, each in enumerate(self._list) if isinstance(each, dict)}

    @property
    def _list(self) -> list[Any]:
        given = self.params.get("hyperparameters")
        return given if isinstance(given, list) else []

    @property
    def tuning(self) -> dict[str, Any]:
        """The tuning's settings."""
        given = self.params.get("tune_config")
        return given if isinstance(given, dict) else {}

    def choice(self, name: str, default: str) -> str | None:
        """Return the name in ``search_alg`` or ``scheduler``; None where it is none."""
        given = _named(self.tuning.get(name, default))
        found = given.get("name", default) if isinstance(given, dict) else None
        return found if isinstance(found, str) else None

    def text(self, name: str, default: str | None = None) -> str | None:
        """Return a field that is text; None where it is none."""
        found = self.params.get(name, default)
        return found if isinstance(found, str) else None


_HYPERPARAMETER: TypeAdapter[Distribution] = TypeAdapter(Hyperparameter)
Check = Callable[[Draft], Iterable[Fault]]
"""Looks at a job before anything starts, faulty or not."""


def read_job(path: str | Path, checks: Iterable[Check] = ()) -> tuple[Job, list[str]]:
    """Read a job from a JSON file; see ``parse_job``.

    Raises:
        FileError: no such file, or no JSON object.
        JobError: everything that is wrong with it.
    """
    return parse_job(read_json(path, "a job"), checks)


def parse_job(data: Any, checks: Iterable[Check] = ()) -> tuple[Job, list[str]]:
    """Read a job.

    Args:
        data: the JSON object.
        checks: of an engine, of an entrypoint: what they find stands beside the other faults.

    Returns:
        The job, and what is to be said about it: that its form is retired, and how it is written now.

    Raises:
        JobError: everything that is wrong with it.
    """
    if not isinstance(data, dict):
        raise JobError([Fault("", f"a job is a JSON object, not {type(data).__name__}")])
    data, notices = _today(data)
    given = data.get("params")
    draft = Draft(given if isinstance(given, dict) else {})
    faults, job = [], None
    try:
        job = Job.model_validate(data)
    except ValidationError as error:
        faults = faults_of(error, {*KINDS, *SCHEDULERS})
    for check in (_required, _names, _sampled, _points, *checks):
        faults += check(draft)
    if faults or job is None:
        raise JobError(faults)
    return job, notices


def _today(data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Turn the retired action "tune" into today's form."""
    if data.get("action") != "tune" or not isinstance(data.get("params"), dict):
        return data, []
    now = {**data, "action": "train", "params": {**data["params"], "is_tune": True}}
    return now, [f'deprecated: the action "tune" is retired; the same job is now written {json.dumps(now)}']


def _required(draft: Draft) -> Iterator[Fault]:
    if not isinstance(draft.params.get("is_tune", False), bool):
        return
    wanted, other = ("hyperparameter",), ("hyperparameters", "tune_config")
    if draft.is_tune:
        wanted, other = other, ()  # type: ignore[assignment]
    for name in wanted:
        if draft.params.get(name) is None:
            when = "true" if draft.is_tune else "false"
            yield Fault(f"params.{name}", f"{name} is required when is_tune is {when}")
    for name in other:
        if draft.params.get(name) is not None:
            yield Fault(f"params.{name}", f"{name} is for tuning, and is_tune is false")


def _names(draft: Draft) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, (name, _) in draft.named.items():
        if isinstance(name, str):
            where = place(("params", "hyperparameters", number, "name"))
            if name in seen:
                yield Fault(where, f"{name!r} is there twice")
            elif name in draft.fixed:
                yield Fault(where, f"{name!r} is in hyperparameter as well, where it is fixed")
            seen.add(name)


def _sampled(draft: Draft) -> Iterator[Fault]:
    """Refuse what the search algorithm cannot sample."""
    search = draft.choice("search_alg", "basicvariantgenerator")
    if not draft.is_tune or search is None or search not in SUPPORT:
        return
    for number, (_, kind) in draft.named.items():
        if kind in KINDS and kind not in SUPPORT[search]:
            yield Fault(
                place(("params", "hyperparameters", number, "type")),
                f"{search} cannot sample {kind}; it samples {supported(search)} ({kind}: {algorithms_for(kind)})",
            )


def _points(draft: Draft) -> Iterator[Fault]:
    """Look at the points to evaluate: names and values."""
    search = draft.tuning.get("search_alg")
    points = search.get("points_to_evaluate") if isinstance(search, dict) else None
    if not isinstance(points, list):
        return
    where: tuple[str | int, ...] = ("params", "tune_config", "search_alg", "points_to_evaluate")
    samples = draft.tuning.get("num_samples", 1)
    if isinstance(samples, int) and len(points) > samples:
        yield Fault(place(where), f"{len(points)} points are more than num_samples, {samples}")
    named = {name: number for number, (name, _) in draft.named.items() if isinstance(name, str)}
    for number, point in enumerate(points):
        for name, value in point.items() if isinstance(point, dict) else ():
            here = place((*where, number, name))
            if name not in named:
                yield Fault(here, f"no hyperparameter is called so; there is {', '.join(named) or 'none'}")
            elif (known := draft.varied.get(named[name])) is not None and not known.contains(value):
                said = known.model_dump(mode="json", exclude={"name", "type"})
                bounds = ", ".join(f"{key} {json.dumps(each)}" for key, each in said.items())
                yield Fault(here, f"{json.dumps(value)} is no value of {known.type} with {bounds}")  # type: ignore[attr-defined]
