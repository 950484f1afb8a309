"""Records a thousand searches with one, four and sixteen workers for each way of stopping early: ``tournaments.json``.

    python -m binpack.course.l09_scaling_out.record_tournaments        # some minutes on two cores

Every way meets the same recorded runs, and begins pieces of training until it has spent as many environment steps as 30
whole runs take. The recorder can be killed and run again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.course.l09_scaling_out import tournaments
from binpack.course.records.rows import Recorder, grouped
from binpack.files import read_json
from binpack.search.landscape import task
from binpack.search.landscape.table import Runs, load
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("tournaments.json")
LIBRARIES = ("numpy",)
REPEATS, BLOCK = 1000, 50
WORKERS = (1, 4, 16)
BUDGET = 30
"""Whole runs that the budget is."""
WAYS = ("whole trials", "halving", "Hyperband", "ASHA")
MEASURES = ("worth", "seconds", "idle", "started", "complete", "wrong")


def jobs(repeats: int = REPEATS, block: int = BLOCK, workers: Sequence[int] = WORKERS) -> list[Job]:
    """List the rows.

    Args:
        repeats: searches of each kind.
        block: searches in a row.
        workers: how many work side by side.
    """
    return [
        Job({"way": way, "workers": count, "seed": seed, "searches": block})
        for way in WAYS
        for count in workers
        for seed in range(repeats // block)
    ]


def run(job: Job) -> dict[str, Any]:
    """Make a row: for each of its searches what came of it.

    Args:
        job: names the way, the workers, the seed and how many searches.
    """
    return replayed(load().runs("study"), **job.key)


def replayed(runs: Runs, *, way: str, workers: int, seed: int, searches: int) -> dict[str, Any]:
    """Play searches.

    Args:
        runs: the recorded study.
        way: how trials are stopped.
        workers: how many work side by side.
        seed: draws the order of the runs, which is the same for every way and every number of workers.
        searches: how many.
    """
    from binpack.course.l09_scaling_out.exercises import promotable  # here: a lesson's exercises are loaded together

    make = tournaments.schedules(promotable)[way]
    rng = np.random.default_rng([9, seed])
    found = []
    for _ in range(searches):
        material = tournaments.drawn(runs, rng)
        found.append(tournaments.play(make(len(material.worth)), material, workers, BUDGET * task.STEPS))
    return {name: [float(getattr(each, name)) for each in found] for name in MEASURES}


@dataclass(frozen=True, eq=False)
class Record:
    """The recorded searches.

    Attributes:
        found: (way, workers) -> name of a measure -> a number for each search, float64, (repeats,).
    """

    found: Mapping[tuple[str, int], Mapping[str, NDArray]]

    @classmethod
    def load(cls, path: str | Path = FILE) -> Record:
        """Read the record.

        Args:
            path: its file.
        """
        stored = read_json(path, "a record of tournaments")["runs"]
        found: dict[tuple[str, int], dict[str, NDArray]] = {}
        for name in MEASURES:
            for key, blocks in grouped(stored, ("way", "workers"), name).items():
                found.setdefault(key, {})[name] = np.concatenate(blocks)
        return cls(found)

    @property
    def workers(self) -> list[int]:
        """Numbers of workers, ascending."""
        return sorted({count for _, count in self.found})


RECORDER = Recorder(FILE, LIBRARIES, jobs, run)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:])
