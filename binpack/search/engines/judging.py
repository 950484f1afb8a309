"""What every engine on Optuna's storage does with a trial: it judges the reports, and says how the trial ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import Trial as OptunaTrial
from optuna.trial import TrialState

from binpack.search._model import SearchError
from binpack.search.action.job import Params
from binpack.search.action.result import Trial, score_of
from binpack.search.action.trial import Outcome
from binpack.search.engines.engine import Tuning, Watch
from binpack.system import usable_cores


def side_by_side(params: Params) -> int:
    """Return how many trials a job has at the same time on one machine."""
    return params.tuning.max_concurrent_trials or max(1, int(usable_cores() // params.num_cpus))


@dataclass
class Running:
    """A trial that is being trained.

    Attributes:
        trial: Optuna's.
        config: its values.
        metrics: its reports so far, the later ones over the earlier.
        reported: the times at which it has reported, also before it was begun again.
        stopped: whether the scheduler ended it for being worse than others, not for being at its end.
        paused: whether the scheduler lets it wait, or go on as another one.
    """

    trial: OptunaTrial
    config: dict[str, Any]
    metrics: dict[str, Any]
    reported: set[int]
    stopped: bool = False
    paused: bool = False


class Judge:
    """Looks at trials as a job's scheduler does.

    Args:
        params: the job's.
        study: Optuna's, with the scheduler's pruner.
    """

    def __init__(self, params: Params, study: optuna.Study) -> None:
        self._settings = params.tuning
        self._study = study

    def begin(self, trial: OptunaTrial, config: dict[str, Any]) -> Running:
        """Return what a trial is that begins, or begins again."""
        return Running(trial, config, {}, set(self._study._storage.get_trial(trial._trial_id).intermediate_values))

    def report(self, running: Running, metrics: Mapping[str, Any]) -> bool:
        """Take a report, and say whether the trial is to end.

        Raises:
            SearchError: the report is of no use.
        """
        noted = self.note(running, metrics)
        if noted is None:
            return False
        now, _ = noted
        last = getattr(self._settings.scheduler.options, "max_t", None)
        if last is not None and now >= last:
            return True
        # bool: numpy's, which a pruner may answer with, is none that JSON keeps
        running.stopped = now == max(running.reported) and bool(running.trial.should_prune())
        return running.stopped

    def note(self, running: Running, metrics: Mapping[str, Any]) -> tuple[int, float] | None:
        """Write a report down, and return its time and its score; None for one without the metric.

        Raises:
            SearchError: the report is of no use.
        """
        running.metrics.update(metrics)
        if self._settings.metric not in metrics:
            return None
        score, now = score_of(metrics, self._settings.metric), self._time(metrics)
        if now not in running.reported:
            running.trial.report(score, now)
            running.reported.add(now)
        return now, score

    def _time(self, metrics: Mapping[str, Any]) -> int:
        attribute = self._settings.scheduler.options.time_attr
        value = metrics.get(attribute)
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise SearchError(f"time_attr {attribute!r}: the report says {value!r}, expected a number from 0 up")
        return int(value)

    def tell(self, trial: OptunaTrial, facts: Mapping[str, Any]) -> None:
        """Tell Optuna how a trial ended, see ``facts_of``."""
        if facts["error"] is not None:
            self._study.tell(trial, state=TrialState.FAIL)
        elif facts["stopped"]:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, score_of(facts["metrics"], self._settings.metric))


def facts_of(running: Running, outcome: Outcome) -> dict[str, Any]:
    """Return what is kept of a trial that is at its end, as JSON: ``metrics``, ``artifact``, ``stopped``, ``error``."""
    return {
        "metrics": {**running.metrics, **outcome.metrics},
        "artifact": outcome.artifact,
        "stopped": running.stopped and outcome.ended,
        "error": outcome.error,
    }


def as_trial(
    tuning: Tuning,
    number: int,
    config: Mapping[str, Any],
    facts: Mapping[str, Any],
    folder: Path,
    *,
    waiting: bool,
    lineage: Sequence[Mapping[str, Any]] = (),
) -> Trial:
    """Return a trial as an engine hands it over.

    Args:
        tuning: the job.
        number: of the trial.
        config: its values.
        facts: what it left, see ``facts_of``; empty where it is not at its end.
        folder: its folder.
        waiting: whether nobody trains it.
        lineage: whom it took over, of population based training.
    """
    status = "RUNNING" if not facts else "ERROR" if facts["error"] is not None else "TERMINATED"
    return Trial(
        trial_id=tuning.trial_id(number),
        status="PENDING" if waiting else status,  # type: ignore[arg-type]
        config={**tuning.params.fixed, **config},
        metrics=facts.get("metrics", {}),
        logdir=folder,
        artifact=facts.get("artifact"),
        stopped=facts.get("stopped", False),
        error=facts.get("error"),
        lineage=tuple(lineage),
    )


@dataclass(frozen=True)
class Announcer:
    """Tells who watches what becomes of the trials.

    Attributes:
        tuning: the job.
        watch: is told.
    """

    tuning: Tuning
    watch: Watch

    def show(
        self, number: int, status: str, config: Mapping[str, Any], metrics: Mapping[str, Any], **more: Any
    ) -> None:
        """Tell how a trial stands."""
        varied = {name: config[name] for name in self.tuning.params.varied if name in config}
        facts = {"trial_id": self.tuning.trial_id(number), "status": status, "hyperparameters": varied}
        self.watch({"event": "trial", **facts, "metrics": dict(metrics), **more})

    def show_end(self, number: int, trial: Trial) -> None:
        """Tell how a trial ended."""
        more: dict[str, Any] = {"stopped": True} if trial.stopped else {}
        more |= {"error": trial.error} if trial.error is not None else {}
        self.show(number, trial.status, trial.config, trial.metrics, **more)
