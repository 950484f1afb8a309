"""What an engine is, and which there are. Another one is one object with what ``Engine`` asks for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from binpack.core.registry import Registry
from binpack.files import InputError
from binpack.search.action.faults import Fault
from binpack.search.action.job import DEFAULT_ENGINE, Check, Draft, Params
from binpack.search.action.result import Trial
from binpack.search.action.run import Event
from binpack.search.action.schedulers import SCHEDULERS
from binpack.search.action.support import SUPPORT
from binpack.search.action.trial import Assignment
from binpack.search.engines.models.suggesting import MODELS

Watch = Callable[[Event], None]
"""Is told what happens."""


@dataclass(frozen=True)
class Tuning:
    """A job that tunes, as an engine gets it.

    Attributes:
        params: what is tuned and how.
        dataset: the item source.
        folder: for the engine alone, which keeps there what it goes on from after it was killed.
        identity: a text that no other job has; trial ids begin with it.
        storage: the URL of a database, for an engine that needs one; with a password in it, so never to be shown.
    """

    params: Params
    dataset: str
    folder: Path
    identity: str
    storage: str | None = dataclasses.field(default=None, repr=False)

    def trial_id(self, number: int) -> str:
        """Return the id of a trial by its number, which stays the same when the job is resumed."""
        return f"{self.identity}_{number:05d}"

    def assignment(self, number: int, config: dict[str, object]) -> Assignment:
        """Return what a trial is, for ``run_trial``.

        Args:
            number: of the trial.
            config: the values of what varies.
        """
        params = self.params
        return Assignment(
            entrypoint=params.entrypoint,
            tuning=True,
            trial_id=self.trial_id(number),
            folder=self.folder / f"trial_{number:05d}",
            dataset=self.dataset,
            hyperparameter={**params.fixed, **config},
            checkpoint=params.checkpoint,
            metric=params.tuning.metric,
            also={"num_cpus": params.num_cpus, "num_gpus": params.num_gpus},
        )


class Engine(Protocol):
    """Runs the trials of a job, and goes on with those of one that was killed."""

    @property
    def searches(self) -> frozenset[str]:
        """The search algorithms that it has."""
        ...

    @property
    def schedulers(self) -> frozenset[str]:
        """The schedulers that it has."""
        ...

    def tune(self, tuning: Tuning, watch: Watch) -> Sequence[Trial]:
        """Run trials until the job has as many as it asks for.

        Args:
            tuning: the job. Its folder may hold the same one, begun by a process that is no more: every finished
                trial is kept, and one that was running goes on under its id.
            watch: is told what happens: ``{"event": "trial", "trial_id", "status", "hyperparameters", "metrics"}``
                for each change of a trial, and what the trials' runs tell.

        Returns:
            The trials by their numbers.

        Raises:
            InputError: it cannot be done; one line.
        """
        ...


ENGINES: Registry[Engine] = Registry(
    "engine",
    ("tune",),
    {
        "local": "binpack.search.engines.local:LOCAL",
        "postgresql": "binpack.search.engines.postgres:POSTGRESQL",
        "ray": "binpack.search.engines.ray_tune:RAY",
    },
)


def check_engine(draft: Draft) -> Iterator[Fault]:
    """Look whether there is such an engine, and whether it has the search and the scheduler that a job asks for."""
    named = draft.text("engine", DEFAULT_ENGINE)
    if named is None:
        return
    try:
        engine = ENGINES.get(named)
    except InputError as error:
        yield Fault("params.engine", str(error))
        return
    if draft.params.get("ray_address") is not None and named in ENGINES.names and named != "ray":
        yield Fault("params.ray_address", "ray_address is for the engine ray")
    if not draft.is_tune:
        return
    # An engine may have this beside what the protocol asks for: why it cannot run here, in words that follow its name.
    if (line := getattr(engine, "missing", None)) is not None:
        yield Fault("params.engine", f"{named} {line}")
    for field, known, has in (
        ("search_alg", tuple(SUPPORT), engine.searches),
        ("scheduler", SCHEDULERS, engine.schedulers),
    ):
        asked = draft.choice(field, "")
        if asked in known and asked not in has:
            there = ", ".join(name for name in known if name in has)
            yield Fault(f"params.tune_config.{field}", f"the engine {named} has no {asked}; it has {there}")
        elif asked in MODELS and (line := MODELS[asked].missing) is not None:
            yield Fault(f"params.tune_config.{field}", f"{asked} {line}")


def check_storage(storage: str | None) -> Check:
    """Return a check whether the engine of a job that tunes can use the database that it is given, or that is missing.

    An engine that keeps its trials in a database has a method ``storage_faults(storage)``, which yields what is wrong
    with a URL, or with None.

    Args:
        storage: the database's URL; None for none.
    """

    def check(draft: Draft) -> Iterator[Fault]:
        named = draft.text("engine", DEFAULT_ENGINE)
        if named is None or not draft.is_tune:
            return
        try:
            faults = getattr(ENGINES.get(named), "storage_faults", None)
        except InputError:
            return  # check_engine has said it
        if faults is not None:
            yield from (Fault("params.engine", what) for what in faults(storage))
        elif storage is not None:
            yield Fault("params.engine", f"the engine {named} keeps its trials in the job's folder, not in a database")

    return check


def scheduler_table() -> str:
    """Return which engine has which scheduler as a table in Markdown."""
    engines = {name: ENGINES.get(name) for name in ENGINES.names}
    lines = [f"| scheduler | {' | '.join(engines)} |", "| --- |" + " --- |" * len(engines)]
    for scheduler in SCHEDULERS:
        cells = ("yes" if scheduler in engine.schedulers else "" for engine in engines.values())
        lines.append(f"| `{scheduler}` | {' | '.join(cells)} |")
    return "\n".join(lines)
