"""Records what the train action's engines cost beside training: ``engines.json``.

    python -m binpack.course.l09_scaling_out.record_engines        # some minutes on two idle cores

Jobs whose trials take no time, few and many of them: the difference is what a trial costs, the rest is the start. It
needs Ray. Nothing else may run meanwhile: the rows are made one after the other. The recorder can be killed and run
again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.course.l09_scaling_out import measured
from binpack.course.records.rows import Recorder, grouped
from binpack.files import read_json
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("engines.json")
LIBRARIES = ("numpy", "torch", "optuna", "ray")
ENGINES = ("local", "ray")
FEW, MANY = 4, 204
"""Trials of the two jobs that are compared. A start varies by half a second, which many trials divide."""
REPEATS = 5


def jobs(repeats: int = REPEATS) -> list[Job]:
    """List the rows, a repeat of each kind after the other.

    Args:
        repeats: of each kind.
    """
    return [
        Job({"engine": engine, "trials": trials, "repeat": repeat})
        for repeat in range(repeats)
        for engine in ENGINES
        for trials in (FEW, MANY)
    ]


def run(job: Job) -> dict[str, Any]:
    """Make a row: what one job took from its command to its end, s.

    Args:
        job: names the engine, the number of trials and the repeat.
    """
    key = job.key
    return {"seconds": measured.measure(2, 1, key["trials"], train=False, engine=key["engine"]).seconds}


@dataclass(frozen=True, eq=False)
class Record:
    """What was recorded.

    Attributes:
        seconds: (engine, trials) -> what the job took, s, float64, (repeats,).
    """

    seconds: Mapping[tuple[str, int], NDArray]

    @classmethod
    def load(cls, path: str | Path = FILE) -> Record:
        """Read the record.

        Args:
            path: its file.
        """
        stored = read_json(path, "a record of engines")
        return cls(
            {key: np.array(each) for key, each in grouped(stored["runs"], ("engine", "trials"), "seconds").items()}
        )

    def overhead(self, engine: str) -> float:
        """Return what a trial takes that trains nothing, s, by the medians over repeats.

        Args:
            engine: which.
        """
        few, many = (float(np.median(self.seconds[engine, trials])) for trials in (FEW, MANY))
        return max(0.0, many - few) / (MANY - FEW)

    def start(self, engine: str) -> float:
        """Return what a job takes before and after its trials, s.

        Args:
            engine: which.
        """
        return float(np.median(self.seconds[engine, FEW])) - FEW * self.overhead(engine)


RECORDER = Recorder(FILE, LIBRARIES, jobs, run)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:], processes=1)
