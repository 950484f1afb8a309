"""Records long searches of the surrogate in larger and smaller spaces: ``budgets.json``.

    python -m binpack.course.l08_optuna.record_budgets        # an hour or two on two cores

A row holds what the leader of a search is truly worth after some numbers of trials. The long searches are by TPE and at
random in all eleven hyperparameters, the others by TPE in a few. The recorder can be killed and run again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from binpack.course.asking import recorded_model
from binpack.course.l08_optuna import budgets, shares
from binpack.course.records.rows import Recorder, grouped
from binpack.files import read_json
from binpack.search.landscape import task
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("budgets.json")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "optuna")
AT = (10, 20, 35, 50, 75, 100, 150, 200, 300, 400, 500, 600)
LONG, SHORT = 600, 200
"""Trials in all eleven hyperparameters, and in a few."""
REPEATS = {("all eleven", "TPE"): 40, ("all eleven", "random"): 200}
FEW_REPEATS = 60
"""Searches of a kind, for those in a few hyperparameters."""


def jobs(repeats: Mapping[tuple[str, str], int] | None = None, long: int = LONG, short: int = SHORT) -> list[Job]:
    """List the rows, the short searches first.

    Args:
        repeats: (space, sampler) to how many searches; None: what is declared above.
        long: trials in all eleven hyperparameters.
        short: trials in a few.
    """
    few = {(name, "TPE"): FEW_REPEATS for name in budgets.SPACES if name != "all eleven"}
    wanted = {**few, **REPEATS} if repeats is None else repeats
    return [
        Job({"space": space, "sampler": sampler, "trials": long if space == "all eleven" else short, "seed": seed})
        for (space, sampler), count in wanted.items()
        for seed in range(count)
    ]


@cache
def _in_all() -> NDArray:
    return shares.truth(recorded_model(), np.random.default_rng(0)).in_all


def run(job: Job) -> dict[str, Any]:
    """Make a row: the names that were searched, and what the leader is worth after some numbers of trials.

    Args:
        job: names the space, the sampler, the number of trials and the seed.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    key = job.key
    names = budgets.SPACES[key["space"]] or budgets.members(key["space"], _in_all())
    worth = budgets.searched(recorded_model(), key["sampler"], names, key["trials"], key["seed"])
    return {"names": list(names), "worth": [float(worth[at - 1]) for at in AT if at <= key["trials"]]}


@dataclass(frozen=True, eq=False)
class Record:
    """What was recorded.

    Attributes:
        default: what the default configuration is worth.
        names: space -> its hyperparameters.
        found: (space, sampler) -> what leaders are worth after `AT` trials, float64, (repeats, n).
    """

    default: float
    names: Mapping[str, Sequence[str]]
    found: Mapping[tuple[str, str], NDArray]

    @classmethod
    def load(cls, path: str | Path = FILE) -> Record:
        """Read the record.

        Args:
            path: its file.
        """
        stored = read_json(path, "a record of budgets")
        rows = grouped(stored["runs"], ("space", "sampler"), "worth")
        names = {row["space"]: row["names"] for row in stored["runs"]}
        return cls(stored["default"], names, {key: np.array(each) for key, each in rows.items()})

    def curve(self, sampler: str) -> tuple[Sequence[int], NDArray]:
        """Return numbers of trials, and what leaders are worth after them in all eleven, float64, (repeats, n).

        Args:
            sampler: which.
        """
        worth = self.found["all eleven", sampler]
        return AT[: worth.shape[1]], worth

    def at(self, space: str, sampler: str, trials: int) -> NDArray:
        """Return what leaders are worth after so many trials, float64, (repeats,).

        Args:
            space: which.
            sampler: which.
            trials: one of `AT`.
        """
        return self.found[space, sampler][:, AT.index(trials)]


def said(rows: Sequence[Job]) -> dict[str, Any]:
    """Return what holds for all rows.

    Args:
        rows: all of them.
    """
    default = recorded_model().means(np.array([task.SPACE.place(task.DEFAULT)]))
    return {"default": round(float(default[0]), 4)}


RECORDER = Recorder(FILE, LIBRARIES, jobs, run, said)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:])
