"""Lesson 09: jobs of the train action that train the toy, one of which is killed while it works."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from binpack.course.l09_scaling_out import toy
from binpack.course.tables import Table
from binpack.files import write_json
from binpack.search._model import SearchError
from binpack.search.action.dataset import check_dataset
from binpack.search.action.entrypoint import check_entrypoint
from binpack.search.action.faults import JobError
from binpack.search.action.job import parse_job
from binpack.search.engines.engine import check_engine

PATIENCE = 300.0
"""Seconds after which nobody waits any longer."""
POPULATION = 6
"""Members of a population on Ray, which take turns: each turn of each of them begins a trial anew, which takes time."""


def counting(trials: int, pause: float, workers: int = 1) -> dict[str, Any]:
    """Return a job that searches the toy's two hyperparameters.

    Args:
        trials: how many.
        pause: what one of a trial's five steps takes, s.
        workers: trials at a time.
    """
    return {
        "action": "train",
        "params": {
            "name": "toy",
            "dataset": "random:2-4",
            "entrypoint": "binpack.course.l09_scaling_out.toy",
            "is_tune": True,
            "hyperparameter": {"pause": pause},
            "hyperparameters": [
                {"name": "learning_rate", "type": "loguniform", "min": 1e-4, "max": 1e-1, "base": 10},
                {"name": "n_epochs", "type": "randint", "min": 1, "max": 8},
            ],
            "tune_config": {
                "mode": "max",
                "metric": "score",
                "num_samples": trials,
                "max_concurrent_trials": workers,
            },
        },
    }


def faults(job: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a job, a line for each fault; none where it could be run.

    Args:
        job: what it is to do.
    """
    try:
        parse_job(job, (check_dataset, check_engine, check_entrypoint))
    except JobError as error:
        return [str(fault) for fault in error.faults]
    return []


def on_ray(job: Mapping[str, Any], scheduler: str) -> dict[str, Any]:
    """Return a job that does the same on Ray, a CPU for each trial.

    Args:
        job: what it is to do.
        scheduler: "asha", or "pbt" with an interval of a report, `POPULATION` members and a random beginning.
    """
    options = {"asha": {"max_t": toy.STEPS, "reduction_factor": 2}, "pbt": {"perturbation_interval": 1}}[scheduler]
    params = job["params"]
    tuning = {**params["tune_config"], "scheduler": {"name": scheduler, "options": options}}
    if scheduler == "pbt":
        tuning |= {"num_samples": POPULATION, "search_alg": "basicvariantgenerator"}
    return {**job, "params": {**params, "engine": "ray", "num_cpus": 1, "tune_config": tuning}}


def engines(results: Mapping[tuple[str, str], Mapping[str, Any]]) -> Table:
    """Compare what jobs came to.

    Args:
        results: (where, scheduler) -> a job's result.
    """
    rows = []
    for (where, scheduler), result in results.items():
        models = result["trial_models"]
        ends = [each["metrics"]["training_iteration"] for each in models]
        whole = sum(end == toy.STEPS for end in ends)
        taken = sum(len(each.get("lineage", ())) for each in models)
        best = result["best_trial"]["metrics"]["score"]
        rows.append([where, scheduler, str(len(models)), str(whole), str(taken), f"{best:.4f}"])
    head = ("where", "scheduler", "trials", f"with all {toy.STEPS} reports", "weights taken over", "best score")
    return Table(head, rows)


def outcome(result: Mapping[str, Any]) -> Table:
    """List the models that a job has left, the best first.

    Args:
        result: of the job.
    """
    best = result["model_id"]
    models = sorted(result["trial_models"], key=lambda each: each["model_id"] != best)
    rows = [
        [
            each["trial_logdir"].rpartition("/")[2],
            f"{each['config']['learning_rate']:.2g}",
            str(each["config"]["n_epochs"]),
            str(each["metrics"]["training_iteration"]),
            f"{each['metrics']['score']:.4f}",
            "best" if each["model_id"] == best else "",
        ]
        for each in models
    ]
    return Table(("trial", "learning_rate", "n_epochs", "reports", "score", ""), rows)


def begin(job: Mapping[str, Any], folder: Path, *options: str) -> subprocess.Popen:
    """Start ``python -m binpack action`` in a process of its own.

    Args:
        job: what it is to do.
        folder: for the job's file and its output; the same one goes on with what was begun there.
        *options: what else stands in the command.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "job.json", job)
    command = [sys.executable, "-m", "binpack", "action", str(folder / "job.json"), "--out", str(folder / "out")]
    command += options
    with (folder / "said.txt").open("a", encoding="utf-8") as said:
        return subprocess.Popen(command, stdout=said, stderr=said)


def said(folder: Path) -> list[str]:
    """Return the lines that a job's command has said about itself, without its tables and its results.

    Args:
        folder: see `begin`.
    """
    lines = (folder / "said.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("binpack:")]


def kill(process: subprocess.Popen, folder: Path, ended: int, step: int) -> int:
    """Kill a job as soon as some trials have ended and the next one has made some steps.

    Args:
        process: from `begin`.
        folder: the same.
        ended: how many trials.
        step: how many steps.

    Returns:
        How the process ended: minus the number of the signal; 0 where it was done before.

    Raises:
        SearchError: it did not come so far.
    """
    until = time.monotonic() + PATIENCE
    while process.poll() is None:
        counts = _statuses(folder)
        made = _steps(folder / "out" / "trials" / f"trial_{ended:05d}")
        if counts.get("TERMINATED", 0) >= ended and made >= step:
            os.kill(process.pid, signal.SIGKILL)
            break
        if time.monotonic() > until:
            process.kill()
            break
        time.sleep(0.005)
    code = process.wait()
    if code > 0:
        raise SearchError(f"the job did not come so far: {(folder / 'said.txt').read_text(encoding='utf-8')}")
    return code


def state(folder: Path, when: str) -> list[str]:
    """Say how far a job is: a row of `table`.

    Args:
        folder: see `begin`.
        when: the row's name.
    """
    counts = _statuses(folder)
    trials = sorted((folder / "out" / "trials").glob("trial_*"))
    made = sum(_steps(trial) for trial in trials)
    names = ("TERMINATED", "RUNNING", "PENDING")
    return [when, *(str(counts.get(name, 0)) for name in names), str(made)]


def table(*rows: list[str]) -> Table:
    """Put rows of `state` together.

    Args:
        rows: the rows.
    """
    return Table(("", "TERMINATED", "RUNNING", "PENDING", "steps made"), list(rows), f"{toy.STEPS} steps are a trial")


def _statuses(folder: Path) -> dict[str, int]:
    """Return how many trials there are in each status, by what the job has written so far."""
    path, latest = folder / "out" / "events.jsonl", {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        try:
            event = json.loads(line)
        except ValueError:  # the last line, half written
            continue
        if event.get("event") == "trial":
            latest[event["trial_id"]] = event["status"]
    found = list(latest.values())
    return {status: found.count(status) for status in set(found)}


def _steps(trial: Path) -> int:
    path = trial / toy.MADE
    return len(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else 0
