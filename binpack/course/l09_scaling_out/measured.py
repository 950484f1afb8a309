"""Lesson 09: a job whose trials are real training runs, and the clock beside it.

The trials are short runs of the recorded study's default configuration. The job goes through the train action, so what
is measured is what an engineer gets, starting the processes and writing the journal included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from binpack.course import short_runs
from binpack.files import read_json, write_json
from binpack.search._model import SearchError
from binpack.search.action.run import Run
from binpack.search.landscape import task


def trial(
    run: Run, dataset: str, hyperparameter: Mapping[str, Any], checkpoint: str | None, **kwargs: Any
) -> dict[str, Any]:
    """Train for a short while, and say how long it took; see ``binpack.search.action.entrypoint``."""
    begun, score = time.perf_counter(), 0.0
    if hyperparameter["train"]:
        score = short_runs.score(task.DEFAULT, hyperparameter["seed"], threads=hyperparameter["threads"])
    return {"score": score, "seconds": time.perf_counter() - begun}


def job(workers: int, threads: int, trials: int, train: bool, engine: str = "local") -> dict[str, Any]:
    """Return the job.

    Args:
        workers: trials at a time.
        threads: of torch in each of them.
        trials: how many.
        train: whether they train; without it a trial takes no time.
        engine: what runs them.
    """
    return {
        "action": "train",
        "params": {
            "name": "speed",
            "dataset": task.TASKS["cut"].items,
            "entrypoint": "binpack.course.l09_scaling_out.measured:trial",
            "engine": engine,
            "is_tune": True,
            "hyperparameter": {"threads": threads, "train": train},
            "hyperparameters": [{"name": "seed", "type": "grid_search", "options": list(range(trials))}],
            "tune_config": {"mode": "max", "metric": "score", "max_concurrent_trials": workers},
        },
    }


@dataclass(frozen=True)
class Measured:
    """How long a job took.

    Attributes:
        seconds: from the command to its end.
        training: seconds of all trials together, each by its own clock.
    """

    seconds: float
    training: float


def measure(workers: int, threads: int, trials: int, *, train: bool = True, engine: str = "local") -> Measured:
    """Run a job by its command, and stop the time.

    Args:
        workers: trials at a time.
        threads: of torch in each of them.
        trials: how many.
        train: whether they train.
        engine: what runs them.

    Raises:
        SearchError: the command failed, with what it said.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_json(folder / "job.json", job(workers, threads, trials, train, engine))
        command = [sys.executable, "-m", "binpack", "action", str(folder / "job.json"), "--out", str(folder / "out")]
        # as many threads as the trial asks for, whatever the recorder runs under
        environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        seconds = time.perf_counter() - begun
        if done.returncode:
            raise SearchError(f"the measured job failed: {done.stderr.strip()[-500:]}")
        events = (folder / "out" / "events.jsonl").read_text(encoding="utf-8").splitlines()
        read_json(folder / "out" / "result.json", "a job's result")
    ends = [event for event in map(json.loads, events) if event.get("status") == "TERMINATED"]
    return Measured(seconds, sum(event["metrics"]["seconds"] for event in ends))
