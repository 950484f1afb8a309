"""A job's trials in one process: what is tried next, what is stopped, and what is written down; a crew trains them.

This process alone writes to the journal, Optuna's file; others train, and tell it what comes out. A trial is in the
journal from its first moment with its configuration, and what it left before it counts as finished: a job that is
killed at any instant has every finished trial, and those that were running go on under their numbers.

Searches and schedulers are here and not in what trains, so that every engine with a crew has all of them, and they have
no state but what the journal says: a resumed job goes on with the decisions that it had made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from optuna.trial import Trial as OptunaTrial

from binpack.search._model import SearchError
from binpack.search.action.job import Params
from binpack.search.action.result import Trial, score_of
from binpack.search.action.run import Event
from binpack.search.action.trial import Outcome
from binpack.search.engines.crew import Crew, Listener
from binpack.search.engines.engine import Tuning, Watch
from binpack.search.engines.journal import open_journal
from binpack.search.engines.pbt import Population
from binpack.search.engines.searches import CONFIG, PRUNED, pruner_of, sampler_of, search_of
from binpack.search.samplers import warm_up
from binpack.search.storage import (
    Location,
    broken,
    database_errors,
    quiet,
    refuse_other_files,
    repair,
)

_OUTCOME = "outcome"
"""What a trial's entry in the journal has besides its configuration: what it left when it ended."""
LOSSES = 3
"""A trial fails when what trains it was lost so often without a report between."""
SCHEDULED = PRUNED | {"pbt"}
"""The schedulers of an engine whose trials run here."""

CrewOf = Callable[[Listener, int], Crew]
"""Makes a crew from its listener and from how many trials it is to train at the same time at most."""


def run_study(tuning: Tuning, watch: Watch, side_by_side: int, crew_of: CrewOf) -> list[Trial]:
    """Run trials until a job has as many as it asks for; see ``Engine.tune``.

    Args:
        tuning: the job.
        watch: is told what happens.
        side_by_side: how many trials may run at the same time.
        crew_of: makes what trains them.
    """
    journal = tuning.folder / "study.journal"
    location = Location(str(journal), "study", journal, tuning.folder, tuning.folder)
    tuning.folder.mkdir(parents=True, exist_ok=True)
    refuse_other_files(location)
    repair(journal)
    with quiet():
        try:
            study = _open(tuning.params, journal, side_by_side)
            return _Study(tuning, study, watch, side_by_side).run(crew_of)
        except database_errors() as error:
            raise broken(location, "failed", error.__cause__ or error) from None


def _open(params: Params, journal: Path, side_by_side: int) -> optuna.Study:
    study = optuna.create_study(
        storage=open_journal(journal),
        study_name="study",
        sampler=sampler_of(params, side_by_side=side_by_side > 1),
        pruner=pruner_of(params.tuning.scheduler),
        direction="maximize" if params.tuning.mode == "max" else "minimize",
        load_if_exists=True,
    )
    warm_up(study)
    return study


@dataclass
class _Running:
    """A trial that is being trained.

    Attributes:
        trial: Optuna's.
        config: its values.
        reported: the times at which it has reported.
        metrics: its reports since it was started, the later ones over the earlier.
        stopped: whether the scheduler ended it for being worse than others, not for being at its end.
        paused: whether the scheduler lets it wait, or go on as another one.
    """

    trial: OptunaTrial
    config: dict[str, Any]
    reported: set[int]
    metrics: dict[str, Any] = field(default_factory=dict)
    stopped: bool = False
    paused: bool = False


