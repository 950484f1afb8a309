"""Records how long the same job takes with one worker and with two, and with one thread of torch and with two.

    python -m binpack.course.l09_scaling_out.record_speed        # speed.json, ten minutes on two idle cores

Nothing else may run meanwhile: the rows are made one after the other. The recorder can be killed and run again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.course.l09_scaling_out import measured
from binpack.course.records.rows import Recorder, grouped
from binpack.files import read_json
from binpack.search.recorder import Job
from binpack.system import usable_cores

FILE = Path(__file__).with_name("speed.json")
LIBRARIES = ("numpy", "torch", "optuna")
TRIALS = 16
REPEATS = 5
KINDS = ((1, 1), (2, 1), (1, 2), (2, 2))
"""Workers, and threads of each."""


def jobs(repeats: int = REPEATS, trials: int = TRIALS) -> list[Job]:
    """List the rows, a repeat of each kind after the other.

    Args:
        repeats: of each kind.
        trials: of each job.
    """
    return [
        Job({"workers": workers, "threads": threads, "trials": trials, "repeat": repeat})
        for repeat in range(repeats)
        for workers, threads in KINDS
    ]


def run(job: Job) -> dict[str, Any]:
    """Make a row: what one job took, s.

    Args:
        job: names workers, threads, trials and the repeat.
    """
    key = job.key
    return asdict(measured.measure(key["workers"], key["threads"], key["trials"]))


@dataclass(frozen=True, eq=False)
class Record:
    """What was recorded.

    Attributes:
        cores: of the machine.
        trials: of each job.
        seconds: (workers, threads) -> seconds that the job took, float64, (repeats,).
        training: the same keys -> seconds of all trials together.
    """

    cores: float
    trials: int
    seconds: Mapping[tuple[int, int], NDArray]
    training: Mapping[tuple[int, int], NDArray]

    @classmethod
    def load(cls, path: str | Path = FILE) -> Record:
        """Read the record.

        Args:
            path: its file.
        """
        stored = read_json(path, "a record of speed")
        seconds, training = (
            {key: np.array(each) for key, each in grouped(stored["runs"], ("workers", "threads"), name).items()}
            for name in ("seconds", "training")
        )
        return cls(stored["cores"], stored["trials"], seconds, training)

    def speed_up(self, workers: int = 2, threads: int = 1) -> float:
        """Return how many times as fast a job is as with one worker and one thread, by the means over repeats.

        Args:
            workers: how many.
            threads: of each.
        """
        return float(self.seconds[1, 1].mean() / self.seconds[workers, threads].mean())

    @property
    def serial(self) -> float:
        """The serial share that the speed-up of two workers implies by Amdahl's law; 0 where they did better."""
        return max(0.0, 2 / self.speed_up(2, 1) - 1)


def said(rows: Sequence[Job]) -> dict[str, Any]:
    """Return what holds for all rows.

    Args:
        rows: all of them.
    """
    return {"cores": usable_cores(), "trials": rows[0].key["trials"]}


RECORDER = Recorder(FILE, LIBRARIES, jobs, run, said)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:], processes=1)
