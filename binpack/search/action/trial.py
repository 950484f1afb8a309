"""One call of an entrypoint: a trial of a tuning run, or a training run; the same in every engine."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from binpack.search._model import SearchError
from binpack.search.action.entrypoint import find
from binpack.search.action.result import Report, as_report, merge, score_of
from binpack.search.action.run import Channel, Event, Run, StopTrial


@dataclass(frozen=True)
class Assignment:
    """What is to be trained; plain data, so that it goes to any process.

    Attributes:
        entrypoint: what trains.
        tuning: whether it is a trial.
        trial_id: of the trial; None for a training run.
        folder: for everything that the run leaves.
        dataset: the item source.
        hyperparameter: all of them, fixed and varied.
        checkpoint: what training goes on from, or None.
        metric: what trials are compared by.
        also: further keywords of the call.
    """

    entrypoint: str
    tuning: bool
    trial_id: str | None
    folder: Path
    dataset: str
    hyperparameter: Mapping[str, Any]
    checkpoint: str | None
    metric: str
    also: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a call left.

    Attributes:
        metrics: all reports merged, the result last.
        artifact: where the model is; None where there is none.
        ended: whether the scheduler ended it before its own end.
        error: why it failed, in one line; None where it did not.
    """

    metrics: Mapping[str, Any]
    artifact: str | None = None
    ended: bool = False
    error: str | None = None


def run_trial(assignment: Assignment, channel: Channel) -> Outcome:
    """Call the entrypoint.

    What it raises is its outcome, with the traceback in ``error.txt``; ``KeyboardInterrupt`` and its like go through.

    Args:
        assignment: the call.
        channel: where reports and events go.
    """
    assignment.folder.mkdir(parents=True, exist_ok=True)
    channel = _Outside(channel, sys.stdout)
    run = Run(assignment.folder, assignment.trial_id, assignment.metric, channel)
    returned, ended, error = None, False, None
    with _lines_to(run.log):
        try:
            returned = _call(assignment, run)
        except StopTrial:
            ended = True
        except Exception as failed:  # an entrypoint may fail in any way
            error = " ".join(f"{type(failed).__name__}: {failed}".split())
            (assignment.folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
    try:
        merged = merge([*run.reports, as_report(returned, assignment.metric)])
        if assignment.tuning and error is None:
            score_of(merged.metrics, assignment.metric)
        artifact = _artifact(run, merged)
    except SearchError as wrong:
        return Outcome(merge(run.reports).metrics, error=error or str(wrong))
    return Outcome(merged.metrics, artifact, ended, error)


def _call(assignment: Assignment, run: Run) -> Any:
    function = find(assignment.entrypoint, tuning=assignment.tuning)
    before = run.checkpoint
    return function(
        run=run,
        dataset=assignment.dataset,
        hyperparameter=dict(assignment.hyperparameter),
        checkpoint=str(before) if before is not None else assignment.checkpoint,
        **assignment.also,
    )


def _artifact(run: Run, merged: Report) -> str | None:
    """Say where the model is: ``checkpoint_output`` first, the checkpoint that was reported last second."""
    named = merged.checkpoint_output
    if named is not None and not Path(named).exists():
        raise SearchError(f"checkpoint_output is {named}, where nothing is")
    for path in (named, run.checkpoint_output, merged.checkpoint):
        if path is not None and Path(path).exists():
            return str(path)
    return None


@dataclass(frozen=True)
class _Outside:
    """A channel whose listener prints where it did before: what it prints is no line of the run's."""

    channel: Channel
    stdout: Any

    def event(self, event: Event) -> None:
        with contextlib.redirect_stdout(self.stdout):
            self.channel.event(event)

    def report(self, metrics: Mapping[str, Any]) -> bool:
        with contextlib.redirect_stdout(self.stdout):
            return self.channel.report(metrics)


class _Lines(io.TextIOBase):
    """A text file that hands over whole lines."""

    def __init__(self, take: Callable[[str], None]) -> None:
        self._take = take
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *whole, self._begun = (self._begun + text).split("\n")
        for line in whole:
            self._take(line)
        return len(text)

    def finish(self) -> None:
        if self._begun:
            self.write("\n")


class _Handler(logging.Handler):
    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__()
        self._take = take
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        for line in self.format(record).splitlines():
            self._take(line)


@contextlib.contextmanager
def _lines_to(take: Callable[[str], None]) -> Iterator[None]:
    """Send what is printed, and what Python's logging says, line by line elsewhere."""
    lines, handler = _Lines(take), _Handler(take)
    logging.getLogger().addHandler(handler)
    try:
        with contextlib.redirect_stdout(lines):
            yield
    finally:
        logging.getLogger().removeHandler(handler)
        lines.finish()