class _Study:
    """A job's trials; it is the crew's listener."""

    def __init__(self, tuning: Tuning, study: optuna.Study, watch: Watch, side_by_side: int) -> None:
        self._tuning = tuning
        self._settings = tuning.params.tuning
        self._study = study
        self._watch = watch
        self._search = search_of(tuning.params)
        self._size = min(side_by_side, self._search.total)
        self._running: dict[int, _Running] = {}
        self._waiting: list[int] = []
        self._losses: dict[int, int] = {}
        self._population: Population | None = None
        if self._settings.scheduler.name == "pbt":
            self._population = Population(tuning, study, takes_turns=self._size < self._search.total)

    def run(self, crew_of: CrewOf) -> list[Trial]:
        """Run what is left of the job."""
        self._take_stock()
        if self._more:
            with crew_of(self, self._size) as crew:
                while self._fill(crew) or crew.busy or self._more:
                    crew.listen()
        return [self._as_trial(each) for each in self._study.get_trials(deepcopy=False)]

    def _take_stock(self) -> None:
        """Find what a process of before left, and tell of every trial that there will be."""
        self._search.prepare(self._study)
        for left in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if _OUTCOME in left.user_attrs:
                self._tell(OptunaTrial(self._study, left._trial_id), left.user_attrs[_OUTCOME])
            else:
                self._queue(left.number)
        known = self._study.get_trials(deepcopy=False)
        for number in range(max(len(known), self._search.total)):
            trial = self._as_trial(known[number]) if number < len(known) else None
            if trial is None or trial.status in ("PENDING", "RUNNING"):
                self._show(number, "PENDING", trial.config if trial else {}, {})
            else:
                self._show_end(trial, number)

    def _fill(self, crew: Crew) -> bool:
        """Start trials while there are any and somebody is free; say whether one was started."""
        started = False
        while crew.free and (trial := self._next()) is not None:
            started = True
            config = self._config(trial)
            reported = set(self._stored(trial.number).intermediate_values)
            self._running[trial.number] = _Running(trial, config, reported)
            self._show(trial.number, "RUNNING", config, {})
            crew.start(trial.number, self._tuning.assignment(trial.number, config))
        return started

    def _config(self, trial: OptunaTrial) -> dict[str, Any]:
        config = trial.user_attrs.get(CONFIG)
        if config is None:
            config = self._search.config(trial)
            trial.set_user_attr(CONFIG, config)
        return config if self._population is None else self._population.config(trial)

    @property
    def _unasked(self) -> bool:
        trials = self._study.get_trials(deepcopy=False)
        return len(trials) < self._search.total or any(trial.state == TrialState.WAITING for trial in trials)

    @property
    def _more(self) -> bool:
        """Whether a trial is to be started, now or when somebody is free."""
        return bool(self._waiting) or self._unasked

    def _next(self) -> OptunaTrial | None:
        """Return the next trial to start, None where there is none: those that a dead process left come first.

        In a population all are to come as far as each other: the new ones come first, then who is behind.
        """
        if self._population is not None and self._unasked:
            return self._study.ask()
        if self._waiting:
            behind = min(self._waiting, key=self._time_of)
            self._waiting.remove(behind)
            return OptunaTrial(self._study, self._stored(behind)._trial_id)
        return self._study.ask() if self._unasked else None

    def _time_of(self, number: int) -> tuple[int, int]:
        return (0 if self._population is None else self._population.time(self._stored(number)), number)

    def _stored(self, number: int) -> FrozenTrial:
        return self._study.get_trials(deepcopy=False)[number]

    def event(self, number: int, event: Event) -> None:
        """Pass on what a run tells."""
        self._watch(event)

    def report(self, number: int, metrics: Mapping[str, Any]) -> bool:
        """Take a report, and say whether the trial is to end."""
        running = self._running[number]
        running.metrics.update(metrics)
        self._show(number, "RUNNING", running.config, running.metrics)
        if self._settings.metric not in metrics:
            return False
        score, now = score_of(metrics, self._settings.metric), self._time(metrics)
        if now not in running.reported:
            running.trial.report(score, now)
            running.reported.add(now)
        if self._population is not None:
            running.paused = self._population.report(running.trial, now, score)
            return running.paused
        last = getattr(self._settings.scheduler.options, "max_t", None)
        if last is not None and now >= last:
            return True
        # bool: numpy's, which a pruner may answer with, is none that JSON keeps
        running.stopped = now == max(running.reported) and bool(running.trial.should_prune())
        return running.stopped

    def _time(self, metrics: Mapping[str, Any]) -> int:
        attribute = self._settings.scheduler.options.time_attr
        value = metrics.get(attribute)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise SearchError(f"time_attr {attribute!r}: the report says {value!r}, expected a number from 0 up")
        return int(value)

    def end(self, number: int, outcome: Outcome) -> None:
        """Write down what a trial left; one that is paused waits for its turn."""
        running = self._running.pop(number)
        if running.paused and outcome.ended and outcome.error is None:
            self._wait(number, running)
            return
        facts = {
            "metrics": {**running.metrics, **outcome.metrics},
            "artifact": outcome.artifact,
            "stopped": running.stopped and outcome.ended,
            "error": outcome.error,
        }
        if self._population is not None:
            self._population.end(running.trial)
        # One entry, and the trial's end after it: a process that is killed between the two ends it the next time.
        running.trial.set_user_attr(_OUTCOME, facts)
        self._tell(running.trial, facts)
        self._show_end(self._as_trial(self._stored(number)), number)

    def lost(self, number: int, why: str) -> None:
        """Let a trial go on elsewhere, unless it was lost again and again without getting any further."""
        running = self._running[number]
        self._losses[number] = 1 if running.metrics else self._losses.get(number, 0) + 1
        if self._losses[number] >= LOSSES:
            self.end(number, Outcome({}, error=f"{why}, {LOSSES} times without a report between"))
            return
        del self._running[number]
        line = f"{self._tuning.trial_id(number)} goes on elsewhere: {why}"
        self._watch({"event": "notice", "line": line})
        self._wait(number, running)

    def _wait(self, number: int, running: _Running) -> None:
        self._queue(number)
        self._show(number, "PENDING", running.config, running.metrics)

    def _queue(self, number: int) -> None:
        if self._population is not None:
            self._population.catch_up(OptunaTrial(self._study, self._stored(number)._trial_id))
        self._waiting.append(number)

    def _tell(self, trial: OptunaTrial, facts: Mapping[str, Any]) -> None:
        if facts["error"] is not None:
            self._study.tell(trial, state=TrialState.FAIL)
        elif facts["stopped"]:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, score_of(facts["metrics"], self._settings.metric))

    def _as_trial(self, stored: FrozenTrial) -> Trial:
        left = stored.user_attrs.get(_OUTCOME, {})
        status = "RUNNING" if not left else "ERROR" if left["error"] is not None else "TERMINATED"
        config: dict[str, Any] = stored.user_attrs.get(CONFIG, {})
        lineage: list[dict[str, Any]] = []
        if self._population is not None:
            config, lineage = self._population.path(stored)
        return Trial(
            trial_id=self._tuning.trial_id(stored.number),
            status="PENDING" if stored.state == TrialState.WAITING else status,  # type: ignore[arg-type]
            config={**self._tuning.params.fixed, **config},
            metrics=left.get("metrics", {}),
            logdir=self._tuning.folder / f"trial_{stored.number:05d}",
            artifact=left.get("artifact"),
            stopped=left.get("stopped", False),
            error=left.get("error"),
            lineage=tuple(lineage),
        )

    def _show_end(self, trial: Trial, number: int) -> None:
        more: dict[str, Any] = {"stopped": True} if trial.stopped else {}
        more |= {"error": trial.error} if trial.error is not None else {}
        self._show(number, trial.status, trial.config, trial.metrics, **more)

    def _show(
        self, number: int, status: str, config: Mapping[str, Any], metrics: Mapping[str, Any], **more: Any
    ) -> None:
        varied = {name: config[name] for name in self._tuning.params.varied if name in config}
        facts = {"trial_id": self._tuning.trial_id(number), "status": status, "hyperparameters": varied}
        self._watch({"event": "trial", **facts, "metrics": dict(metrics), **more})
