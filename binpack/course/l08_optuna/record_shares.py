"""Records what evaluators of importance say of many searches of the surrogate: ``shares.json``.

    python -m binpack.course.l08_optuna.record_shares        # about an hour on two cores

Searches at random and by TPE, of several lengths, a hundred each and fewer of the longest. The file also holds what is
true by the surrogate. The recorder can be killed and run again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from binpack.course.l08_optuna import shares
from binpack.course.records import about
from binpack.files import read_json
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.recorder import Job, record_rows

FILE = Path(__file__).with_name("shares.json")
COMMAND = "python -m binpack.course.l08_optuna.record_shares"
LIBRARIES = ("numpy", "scipy", "scikit-learn", "optuna")
REPEATS: Mapping[int, int] = {20: 100, 50: 100, 100: 100, 200: 100, 400: 20}
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
def _model() -> Surrogate:
    return Surrogate.recorded()


@cache
def _truth() -> shares.Truth:
    return shares.truth(_model(), np.random.default_rng(0))


def run(job: Job) -> dict[str, Any]:
    """Make a row: the shares by each evaluator.

    Args:
        job: names the sampler, the number of trials and the seed.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = shares.searched(_model(), job.key["sampler"], job.key["trials"], job.key["seed"])
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
        rows: dict[tuple[str, int, str], list[list[float]]] = {}
        for row in stored["runs"]:
            for evaluator in shares.EVALUATORS:
                rows.setdefault((row["sampler"], row["trials"], evaluator), []).append(row[evaluator])
        truth = shares.Truth(**{name: np.array(each) for name, each in stored["truth"].items()})
        return cls(truth, {key: np.array(each) for key, each in rows.items()})

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


def record(path: str | Path = FILE, wanted: Sequence[Job] | None = None, **more: Any) -> list[dict[str, Any]]:
    """Make the searches that the file does not hold yet.

    Args:
        path: the file.
        wanted: the rows; None: all.
        **more: what else `record_rows` takes.

    Returns:
        The rows.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    rows = list(jobs() if wanted is None else wanted)
    said = {"truth": {name: [round(float(share), 4) for share in each] for name, each in vars(_truth()).items()}}
    return record_rows(path, rows, run, about=about(COMMAND, LIBRARIES), said=said, **more)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit("expected no arguments")
    record(processes=os.cpu_count() or 1)
