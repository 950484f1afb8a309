"""Lesson 09: something to train that takes a moment: an entrypoint of the train action.

It learns in steps, reports after each of them, and leaves a checkpoint from which it goes on. What a step costs is
``pause``, in seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from binpack.search.action.result import Report
from binpack.search.action.run import Run

STEPS = 5
MADE = "made.txt"
"""A line for each step that was made, also for one that an interruption undid."""


def tune(
    run: Run, dataset: str, hyperparameter: Mapping[str, Any], checkpoint: str | None, **kwargs: Any
) -> dict[str, Any]:
    """Train once; see ``binpack.search.action.entrypoint``."""
    done = int(Path(checkpoint).read_text(encoding="utf-8")) if checkpoint else 0
    score = value(hyperparameter["learning_rate"], hyperparameter["n_epochs"], done)
    for step in range(done + 1, STEPS + 1):
        time.sleep(hyperparameter.get("pause", 0.02))
        with (run.folder / MADE).open("a", encoding="utf-8") as file:
            file.write(f"{step}\n")
        score = value(hyperparameter["learning_rate"], hyperparameter["n_epochs"], step)
        kept = run.folder / f"step_{step}"
        kept.write_text(str(step), encoding="utf-8")
        run.report(Report({"score": score, "step": step}, checkpoint=kept))
    run.checkpoint_output.write_text(f"{score}\n", encoding="utf-8")
    return {"score": score}


def train(
    run: Run, dataset: str, hyperparameter: Mapping[str, Any], checkpoint: str | None, **kwargs: Any
) -> dict[str, Any]:
    """Do the same, outside a search."""
    return tune(run, dataset, hyperparameter, checkpoint, **kwargs)


def value(learning_rate: float, n_epochs: int, step: int) -> float:
    """Return the score after a step: the sooner high, the more epochs; best in the end at a learning rate of 0.003.

    Args:
        learning_rate: above 0.
        n_epochs: 1 or more.
        step: 0 or more.
    """
    level = 0.9 - 0.15 * (math.log10(learning_rate) - math.log10(0.003)) ** 2
    return round(level * (1 - math.exp(-(0.3 + 0.1 * n_epochs) * step)), 4)
