"""Lesson 08: a study whose process is killed in the middle of its fourth trial.

python -m binpack.course.l08_optuna.killed study.journal
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import optuna
from optuna.samplers import RandomSampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

SEED = 0
"""Of the sampler."""


def objective(trial: optuna.Trial) -> float:
    """Score a value, except in trial 3: there the process is killed, as a machine that is switched off would."""
    x = trial.suggest_float("x", 0, 1)
    if trial.number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return x


def study_at(path: str | Path) -> optuna.Study:
    """Open the study "packing" with a sampler that always begins with the same seed.

    Args:
        path: the journal file.
    """
    return optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(path))),
        study_name="packing",
        direction="maximize",
        sampler=RandomSampler(seed=SEED),
        load_if_exists=True,
    )


def run(path: str | Path) -> int:
    """Run six trials in a process of their own, of which the fourth kills it.

    Args:
        path: the journal file.

    Returns:
        How the process ended: minus the number of the signal.
    """
    command = [sys.executable, "-m", "binpack.course.l08_optuna.killed", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode


if __name__ == "__main__":
    study_at(sys.argv[1]).optimize(objective, n_trials=6)
