"""Who trains a study's trials: on one machine this process, or several of its own."""

from __future__ import annotations

import multiprocessing
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Protocol, Self

from binpack.search._model import SearchError, StudyStopped
from binpack.search.action.run import Event
from binpack.search.action.trial import Assignment, Outcome, run_trial
from binpack.search.workers import begin
from binpack.system import signals_wait


class Listener(Protocol):
    """Who is told about trials, by their numbers."""

    def event(self, number: int, event: Event) -> None:
        """Take what a run tells."""
        ...

    def report(self, number: int, metrics: Mapping[str, Any]) -> bool:
        """Take a report, and return whether the trial is to end.

        Raises:
            SearchError: the report is of no use; the trial fails with it.
        """
        ...

    def end(self, number: int, outcome: Outcome) -> None:
        """Take what a trial left."""
        ...

    def lost(self, number: int, why: str) -> None:
        """Take it that what trained a trial is gone, through no fault that is known to be the trial's."""
        ...


class Crew(Protocol):
    """Trains trials, and tells a listener about them."""

    @property
    def busy(self) -> int:
        """How many trials are being trained."""
        ...

    @property
    def free(self) -> bool:
        """Whether another one could be."""
        ...

    def start(self, number: int, assignment: Assignment) -> None:
        """Begin with a trial; only where the crew is free."""
        ...

    def listen(self, seconds: float | None = None) -> None:
        """Wait for something to happen, at most so many seconds, and tell the listener."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True)
class _Direct:
    """A channel to a listener in this process."""

    listener: Listener
    number: int

    def event(self, event: Event) -> None:
        self.listener.event(self.number, event)

    def report(self, metrics: Mapping[str, Any]) -> bool:
        return self.listener.report(self.number, metrics)


class OneAfterAnother:
    """Trains in this process: a trial is at its end when ``start`` returns."""

    busy = 0
    free = True

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def start(self, number: int, assignment: Assignment) -> None:
        """Train a trial."""
        self._listener.end(number, run_trial(assignment, _Direct(self._listener, number)))

    def listen(self, seconds: float | None = None) -> None:
        """Do nothing: nothing is under way."""

    def __enter__(self) -> Self:
        """Return the crew."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing."""


class SideBySide:
    """Trains in processes of their own, which end with this one, however that ends.

    Args:
        listener: is told in this process; what it writes is written by one process alone.
        size: how many processes.
    """

    def __init__(self, listener: Listener, size: int) -> None:
        self._listener = listener
        self._size = size
        self._context = multiprocessing.get_context("spawn")
        self._watched, self._alive = self._context.Pipe(duplex=False)
        self._pausing = False
        self._idle: list[_Member] = []
        self._at_work: dict[Connection, _Member] = {}

    @property
    def busy(self) -> int:
        """How many trials are being trained."""
        return len(self._at_work)

    @property
    def free(self) -> bool:
        """Whether a process has nothing to do."""
        return self.busy < self._size

    def start(self, number: int, assignment: Assignment) -> None:
        """Give a trial to a process; the first ones start it."""
        member = self._idle.pop() if self._idle else self._new()
        member.number = number
        try:
            member.connection.send(assignment)
        except OSError:  # it was killed while it waited
            self._bury(member)
            member = self._new()
            member.number = number
            member.connection.send(assignment)
        self._at_work[member.connection] = member

    def listen(self, seconds: float | None = None) -> None:
        """Wait for messages, at most so many seconds, and answer them."""
        for connection in wait(list(self._at_work), seconds):
            assert isinstance(connection, Connection)
            # Another message's answer may have dropped it.
            if (member := self._at_work.get(connection)) is None:
                continue
            try:
                kind, content = connection.recv()
                if kind == "event":
                    self._listener.event(member.number, content)
                elif kind == "report":
                    answer = self._answer(member.number, content)
                    if connection in self._at_work:
                        connection.send(answer)
                else:
                    del self._at_work[connection]
                    self._idle.append(member)
                    if kind == "end":
                        self._listener.end(member.number, content)
            except (EOFError, OSError):
                if self._at_work.pop(connection, None) is not None:
                    self._listener.end(member.number, Outcome({}, error=self._bury(member)))

    def _answer(self, number: int, metrics: Mapping[str, Any]) -> bool | BaseException:
        try:
            answer: bool | BaseException = self._listener.report(number, metrics)
        except StudyStopped:
            raise
        except SearchError as error:
            answer = error
        return Paused() if self._pausing else answer

    def drop(self, number: int) -> None:
        """End the process that trains a trial at once; the listener hears no more of it."""
        for connection, member in list(self._at_work.items()):
            if member.number == number:
                del self._at_work[connection]
                member.process.kill()
                self._bury(member)

    def pause(self, seconds: float) -> None:
        """Let trials end at their next report, which their checkpoint is a part of; drop those that make none in time.

        The listener hears of reports and of those that come to their own end meanwhile; of the others no more.
        """
        self._pausing = True
        until = time.monotonic() + seconds
        while self._at_work and (left := until - time.monotonic()) > 0:
            self.listen(left)
        for member in list(self._at_work.values()):
            self.drop(member.number)

    def _new(self) -> _Member:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_work, args=(theirs, self._watched), daemon=False)
        # What stops all processes of a terminal or of a service is this one's business, see ``begin``.
        with signals_wait():
            process.start()
        theirs.close()
        return _Member(process, ours)

    def _bury(self, member: _Member) -> str:
        """Wait for a process that is gone, and say how it went."""
        member.connection.close()
        member.process.join()
        code = member.process.exitcode or 0
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"gone with exit code {code}"
        return f"the process that trained it was {how}"

    def __enter__(self) -> Self:
        """Return the crew; its processes start with the first trials."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes at once."""
        self._alive.close()
        for member in [*self._idle, *self._at_work.values()]:
            member.connection.close()
            # not SIGTERM, which they ignore
            member.process.kill()
            member.process.join()
        self._watched.close()


@dataclass
class _Member:
    process: Any
    connection: Connection
    number: int = -1


class Paused(BaseException):
    """A trial ends here to go on another time; no ``Exception``, so that no handler of the entrypoint's keeps it."""


@dataclass(frozen=True)
class _Remote:
    """A channel to the listener in the parent process."""

    connection: Connection

    def event(self, event: Event) -> None:
        self.connection.send(("event", event))

    def report(self, metrics: Mapping[str, Any]) -> bool:
        self.connection.send(("report", dict(metrics)))
        answer = self.connection.recv()
        if isinstance(answer, BaseException):
            raise answer
        return bool(answer)


def _work(connection: Connection, watched: Connection) -> None:
    """Train what comes in, in a process of one's own."""
    begin(watched)
    channel = _Remote(connection)
    while True:
        try:
            assignment = connection.recv()
        except (EOFError, OSError):
            return
        try:
            connection.send(("end", run_trial(assignment, channel)))
        except Paused:
            connection.send(("paused", None))
