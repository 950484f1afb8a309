"""Lesson 05: short runs that are made while one looks, on the task of the sweeps."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import Any

from binpack.agents.training import TrainResult, train
from binpack.course.l05_hyperparameters import sweeps
from binpack.course.l05_hyperparameters.tables import Table
from binpack.course.progress import progress

STEPS = 3 * 2048
"""Environment steps of a short run: three rollouts of the default's."""
_STREAMS = 50
_SHOWN = ("approx_kl", "clip_fraction", "entropy", "explained_variance")


def compare(settings: Mapping[str, Mapping[str, Any]], steps: int = STEPS, seed: int = 0) -> Table:
    """Train each setting for a few rollouts, and say how it went.

    Args:
        settings: a name for each, and what it changes of the default.
        steps: environment steps.
        seed: of each run.

    Returns:
        A table with a row for each: its utilization at the end, and the diagnostics of its last rollouts.
    """
    rows = [[name, *_numbers(run(settings[name], steps, seed))] for name in progress(settings, "runs")]
    return Table(("", "utilization", *_SHOWN), rows, f"after {steps:,} environment steps, one seed")


def run(change: Mapping[str, Any], steps: int = STEPS, seed: int = 0) -> TrainResult:
    """Train one setting for a few rollouts, with an evaluation after each 2,048 steps or each rollout.

    Args:
        change: what it changes of the default.
        steps: environment steps.
        seed: of the run.
    """
    made = sweeps.config(change, seed, steps)
    short = made.model_copy(update={"eval_every": min(2048, steps), "eval_streams": _STREAMS})
    with tempfile.TemporaryDirectory() as folder:
        return train(short, folder)


def _numbers(result: TrainResult) -> list[str]:
    last = result.diagnostics[-1]
    return [f"{result.score:.3f}", *(f"{last[name]:.3g}" if name in last else "" for name in _SHOWN)]
