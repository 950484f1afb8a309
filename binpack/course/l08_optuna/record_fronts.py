"""Records searches of the surrogate for two objectives: ``fronts.json``.

    python -m binpack.course.l08_optuna.record_fronts        # about an hour on two cores

A row holds the area that a search's trials cover after 10, 20, ... of them, by what they are truly worth. The recorder
can be killed and run again.
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
from binpack.course.l08_optuna import fronts
from binpack.course.records.rows import Recorder, grouped
from binpack.files import read_json
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("fronts.json")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "optuna")
TRIALS, EVERY = 200, 10
REPEATS: Mapping[str, int] = {"random": 100, "NSGA-II": 100, "TPE": 20}
"""How often each search is repeated; TPE takes a quarter of a minute for a hundred trials."""
REFERENCES: Mapping[str, tuple[float, float]] = {"stability": (0.5, -0.1), "gradient steps": (0.5, -26.0)}
"""What has to be exceeded: a utilization, and a standard deviation or thousands of gradient steps to stay below."""


def jobs(repeats: Mapping[str, int] = REPEATS, trials: int = TRIALS) -> list[Job]:
    """List the rows.

    Args:
        repeats: name of a sampler to how many searches there are.
        trials: of each.
    """
    return [
        Job({"against": against, "sampler": sampler, "trials": trials, "seed": seed})
        for against in fronts.AGAINST
        for sampler, count in repeats.items()
        for seed in range(count)
    ]


def run(job: Job) -> dict[str, Any]:
    """Make a row: the area after every tenth trial.

    Args:
        job: names the objectives, the sampler, the number of trials and the seed.
    """
    from binpack.course.l08_optuna.exercises import hypervolume  # here: a lesson's exercises are loaded together

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    points = fronts.searched(recorded_model(), **job.key)
    at = np.arange(EVERY, job.key["trials"] + 1, EVERY)
    return {"area": fronts.covered(points, np.array(REFERENCES[job.key["against"]]), at, hypervolume).tolist()}


@dataclass(frozen=True, eq=False)
class Record:
    """What was recorded.

    Attributes:
        at: numbers of trials, int64, (n,).
        areas: (against, sampler) -> what is covered after so many, float64, (repeats, n).
    """

    at: NDArray
    areas: Mapping[tuple[str, str], NDArray]

    @classmethod
    def load(cls, path: str | Path = FILE) -> Record:
        """Read the record.

        Args:
            path: its file.
        """
        stored = read_json(path, "a record of fronts")
        rows = grouped(stored["runs"], ("against", "sampler"), "area")
        at = np.arange(EVERY, stored["runs"][0]["trials"] + 1, EVERY)
        return cls(at, {key: np.array(each) for key, each in rows.items()})


RECORDER = Recorder(FILE, LIBRARIES, jobs, run)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:])
