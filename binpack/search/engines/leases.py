"""Who trains which trial of a study on a server: a row for each trial, and a lease that ends by the server's clock.

A trial is ``waiting``, ``running`` or ``ended``. Who trains it is its owner for the length of a lease, which it renews;
where it does not, whoever comes next takes the trial. Every statement of an owner asks whether the trial is still its
own, in the same transaction as what it writes: what a worker finds that was taken for dead counts for nothing.

This table says what of a job is done. Optuna's trials, from which samplers and pruners learn, follow it.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from binpack.search.engines.database import Database, Terms, lock_until_commit, run

if TYPE_CHECKING:
    from sqlalchemy import Connection

_TABLE = """
CREATE TABLE IF NOT EXISTS binpack_trials (
    study_id integer NOT NULL REFERENCES studies (study_id) ON DELETE CASCADE,
    number integer NOT NULL,
    optuna_id integer NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'ended')),
    tries integer NOT NULL,
    owner text,
    host text,
    pid integer,
    lease timestamptz,
    place text,
    folder text,
    config text,
    metrics text NOT NULL DEFAULT '{}',
    outcome text,
    told boolean NOT NULL DEFAULT false,
    changed timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (study_id, number)
)
"""
"""Times are ``clock_timestamp()``: ``now()`` is when the transaction began, which may have waited for a lock."""
_COLUMNS = "number, optuna_id, state, tries, owner, host, pid, place, folder, config, metrics, outcome, told"
_UNTIL = "clock_timestamp() + make_interval(secs => :lease)"
_MINE = "study_id = :study AND owner = :owner AND state = 'running'"
_THIS = f"{_MINE} AND number = :number AND tries = :tries"
_SET = "UPDATE binpack_trials SET changed = clock_timestamp(),"


@dataclass(frozen=True)
class Row:
    """A trial as it stands in the table.

    Attributes:
        number: of the trial.
        optuna_id: of Optuna's trial.
        state: ``waiting``, ``running`` or ``ended``.
        tries: how often it was begun.
        owner: of the lease, or who had it last.
        host: the owner's machine.
        pid: the owner's process there.
        place: the id of the folder of folders that its own lies in.
        folder: its own, as the owner saw it.
        config: its values; None until they are drawn.
        metrics: as it reported them last.
        outcome: what it left, see ``judging.facts_of``; None before its end.
        told: whether Optuna knows of its end.
    """

    number: int
    optuna_id: int
    state: str
    tries: int
    owner: str | None
    host: str | None
    pid: int | None
    place: str | None
    folder: str | None
    config: dict[str, Any] | None
    metrics: dict[str, Any]
    outcome: dict[str, Any] | None
    told: bool

    @property
    def who(self) -> str:
        """The owner in words."""
        return f"process {self.pid} on {self.host}"


@dataclass(frozen=True)
class Leases:
    """One worker's view of the table.

    Attributes:
        database: where it is.
        study_id: Optuna's number of the study.
        terms: how long a lease is, and how often a trial is begun.
        owner: this worker's id, which no other has.
    """

    database: Database
    study_id: int
    terms: Terms
    owner: str = field(default_factory=lambda: uuid.uuid4().hex)

    def claim(
        self, busy: Collection[int], total: int, at_once: int | None, new_trial: Callable[[int], int]
    ) -> Row | None:
        """Take a trial: one that was left, else a new one; None where there is none for now.

        A trial whose owner was lost as often as there are tries ends here as failed.

        Args:
            busy: what this worker trains. A trial of its own that is not among these was lost on the way to it.
            total: how many trials the job has.
            at_once: how many may be trained at the same time by all workers; None for any number.
            new_trial: makes Optuna's trial of a number, or finds it, and returns its id.
        """

        def work(connection: Connection) -> Row | None:
            lock_until_commit(connection, f"claim {self.study_id}")
            while (left := self._left(connection, busy, total)) is not None:
                if left.owner == self.owner and left.state == "running":
                    return self._take(connection, left, left.tries)
                if left.tries < self.terms.tries:
                    return None if self._crowded(connection, at_once) else self._take(connection, left, left.tries + 1)
                self._give_up(connection, left)
            count = run(
                connection, "SELECT count(*) FROM binpack_trials WHERE study_id = :study", study=self.study_id
            ).scalar()
            if count >= total or self._crowded(connection, at_once):
                return None
            optuna_id = new_trial(count)
            run(
                connection,
                "INSERT INTO binpack_trials (study_id, number, optuna_id, state, tries) "
                "VALUES (:study, :number, :optuna_id, 'waiting', 0)",
                study=self.study_id,
                number=count,
                optuna_id=optuna_id,
            )
            return self._take(connection, self._row(connection, count), 1)

        return self.database.ask(work)

    def _left(self, connection: Connection, busy: Collection[int], total: int) -> Row | None:
        found = run(
            connection,
            f"SELECT {_COLUMNS} FROM binpack_trials WHERE study_id = :study AND number < :total AND ("
            "state = 'waiting' OR (state = 'running' AND lease < clock_timestamp() AND owner <> :owner) "
            "OR (state = 'running' AND owner = :owner AND NOT (number = ANY(:busy)))) ORDER BY number LIMIT 1",
            study=self.study_id,
            owner=self.owner,
            busy=list(busy),
            total=total,
        ).first()
        return None if found is None else _row(found)

    def _crowded(self, connection: Connection, at_once: int | None) -> bool:
        if at_once is None:
            return False
        running = run(
            connection,
            "SELECT count(*) FROM binpack_trials WHERE study_id = :study AND state = 'running' "
            "AND lease >= clock_timestamp()",
            study=self.study_id,
        ).scalar()
        return running >= at_once

    def _take(self, connection: Connection, row: Row, tries: int) -> Row:
        run(
            connection,
            f"{_SET} state = 'running', owner = :owner, host = :host, pid = :pid, lease = {_UNTIL}, tries = :tries "
            "WHERE study_id = :study AND number = :number",
            study=self.study_id,
            number=row.number,
            owner=self.owner,
            host=socket.gethostname(),
            pid=os.getpid(),
            lease=self.terms.lease,
            tries=tries,
        )
        return self._row(connection, row.number)

    def _give_up(self, connection: Connection, row: Row) -> None:
        error = f"given up after {row.tries} tries: the worker that had it last ({row.who}) was lost"
        facts = {"metrics": row.metrics, "artifact": None, "stopped": False, "error": error}
        run(
            connection,
            f"{_SET} state = 'ended', outcome = :outcome WHERE study_id = :study AND number = :number",
            study=self.study_id,
            number=row.number,
            outcome=json.dumps(facts),
        )

    def settle(self, row: Row, folder: str, place: str, config: Mapping[str, Any]) -> bool:
        """Write down where a trial is trained and with what; say whether it is still this worker's."""
        return self._write(
            row,
            "folder = :folder, place = :place, config = :config",
            folder=folder,
            place=place,
            config=json.dumps(config),
        )

    def note(self, row: Row, metrics: Mapping[str, Any]) -> bool:
        """Write down a report, which is a sign of life as well; say whether the trial is still this worker's."""
        return self._write(
            row, f"metrics = :metrics, lease = {_UNTIL}", metrics=json.dumps(metrics), lease=self.terms.lease
        )

    def end(self, row: Row, facts: Mapping[str, Any]) -> bool:
        """End a trial, once; say whether it was this worker's to end."""
        if self._write(row, "state = 'ended', outcome = :outcome", outcome=json.dumps(facts)):
            return True
        # A connection that was lost in the commit: it may be done.
        now = self.database.ask(lambda connection: self._row(connection, row.number))
        return (now.state, now.owner, now.tries) == ("ended", self.owner, row.tries)

    def hand_back(self, row: Row) -> bool:
        """Let another worker try a trial that failed; say whether it was this worker's."""
        return self._write(row, "state = 'waiting', lease = NULL")

    def _write(self, row: Row, what: str, **values: Any) -> bool:
        def work(connection: Connection) -> bool:
            statement = f"{_SET} {what} WHERE {_THIS}"
            mine = {"study": self.study_id, "owner": self.owner, "number": row.number, "tries": row.tries}
            return run(connection, statement, **mine, **values).rowcount == 1

        return self.database.ask(work)

    def beat(self, rows: Collection[Row]) -> set[int]:
        """Renew the leases of trials, and return the numbers of those that are this worker's no longer."""
        held = {row.number: row.tries for row in rows}

        def work(connection: Connection) -> set[int]:
            kept = run(
                connection,
                f"UPDATE binpack_trials SET lease = {_UNTIL} WHERE {_MINE} AND number = ANY(:busy) "
                "RETURNING number, tries",
                study=self.study_id,
                owner=self.owner,
                busy=list(held),
                lease=self.terms.lease,
            )
            return set(held) - {number for number, tries in kept if held[number] == tries}

        return self.database.ask(work) if held else set()

    def release(self) -> int:
        """Let others take at once what this worker trains, as if it had not begun; return how many trials it was."""

        def work(connection: Connection) -> int:
            what = "state = 'waiting', lease = NULL, tries = tries - 1"
            return run(connection, f"{_SET} {what} WHERE {_MINE}", study=self.study_id, owner=self.owner).rowcount

        return self.database.ask(work)

    def changes(self, since: Any = None) -> tuple[list[Row], Any]:
        """Return the trials that changed lately, by their numbers, and what to ask with the next time.

        Args:
            since: what the last call returned; None for all trials.
        """

        def work(connection: Connection) -> tuple[list[Row], Any]:
            # A change is seen when its transaction ends, which is later than its time: so the overlap.
            now = run(connection, "SELECT clock_timestamp() - interval '30 seconds'").scalar()
            found = run(
                connection,
                f"SELECT {_COLUMNS} FROM binpack_trials WHERE study_id = :study "
                "AND (CAST(:since AS timestamptz) IS NULL OR changed >= :since) ORDER BY number",
                study=self.study_id,
                since=since,
            )
            return [_row(each) for each in found], now

        return self.database.ask(work)

    def mark_told(self, row: Row) -> None:
        """Note that Optuna knows of a trial's end."""
        self.database.ask(
            lambda connection: run(
                connection,
                f"{_SET} told = true WHERE study_id = :study AND number = :number",
                study=self.study_id,
                number=row.number,
            )
        )

    def _row(self, connection: Connection, number: int) -> Row:
        statement = f"SELECT {_COLUMNS} FROM binpack_trials WHERE study_id = :study AND number = :number"
        return _row(run(connection, statement, study=self.study_id, number=number).one())


def make_table(connection: Connection) -> None:
    """Make the table where it is not; Optuna's are there."""
    lock_until_commit(connection, "tables")
    run(connection, _TABLE)


def _row(found: Any) -> Row:
    values = dict(found._mapping)
    for name in ("config", "metrics", "outcome"):
        values[name] = None if values[name] is None else json.loads(values[name])
    return Row(**values)
