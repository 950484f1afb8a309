"""The default engine: processes of one machine, and Optuna's journal file.

This process alone writes to the journal; others train, and tell it by pipes. A trial is in the journal from its first
moment with its configuration, and what it left before it counts as finished: a job that is killed at any instant has
every finished trial, and those that were running go on under their numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from optuna.trial import Trial as OptunaTrial

from binpack.search.action.job import Params
from binpack.search.action.result import Trial
from binpack.search.action.run import Event
from binpack.search.action.trial import Outcome
from binpack.search.engines.crew import Crew, OneAfterAnother, SideBySide
from binpack.search.engines.engine import Tuning, Watch
from binpack.search.engines.journal import open_journal
from binpack.search.engines.judging import Announcer, Judge, Running, as_trial, facts_of, side_by_side
from binpack.search.engines.searches import SCHEDULED, SEARCHES, pruner_of, sampler_of, search_of
from binpack.search.samplers import warm_up
from binpack.search.storage import (
    Location,
    broken,
    database_errors,
    quiet,
    refuse_other_files,
    repair,
)

_CONFIG, _OUTCOME = "config", "outcome"
"""What a trial's entry in the journal has: the configuration when it begins, what it left when it ends."""


class _Local:
    searches = SEARCHES
    schedulers = SCHEDULED

    def tune(self, tuning: Tuning, watch: Watch) -> Sequence[Trial]:
        """Run the trials; see ``Engine.tune``."""
        journal = tuning.folder / "study.journal"
        location = Location(str(journal), "study", journal, tuning.folder, tuning.folder)
        tuning.folder.mkdir(parents=True, exist_ok=True)
        refuse_other_files(location)
        repair(journal)
        with quiet():
            try:
                return _Study(tuning, _open(tuning.params, journal), watch).run()
            except database_errors() as error:
                raise broken(location, "failed", error.__cause__ or error) from None


LOCAL = _Local()


def _open(params: Params, journal: Path) -> optuna.Study:
    study = optuna.create_study(
        storage=open_journal(journal),
        study_name="study",
        sampler=sampler_of(params, side_by_side=side_by_side(params) > 1),
        pruner=pruner_of(params.tuning.scheduler),
        direction="maximize" if params.tuning.mode == "max" else "minimize",
        load_if_exists=True,
    )
    warm_up(study)
    return study


class _Study:
    """A job's trials; it is the crew's listener."""

    def __init__(self, tuning: Tuning, study: optuna.Study, watch: Watch) -> None:
        self._tuning = tuning
        self._study = study
        self._watch = watch
        self._news = Announcer(tuning, watch)
        self._judge = Judge(tuning.params, study)
        self._search = search_of(tuning.params)
        self._running: dict[int, Running] = {}
        self._left: list[FrozenTrial] = []

    def run(self) -> list[Trial]:
        """Run what is left of the job."""
        self._take_stock()
        size = min(side_by_side(self._tuning.params), self._search.total)
        with OneAfterAnother(self) if size == 1 else SideBySide(self, size) as crew:
            while self._fill(crew) or crew.busy:
                crew.listen()
        return [self._as_trial(each) for each in self._study.get_trials(deepcopy=False)]

    def _take_stock(self) -> None:
        """Find what a process of before left, and tell of every trial that there will be."""
        self._search.prepare(self._study)
        for left in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if _OUTCOME in left.user_attrs:
                self._judge.tell(OptunaTrial(self._study, left._trial_id), left.user_attrs[_OUTCOME])
            else:
                self._left.append(left)
        known = self._study.get_trials(deepcopy=False)
        for number in range(max(len(known), self._search.total)):
            trial = self._as_trial(known[number]) if number < len(known) else None
            if trial is None or trial.status in ("PENDING", "RUNNING"):
                self._news.show(number, "PENDING", trial.config if trial else {}, {})
            else:
                self._news.show_end(number, trial)

    def _fill(self, crew: Crew) -> bool:
        """Start trials while there are any and somebody is free; say whether one was started."""
        started = False
        while crew.free and (trial := self._next()) is not None:
            started = True
            config = trial.user_attrs.get(_CONFIG)
            if config is None:
                config = self._search.config(trial)
                trial.set_user_attr(_CONFIG, config)
            self._running[trial.number] = self._judge.begin(trial, config)
            self._news.show(trial.number, "RUNNING", config, {})
            crew.start(trial.number, self._tuning.assignment(trial.number, config))
        return started

    def _next(self) -> OptunaTrial | None:
        """Return a trial that a dead process left, else the next new one; None where there is none."""
        if self._left:
            return OptunaTrial(self._study, self._left.pop(0)._trial_id)
        trials = self._study.get_trials(deepcopy=False)
        waiting = any(trial.state == TrialState.WAITING for trial in trials)
        return self._study.ask() if waiting or len(trials) < self._search.total else None

    def event(self, number: int, event: Event) -> None:
        """Pass on what a run tells."""
        self._watch(event)

    def report(self, number: int, metrics: Mapping[str, Any]) -> bool:
        """Take a report, and say whether the trial is to end."""
        running = self._running[number]
        self._news.show(number, "RUNNING", running.config, {**running.metrics, **metrics})
        return self._judge.report(running, metrics)

    def end(self, number: int, outcome: Outcome) -> None:
        """Write down what a trial left."""
        running = self._running.pop(number)
        facts = facts_of(running, outcome)
        # One entry, and the trial's end after it: a process that is killed between the two ends it the next time.
        running.trial.set_user_attr(_OUTCOME, facts)
        self._judge.tell(running.trial, facts)
        self._news.show_end(number, self._as_trial(self._study._storage.get_trial(running.trial._trial_id)))

    def _as_trial(self, stored: FrozenTrial) -> Trial:
        return as_trial(
            self._tuning,
            stored.number,
            stored.user_attrs.get(_CONFIG, {}),
            stored.user_attrs.get(_OUTCOME, {}),
            self._tuning.folder / f"trial_{stored.number:05d}",
            waiting=stored.state == TrialState.WAITING,
        )
