"""Records what evaluators of importance say of many searches of the surrogate: ``shares.json``.

    python -m binpack.course.l08_optuna.record_shares        # about an hour on two cores

Searches at random and by TPE, of several lengths, a hundred each and fewer of the long ones. The file also holds what
is true by the surrogate. The recorder can be killed and run again.
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
from binpack.course.l08_optuna import shares
from binpack.course.records.rows import Recorder, grouped
from binpack.files import read_json
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("shares.json")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "optuna")
REPEATS: Mapping[int, int] = {20: 100, 50: 100, 100: 100, 200: 40, 400: 12}
"""Number of trials to how many searches of each kind there are."""


def jobs(repeats: Mapping[int, int] = REPEATS) -> list[Job]:
    """List the rows, the short searches first.

    Args:
        repeats: number of trials to searches of each kind.
    """
    return [
        Job({"sampler": sampler, "trials": count, "seed": seed})
        for count, many in repeats.items()
        for sampler in shares.SAMPLERS
        for seed in range(many)
    ]


@cache
def _truth() -> shares.Truth:
    return shares.truth(recorded_model(), np.random.default_rng(0))


def run(job: Job) -> dict[str, Any]:
    """Make a row: the shares by each evaluator.

    Args:
        job: names the sampler, the number of trials and the seed.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = shares.searched(recorded_model(), job.key["sampler"], job.key["trials"], job.key["seed"])
    return {name: each.tolist() for name, each in shares.importances(study, job.key["seed"]).items()}


@dataclass(frozen=True, eq=False)
class Record:
    """What was recorded.

    Attributes:
        truth: what the surrogate knows.
        found: (sampler, trials, evaluator) -> shares, float64, (repeats, 11).
    """

    truth: shares.Truth
    found: Mapping[tuple[str, int, str], NDArray]

    @classmethod
    def load(cls, path: str | Path = FILE) -> Record:
        """Read the record.

        Args:
            path: its file.
        """
        stored = read_json(path, "a record of importances")
        truth = shares.Truth(**{name: np.array(each) for name, each in stored["truth"].items()})
        found = {
            (*key, evaluator): np.array(each)
            for evaluator in shares.EVALUATORS
            for key, each in grouped(stored["runs"], ("sampler", "trials"), evaluator).items()
        }
        return cls(truth, found)

    def limit(self, evaluator: str) -> NDArray:
        """Return what an evaluator would say of endless trials without noise, shares that add up to 1, (11,).

        Args:
            evaluator: its name.
        """
        known = self.truth.best_tenth if evaluator == "PED-ANOVA" else self.truth.alone
        return known / known.sum()

    @property
    def lengths(self) -> list[int]:
        """The numbers of trials that there are, ascending."""
        return sorted({trials for _, trials, _ in self.found})


def said(rows: Sequence[Job]) -> dict[str, Any]:
    """Return what holds for all rows.

    Args:
        rows: all of them.
    """
    return {"truth": {name: [round(float(share), 4) for share in each] for name, each in vars(_truth()).items()}}


RECORDER = Recorder(FILE, LIBRARIES, jobs, run, said)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:])
