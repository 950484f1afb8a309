"""Records what three libraries find on the surrogate with the same budget, and what they do by themselves.

    python -m binpack.course.l09_scaling_out.record_libraries        # libraries.json, a quarter of an hour, idle

It needs ``hyperopt`` and ``sweeps``. Random search is repeated as often. What a library takes beside training is
measured as well, so nothing else may run meanwhile: the rows are made one after the other. The recorder can be killed
and run again.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from binpack.course.asking import recorded_model
from binpack.course.l09_scaling_out import libraries
from binpack.course.records.rows import Recorder, grouped
from binpack.course.searching import worth_of_leaders
from binpack.files import read_json
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("libraries.json")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "optuna", "hyperopt", "sweeps")
TRIALS = 60
AT = (10, 20, 30, 40, 50, 60)
REPEATS = 240


def jobs(repeats: int = REPEATS, trials: int = TRIALS) -> list[Job]:
    """List the rows.

    Args:
        repeats: of each library.
        trials: of each search.
    """
    return [
        Job({"library": name, "trials": trials, "seed": seed})
        for seed in range(repeats)
        for name in libraries.LIBRARIES
    ]


def run(job: Job) -> dict[str, Any]:
    """Make a row: what the leader is truly worth after some numbers of trials, and the overhead of a trial, s.

    Args:
        job: names the library, the number of trials and the seed.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    key = job.key
    found = libraries.search(recorded_model(), key["library"], key["trials"], key["seed"])
    worth = worth_of_leaders(found.scores, found.worth)
    return {"worth": [float(worth[at - 1]) for at in AT if at <= key["trials"]], "overhead": found.overhead}


@dataclass(frozen=True, eq=False)
class Record:
    """What was recorded.

    Attributes:
        worth: library -> what leaders are worth after `AT` trials, float64, (repeats, n).
        overhead: library -> seconds for each trial, float64, (repeats,).
        facts: library -> what it does by itself.
    """

    worth: Mapping[str, NDArray]
    overhead: Mapping[str, NDArray]
    facts: Mapping[str, libraries.Facts]

    @classmethod
    def load(cls, path: str | Path = FILE) -> Record:
        """Read the record.

        Args:
            path: its file.
        """
        stored = read_json(path, "a record of libraries")
        worth, overhead = (
            {name: np.array(each) for name, each in grouped(stored["runs"], ("library",), column).items()}
            for column in ("worth", "overhead")
        )
        return cls(worth, overhead, {name: libraries.Facts(**each) for name, each in stored["facts"].items()})

    @property
    def at(self) -> tuple[int, ...]:
        """After how many trials."""
        return AT[: next(iter(self.worth.values())).shape[1]]


def said(rows: Sequence[Job]) -> dict[str, Any]:
    """Return what holds for all rows: what each library does by itself.

    Args:
        rows: all of them.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        found = libraries.facts(Path(folder))
    return {"facts": {name: asdict(each) for name, each in found.items()}}


RECORDER = Recorder(FILE, LIBRARIES, jobs, run, said)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:], processes=1)
