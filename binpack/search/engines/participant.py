"""One worker's part in a study on a server: it takes trials, has them trained, and says that it is alive."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import Trial as OptunaTrial
from optuna.trial import TrialState

from binpack.search._model import SearchError, StudyStopped
from binpack.search.action.result import Trial
from binpack.search.action.run import Event
from binpack.search.action.trial import Outcome
from binpack.search.engines.crew import SideBySide
from binpack.search.engines.database import Database, Terms
from binpack.search.engines.engine import Tuning, Watch
from binpack.search.engines.judging import Announcer, Judge, Running, as_trial, facts_of
from binpack.search.engines.leases import Leases, Row
from binpack.search.engines.places import claim_place, is_here
from binpack.search.engines.searches import CONFIG, search_of
from binpack.search.engines.stored import StoredJob, open_study
from binpack.system import Interrupted, signals_noted, usable_cores

_LOOK_SECONDS = 0.5
"""How long a signal may have to wait for somebody to look."""
_PAUSE_SECONDS = 5.0
"""How long a trial has for its next report when the worker is asked to stop; the whole takes at most 10."""


class _Asked(Exception):
    """A signal came while the server was waited for."""


@dataclass
class _Mine:
    """A trial that this worker has trained."""

    row: Row
    running: Running


class Participant:
    """Takes part in a job until it has as many trials at their end as it asks for; it is the crew's listener.

    Args:
        database: where the study is.
        stored: the job in it.
        tuning: the job; its folder is where this worker's trials go that are not gone on with elsewhere.
        terms: how it takes part.
        watch: is told what happens.
        jobs: trials side by side; None for as many as the machine has cores for.
        everyone: whether to tell of the other workers' trials as well.

    Raises:
        SearchError: the folder is another study's.
    """

    def __init__(
        self,
        database: Database,
        stored: StoredJob,
        tuning: Tuning,
        terms: Terms,
        watch: Watch,
        *,
        jobs: int | None = None,
        everyone: bool = True,
    ) -> None:
        self._uid = str(stored.facts["study"])
        self._place = claim_place(tuning.folder, self._uid)
        tuning = replace(tuning, identity=str(stored.facts["identity"]), folder=tuning.folder.resolve())
        params = tuning.params
        self._tuning, self._terms, self._everyone = tuning, terms, everyone
        self._database = database
        self._watch = watch
        self._news = Announcer(tuning, watch)
        self._search = search_of(params)
        self._total = self._search.total
        self._at_once = params.tuning.max_concurrent_trials
        cores = jobs or max(1, int(usable_cores() // params.num_cpus))
        self._size = min(cores, self._at_once or cores, self._total)
        storage = database.patiently(lambda: database.storage)
        self._study: optuna.Study = database.patiently(lambda: open_study(storage, stored.name, params))
        self._judge = Judge(params, self._study)
        self._leases = Leases(database, stored.study_id, terms)
        self._mine: dict[int, _Mine] = {}
        self._rows: dict[int, Row] = {}
        self._since: Any = None
        self._shown: dict[int, tuple[str, str]] = {}
        self._beaten = self._looked = -float("inf")
        self._leaving = False
        self._farewell = "stopped"

    def run(self) -> list[Trial]:
        """Take part until the end, and return all trials by their numbers.

        Raises:
            StudyStopped: the server did not come back; the same call goes on.
            KeyboardInterrupt: a signal came. Each trial has ended at its next report, whose checkpoint it goes on from,
                and others may take it; ``Interrupted`` says so in a line.
        """
        try:
            with signals_noted() as came, SideBySide(self, self._size) as self._crew:
                self._came = came
                self._database.meanwhile = self._while_waiting
                try:
                    while not came and not self._done():
                        self._step()
                except _Asked:
                    pass
                if came:
                    self._leave()
        except KeyboardInterrupt as stop:
            raise Interrupted(self._farewell, getattr(stop, "code", Interrupted().code)) from None
        return [self._as_trial(self._rows[number]) for number in range(self._total)]

    def _done(self) -> bool:
        ended = sum(row.state == "ended" for number, row in self._rows.items() if number < self._total)
        return not self._mine and ended >= self._total

    def _step(self) -> None:
        now = time.monotonic()
        if now - self._beaten > self._terms.lease / 4:
            self._beat()
        if now - self._looked > self._terms.poll:
            self._look()
            while self._crew.free and self._start_one():
                pass
        pause = min(_LOOK_SECONDS, self._terms.poll, self._terms.lease / 8)
        if self._crew.busy:
            self._crew.listen(pause)
        else:
            time.sleep(pause)

    def _beat(self) -> None:
        """Give a sign of life, and let go of trials that others have taken."""
        now = time.monotonic()
        for number in self._leases.beat([each.row for each in self._mine.values()]):
            self._lose(number)
        self._beaten = now

    def _lose(self, number: int) -> None:
        self._crew.drop(number)
        if self._mine.pop(number, None) is not None:
            self._say(f"{self._tuning.trial_id(number)} was taken over by another worker")

    def _while_waiting(self) -> None:
        """What is to be done while the server does not answer: end what is no longer sure to be this worker's."""
        if self._came and not self._leaving:
            raise _Asked
        if self._mine and time.monotonic() - self._beaten > self._terms.lease:
            for number in list(self._mine):
                self._crew.drop(number)
            self._mine.clear()
            self._say("the leases ran out: trials go on from their last checkpoints when the server answers")

    def _look(self) -> None:
        """Learn what others did, and let Optuna know of trials that ended without a word from their worker."""
        self._looked = time.monotonic()
        if not self._rows and self._everyone:
            for number in range(self._total):
                self._show(number, "PENDING", {}, {})
        rows, self._since = self._leases.changes(self._since)
        for row in rows:
            self._rows[row.number] = row
            if row.state == "ended" and not row.told:
                self._tell(row)
            if self._everyone and row.number not in self._mine:
                self._show_row(row)

    def _tell(self, row: Row) -> None:
        """Let Optuna know how a trial ended."""
        assert row.outcome is not None
        facts = row.outcome

        def work() -> None:
            if self._study._storage.get_trial(row.optuna_id).state == TrialState.RUNNING:
                self._judge.tell(OptunaTrial(self._study, row.optuna_id), facts)

        try:
            self._database.patiently(work)
        except (UpdateFinishedTrialError, ValueError) as error:  # another worker was quicker
            if isinstance(error, SearchError):
                raise
        self._leases.mark_told(row)

    def _start_one(self) -> bool:
        """Begin with a trial, if there is one."""
        row = self._leases.claim(self._mine, self._total, self._at_once, self._new_trial)
        if row is None:
            return False
        config = self._config(row)
        again = row.folder is not None and is_here(Path(row.folder).parent, self._uid, row.place)
        folder = Path(row.folder) if again and row.folder else self._tuning.folder / f"trial_{row.number:05d}"
        place = row.place if again and row.place else self._place
        if not self._leases.settle(row, str(folder), place, config):
            return True
        running = self._database.patiently(lambda: self._judge.begin(OptunaTrial(self._study, row.optuna_id), config))
        self._mine[row.number] = _Mine(row, running)
        self._show(row.number, "RUNNING", config, {})
        self._crew.start(row.number, replace(self._tuning.assignment(row.number, config), folder=folder))
        return True

    def _new_trial(self, number: int) -> int:
        """Make Optuna's trial of a number, or find the one that a worker made who was killed before it had it."""
        storage, study_id = self._study._storage, self._study._study_id
        known = storage.get_all_trials(study_id, deepcopy=False)
        if len(known) <= number:
            return storage.create_new_trial(study_id)
        if known[number].state == TrialState.WAITING:
            storage.set_trial_state_values(known[number]._trial_id, TrialState.RUNNING)
        elif known[number].state != TrialState.RUNNING:
            raise SearchError(f"trial {number} of study {self._study.study_name!r} was made by something else")
        return known[number]._trial_id

    def _config(self, row: Row) -> dict[str, Any]:
        """Return a trial's values: those that it has, or else those that the search draws."""
        if row.config is None:
            # made anew where the server was lost in the middle: Optuna's object would not know what it has written
            return self._database.patiently(lambda: self._drawn(row.optuna_id))
        varied = self._tuning.params.varied
        if set(row.config) != set(varied) or not all(each.contains(row.config[name]) for name, each in varied.items()):
            raise SearchError(f"trial {row.number} has values in the database that its job cannot have")
        return row.config

    def _drawn(self, optuna_id: int) -> dict[str, Any]:
        """Draw a trial's values, and let the searches of other workers see them."""
        trial = OptunaTrial(self._study, optuna_id)
        config = self._search.config(trial)
        trial.set_user_attr(CONFIG, config)
        return config

    def event(self, number: int, event: Event) -> None:
        """Pass on what a run tells."""
        self._watch(event)

    def report(self, number: int, metrics: Mapping[str, Any]) -> bool:
        """Take a report, and say whether the trial is to end."""
        mine = self._mine[number]
        running = mine.running
        try:
            if not self._leases.note(mine.row, {**running.metrics, **metrics}):
                self._lose(number)
                return True
            self._show(number, "RUNNING", running.config, {**running.metrics, **metrics})
            return self._database.patiently(lambda: self._judge.report(running, metrics))
        except StudyStopped:
            if not self._leaving:
                raise
            return True

    def end(self, number: int, outcome: Outcome) -> None:
        """Write down what a trial left, if it is still this worker's."""
        mine = self._mine.pop(number)
        row, facts = mine.row, facts_of(mine.running, outcome)
        self._looked = -float("inf")
        try:
            if facts["error"] is not None and row.tries < self._terms.tries:
                self._leases.hand_back(row)
                tried = f"{self._tuning.trial_id(number)} failed, try {row.tries} of {self._terms.tries}"
                self._say(f"{tried}: {facts['error']}")
                self._show(number, "PENDING", mine.running.config, {})
            elif self._leases.end(row, facts):
                ended = replace(row, config=mine.running.config, state="ended", outcome=facts)
                self._tell(ended)
                self._show_row(ended)
            else:
                self._say(f"{self._tuning.trial_id(number)} was taken over by another worker")
        except StudyStopped:
            if not self._leaving:
                raise

    def lost(self, number: int, why: str) -> None:
        """Hand a trial back whose trainer is gone."""
        mine = self._mine.pop(number)
        self._leases.hand_back(mine.row)
        self._say(f"{self._tuning.trial_id(number)} is handed back: {why}")
        self._show(number, "PENDING", mine.running.config, {})

    def _leave(self) -> None:
        """Let trials keep what they have, and let others take them."""
        self._leaving = True
        self._database.wait_no_more()
        ids = ", ".join(self._tuning.trial_id(number) for number in sorted(self._mine))
        self._crew.pause(_PAUSE_SECONDS)
        try:
            released = self._leases.release()
        except StudyStopped:
            self._farewell = f"stopped; the server does not answer: others take {ids} in {self._terms.lease:g} s"
        else:
            what = f"{ids} released, and any worker goes on with it" if released else "no trial was under way"
            self._farewell = f"stopped; {what}"

    def _as_trial(self, row: Row) -> Trial:
        folder = Path(row.folder) if row.folder else self._tuning.folder / f"trial_{row.number:05d}"
        waiting = row.state == "waiting"
        return as_trial(self._tuning, row.number, row.config or {}, row.outcome or {}, folder, waiting=waiting)

    def _show_row(self, row: Row) -> None:
        trial = self._as_trial(row)
        if row.state == "ended":
            if self._is_new(row.number, trial.status, trial.metrics):
                self._news.show_end(row.number, trial)
        else:
            self._show(row.number, trial.status, row.config or {}, row.metrics)

    def _show(self, number: int, status: str, config: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
        if self._is_new(number, status, metrics):
            self._news.show(number, status, config, metrics)

    def _is_new(self, number: int, status: str, metrics: Mapping[str, Any]) -> bool:
        now = (status, json.dumps(metrics, sort_keys=True))
        before, self._shown[number] = self._shown.get(number), now
        return before != now

    def _say(self, line: str) -> None:
        self._watch({"event": "notice", "line": line})
