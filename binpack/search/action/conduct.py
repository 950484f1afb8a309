"""Performs a job: checks it, trains or tunes, and writes its result. The same call goes on with one that was killed.

OUT/job.json        which job the folder holds
OUT/events.jsonl    what happened, a JSON object a line
OUT/train/          the training run; of tuning OUT/trials/, a folder each
OUT/best.json       tuning: which trial is the best, and where its model is
OUT/final/          tuning with the default entrypoint: the comparison on unseen streams, see ``search.final``
OUT/result.json     the result
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from binpack.files import read_json, write_json
from binpack.search._model import SearchError
from binpack.search.action.dataset import check_dataset, resolve_dataset
from binpack.search.action.entrypoint import accepts, check_entrypoint, hook
from binpack.search.action.job import Params, parse_job
from binpack.search.action.progress import Progress
from binpack.search.action.result import Trial, best_of, outcome
from binpack.search.action.run import Event
from binpack.search.action.same import ACTION_VERSION, check_readable, difference, facts_of
from binpack.search.action.trial import Assignment, run_trial
from binpack.search.engines.engine import ENGINES, Tuning, Watch, check_engine, check_storage
from binpack.search.locks import Check, lock
from binpack.search.storage import Location, repair

SCORE = "score"
"""What a number is called that a training run returns, where no ``tune_config`` names a metric."""


class TrainingFailed(SearchError):
    """The job was right, and what trains it raised; the message is one line, the traceback is in ``error.txt``."""


def perform(
    data: Any,
    out: str | Path,
    watch: Watch = lambda event: None,
    *,
    progress: bool = False,
    storage: str | None = None,
) -> dict[str, Any]:
    """Perform a job.

    Args:
        data: the job's JSON object.
        out: the folder of the job, new or the one that the same job was begun in; ``num_samples`` may have grown.
        watch: is told what happens, see ``run.Event``: ``progress``, ``log``, ``metric``, ``trial``, ``trials``,
            ``visualization``, ``notice`` and ``comparison``.
        progress: whether to show a bar over the runs of the comparison in the end, on stderr.
        storage: the URL of the database of an engine that needs one.

    Returns:
        ``{"model_id", "best_trial": {"trial_logdir", "config", "metrics"}, "trial_models": [{"trial_logdir",
        "model_id", "config", "metrics"}, ...]}``, which is in ``result.json`` as well. ``model_id`` is the best
        trial's.

    Raises:
        JobError: everything that is wrong with the job; nothing has been started or written.
        SearchError: the folder holds another job, or another process works on it.
        TrainingFailed: what trains raised; of tuning, in every trial.
    """
    job, notices = parse_job(data, (check_dataset, check_engine, check_storage(storage), check_entrypoint))
    params, out = job.params, Path(out)
    dataset = resolve_dataset(params.dataset, params.dataset_registry)
    with lock(Location(str(out), "study", out / "job.json", out, out)) as held:
        identity = _claim(out, params, dataset)
        repair(out / "events.jsonl")
        told = _Told(watch, out / "events.jsonl", Progress(tuning=params.is_tune))
        for line in notices:
            told({"event": "notice", "line": line})
        work = _Work(params, dataset, out, identity, told, held, progress, storage)
        result = work.tune() if params.is_tune else work.train()
        held()
        write_json(out / "result.json", result)
        told({"event": "progress", "category": "result", "share": 1.0, "percent": 100.0})
        return result


class _Told:
    """Adds how far the whole is, and keeps every event."""

    def __init__(self, watch: Watch, file: Path, progress: Progress) -> None:
        self._watch, self._file, self._progress = watch, file, progress
        self._status: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")
        if event["event"] == "progress" and "percent" not in event:
            event = {**event, "percent": self._progress.at(event["category"], event["share"])}
        self._watch(event)
        if event["event"] == "trial" and self._status.get(event["trial_id"]) != event["status"]:
            self._status[event["trial_id"]] = event["status"]
            done = sum(status in ("TERMINATED", "ERROR") for status in self._status.values())
            if event["status"] != "PENDING":
                self({"event": "progress", "category": "trials", "share": done / len(self._status)})


@dataclass(frozen=True)
class _Work:
    params: Params
    dataset: str
    out: Path
    identity: str
    told: Watch
    held: Check
    progress: bool
    storage: str | None = field(repr=False)

    def train(self) -> dict[str, Any]:
        """Train once; a run that is at its end is not trained again."""
        kept = self.out / "result.json"
        if kept.is_file():
            return read_json(kept, "a job's result")
        params = self.params
        folder = self.out / "train"
        left = run_trial(
            Assignment(
                entrypoint=params.entrypoint,
                tuning=False,
                trial_id=None,
                folder=folder,
                dataset=self.dataset,
                hyperparameter=params.fixed,
                checkpoint=params.checkpoint,
                metric=SCORE,
                also={"num_cpus": params.num_cpus, "num_gpus": params.num_gpus},
            ),
            _Unscheduled(self.told),
        )
        if left.error is not None:
            raise TrainingFailed(f"{left.error} ({folder / 'error.txt'})")
        trial = Trial(None, "TERMINATED", params.fixed, left.metrics, folder, left.artifact)
        return outcome([trial], trial)

    def tune(self) -> dict[str, Any]:
        """Run the trials, mark the best, and let the entrypoint conclude."""
        params, settings = self.params, self.params.tuning
        engine = ENGINES.get(params.engine)
        tuning = Tuning(params, self.dataset, self.out / "trials", self.identity, self.storage)
        trials = engine.tune(tuning, self.told)
        best = best_of(trials, settings.metric, settings.mode)
        if best is None:
            first = next((trial for trial in trials if trial.error), None)
            why = f"{first.error} (trial {first.trial_id})" if first else "none came to an end"
            raise TrainingFailed(f"no trial has a result: {why}")
        self.held()
        marked = {"model_id": best.model_id, "trial_logdir": str(best.logdir), "artifact": best.artifact}
        write_json(self.out / "best.json", marked)
        conclude = hook(params.entrypoint, "conclude")
        if conclude is not None:
            number = list(trials).index(best)
            place = self.out / "final"
            # An engine may have this beside what the protocol asks for: it trains the comparison's runs as well.
            ahead = getattr(engine, "train_ahead", None)
            more = {}
            if ahead is not None and accepts(conclude, "ahead"):
                more = {"ahead": partial(ahead, tuning, self.told)}
            lines = conclude(params, self.dataset, best, number, place, self.held, self.progress, **more)
            if lines:
                self.told({"event": "comparison", "lines": lines})
        return outcome(trials, best)


@dataclass(frozen=True)
class _Unscheduled:
    """The channel of a run that no scheduler looks at."""

    told: Watch

    def event(self, event: Event) -> None:
        self.told(event)

    def report(self, metrics: Mapping[str, Any]) -> bool:
        return False


def _claim(out: Path, params: Params, dataset: str) -> str:
    """Make sure that a folder is new or holds the same job, and return the job's identity."""
    path = out / "job.json"
    facts = facts_of(params, dataset)
    if not path.exists():
        identity = uuid.uuid4().hex[:8]
        write_json(path, {"version": ACTION_VERSION, "identity": identity, **facts})
        return identity
    stored = read_json(path, "a job that was begun")
    check_readable(stored, str(path))
    if (what := difference(stored, facts)) is not None:
        raise SearchError(f"{out} holds another job, with {what}: choose another folder")
    write_json(path, {**stored, **facts})
    return str(stored["identity"])
