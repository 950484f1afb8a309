"""Records ``sweeps.json``, the runs of lesson 05.

    python -m binpack.course.l05_hyperparameters.record_sweeps

It trains on every core and can be killed and run again: what is finished is in the file beside it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from binpack.course.l05_hyperparameters.sweeps import jobs
from binpack.search.provenance import about
from binpack.search.recorder import record_runs

FILE = Path(__file__).with_name("sweeps.json")
COMMAND = "python -m binpack.course.l05_hyperparameters.record_sweeps"
LIBRARIES = ("numpy", "torch", "stable-baselines3", "sb3-contrib")


def main() -> None:
    """Record what is missing."""
    processes = os.cpu_count() or 1
    record_runs(FILE, jobs(), Path("runs") / FILE.stem, about=about(COMMAND, LIBRARIES), processes=processes)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit("expected no arguments")
    main()
