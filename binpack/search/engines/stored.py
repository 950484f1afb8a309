"""A job as it lies in its study on a server, so that a worker needs no more than the server and the study's name."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import TrialState

from binpack.search._model import SearchError
from binpack.search.action.job import Params
from binpack.search.action.same import ACTION_VERSION, check_readable, difference, facts_of
from binpack.search.engines.database import Database, lock_until_commit
from binpack.search.engines.engine import Tuning
from binpack.search.engines.leases import make_table
from binpack.search.engines.places import claim_place, study_of
from binpack.search.engines.searches import pruner_of, sampler_of, search_of
from binpack.search.samplers import warm_up

if TYPE_CHECKING:
    from sqlalchemy import Connection

KEY = "binpack_action"
"""The study's attribute that holds the job."""


@dataclass(frozen=True)
class StoredJob:
    """What a study on a server says of its job.

    Attributes:
        study_id: Optuna's number of the study.
        name: of the study.
        facts: JSON: ``version``, ``identity``, ``params``, ``dataset`` and ``items`` as in ``job.json``, and ``study``,
            ``place`` and ``folder``: the study's own id, and where its first tuner keeps trials.
    """

    study_id: int
    name: str
    facts: dict[str, Any]


def store(database: Database, tuning: Tuning) -> StoredJob:
    """Put a job into the study of its name, or find it there; of several who do so, one after the other.

    Raises:
        SearchError: the study holds another job, or the folder another study's trials.
    """

    def work(connection: Connection) -> StoredJob:
        lock_until_commit(connection, f"study {tuning.params.name}")
        storage, name = database.storage, tuning.params.name
        known = {each.study_name: each._study_id for each in storage.get_all_studies()}
        if name not in known:
            up = tuning.params.tuning.mode == "max"
            direction = StudyDirection.MAXIMIZE if up else StudyDirection.MINIMIZE
            known[name] = storage.create_new_study([direction], name)
        attributes = storage.get_study_user_attrs(known[name])
        if KEY not in attributes:
            return StoredJob(known[name], name, _begin(database, storage, known[name], tuning))
        return StoredJob(known[name], name, _go_on(database, storage, known[name], tuning, attributes[KEY]))

    database.ask(make_table)
    return database.ask(work)


def _begin(database: Database, storage: optuna.storages.BaseStorage, study_id: int, tuning: Tuning) -> dict[str, Any]:
    """Put the job into a study that has none."""
    begun = storage.get_all_trials(study_id, deepcopy=False)
    if any(trial.state != TrialState.WAITING for trial in begun) or storage.get_study_user_attrs(study_id):
        where = f"{database.location.shown} has a study {tuning.params.name!r}"
        raise SearchError(f"{where} that is no job's: give the job another name")
    study = study_of(tuning.folder) or uuid.uuid4().hex
    place = claim_place(tuning.folder, study)
    search_of(tuning.params).prepare(open_study(storage, tuning.params.name, tuning.params))
    facts = {
        "version": ACTION_VERSION,
        "identity": tuning.identity,
        **facts_of(tuning.params, tuning.dataset),
        "study": study,
        "place": place,
        "folder": str(tuning.folder.resolve()),
    }
    # Last: a study without it has not begun.
    storage.set_study_user_attr(study_id, KEY, facts)
    return facts


def _go_on(
    database: Database, storage: optuna.storages.BaseStorage, study_id: int, tuning: Tuning, stored: dict[str, Any]
) -> dict[str, Any]:
    """Compare the job with the one that is there; more samples are noted."""
    where = f"study {tuning.params.name!r} in {database.location.shown}"
    check_readable(stored, where)
    facts = facts_of(tuning.params, tuning.dataset)
    # A tuner that comes with fewer samples ends sooner; it takes none away from the others.
    samples = [each["params"]["tune_config"]["num_samples"] for each in (stored, facts)]
    compared = {**stored, "params": {**stored["params"], "tune_config": {**stored["params"]["tune_config"]}}}
    compared["params"]["tune_config"]["num_samples"] = min(samples)
    if (what := difference(compared, facts)) is not None:
        raise SearchError(f"{where} holds another job, with {what}: give the job another name")
    if samples[1] > samples[0]:
        stored = {**stored, "params": facts["params"]}
        storage.set_study_user_attr(study_id, KEY, stored)
    return stored


def load(database: Database, name: str | None) -> StoredJob:
    """Find a job in a database.

    Args:
        database: where to look.
        name: of its study; None for the only one there is.

    Raises:
        SearchError: there is none, no such one, or there are several and none was named; one line.
    """
    shown = database.location.shown
    storage = database.storage
    studies = database.patiently(storage.get_all_studies)
    jobs = {each.study_name: each for each in studies if KEY in each.user_attrs}
    names = ", ".join(sorted(jobs))
    if not jobs:
        raise SearchError(f"{shown}: there is no job in it yet; python -m binpack action puts one there")
    if name is None and len(jobs) > 1:
        raise SearchError(f"{shown} holds several jobs, say which with --study: {names}")
    if name is not None and name not in jobs:
        raise SearchError(f"{shown}: there is no job {name!r}; there is {names}")
    found = jobs[next(iter(jobs)) if name is None else name]
    check_readable(found.user_attrs[KEY], f"study {found.study_name!r} in {shown}")
    return StoredJob(found._study_id, found.study_name, found.user_attrs[KEY])


def open_study(storage: optuna.storages.BaseStorage, name: str, params: Params) -> optuna.Study:
    """Open Optuna's study with the sampler and the pruner of a job."""
    study = optuna.load_study(
        study_name=name,
        storage=storage,
        sampler=sampler_of(params, side_by_side=True),
        pruner=pruner_of(params.tuning.scheduler),
    )
    warm_up(study)
    return study
