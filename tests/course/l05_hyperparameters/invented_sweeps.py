"""Rows of sweeps with invented scores, for what has to hold of any record."""

import numpy as np

from binpack.agents.diagnostics import NAMES
from binpack.course.l05_hyperparameters import sweeps


def invented(seeds: int = 6, points: int = 20, without: tuple = ()) -> dict:
    """Rows in the recorder's form: a learning rate far from 0.001 scores less, everything else makes no difference.

    Args:
        seeds: how many.
        points: evaluations of a run.
        without: (change, seed) of rows that are missing.
    """
    rows, steps = [], [2048 * number for number in range(1, points + 1)]
    for job in sweeps.jobs(tuple(range(seeds))):
        change, seed = job.key["change"], job.key["seed"]
        if (change, seed) in without:
            continue
        rng = np.random.default_rng([seed, len(rows)])
        away = abs(np.log10(change.get("learning_rate", 3e-4) / 1e-3))
        end = 0.85 - 0.05 * away + rng.normal(0, 0.005)
        curve = end * (1 - np.exp(-np.arange(1, points + 1) / 4)) + rng.normal(0, 0.002, points)
        said = {name: [0.01 * (1 + away)] * points for name in NAMES}
        rows.append(
            {"change": change, "seed": seed, "steps": steps, "utilization": curve.round(4).tolist(), **said}
            | {"seconds": 1.0, "diverged": False}
        )
    return {"about": {"invented": True}, "runs": rows}
