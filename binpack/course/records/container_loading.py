"""Records ``container_loading.json``: how full ``pack`` gets the containers of Bischoff and Ratcliff, BR1 to BR7.

    python -m binpack.course.records.container_loading

The first ten problems of each file at a cell of 1 cm, which their edges allow, so that cells and true volumes are the
same: one pass, and a search of 5 and of 60 seconds after it, with every base borne whole (``full``) and with bases that
rest on anything (``none``). Packings are checked with ``geometry``. The script can be killed and run again: what is
finished is in the JSON file beside it. Searches are timed, so let nothing else run.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from binpack.agents.evaluation import evaluate
from binpack.agents.improving import Budget, improve
from binpack.env.config import EnvConfig
from binpack.items.bischoff_ratcliff import CONTAINER, TYPES, problem
from binpack.items.catalogue import read_catalogue
from binpack.items.streams import Streams
from binpack.search.provenance import about
from binpack.search.recorder import Job, record_rows

FILE = Path(__file__).with_suffix(".json")
COMMAND = "python -m binpack.course.records.container_loading"
PROBLEMS, SECONDS, SUPPORT = 10, (0, 5, 60), ("full", "none")
AT_ONCE = 2
"""Problems at a time, one a core."""


def jobs(files: Iterable[int] = tuple(TYPES), problems: int = PROBLEMS) -> Iterator[Job]:
    """Yield what is recorded, the first problems of all files first."""
    for number in range(1, problems + 1):
        for file in files:
            for support in SUPPORT:
                yield Job({"file": file, "problem": number, "support": support})


def load(
    job: Job, folder: Path, seconds: Sequence[int] = SECONDS, container: tuple[int, int, int] = CONTAINER
) -> dict[str, Any]:
    """Pack one problem in one pass, then search for the longest of some times, and say how full it was at each."""
    file, number = job.key["file"], job.key["problem"]
    path = folder / f"br{file}_{number}.txt"
    path.write_text(problem(file, number) + "\n", encoding="utf-8")
    catalogue = read_catalogue(path, problem=number)
    kinds = np.repeat(np.arange(len(catalogue.edges)), catalogue.quantity)
    stream = Streams(catalogue.edges[kinds][None], np.array([len(kinds)]), catalogue.upright[kinds][None])
    config = EnvConfig(bin_size=container, rotation="all", support=job.key["support"])
    started = time.monotonic()
    once = evaluate("first_fit_decreasing", stream, config)
    took = time.monotonic() - started
    found = improve(stream, config, once.boxes[0], once.positions[0], Budget(float(max(seconds))))
    filled = [(0.0, float(once.utilization[0])), *((at, value / config.volume) for _, at, value in found.history)]
    return {
        "utilization": {str(limit): max(share for at, share in filled if at <= limit) for limit in seconds},
        "boxes": len(kinds),
        "packed": len(found.boxes),
        "tries": found.tries,
        "pass_seconds": took,
    }


def means(rows: Sequence[Mapping[str, Any]], problems: int = PROBLEMS) -> dict[tuple[int, str, int], float]:
    """Return the mean utilization for each file, support rule and time, where all problems are there."""
    groups: dict[tuple[int, str, int], list[float]] = {}
    for row in rows:
        for limit, share in row["utilization"].items():
            groups.setdefault((row["file"], row["support"], int(limit)), []).append(share)
    return {key: float(np.mean(values)) for key, values in groups.items() if len(values) >= problems}


def table(rows: Sequence[Mapping[str, Any]], problems: int = PROBLEMS) -> str:
    """Return the means as a table in Markdown, in percent; empty where problems are missing."""
    found = means(rows, problems)
    columns = [(support, limit) for support in SUPPORT for limit in SECONDS]
    lines = [
        "| | " + " | ".join(f"`{support}`, {limit} s" for support, limit in columns) + " |",
        "| --- |" + " ---: |" * len(columns),
    ]
    for file, kinds in TYPES.items():
        lines.append(_line(f"BR{file}, {kinds} types", [found.get((file, *column)) for column in columns]))
    every = [[found.get((file, *column)) for file in TYPES] for column in columns]
    lines.append(_line("mean", [None if None in each else float(np.mean(each)) for each in every]))  # type: ignore[arg-type]
    return "\n".join(lines)


def _line(name: str, shares: Iterable[float | None]) -> str:
    return f"| {name} | " + " | ".join("" if share is None else f"{100 * share:.1f}" for share in shares) + " |"


def record(
    path: Path = FILE, wanted: Iterable[Job] | None = None, processes: int = AT_ONCE, **other: Any
) -> list[dict[str, Any]]:
    """Pack what the file does not hold yet, and write it after each few problems: some 80 minutes on two cores.

    Args:
        path: the file to write, or to go on with.
        wanted: what to pack; all by default.
        processes: how many problems at a time.
        **other: times or a container other than those of the record, for ``load``.
    """
    wanted, said = jobs() if wanted is None else wanted, {"cell": "1cm", "seconds": list(SECONDS)}
    with tempfile.TemporaryDirectory() as folder:
        run = partial(load, folder=Path(folder), **other)
        return record_rows(path, wanted, run, about=about(COMMAND, ("numpy",)), said=said, processes=processes, piece=2)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit("expected no arguments")
    print(table(record()))
