"""What comes out of a training run, in every form that an entrypoint may give it, and out of a job."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from binpack.search._model import SearchError
from binpack.search.action.ids import model_id

Status = Literal["PENDING", "RUNNING", "TERMINATED", "ERROR"]


@dataclass(frozen=True)
class Report:
    """Metrics, and where the model is, on the way or at the end.

    Attributes:
        metrics: name to value.
        checkpoint: what training can go on from; None where there is none.
        checkpoint_output: where the model is, a file or a folder; None where it is the run's ``checkpoint_output``.
    """

    metrics: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: str | Path | None = None
    checkpoint_output: str | Path | None = None


@dataclass(frozen=True)
class Trial:
    """One trial as the engine leaves it.

    Attributes:
        trial_id: the engine's; None for a training run that is no trial.
        status: PENDING, RUNNING, TERMINATED or ERROR.
        config: its hyperparameters.
        metrics: its reports, the later ones over the earlier.
        logdir: its folder.
        artifact: its model; None where it left none.
        stopped: whether a scheduler ended it early.
        error: why it failed, in one line.
        lineage: of a trial of a population, whose weights it took over and when, and what its configuration was before;
            see ``engines.pbt``.
    """

    trial_id: str | None
    status: Status
    config: Mapping[str, Any]
    metrics: Mapping[str, Any]
    logdir: Path
    artifact: str | None = None
    stopped: bool = False
    error: str | None = None
    lineage: tuple[Mapping[str, Any], ...] = ()

    @property
    def model_id(self) -> str | None:
        """The model's id, see ``ids``; None where there is no model."""
        return None if self.artifact is None else model_id(self.trial_id, self.metrics, self.artifact)

    def facts(self) -> dict[str, Any]:
        """Return the trial as the result has it."""
        said = {"trial_logdir": str(self.logdir), "model_id": self.model_id}
        told = {"lineage": list(self.lineage)} if self.lineage else {}
        return {**said, "config": dict(self.config), "metrics": dict(self.metrics), **told}


def as_report(returned: Any, metric: str) -> Report:
    """Put what a function returned or reported into one form.

    Args:
        returned: a ``Report``, a dict of metrics, a number (the metric itself), or None. A dict may hold
            a report's ``checkpoint`` and ``checkpoint_output`` as well.
        metric: what a number alone is called.

    Raises:
        SearchError: anything else.
    """
    if returned is None:
        return Report()
    if isinstance(returned, Report):
        return Report(plain_metrics(returned.metrics), returned.checkpoint, returned.checkpoint_output)
    if isinstance(returned, Mapping):
        metrics = dict(returned)
        places = [metrics.pop(name, None) for name in ("checkpoint", "checkpoint_output")]
        return Report(plain_metrics(metrics), *places)
    value = _plain(returned)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Report({metric: value})
    raise SearchError(f"a result is a dict, a number or a report, not {type(returned).__name__}")


def merge(reports: Iterable[Report]) -> Report:
    """Merge reports into one: of each metric the latest, and the latest checkpoint and model."""
    merged = Report()
    for report in reports:
        merged = Report(
            {**merged.metrics, **report.metrics},
            merged.checkpoint if report.checkpoint is None else report.checkpoint,
            merged.checkpoint_output if report.checkpoint_output is None else report.checkpoint_output,
        )
    return merged


def score_of(metrics: Mapping[str, Any], metric: str) -> float:
    """Return the number that trials are compared by.

    Raises:
        SearchError: it is missing or no finite number.
    """
    if metric not in metrics:
        raise SearchError(f"there is no metric {metric!r} in the result, which has {', '.join(metrics) or 'none'}")
    value = metrics[metric]
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise SearchError(f"the metric {metric!r} is {value!r}, expected a finite number")
    return float(value)


def plain_metrics(metrics: Mapping[Any, Any]) -> dict[str, Any]:
    """Return metrics as JSON keeps them: numpy's numbers and arrays as Python's,
    and a number that is not finite, which JSON has not, as text.

    Raises:
        SearchError: a value that JSON cannot keep.
    """
    return {str(name): _plain(value, str(name)) for name, value in metrics.items()}


def _plain(value: Any, name: str = "") -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        if not name:
            return value
        raise SearchError(f"the metric {name!r} is of type {type(value).__name__}, which JSON cannot keep") from None
    return value


def best_of(trials: Sequence[Trial], metric: str, mode: str) -> Trial | None:
    """Return the best trial: of those that went to their end, or where there is none of those that were stopped.

    The first of equals, whatever the order in which they ended.
    """
    done = [trial for trial in trials if trial.status == "TERMINATED" and metric in trial.metrics]
    sign = 1 if mode == "max" else -1
    whole = [trial for trial in done if not trial.stopped] or done
    return max(whole, key=lambda trial: sign * trial.metrics[metric], default=None)


def outcome(trials: Sequence[Trial], best: Trial | None) -> dict[str, Any]:
    """Return a job's result: the best trial, and the model of every trial that has one."""
    marked = None
    if best is not None:
        marked = {key: value for key, value in best.facts().items() if key != "model_id"}
    models = [trial.facts() for trial in trials if trial.artifact is not None]
    return {"model_id": None if best is None else best.model_id, "best_trial": marked, "trial_models": models}
