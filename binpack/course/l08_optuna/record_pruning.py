"""Records what pruners do to a thousand random searches of the recorded study: ``pruning.json``.

    python -m binpack.course.l08_optuna.record_pruning        # some minutes on two cores

Each pruner meets the same searches. The first 100 trials of each say what it saves and what it kills; then the search
goes on until it has spent as many environment steps as 50 whole trials cost. The recorder can be killed and run again.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.course.l08_optuna import pruning
from binpack.course.records.rows import Recorder, grouped
from binpack.files import read_json
from binpack.search.landscape.table import Runs, load
from binpack.search.recorder import Job

FILE = Path(__file__).with_name("pruning.json")
LIBRARIES = ("numpy", "scipy")
REPEATS, BLOCK = 1000, 100
TRIALS, LOOKED_AT, BUDGET = 250, 100, 50
"""Trials of a search, those of which is said what a pruner did to them, and the whole trials that the budget is."""
KINDS: Mapping[str, Mapping[str, pruning.Pruner]] = {"points": pruning.PRUNERS, "seeds": pruning.OVER_SEEDS}
"""What a trial is made of to the pruners that decide on it."""
MEASURES = (*(each.name for each in fields(pruning.Outcomes)), "worth", "started")


def jobs(repeats: int = REPEATS, block: int = BLOCK, trials: int = TRIALS) -> list[Job]:
    """List the rows.

    Args:
        repeats: searches for each pruner.
        block: searches in a row.
        trials: of each search.
    """
    return [
        Job({"of": kind, "pruner": name, "seed": seed, "searches": block, "trials": trials})
        for kind, pruners in KINDS.items()
        for name in pruners
        for seed in range(repeats // block)
    ]


def run(job: Job) -> dict[str, Any]:
    """Make a row: for each of its searches what the pruner did.

    Args:
        job: names the pruner, the seed, how many searches and trials.
    """
    return replayed(load().runs("study"), **job.key)


def replayed(runs: Runs, *, of: str, pruner: str, seed: int, searches: int, trials: int) -> dict[str, Any]:
    """Replay a pruner.

    Args:
        runs: the recorded study.
        of: "points" or "seeds".
        pruner: its name.
        seed: draws the searches, which are the same for all pruners.
        searches: how many.
        trials: of each.
    """
    draw = pruning.searches if of == "points" else pruning.seed_searches
    found = draw(runs, trials, searches, np.random.default_rng([8, seed]))
    ends = KINDS[of][pruner](found.scores, np.random.default_rng([80, seed]))
    looked_at = min(LOOKED_AT, trials)
    said = pruning.outcomes(found.first(looked_at), ends[:, :looked_at])
    worth, started = pruning.at_budget(found, ends, min(BUDGET, trials // 5))
    values = {each.name: getattr(said, each.name) for each in fields(said)} | {"worth": worth, "started": started}
    return {name: each.tolist() for name, each in values.items()}


@dataclass(frozen=True, eq=False)
class Record:
    """The recorded replays.

    Attributes:
        budget: whole trials that the budget is.
        found: (points or seeds, pruner) -> name of a measure -> a number for each search, float64, (repeats,).
    """

    budget: int
    found: Mapping[tuple[str, str], Mapping[str, NDArray]]

    @classmethod
    def load(cls, path: str | Path = FILE) -> Record:
        """Read the record.

        Args:
            path: its file.
        """
        stored = read_json(path, "a record of pruners")
        found: dict[tuple[str, str], dict[str, NDArray]] = {}
        for name in MEASURES:
            for key, blocks in grouped(stored["runs"], ("of", "pruner"), name).items():
                found.setdefault(key, {})[name] = np.concatenate(blocks)
        return cls(stored["budget"], found)

    def names(self, of: str) -> list[str]:
        """Return the pruners of a kind, "none" first.

        Args:
            of: "points" or "seeds".
        """
        return [name for kind, name in self.found if kind == of]


def said(rows: Sequence[Job]) -> dict[str, Any]:
    """Return what holds for all rows.

    Args:
        rows: all of them.
    """
    return {"budget": min(BUDGET, rows[0].key["trials"] // 5)}


RECORDER = Recorder(FILE, LIBRARIES, jobs, run, said)

if __name__ == "__main__":
    RECORDER.main(sys.argv[1:])
