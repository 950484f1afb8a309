"""Where a study lives, and how its storage is opened, read and repaired.

A study is two things side by side: Optuna's storage (by default one journal file, to which Optuna only ever appends
whole lines) and a folder with everything else.

    study.journal            every trial, parameter, report and score
    study.runs/lock          held by the process that is tuning, see ``locks``
    study.runs/study.json    which study the folder belongs to
    study.runs/trial_0003/seed_1/   one training run
    study.runs/best.json     the best configuration so far

A second study in the same storage (another name) has ``study.runs/study_NAME/`` for its folder.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import sqlite3
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.storages.journal import JournalFileBackend

from binpack.files import first_line
from binpack.search._model import SearchError
from binpack.search.urls import scrub, shown

DEFAULT_NAME = "study"
LONGEST_NAME = 100
"""Characters of a study's name, which is a part of its folder's."""
INSTALL_DRIVER = "pip install 'psycopg[binary]'"
_DRIVERS = ("psycopg", "psycopg2")
_LINE = "line"
"""The entry of a journal's line that says which line it is, from 1."""
_FIRST_BYTES = b'{"op_code":'
_SQLITE_FIRST_BYTES = b"SQLite format 3\0"


@dataclass(frozen=True)
class Location:
    """A study's two places.

    Attributes:
        storage: the path of a journal file, or a database URL, password included: never to be shown.
        name: the study's name in the storage.
        journal: the journal's path; None for a database.
        root: the folder of this storage, which holds the lock.
        folder: the folder of this study, ``root`` itself for the default name.
        database: the path of an SQLite database; None for a journal or a database on a server.
    """

    storage: str = field(repr=False)
    name: str
    journal: Path | None
    root: Path
    folder: Path
    database: Path | None = None

    @property
    def shown(self) -> str:
        """The storage as it may be shown, without a password."""
        return shown(self.storage)

    @property
    def on_server(self) -> bool:
        """Whether the storage is a database on a server, which other machines reach as well."""
        return self.journal is None and self.database is None


