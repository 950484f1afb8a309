"""Records the study: ``python -m binpack.search.landscape.record``.

It trains on every core for some hours, can be killed and run again, and keeps what is finished. First come the study's
configurations seed by seed, so that a part of it is of use; then the grid and draws from its box, the fresh draws by
which the surrogate is judged, and the leaders of searches of it (``leaders``); then the second items, and at last more
seeds for the default and the best 20.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from binpack.agents.config import TrainConfig
from binpack.agents.diagnostics import NAMES
from binpack.agents.evaluation import evaluate, make_streams
from binpack.agents.learner import DivergedError
from binpack.agents.store import load_agent
from binpack.agents.training import train
from binpack.search.landscape import store, task
from binpack.search.provenance import about
from binpack.search.recorder import Job, record

FILE = Path(__file__).with_name("study.npz")
COMMAND = "python -m binpack.search.landscape.record"
LIBRARIES = ("numpy", "torch", "stable-baselines3", "sb3-contrib", "scipy")

GROUPS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "default": (task.DEFAULT,),
    "study": task.study_configs(),
    "grid": task.grid_configs(),
    "box": task.box_configs(),
    "fresh": task.fresh_configs(),
    "led": task.led_configs(),
}
SEEDS, MORE_SEEDS, SECOND_SEEDS, FEW_SEEDS = range(10), range(10, 50), range(5), range(3)
SECOND = 64
"""Configurations of the study that are also run on the second items, beside the default."""
BEST = 20


def first_jobs() -> list[Job]:
    """List the runs that are known beforehand."""
    both = [("default", 0), *(("study", config) for config in range(len(GROUPS["study"])))]
    some = [("default", 0), *(("study", config) for config in range(SECOND))]
    return [
        *(_job(group, config, "cut", seed) for seed in SEEDS for group, config in both),
        *_seed_by_seed(("grid", "box"), FEW_SEEDS),
        *_seed_by_seed(("fresh",), FEW_SEEDS),
        *_seed_by_seed(("led",), FEW_SEEDS),
        *(_job(group, config, "random", seed) for seed in SECOND_SEEDS for group, config in some),
    ]


def _seed_by_seed(groups: Sequence[str], seeds: Sequence[int]) -> list[Job]:
    return [_job(name, config, "cut", seed) for seed in seeds for name in groups for config in range(len(GROUPS[name]))]


def more_jobs(rows: Sequence[Mapping[str, Any]]) -> list[Job]:
    """List the further seeds of the default and of the best configurations.

    Args:
        rows: of all first jobs.
    """
    scores: dict[int, list[float]] = {}
    for row in rows:
        if row["group"] == "study" and row["task"] == "cut" and row["seed"] in SEEDS:
            scores.setdefault(row["config"], []).append(0.0 if row["diverged"] else row["utilization"][-1])
    best = sorted(scores, key=lambda config: (-float(np.mean(scores[config])), config))[:BEST]
    chosen = [("default", 0), *(("study", config) for config in best)]
    return [_job(group, config, "cut", seed) for seed in MORE_SEEDS for group, config in chosen]


def _job(group: str, config: int, items: str, seed: int) -> Job:
    key = {"group": group, "config": config, "task": items, "seed": seed}
    return Job(key, task.train_config(GROUPS[group][config], seed, items))


@dataclass(frozen=True)
class Store:
    """The study's file as a recorder sees it.

    Attributes:
        path: the file.
    """

    path: Path = FILE

    def read(self) -> list[dict[str, Any]]:
        """Return its rows, none where there is no file."""
        return store.rows(store.read(self.path)[1]) if self.path.exists() else []

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Write these rows, and the configurations that they speak of."""
        store.write(self.path, about(COMMAND, LIBRARIES), rows, **configurations())


def configurations() -> dict[str, Any]:
    """Return the arrays that say what each group's configurations are.

    Returns:
        ``names``, and for each group ``configs_<group>``, float64, (configurations, 11).
    """
    arrays = {
        f"configs_{group}": np.array([[float(each[name]) for name in task.SPACE.names] for each in configs]).reshape(
            -1, len(task.SPACE)
        )
        for group, configs in GROUPS.items()
    }
    return {"names": np.array(task.SPACE.names), **arrays}


def run(folder: Path, job: Job) -> dict[str, Any]:
    """Train and test one run.

    Args:
        folder: where runs are trained; this one's own folder goes when it is done.
        job: with a `TrainConfig`.

    Returns:
        What its row holds beside its key; seconds are of this process's processor time.
    """
    config: TrainConfig = job.config
    place = folder / "-".join(map(str, job.key.values()))
    shutil.rmtree(place, ignore_errors=True)  # of a recorder that was killed: resumed, it would be another run
    curve: list[tuple[int, float, float]] = []
    started = time.process_time()
    try:
        result = train(
            config, place, on_evaluation=lambda at, score: curve.append((at, score, time.process_time() - started))
        )
        streams = make_streams(config.env, task.TEST_STREAMS, task.TEST_SEED)
        test = evaluate(load_agent(place), streams, config.env, verify=False).mean
        said: Sequence[Mapping[str, float]] = result.diagnostics
    except DivergedError:
        test, said = float("nan"), [{}] * len(curve)
    shutil.rmtree(place)
    columns: dict[str, list[Any]] = {
        name: [each[part] for each in curve] for part, name in enumerate(("steps", "utilization", "seconds"))
    }
    columns |= {name: [row.get(name) for row in said] for name in NAMES}
    diverged = bool(np.isnan(test))
    return {"test": test, "diverged": diverged, **at_points(columns, task.POINTS, task.EVERY, diverged)}


def at_points(columns: Mapping[str, list[Any]], points: int, every: int, diverged: bool) -> dict[str, list[Any]]:
    """Return a run's evaluations as a curve of fixed length: at each point the first one at or after it.

    Args:
        columns: ``steps`` and others, one value for each evaluation.
        points: how many.
        every: steps between two.
        diverged: whether the run has no values after its last evaluation.
    """
    steps = columns["steps"]
    found = [next((row for row, at in enumerate(steps) if at >= k * every), None) for k in range(1, points + 1)]
    if not diverged:
        found = [len(steps) - 1 if row is None else row for row in found]
    missing = {"steps": 0}
    return {
        name: [missing.get(name) if row is None else values[row] for row in found] for name, values in columns.items()
    }


def main() -> None:
    """Record what is missing."""
    processes = os.cpu_count() or 1
    work = partial(run, Path("runs") / "landscape")
    jobs = first_jobs()
    rows = record(Store(), jobs, work, processes=processes, piece=16)
    record(Store(), jobs + more_jobs(rows), work, processes=processes, piece=16)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit("expected no arguments")
    main()
