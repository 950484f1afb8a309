"""How fast the engine for many machines is: two workers against one, and what a trial costs beside its training.

    PYTHONPATH=.:tests .venv/bin/python tests/search/engines/measure_postgres.py

Starts a server of its own. No test: the numbers are those of the machine, which has to have nothing else to do.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

import postgres

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "search" / "action"))

from binpack.search.action.job import parse_job  # noqa: E402
from binpack.search.engines.database import Terms, connected  # noqa: E402
from binpack.search.engines.engine import Tuning  # noqa: E402
from binpack.search.engines.leases import Leases  # noqa: E402
from binpack.search.engines.stored import store  # noqa: E402
from binpack.search.engines.worker import Place, work  # noqa: E402
from binpack.search.storage import Location  # noqa: E402

TRIALS, SECONDS = 16, 4.0
LOOK = 0.5
"""Seconds between two looks at the database, each of which takes a new connection and so some of a core."""


def begin(url: str, name: str, function: str, folder: Path):
    """Put a job into the database, and return what asks for its rows."""
    varied = [{"name": "x", "type": "uniform", "min": 0, "max": 1}]
    params = {
        "name": name,
        "dataset": "random",
        "entrypoint": f"toy:{function}",
        "engine": "postgresql",
        "is_tune": True,
        "hyperparameter": {"seconds": SECONDS, "pause": SECONDS / 3},
        "hyperparameters": varied,
        "tune_config": {"mode": "max", "metric": "score", "num_samples": TRIALS, "search_alg": "optunasearch"},
    }
    parsed = parse_job({"action": "train", "params": params})[0].params
    location = Location(url, name, None, Path(), Path())
    with connected(location, 0.0, print) as database:
        study_id = store(database, Tuning(parsed, "random", folder, "m", url)).study_id

    def rows():
        with connected(location, 0.0, print) as database:
            return Leases(database, study_id, Terms()).changes()[0]

    return rows


def rate(url: str, function: str, workers: int, folder: Path) -> float:
    """Return trials a second of so many workers, from the moment at which all of them train."""
    name = f"{function}-{workers}"
    rows = begin(url, name, function, folder)
    place, terms = Place(("toy",), folder, jobs=1), Terms(poll=0.2)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=work, args=(url, name, place, terms)) for _ in range(workers)]
    for process in processes:
        process.start()
    while len({row.owner for row in rows()}) < workers:
        time.sleep(LOOK)
    before, began = sum(row.state == "ended" for row in rows()), time.monotonic()
    while (ended := sum(row.state == "ended" for row in rows())) < TRIALS - workers:
        time.sleep(LOOK)
    found = (ended - before) / (time.monotonic() - began)
    for process in processes:
        process.join()
    return found


def main() -> None:
    """Measure and print."""
    with postgres.own_server(ROOT) as server, tempfile.TemporaryDirectory() as folder:
        url = server.url()
        one, two = (rate(url, "burns", workers, Path(folder) / f"burns{workers}") for workers in (1, 2))
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        print(f"two workers against one: {two / one:.2f} times ({one:.2f} and {two:.2f} trials a second)")
        slept = rate(url, "tune", 1, Path(folder) / "sleeps")
        print(f"a trial of {SECONDS:g} s with 3 reports costs {1 / slept - SECONDS:.3f} s beside its training")


if __name__ == "__main__":
    main()
