"""A study that looks like the recorded one and costs no training: its scores follow from the configuration."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from binpack.agents.diagnostics import NAMES
from binpack.search.landscape import record, store, task

NOISE = 0.02


def quality(values: dict) -> float:
    """What a configuration scores on average: its learning rate counts most, then its epochs."""
    place = dict(zip(task.SPACE.names, task.SPACE.place(values), strict=True))
    return 0.9 - 1.2 * (place["learning_rate"] - 0.5) ** 2 - 0.2 * (place["n_epochs"] - 0.6) ** 2


def write(path: Path, seed: int = 0, *, seeds: int | None = None, more: bool = True) -> Path:
    """Write an invented study.

    Args:
        path: the file.
        seed: of its noise.
        seeds: leave out all seeds from this one on; None: none.
        more: whether the best have their further seeds.
    """
    rng = np.random.default_rng(seed)
    rows = [_row(rng, job.key) for job in record.first_jobs()]
    if more:
        rows += [_row(rng, job.key) for job in record.more_jobs(rows)]
    kept = [row for row in rows if seeds is None or row["seed"] < seeds]
    store.write(path, {"command": "invented"}, kept, **record.configurations())
    return path


def _row(rng: np.random.Generator, key: dict) -> dict:
    values = record.GROUPS[key["group"]][key["config"]]
    rollout = task.ENVS * values["n_steps"]
    steps = [-(-task.EVERY * k // rollout) * rollout for k in range(1, task.POINTS + 1)]
    level = quality(values) - 0.1 * (key["task"] == "random") + rng.normal(0, NOISE)
    curve = 0.5 + (level - 0.5) * (1 - np.exp(-np.arange(1, 21) / 5)) + rng.normal(0, NOISE / 4, 20)
    row = {**key, "test": level + rng.normal(0, NOISE / 8), "diverged": False}
    row |= {name: rng.random(20).tolist() for name in NAMES}
    return row | {"steps": steps, "utilization": curve.tolist(), "seconds": (np.arange(1, 21) * 0.3).tolist()}
