"""A tuning study that can be killed at any moment: ``tune``.

Running the same command again goes on where the last process ended. Three things make that exact:

- a trial is one entry in Optuna's storage from its first moment, and one that a dead process left running is taken up
  as itself: same number, same parameters, each training run from its own checkpoint;
- a suggestion depends on the seed, the trial's number and the finished trials only (``samplers.SeededSampler``);
- one process at a time works on a storage (``locks.lock``), after undoing half a write (``storage.repair``).
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage

from binpack.agents.limits import check_device, check_memory, check_network, check_workers
from binpack.agents.training import check_start
from binpack.agents.training import train as train_ppo
from binpack.files import first_line, out_of_memory, read_json, system_line, write_json
from binpack.search._model import STUDY_VERSION, SearchError, StudyStopped, check_stored
from binpack.search.config import TuneConfig
from binpack.search.final import HeldOut, compare, held_out_score
from binpack.search.locks import GO_ON, lock
from binpack.search.report import TuneResult, collect, study_config
from binpack.search.samplers import warm_up
from binpack.search.storage import (
    Location,
    broken,
    database_errors,
    locate,
    open_storage,
    quiet,
    refuse_other_files,
    repair,
)
from binpack.search.trials import Train, Work, machine_errors, run_trials
from binpack.search.urls import scrub
from binpack.search.workers import Workers
from binpack.system import Interrupted


class TuneInterrupted(Interrupted):
    """Ctrl-C or another signal during ``tune``; the message is one line that says how to go on."""


def tune(
    config: TuneConfig,
    storage: str | Path,
    *,
    train: Train = train_ppo,
    held_out: HeldOut = held_out_score,
    progress: bool = True,
    jobs: int = 1,
) -> TuneResult:
    """Run a study to its end, or go on with it, and compare its best configuration with the default one.

    Args:
        config: the study. On a storage that has it already it must be the same, except that ``n_trials`` may be larger.
        storage: the path of a journal file (``study.journal``; everything else goes to ``study.runs`` beside it), or
            a database URL. See ``storage``.
        train: the training function.
        held_out: scores a trained folder on the test streams: ``held_out(folder, config) -> float``.
        progress: whether to show a bar over the trials on stderr.
        jobs: processes that train side by side: the runs of the comparison, and the seeds of a trial unless a pruner
            may stop it between them. The result does not depend on it.

    Returns:
        The trials, the best, and the comparison. ``load_result`` gives the same later.

    Raises:
        SearchError: another process is tuning this storage, the storage is something else, or the study was made with
            another configuration or other items; one line.
        InputError: the items cannot be used, rollouts would not fit in memory, or a run cannot start from the agent
            that it names; one line.
        StudyStopped: the machine failed, a full disk say, or a file is damaged: no trial has failed by it, and the
            same call goes on; one line.
        TuneInterrupted: Ctrl-C; the same call goes on.
    """
    location = locate(storage, config.name)
    refuse_other_files(location)
    items = config.train.env.source()
    check_device(config.train)
    at_once = min(jobs, _most_at_once(config))
    check_workers(at_once)
    for network in config.networks():
        check_network(network, copies=4)
        check_start(network)
    check_memory(config.largest, at_once)
    # A wrong path is better known before there is a folder for it. A server is asked for its lock first.
    database = open_storage(location) if location.database is not None else None
    with lock(location) as check, quiet(), Workers(at_once) as workers:
        try:
            study = _open(database, location, config, items.fingerprint)
            work = Work(study, location, config, train, workers, check)
            with _stopping(location, config):
                run_trials(work, progress=progress)
                result = collect(location, config, study)
                if result.best is not None and config.final_seeds and result.comparison is None:
                    compare(work, result, held_out, progress=progress, same_file=items.finite)
                    result = collect(location, config, study)
            return result
        except KeyboardInterrupt as stop:
            line = f"stopped; {GO_ON} with study {config.name} in {location.shown}"
            raise TuneInterrupted(line, getattr(stop, "code", Interrupted().code)) from None
        except database_errors() as error:
            raise StudyStopped(str(broken(location, f"failed, {GO_ON}", error.__cause__ or error))) from None


@contextlib.contextmanager
def _stopping(location: Location, config: TuneConfig) -> Iterator[None]:
    """Put into one line what is no result of any configuration."""
    try:
        yield
    except Exception as error:
        if out_of_memory(error):
            why = f"memory ran out ({first_line(error).strip()[:200] or type(error).__name__})"
        elif isinstance(error, machine_errors()):
            why = system_line(error) if isinstance(error, OSError) else str(error)
        else:
            raise
        why = scrub(why, location.storage)
        line = f"study {config.name} in {location.shown} stopped: {why}; {GO_ON} when that is mended"
        raise StudyStopped(line) from None


def _most_at_once(config: TuneConfig) -> int:
    """Say how many training runs the study ever has ready at the same time."""
    return max(config.seeds if config.pruner.never else 1, 2 * config.final_seeds)


def _open(database: BaseStorage | None, location: Location, config: TuneConfig, items: str) -> optuna.Study:
    """Make the study or reopen it, once it is sure that it is the same."""
    if location.journal is not None:
        repair(location.journal)
    storage = database or open_storage(location)
    parts: dict[str, Any] = {
        "storage": storage,
        "study_name": config.name,
        "sampler": config.sampler.build(config.space),
        "pruner": config.pruner.build(config.eval_every, config.trial_steps),
    }
    # Not create_study(load_if_exists=True): that writes to the storage even where the study is there.
    if any(known.study_name == config.name for known in storage.get_all_studies()):
        study = optuna.load_study(**parts)
    else:
        study = optuna.create_study(**parts, direction="maximize")
    if "binpack" not in study.user_attrs:
        if study.get_trials(deepcopy=False):
            raise SearchError(f"{location.shown} has a study {config.name!r} that was not made by binpack")
        # One entry, so that a study has its identity and its configuration together or neither.
        facts = {"version": STUDY_VERSION, "id": uuid.uuid4().hex, "items": items}
        study.set_user_attr("binpack", {**facts, "config": config.model_dump(mode="json")})
    _check_same(study, location, config, items)
    _claim_folder(study, location)
    if config.default_is_trial_0 and not study.get_trials(deepcopy=False):
        study.enqueue_trial(config.space.encode(config.defaults()), user_attrs={"default": True})
    warm_up(study)
    return study


def _check_same(study: optuna.Study, location: Location, config: TuneConfig, items: str) -> None:
    stored = study_config(study)
    known = study.user_attrs["binpack"].get("items")
    if difference := config.first_difference(stored, same_items=known == items):
        field, before, now = (difference[0], *("nothing" if each is None else each for each in difference[1:]))
        raise SearchError(
            f"study {config.name} in {location.shown} was made with {field} = {before}, not {now}: "
            "use the same, another storage or another name"
        )
    # A file keeps its name when it is edited; finished runs and their scores would be of the items before.
    if known not in (None, items):
        raise SearchError(
            f"study {config.name} in {location.shown} was made with other items than {config.train.env.items} holds "
            "now: use the same, another storage or another name"
        )
    if config.n_trials != stored.n_trials:
        entry = {**study.user_attrs["binpack"], "config": config.model_dump(mode="json")}
        study.set_user_attr("binpack", entry)


def _claim_folder(study: optuna.Study, location: Location) -> None:
    """Make sure that the runs in the folder are this study's: a finished run is never trained again."""
    identity = study.user_attrs["binpack"]["id"]
    path = location.folder / "study.json"
    owner = read_json(path) if path.is_file() else None
    if owner is not None:
        check_stored(owner, str(path))
    if (owner is None and any(location.folder.glob("trial_*"))) or (owner is not None and owner.get("id") != identity):
        raise SearchError(f"{location.folder} holds the runs of another study: move it away or delete it")
    facts = {"version": STUDY_VERSION, "id": identity, "study": location.name, "storage": location.shown}
    if owner is None or owner.get("storage") == location.storage != location.shown:
        # An earlier version wrote the URL as it was, password included.
        write_json(path, facts)