def locate(storage: str | Path, name: str = DEFAULT_NAME) -> Location:
    """Work out the places of a study; nothing is made, and of a file only its first bytes are read.

        >>> locate("studies/mine.journal", "random").folder.as_posix()
        'studies/mine.runs/study_random'

    Args:
        storage: a path for a journal file, or a URL that Optuna knows (``sqlite:///study.db``, ``postgresql://...``);
            the path of an SQLite database that is there means that one. The folder of a database on a server is
            ``NAME.runs`` in the current directory.
        name: the study's name: letters, digits, dot, dash, underscore.

    Raises:
        SearchError: a name or a path that cannot be used.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name):
        raise SearchError(f"study name {name!r}: only letters, digits, '.', '-' and '_' are possible")
    if len(name) > LONGEST_NAME:
        raise SearchError(f"study name {name[:20]}...: {len(name)} characters, expected at most {LONGEST_NAME}")
    text = str(storage)
    if not text:
        raise SearchError("storage: a file name is missing")
    if "://" not in text and "?" not in text and _is_sqlite(Path(text)):
        text = f"sqlite:///{text}"
    journal = database = None
    if "://" not in text:
        journal = Path(text)
        if journal.is_dir():
            raise SearchError(f"{journal} is a folder: the storage is one file, for example study.journal")
        root = journal.with_name(journal.stem + ".runs")
    elif re.match(r"sqlite(\+\w+)?://", text):
        database = _sqlite_path(text)
        root = database.with_name(database.stem + ".runs")
    else:
        root = Path(f"{name}.runs")
    return Location(text, name, journal, root, root if name == DEFAULT_NAME else root / f"study_{name}", database)


def _sqlite_path(url: str) -> Path:
    """The file of an SQLite URL: with none, in memory, there would be nothing to go on with."""
    text = url.split("://", 1)[1].partition("?")[0].removeprefix("/")
    if not text or text.startswith(":memory:"):
        raise SearchError(
            f"{shown(url)} is a database in memory, gone with its process: give a file, sqlite:///study.db"
        )
    if not url.split("://", 1)[1].startswith("/") or text.startswith("file:"):
        raise SearchError(f"{shown(url)}: write the database's file as in sqlite:///study.db")
    if Path(text).is_dir():
        raise SearchError(f"{text} is a folder: the storage is one file, for example sqlite:///study.db")
    return Path(text)


def _is_sqlite(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):  # ValueError: no path at all, with a zero byte
        if path.is_file():
            with path.open("rb") as handle:
                return handle.read(len(_SQLITE_FIRST_BYTES)) == _SQLITE_FIRST_BYTES
    return False


def refuse_other_files(location: Location) -> None:
    """Make sure that the storage's file holds a storage that can be read, or nothing, before anything is written.

    The file is only read, so that no lock is needed: what another process has written half by now is passed over.

    Raises:
        SearchError: it holds something else, or a damaged journal.
    """
    if location.database is not None and location.database.exists():
        with location.database.open("rb") as handle:
            start = handle.read(len(_SQLITE_FIRST_BYTES))
        if start not in (b"", _SQLITE_FIRST_BYTES):
            raise SearchError(f"{location.database} is not an SQLite database: choose another file for the storage")
    if location.journal is None or not location.journal.exists():
        return
    with location.journal.open("rb") as handle:
        start = handle.read(len(_FIRST_BYTES))
        # A first line that is itself torn may be shorter than what a journal begins with.
        if not _FIRST_BYTES.startswith(start):
            raise SearchError(f"{location.shown} is not a study's journal: choose another file for the storage")
        handle.seek(0)
        # Optuna passes over a bad last line, and fails at it later, when it has written behind it.
        for number, line in enumerate(handle, start=1):
            if not line.endswith(b"\n"):
                continue
            operation = _operation(line)
            if operation is None:
                raise SearchError(f"{location.shown} is not a journal that can be read: line {number} is damaged")
            if operation.get(_LINE, number) != number:
                was = f"line {number} was line {operation[_LINE]!r:.20} when it was written"
                raise SearchError(
                    f"{location.shown} has lost or gained lines: {was}: restore it from a copy, or take another file"
                )
    open_storage(location)


def _operation(line: bytes) -> dict[str, Any] | None:
    """Return a journal's line, JSON as Optuna writes it; None for anything else. What it needs is left to Optuna."""
    try:
        operation = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return operation if isinstance(operation, dict) and isinstance(operation.get("op_code"), int) else None


