"""A worker: takes part in a job on a PostgreSQL server of which it knows no more than the server and the name.

What it reads there was written by somebody else. It is JSON, checked as a job that is typed in is checked, and it
imports nothing: an entrypoint, items or a reward of one's own have to be named where the worker is started.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from binpack.core.registry import without_imports
from binpack.search._model import SearchError
from binpack.search.action.dataset import check_dataset
from binpack.search.action.entrypoint import check_entrypoint
from binpack.search.action.job import DEFAULT_ENTRYPOINT, Params, parse_job
from binpack.search.action.names import encode
from binpack.search.action.result import Trial
from binpack.search.action.same import digest
from binpack.search.engines.database import Terms, connected
from binpack.search.engines.engine import Tuning, Watch
from binpack.search.engines.participant import Participant
from binpack.search.engines.places import is_here
from binpack.search.engines.postgres import location_of, teller
from binpack.search.engines.stored import StoredJob, load


@dataclass(frozen=True)
class Place:
    """What a worker is told where it is started.

    Attributes:
        modules: those that a job in a database may name.
        folder: for its trials; None for the job's own where it is reachable, else ``NAME.runs`` in the current folder.
        jobs: trials side by side; None for as many as there are cores for.
    """

    modules: Sequence[str] = ()
    folder: Path | None = None
    jobs: int | None = None


def work(
    storage: str | None,
    name: str | None,
    place: Place,
    terms: Terms,
    watch: Watch = lambda event: None,
    on_job: Callable[[Params], None] = lambda params: None,
) -> list[Trial]:
    """Run trials of a job until it has as many at their end as it asks for.

    Args:
        storage: the database's URL; None for the one that the environment names.
        name: of the job; None for the only one there is.
        place: what is known of this machine.
        terms: how the worker takes part.
        watch: is told what happens, see ``run.Event``.
        on_job: is told what the job is, before anything happens.

    Returns:
        All trials by their numbers, also those of other workers.

    Raises:
        SearchError: no such server or job, or one that cannot be run here: its module is not allowed, its items are
            missing or others.
        StudyStopped: the server did not come back.
        KeyboardInterrupt: a signal came; the trials were released.
    """
    location = location_of(storage, name or "")
    with connected(location, terms.patience, teller(watch)) as database:
        stored = load(database, name)
        params, dataset = read(stored, place.modules)
        on_job(params)
        folder = place.folder or _folder(stored)
        tuning = Tuning(params, dataset, folder, str(stored.facts["identity"]), location.storage)
        participant = Participant(database, stored, tuning, terms, watch, jobs=place.jobs, everyone=False)
        teller(watch)(f"takes part in {stored.name!r} in {location.shown}; trials go to {folder}")
        return participant.run()


def read(stored: StoredJob, modules: Sequence[str]) -> tuple[Params, str]:
    """Read a job from its study, and return it with its item source; nothing that it names is imported.

    Args:
        stored: what the study says.
        modules: those that it may name.

    Raises:
        SearchError: it cannot be run here; one line.
    """
    facts, where = stored.facts, f"the job {stored.name!r}"
    # A dataset by number was looked up where the job was begun.
    data = {"action": "train", "params": {**facts["params"], "dataset": facts["dataset"]}}
    params = parse_job(data)[0].params
    module = params.entrypoint.partition(":")[0]
    if module not in (DEFAULT_ENTRYPOINT, *modules):
        raise SearchError(
            f"{where} trains with {params.entrypoint}, which a worker imports only where it is allowed: "
            f"python -m binpack --import {module} worker ..."
        )
    with without_imports():
        parse_job(data, (check_dataset, check_entrypoint))
    dataset = str(params.dataset)
    if digest(dataset) != facts["items"]:
        raise SearchError(f"{where} was begun with other items than {dataset} holds here")
    return params, dataset


def _folder(stored: StoredJob) -> Path:
    """Return the folder that the job was begun in, if this machine has it, else one of this worker's own."""
    begun = Path(stored.facts["folder"])
    if is_here(begun, str(stored.facts["study"]), stored.facts["place"]):
        return begun
    return Path(f"{encode(stored.name)}.runs")
