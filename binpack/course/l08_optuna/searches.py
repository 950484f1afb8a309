"""Lesson 08: searches of the recorded study's surrogate that take too long for a lesson.

    python -m binpack.course.l08_optuna.searches      # records searches.json, a quarter of an hour on two cores

Two questions, a hundred searches for each answer. *seeds*: `RUNS` runs are divided into trials of one to ten seeds
each; random search and Optuna's TPE choose the configurations. *failures*: on a machine that is too small for some
configurations (see `failures`), TPE is told of a failed run in three ways. What counts is what the leader is truly
worth, the surrogate's mean. The recorder can be killed and run again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from binpack.course.asking import recorded_model, search
from binpack.course.l08_optuna import failures
from binpack.course.records.rows import Recorder
from binpack.files import read_json
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.recorder import Job
from binpack.search.storage import quiet

FILE = Path(__file__).with_name("searches.json")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "optuna")

RUNS = 120
"""Runs of a search in which trials have several seeds."""
PER_TRIAL = (1, 2, 3, 5, 10)
TRIALS = 60
"""Trials of a search in which runs fail."""
REPEATS = 100
SEARCHES = ("random", "TPE")


def jobs(repeats: int = REPEATS) -> list[Job]:
    """List the rows.

    Args:
        repeats: of each search.
    """
    cases = [("seeds", search, str(count)) for search in SEARCHES for count in PER_TRIAL]
    cases += [("failures", "TPE", way) for way in failures.WAYS]
    return [
        Job({"question": question, "search": search, "case": case, "seed": seed})
        for question, search, case in cases
        for seed in range(repeats)
    ]


def run(job: Job) -> dict[str, Any]:
    """Make a row: what the leader of one search is worth, what it scored, and which share of the later trials failed.

    Args:
        job: names the question, the search, the case and the seed.
    """
    key = job.key
    rng = np.random.default_rng(key["seed"])
    seed = int(rng.integers(2**31))
    sampler: BaseSampler = RandomSampler(seed=seed) if key["search"] == "random" else TPESampler(seed=seed)
    if key["question"] == "seeds":
        worth, score = over_seeds(recorded_model(), sampler, int(key["case"]), RUNS, rng)
        return {"worth": worth, "score": score, "failed": 0.0}
    found = failures.search(recorded_model(), key["case"], TRIALS, sampler, rng)
    later = found.failed[failures.STARTUP :]
    return {"worth": found.worth, "score": 0.0, "failed": float(np.mean(later))}


def over_seeds(
    model: Surrogate, sampler: BaseSampler, per_trial: int, runs: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Search with several seeds for each trial.

    Args:
        model: of the recorded study.
        sampler: chooses the configurations.
        per_trial: seeds of each.
        runs: of all trials together.
        rng: draws the luck of each run.

    Returns:
        What the leader is truly worth, and what it scored: the mean over its seeds.
    """
    with quiet():
        study = optuna.create_study(direction="maximize", sampler=sampler)
        _, worth = search(study, model, runs // per_trial, rng, seeds=per_trial)
    return float(worth[study.best_trial.number]), float(study.best_value)


@dataclass(frozen=True)
class Searches:
    """The recorded searches.

    Attributes:
        rows: one for each.
    """

    rows: Sequence[Mapping[str, Any]]

    @classmethod
    def load(cls, path: str | Path = FILE) -> Searches:
        """Read the record.

        Args:
            path: its file.
        """
        return cls(read_json(path, "a record of searches")["runs"])

    def values(self, question: str, search: str, case: str, name: str = "worth") -> np.ndarray:
        """Return one number of each repeat, float64, (repeats,).

        Args:
            question: "seeds" or "failures".
            search: "random" or "TPE".
            case: seeds of a trial, or what a study was told of a failed run.
            name: "worth", "score" or "failed".
        """
        wanted = (question, search, case)
        return np.array([row[name] for row in self.rows if (row["question"], row["search"], row["case"]) == wanted])


RECORDER = Recorder(FILE, LIBRARIES, jobs, run)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:])
