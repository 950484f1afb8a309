"""A database on a server that several workers share: opened once, and waited for where it does not answer.

Optuna's tables hold JSON, text and numbers; neither Optuna's RDB storage nor what is here reads a pickle.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import optuna

from binpack.search._model import SearchError, StudyStopped
from binpack.search.locks import GO_ON, study_key
from binpack.search.storage import Location, broken, database_errors, driver_url, quiet

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")
CONNECT_SECONDS = 4
"""How long one attempt to reach the server takes at most."""
IDLE_SECONDS = 20
"""A transaction in which a worker was stopped does not keep the others waiting for longer."""


@dataclass(frozen=True)
class Terms:
    """How a worker takes part.

    Attributes:
        lease: seconds for which a trial is a worker's own without a sign of life; four signs are given in that time.
        tries: how often a trial is begun before it is given up.
        patience: seconds for which a server that does not answer is waited for.
        poll: seconds between two looks at what others have left or ended.
    """

    lease: float = 60.0
    tries: int = 3
    patience: float = 300.0
    poll: float = 1.0


class Database:
    """One worker's way to the database.

    Args:
        location: of the study; its URL has the password.
        patience: seconds for which a server that does not answer is waited for.
        say: is told, in a line, that it does not, and that it does again.
        meanwhile: is called every second of waiting.

    Raises:
        SearchError: the driver is missing, the URL is none.
        StudyStopped: the server does not answer.
    """

    def __init__(self, location: Location, patience: float, say: Callable[[str], None]) -> None:
        self.location = location
        self.patience = patience
        self.meanwhile: Callable[[], None] = lambda: None
        self._in_haste = False
        self._hopeless: str | None = None
        self._say = say
        self._url = driver_url(location.storage)
        self._storage: optuna.storages.RDBStorage | None = None

    @property
    def storage(self) -> optuna.storages.BaseStorage:
        """Optuna's storage, which shares this one's connections."""
        return optuna.storages.get_storage(self._opened())

    def ask(self, work: Callable[[Connection], T]) -> T:
        """Do something in one transaction, and again where the connection was lost in the middle.

        Args:
            work: gets a connection; done twice it does the same as done once.
        """

        def once() -> T:
            with self._opened().engine.begin() as connection:
                run(connection, f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
                return work(connection)

        return self.patiently(once)

    def patiently(self, work: Callable[[], T]) -> T:
        """Do something, and again while the server does not answer, until the patience ends.

        Args:
            work: done twice it does the same as done once; may use ``storage``.

        Raises:
            StudyStopped: the server did not come back, or the database refuses; one line.
        """
        if self._hopeless is not None:
            raise StudyStopped(self._hopeless)
        first = None
        failures: tuple[type[Exception], ...] = (*database_errors(), ConnectionError)
        while True:
            try:
                with quiet():
                    done = work()
            except failures as error:
                if not _is_lost(error):
                    raise StudyStopped(str(broken(self.location, "failed", error.__cause__ or error))) from None
                now = time.monotonic()
                why = broken(self.location, "does not answer", error.__cause__ or error)
                first = now if first is None else first
                if now - first >= self.patience:
                    waited = f" (waited {now - first:.0f} s)" if self.patience else ""
                    line = f"{why}{waited}; {GO_ON}"
                    self._hopeless = line if self._in_haste else None
                    raise StudyStopped(line) from None
                if now == first:
                    self._say(f"{why}; waiting up to {self.patience:g} s")
                self.meanwhile()
                time.sleep(min(1.0, self.patience))
                continue
            if first is not None:
                self._say(f"{self.location.shown} answers again after {time.monotonic() - first:.0f} s")
            return done

    def wait_no_more(self) -> None:
        """Have no patience from now on: the first attempt that fails is the last one."""
        self.patience, self._in_haste = 0.0, True

    def forget_connections(self) -> None:
        """Let go of every connection, whatever state it is in; the next question opens one."""
        if self._storage is not None:
            with contextlib.suppress(Exception):  # whatever a driver raises where its connection is gone
                self._storage.engine.dispose()

    def _opened(self) -> optuna.storages.RDBStorage:
        if self._storage is None:
            self._storage = _open(self._url)
        return self._storage


@contextlib.contextmanager
def connected(location: Location, patience: float, say: Callable[[str], None]) -> Iterator[Database]:
    """Open a database for the length of the block.

    Raises:
        SearchError: it cannot be used: no driver, no such URL, a wrong password.
    """
    try:
        database = Database(location, 0.0, say)
        # A wrong URL or password is better known at once than waited for.
        database.ask(lambda connection: None)
        database.patience = patience
    except SearchError:
        raise
    except Exception as error:  # whatever a database driver may raise
        raise broken(location, "cannot be opened as a study's storage", error) from None
    try:
        yield database
    finally:
        database.forget_connections()


def _open(url: str) -> optuna.storages.RDBStorage:
    """Open Optuna's storage, and make its tables where they are not; of several that do so, one after the other."""
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    # One connection at rest, a second for the moment in which Optuna makes a trial under our own lock.
    arguments = {
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
    }
    engine = {"pool_size": 1, "max_overflow": 2, "pool_pre_ping": True, "connect_args": arguments}
    gate = create_engine(url, poolclass=NullPool, connect_args=arguments)
    with gate.begin() as connection:
        lock_until_commit(connection, "tables")
        return optuna.storages.RDBStorage(url, engine_kwargs=engine)


def lock_until_commit(connection: Connection, name: str) -> None:
    """Let one worker at a time go on from here until its transaction ends."""
    run(connection, "SELECT pg_advisory_xact_lock(:key)", key=study_key(f"action {name}"))


def run(connection: Connection, statement: str, **values: Any) -> Any:
    """Send a statement in whose text ``:name`` stands for a value, and return SQLAlchemy's result."""
    from sqlalchemy import text

    return connection.execute(text(statement), values)


def _is_lost(error: BaseException) -> bool:
    """Whether the connection is what failed, and not what was asked."""
    from sqlalchemy.exc import (
        DBAPIError,
        InterfaceError,
        OperationalError,
        PendingRollbackError,
        ResourceClosedError,
    )

    cause = error.__cause__ if isinstance(error, optuna.exceptions.StorageInternalError) else error
    if isinstance(cause, DBAPIError) and cause.connection_invalidated:
        return True
    lost = OperationalError, InterfaceError, PendingRollbackError, ResourceClosedError, ConnectionError
    return isinstance(cause, lost)
