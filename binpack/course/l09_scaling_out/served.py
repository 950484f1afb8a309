"""Lesson 09: a real job on a PostgreSQL server that two workers share, until one of them leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import optuna

from binpack.course.l09_scaling_out import jobs, toy
from binpack.course.l09_scaling_out.workers import Bar
from binpack.search._model import SearchError
from binpack.search.action.job import parse_job
from binpack.search.engines.database import Database, Terms, connected
from binpack.search.engines.engine import Tuning
from binpack.search.engines.leases import Leases, Row
from binpack.search.engines.postgres import VARIABLE, location_of
from binpack.search.engines.stored import store

NAMES = ("Ann", "Ben")
KINDS: Mapping[str, signal.Signals | None] = {
    "both stay": None,
    "Ben is asked to stop": signal.SIGTERM,
    "Ben is killed": signal.SIGKILL,
}
"""What happens, and the signal that does it when Ben has made two steps of a trial."""
LEASE = 4.0
"""Seconds that a lease lasts; the command's own default is 60."""
_LOOK = 0.1


@dataclass(frozen=True)
class Served:
    """What came of a job.

    Attributes:
        seconds: from the first trial's begin to the last one's end.
        ended: how many trials came to their end.
        waited: seconds from the signal until Ben's trial had another owner; 0 where both stay.
        made: steps that were made, by both and in all trials.
        bars: who had which trial.
    """

    seconds: float
    ended: int
    waited: float
    made: int
    bars: Sequence[Bar]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values for JSON."""
        return asdict(self)


def play(storage: str | None, kind: str, trials: int, pause: float) -> Served:
    """Let two workers make a job of the toy, and write down who has which trial.

    Args:
        storage: the server's URL; None for the one that ``BINPACK_STORAGE`` names. The job is removed in the end.
        kind: in `KINDS`.
        trials: how many.
        pause: what one of a trial's five steps takes, s.

    Raises:
        SearchError: no server, or a worker that failed; with what it said.
    """
    name = f"lesson-09-{uuid.uuid4().hex[:8]}"
    params = {**jobs.counting(trials, pause, workers=len(NAMES))["params"], "name": name, "engine": "postgresql"}
    parsed = parse_job({"action": "train", "params": params})[0].params
    location = location_of(storage, name)
    with tempfile.TemporaryDirectory() as made, connected(location, 0.0, lambda line: None) as database:
        folder = Path(made)
        tuning = Tuning(parsed, str(parsed.dataset), folder / "trials", name[-8:], location.storage)
        leases = Leases(database, store(database, tuning).study_id, Terms())
        with _removed(database, name), _crew(location.storage, name, folder) as crew:
            followed = _follow(leases, crew, KINDS[kind], trials, folder)
        steps = [path.read_text(encoding="utf-8").splitlines() for path in folder.glob(f"trials/*/{toy.MADE}")]
    last = max(bar.end for bar in followed.bars)
    return Served(last, followed.ended, followed.waited, sum(map(len, steps)), followed.bars)


@contextmanager
def _removed(database: Database, name: str) -> Iterator[None]:
    try:
        yield
    finally:
        optuna.delete_study(study_name=name, storage=database.storage)


@contextmanager
def _crew(storage: str, name: str, folder: Path) -> Iterator[list[subprocess.Popen]]:
    """Start the workers, by the command that an engineer types; none is left in the end."""
    line = [sys.executable, "-m", "binpack", "--import", toy.__name__, "worker", "--study", name]
    line += ["--jobs", "1", "--lease", f"{LEASE:g}"]
    crew: list[subprocess.Popen] = []
    try:
        for worker in NAMES:
            with (folder / f"{worker}.txt").open("w", encoding="utf-8") as said:
                environment = {**os.environ, VARIABLE: storage}
                crew.append(subprocess.Popen(line, stdout=said, stderr=said, env=environment))
        yield crew
    finally:
        for process in crew:
            process.kill()
            process.wait()


@dataclass
class _Followed:
    """Who has had which trial so far."""

    pids: Sequence[int]
    bars: list[Bar] = field(default_factory=list)
    held: dict[int, tuple[int, int, float]] = field(default_factory=dict)
    left: tuple[int, int] | None = None
    sent: float = 0.0
    waited: float = 0.0
    ended: int = 0

    def see(self, row: Row, now: float) -> None:
        """Take what the table says of a trial: its worker and which try it is."""
        mine = (self.pids.index(row.pid), row.tries) if row.state == "running" and row.pid in self.pids else None
        if (before := self.held.get(row.number)) is not None and mine != before[:2]:
            self._close(row.number, now, "counted" if row.state == "ended" else "cut off")
        if mine is None or row.number in self.held or (self.left == (row.number, row.tries) and mine[0] == 1):
            return
        self.held[row.number] = (*mine, now)
        if self.left is not None and self.left[0] == row.number and not self.waited:
            self.waited = now - self.sent

    def leave(self, row: Row, now: float) -> None:
        """Note that Ben is gone from a trial, which the table does not know yet."""
        self.left, self.sent = (row.number, row.tries), now
        self._close(row.number, now, "cut off")

    def _close(self, number: int, now: float, kind: str) -> None:
        worker, _, start = self.held.pop(number)
        self.bars.append(Bar(worker, start, now, number, kind))


def _follow(
    leases: Leases, crew: Sequence[subprocess.Popen], leaves: signal.Signals | None, trials: int, folder: Path
) -> _Followed:
    """Look at the table until all trials have ended, and send Ben the signal on the way."""
    followed = _Followed([process.pid for process in crew])
    until, begun = time.monotonic() + jobs.PATIENCE, None
    while followed.ended < trials:
        rows, _ = leases.changes()
        begun = time.monotonic() if begun is None and any(row.pid for row in rows) else begun
        now = 0.0 if begun is None else time.monotonic() - begun
        for row in rows:
            followed.see(row, now)
        followed.ended = sum(row.state == "ended" for row in rows)
        if leaves is not None and followed.left is None and (ripe := _ripe(followed, rows)) is not None:
            crew[1].send_signal(leaves)
            followed.leave(ripe, now)
        if time.monotonic() > until or crew[0].poll() not in (None, 0):
            raise SearchError(f"the job was not done: {_said(folder, 0)}")
        time.sleep(_LOOK)
    if leaves is not None and not followed.waited:
        raise SearchError(f"{NAMES[1]} left no trial that {NAMES[0]} could take over: {_said(folder, 1)}")
    return followed


def _said(folder: Path, worker: int) -> str:
    return (folder / f"{NAMES[worker]}.txt").read_text(encoding="utf-8").strip()


def _ripe(followed: _Followed, rows: Sequence[Row]) -> Row | None:
    """Return the trial of which Ben has made two steps while Ann is at work; None before."""
    if not any(worker == 0 for worker, _, _ in followed.held.values()):
        return None
    mine = {number for number, (worker, _, _) in followed.held.items() if worker == 1}
    return next((row for row in rows if row.number in mine and row.metrics.get("step", 0) >= 2), None)
