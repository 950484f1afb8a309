"""Lesson 09: what goes wrong with each storage where several processes share a study, shown and not told."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from binpack.course.tables import Table

PATIENCE = 0.2
"""Seconds that a writer of SQLite waits here for the lock; its default is 5."""


def _study(storage: BaseStorage) -> optuna.Study:
    return optuna.create_study(storage=storage, study_name="shared", sampler=RandomSampler(seed=0), load_if_exists=True)


def in_memory(folder: Path) -> str:
    """Let two workers make a trial each, in a memory of their own; return what the first one sees."""
    first, second = _study(InMemoryStorage()), _study(InMemoryStorage())
    for study in (first, second):
        study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    same = first.trials[0].params == second.trials[0].params
    return f"each sees {len(first.trials)} trial{', and both tried the same value' if same else ''}"


def sqlite_writers(folder: Path) -> str:
    """Let one process report to a database of SQLite while another is in the middle of writing."""
    path = folder / "shared.db"
    storage = RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": PATIENCE}})
    trial = _study(storage).ask()
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")  # the other process: it holds the lock of the whole file
    try:
        trial.report(0.5, step=1)  # a new trial would be asked for five times, which takes seconds
    except StorageInternalError as error:
        return f"{type(error).__name__}: {_cause(error)}"
    finally:
        writer.execute("ROLLBACK")
        writer.close()
        storage.engine.dispose()
    return "the second writer got through"


def _cause(error: BaseException) -> str:
    """Return the database's own words."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).partition("\n")[0]


def journal_left_running(folder: Path) -> str:
    """Let a worker die in the middle of a trial, and another one look at it."""
    path = str(folder / "shared.journal")
    _study(JournalStorage(JournalFileBackend(path))).ask()  # and the process is gone
    later = _study(JournalStorage(JournalFileBackend(path)))
    state = later.trials[0].state.name
    return f"trial 0 is {state} for ever: nothing says who had it, or when it was last seen"


def journal_adopted(folder: Path) -> str:
    """Let a worker take up what another one runs, who was only slow."""
    path = str(folder / "adopted.journal")
    slow = _study(JournalStorage(JournalFileBackend(path)))
    mine = slow.ask()
    other = _study(JournalStorage(JournalFileBackend(path)))
    other.tell(0, state=TrialState.FAIL)  # "left behind by a dead process"
    try:
        slow.tell(mine, 0.9)
    except (UpdateFinishedTrialError, ValueError) as error:
        return f"the slow worker's result is lost: {type(error).__name__}"
    return f"both results were taken: {len(other.trials)}"


FAULTS: tuple[tuple[str, str, Callable[[Path], str]], ...] = (
    ("memory", "two workers make a trial each", in_memory),
    ("SQLite", "two workers report at once", sqlite_writers),
    ("journal file", "a worker is killed", journal_left_running),
    ("journal file", "another takes up what seems to be left", journal_adopted),
)
"""Storage, what is done, and what shows what comes of it."""


def table(folder: Path) -> Table:
    """Run every fault, and say what was seen.

    Args:
        folder: where files may be made.
    """
    rows = [[storage, what, show(folder)] for storage, what, show in FAULTS]
    return Table(("storage", "what happens", "what you see"), rows)
