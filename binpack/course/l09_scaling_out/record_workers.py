"""Records what workers on a PostgreSQL server do when one of them leaves: ``workers.json``.

    export BINPACK_STORAGE=postgresql://USER@HOST/DATABASE
    python -m binpack.course.l09_scaling_out.record_workers        # ten minutes on two idle cores

It needs a server, on which it makes a job for each row and removes it again. Nothing else may run meanwhile: the rows
are made one after the other. The recorder can be killed and run again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.course.l09_scaling_out import served
from binpack.course.l09_scaling_out.workers import Bar
from binpack.course.records.rows import Recorder, grouped
from binpack.files import read_json
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("workers.json")
LIBRARIES = ("optuna", "sqlalchemy", "psycopg")
TRIALS = 8
PAUSE = 0.5
"""Seconds of a trial's step, of which it has five."""
REPEATS = 10
COLUMNS = ("seconds", "ended", "waited", "made")


def jobs(repeats: int = REPEATS, trials: int = TRIALS) -> list[Job]:
    """List the rows, a repeat of each kind after the other.

    Args:
        repeats: of each kind.
        trials: of each job.
    """
    return [
        Job({"kind": kind, "trials": trials, "repeat": repeat}) for repeat in range(repeats) for kind in served.KINDS
    ]


def run(job: Job) -> dict[str, Any]:
    """Make a row; see `served.Served`.

    Args:
        job: names the kind, the number of trials and the repeat.
    """
    return served.play(None, job.key["kind"], job.key["trials"], PAUSE).to_dict()


@dataclass(frozen=True, eq=False)
class Record:
    """What was recorded.

    Attributes:
        trials: of each job.
        found: kind -> name of a column -> its values, float64, (repeats,).
        bars: kind -> who had which trial in the first repeat.
    """

    trials: int
    found: Mapping[str, Mapping[str, NDArray]]
    bars: Mapping[str, Sequence[Bar]]

    @property
    def names(self) -> Sequence[str]:
        """The workers, by their numbers in the bars."""
        return served.NAMES

    @classmethod
    def load(cls, path: str | Path = FILE) -> Record:
        """Read the record.

        Args:
            path: its file.
        """
        stored = read_json(path, "a record of workers")
        columns = {name: grouped(stored["runs"], ("kind",), name) for name in COLUMNS}
        kinds = list(columns["seconds"])
        found = {kind: {name: np.array(each[kind], float) for name, each in columns.items()} for kind in kinds}
        first = {kind: each[0] for kind, each in grouped(stored["runs"], ("kind",), "bars").items()}
        return cls(stored["trials"], found, {kind: [Bar(**bar) for bar in bars] for kind, bars in first.items()})


def said(rows: Sequence[Job]) -> dict[str, Any]:
    """Return what holds for all rows.

    Args:
        rows: all of them.
    """
    return {"trials": rows[0].key["trials"]}


RECORDER = Recorder(FILE, LIBRARIES, jobs, run, said)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:], processes=1)