class NumberedJournal(JournalFileBackend):
    """A journal whose lines say which they are, so that one that is missing is noticed.

    Optuna passes over an entry that it does not know. An earlier version wrote no numbers, and its lines count as well.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._path, self._size, self._lines = Path(path), 0, 0

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Write lines behind what is there."""
        super().append_logs(self.numbered(logs))

    def numbered(self, logs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return lines with the numbers that they have behind what is there; no other process writes."""
        with self._path.open("rb") as file:
            file.seek(self._size)
            while block := file.read(1 << 20):
                self._size += len(block)
                self._lines += block.count(b"\n")
        return [{**log, _LINE: number} for number, log in enumerate(logs, start=self._lines + 1)]


def repair(journal: Path) -> bool:
    """Undo what a killed process left half done in a journal.

    Only to be called under ``locks.lock`` and after ``refuse_other_files``.

    Cuts a last line without its end (a write that did not finish: its operation never happened), and removes Optuna's
    own lock of the dead process, for which it would otherwise wait 30 seconds.

    Returns:
        Whether a line was cut.
    """
    if not journal.exists():
        return False
    with contextlib.suppress(FileNotFoundError):
        Path(f"{journal}.lock").unlink()
    with journal.open("rb+") as handle:
        end = handle.seek(0, os.SEEK_END)
        keep = _end_of_last_line(handle, end)
        if keep == end:
            return False
        handle.truncate(keep)
        os.fsync(handle.fileno())
    return True


def _end_of_last_line(handle: Any, end: int, block: int = 1 << 16) -> int:
    """The offset just behind the last newline of a binary file; 0 where there is none."""
    while end > 0:
        start = max(0, end - block)
        handle.seek(start)
        at = handle.read(end - start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


def open_storage(location: Location) -> optuna.storages.BaseStorage:
    """Open Optuna's storage, making it and its folder if need be.

    Raises:
        SearchError: it cannot be opened or read; the message names it.
    """
    try:
        with quiet():
            if location.database is not None:
                location.database.parent.mkdir(parents=True, exist_ok=True)
            if location.journal is not None:
                return optuna.storages.JournalStorage(NumberedJournal(str(location.journal)))
            return optuna.storages.get_storage(driver_url(location.storage))
    except SearchError:
        raise
    except Exception as error:  # whatever a database driver may raise
        if location.journal is not None and not isinstance(error, OSError):
            reason = f"{type(error).__name__}: {first_line(error).strip()}"
            raise SearchError(f"{location.shown} is not a journal that can be read ({reason})") from None
        raise broken(location, "cannot be opened as a study's storage", error) from None


def driver_url(storage: str) -> str:
    """Return a database's URL with PostgreSQL's driver in it, where it names none; any other as it is.

        >>> driver_url("postgresql://ann@localhost/studies")
        'postgresql+psycopg://ann@localhost/studies'

    Raises:
        SearchError: PostgreSQL's driver is not installed; the command that installs it.
    """
    scheme, _, rest = storage.partition("://")
    kind, _, driver = scheme.partition("+")
    if kind not in ("postgresql", "postgres") or driver not in ("", *_DRIVERS):
        return storage
    found = next((name for name in ([driver] if driver else _DRIVERS) if importlib.util.find_spec(name)), None)
    if found is None:
        raise SearchError(f"{shown(storage)} needs PostgreSQL's driver: {INSTALL_DRIVER}")
    return f"postgresql+{found}://{rest}"


def database_errors() -> tuple[type[Exception], ...]:
    """Return what Optuna lets through of a database that fails, for an ``except`` clause."""
    from sqlalchemy.exc import SQLAlchemyError

    return optuna.exceptions.StorageInternalError, SQLAlchemyError


def broken(location: Location, what: str, error: BaseException) -> SearchError:
    """Put what a storage's driver raised into one line, without the storage's password."""
    reason = scrub(first_line(error).strip() or type(error).__name__, location.storage)
    return SearchError(f"{location.shown} {what}: {reason}")


def load_study(storage: str | Path, name: str | None = None) -> optuna.Study:
    """Open an existing study for reading, also while another process is tuning it.

    Args:
        storage: as for ``locate``.
        name: which study; None for the only one there is.

    Raises:
        SearchError: no such file, not a storage, no such study, or several and no name given.
    """
    location = locate(storage, name or DEFAULT_NAME)
    file = location.journal or location.database
    if file is not None and not file.is_file():
        raise SearchError(f"{location.shown}: no such study (there is no such file)")
    refuse_other_files(location)
    names: list[str] = []
    if location.database is None or _has_studies(location.database):
        opened = open_storage(location)
        names = sorted(study.study_name for study in opened.get_all_studies())
    if not names:
        raise SearchError(f"{location.shown}: there is no study in it yet")
    if name is None and len(names) > 1:
        raise SearchError(f"{location.shown} holds several studies, say which: {', '.join(names)}")
    if name is not None and name not in names:
        raise SearchError(f"{location.shown}: no study {name!r}; there is {', '.join(names)}")
    with quiet():
        return optuna.load_study(study_name=name or names[0], storage=opened)


def _has_studies(database: Path) -> bool:
    """Whether an SQLite database has Optuna's tables, which Optuna would add to any that it opens."""
    try:
        with contextlib.closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'studies'")
            return found.fetchone() is not None
    except sqlite3.Error as error:
        raise SearchError(f"{database} cannot be read as an SQLite database: {error}") from None


@contextlib.contextmanager
def quiet(level: int = optuna.logging.WARNING) -> Iterator[None]:
    """Optuna without its INFO lines and its notices of what is experimental, for the length of the block.

    Args:
        level: from which on a line is shown; `optuna.logging.ERROR` where trials are meant to fail.
    """
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(level)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
