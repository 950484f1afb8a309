"""Records searches of the surrogate by one, four and sixteen workers: ``crowds.json``.

    python -m binpack.course.l09_scaling_out.record_crowds        # half an hour on two cores

A row holds what the leader of one search is truly worth after some numbers of trials, in the order in which they ended,
and when that was; a trial takes about 1. The recorder can be killed and run again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from binpack.course.asking import recorded_model
from binpack.course.l09_scaling_out import crowds
from binpack.course.records.rows import Recorder, grouped
from binpack.course.searching import worth_of_leaders
from binpack.files import read_json
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("crowds.json")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "optuna")
TRIALS = 96
AT = (16, 24, 32, 48, 64, 80, 96)
WORKERS = (1, 4, 16)
REPEATS = 100
KINDS = (
    ("random", 1),
    *(("TPE", count) for count in WORKERS),
    *(("TPE without the liar", count) for count in WORKERS if count > 1),
)
"""Sampler and workers; a search at random draws the same trials whoever trains them, and alone nobody has to lie."""


def jobs(repeats: int = REPEATS, trials: int = TRIALS) -> list[Job]:
    """List the rows, a repeat of every kind after the other.

    Args:
        repeats: of each kind.
        trials: of each search.
    """
    return [
        Job({"sampler": name, "workers": count, "trials": trials, "seed": seed})
        for seed in range(repeats)
        for name, count in KINDS
    ]


def run(job: Job) -> dict[str, Any]:
    """Make a row.

    Args:
        job: names the sampler, the workers, the number of trials and the seed.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    key = job.key
    rng = np.random.default_rng([key["seed"], key["workers"]])
    sampler = crowds.SAMPLERS[key["sampler"]](int(rng.integers(2**31)))
    found = crowds.search(recorded_model(), sampler, key["workers"], key["trials"], rng)
    worth = worth_of_leaders(found.scores, found.worth)
    at = [number - 1 for number in AT if number <= key["trials"]]
    return {"worth": worth[at].tolist(), "ends": found.ends[at].tolist()}


@dataclass(frozen=True, eq=False)
class Record:
    """The recorded searches.

    Attributes:
        worth: (sampler, workers) -> what leaders are worth after `AT` trials, float64, (repeats, n).
        ends: the same keys -> when these trials had ended.
    """

    worth: Mapping[tuple[str, int], NDArray]
    ends: Mapping[tuple[str, int], NDArray]

    @classmethod
    def load(cls, path: str | Path = FILE) -> Record:
        """Read the record.

        Args:
            path: its file.
        """
        rows = read_json(path, "a record of crowds")["runs"]
        worth, ends = (
            {key: np.array(each) for key, each in grouped(rows, ("sampler", "workers"), name).items()}
            for name in ("worth", "ends")
        )
        return cls(worth, ends)

    @property
    def at(self) -> tuple[int, ...]:
        """After how many trials."""
        return AT[: next(iter(self.worth.values())).shape[1]]


RECORDER = Recorder(FILE, LIBRARIES, jobs, run)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:])
