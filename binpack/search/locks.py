"""One tuning process at a time: a lock that is gone with the process that held it, however that ended.

A journal and an SQLite database are files; their lock is the kernel's (flock), on a file in the storage's folder. A
database on a server is reached from anywhere, so its lock is in the server, held by a connection of its own: when the
process dies, the connection closes and the server lets go. Reading a study needs no lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import socket
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from binpack.search._model import SearchError, StudyStopped
from binpack.search.storage import Location, broken, driver_url, quiet

if TYPE_CHECKING:
    from sqlalchemy import Connection

Check = Callable[[], None]
"""Called before everything that is written; raises ``LockLost``."""
GO_ON = "nothing is lost: the same command goes on"


class LockLost(StudyStopped):
    """The connection that held a study's lock is gone: another process may have the study by now."""


_KEY = "CAST(:key AS bigint)"
_HELD = (
    "FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND objsubid = 1 "
    f"AND datname = current_database() AND (classid::bigint << 32) + objid::bigint = {_KEY}"
)
_POSTGRESQL = {
    # Session-level, so that it outlives transactions; refused at once where another session has it.
    "take": f"SELECT pg_try_advisory_lock({_KEY})",
    "have": f"SELECT count(*) {_HELD} AND pid = pg_backend_pid()",
    "who": f"SELECT min(application_name) {_HELD}",
    "name": "SELECT set_config('application_name', :who, false)",
}
# MySQL's lock names are the server's, so the database's name is part of them; they have at most 64 letters.
_NAME = "CONCAT('binpack ', SHA1(CONCAT(DATABASE(), ' ', :key)))"
_MYSQL = {
    "take": f"SELECT GET_LOCK({_NAME}, 0)",
    "have": f"SELECT IS_USED_LOCK({_NAME}) = CONNECTION_ID()",
    "who": f"SELECT CONCAT('connection ', IS_USED_LOCK({_NAME}))",
}
_QUESTIONS = {"postgresql": _POSTGRESQL, "mysql": _MYSQL, "mariadb": _MYSQL}


@contextlib.contextmanager
def lock(location: Location) -> Iterator[Check]:
    """Hold a storage (of a server: a study) for this process alone.

    Yields:
        What asks whether the lock is still held.

    Raises:
        SearchError: another process holds it, or the server cannot be reached.
    """
    with contextlib.ExitStack() as held:
        # The server first: a wrong URL is better known before there is a folder for it.
        check = held.enter_context(_server_lock(location)) if location.on_server else _always
        held.enter_context(_folder_lock(location))
        yield check


def _always() -> None:
    """The kernel does not take a lock away."""


@contextlib.contextmanager
def _folder_lock(location: Location) -> Iterator[None]:
    folder = _lock_folder(location)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise _taken(location, f"process {handle.read(20).strip()}") from None
        handle.truncate(0)
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield


def _lock_folder(location: Location) -> Path:
    """The folder beside the storage's file, wherever a symbolic link to it stands."""
    file = location.journal or location.database
    if file is None or not file.is_symlink():
        return location.root
    real = file.resolve()
    return real.with_name(real.stem + location.root.suffix)


def _taken(location: Location, who: str) -> SearchError:
    return SearchError(f"{location.shown} is being tuned by another process ({who}): one at a time")


@contextlib.contextmanager
def _server_lock(location: Location) -> Iterator[Check]:
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    with _one_line(location, "cannot be opened as a study's storage"), quiet():
        # Autocommit: a transaction left open for days would keep the server from cleaning up.
        engine = create_engine(driver_url(location.storage), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        connection = engine.connect()
    with contextlib.closing(connection):
        questions = _QUESTIONS.get(engine.dialect.name)
        if questions is None:
            note = f"no lock is known for {engine.dialect.name}, only this folder's keeps a second tuner out"
            warnings.warn(f"{location.shown}: {note}", stacklevel=4)
            yield _always
            return
        key = study_key(location.name)

        def check() -> None:
            with contextlib.suppress(Exception):  # whatever a driver raises where its connection is gone
                if _ask(connection, questions["have"], key=key):
                    return
            raise LockLost(f"{location.shown}: the connection that held the study's lock is gone; {GO_ON}")

        with _one_line(location, "cannot be locked"):
            _live_long(connection)
            if not _ask(connection, questions["take"], key=key):
                raise _taken(location, str(_ask(connection, questions["who"], key=key) or "unknown"))
            if "name" in questions:
                _ask(connection, questions["name"], who=f"process {os.getpid()} on {socket.gethostname()}"[:60])
        yield check


def study_key(name: str) -> int:
    """Return a positive whole number below 2^63 for a study's name; the server's locks are apart for every database."""
    return int.from_bytes(hashlib.sha256(f"binpack study {name}".encode()).digest()[:8]) >> 1


def _ask(connection: Connection, question: str, **values: object) -> object:
    from sqlalchemy import text

    return connection.execute(text(question), values).scalar()


def _live_long(connection: Connection) -> None:
    """Keep the server from closing a connection that only waits, and let it notice soon that a machine is gone."""
    from sqlalchemy import text

    if connection.dialect.name == "postgresql":
        settings = {"tcp_keepalives_idle": 60, "tcp_keepalives_interval": 10, "tcp_keepalives_count": 6}
        if (connection.dialect.server_version_info or (0,)) >= (14,):
            settings["idle_session_timeout"] = 0
        statements = [f"SET {name} = {value}" for name, value in settings.items()]
    else:
        statements = ["SET SESSION wait_timeout = 31536000"]
    for statement in statements:
        connection.execute(text(statement))


@contextlib.contextmanager
def _one_line(location: Location, what: str) -> Iterator[None]:
    """Turn whatever a driver raises into one line without a password."""
    try:
        yield
    except SearchError:
        raise
    except Exception as error:  # whatever a database driver may raise
        raise broken(location, what, error) from None
