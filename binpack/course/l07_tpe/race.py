"""Lesson 07: many searches of the recorded study's surrogate at equal budgets.

    python -m binpack.course.l07_tpe.race              # records race.json, an hour or two on two cores
    python -m binpack.course.l07_tpe.race benchmark    # how fast a thousand searches are; records nothing

The searches of `many` are repeated 1,000 times each. Beside them run Optuna's own samplers, as often as their speed
allows: its tree-structured Parzen estimator both ways and its Sobol sequence 200 times, which is enough to see whether
`many` does the same; its CMA-ES (Hansen and Ostermeier, 2001) 1,000 times; its Gaussian process 10 times. A row holds
some searches: for each of them the trials that took the lead, and what these are truly worth, which is the surrogate's
mean and not the score that brought them there. The recorder can be killed and run again.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, QMCSampler, TPESampler

from binpack.course.asking import recorded_model, search
from binpack.course.l07_tpe import many
from binpack.course.records.rows import Recorder, grouped
from binpack.course.searching import leaders
from binpack.files import read_json
from binpack.search.landscape import task
from binpack.search.landscape.surrogate import Surrogate
from binpack.search.recorder import Job
from binpack.search.workers import Workers

FILE = Path(__file__).with_name("race.json")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "optuna", "cmaes")
TRIALS = 200
BLOCK = 100
"""Searches of `many` in one row."""
BOX = 2000
"""Configurations of the grid's box to draw from."""

REPEATS: Mapping[str, int] = {
    **dict.fromkeys(("random", "grid", "random in the grid's box", "Sobol", "TPE", "joint TPE"), 1000),
    **{"Optuna's TPE": 200, "Optuna's joint TPE": 200, "Optuna's QMC": 200, "CMA-ES": 1000, "GP": 10},
}
"""How often each search is repeated."""

_OWN: Mapping[str, Callable[[int], BaseSampler]] = {
    "Optuna's TPE": lambda seed: TPESampler(seed=seed, multivariate=False, constant_liar=False),
    "Optuna's joint TPE": lambda seed: TPESampler(seed=seed, multivariate=True, constant_liar=False),
    "Optuna's QMC": lambda seed: QMCSampler(seed=seed, scramble=True),
    "CMA-ES": lambda seed: CmaEsSampler(seed=seed),
    "GP": lambda seed: GPSampler(seed=seed),
}
"""Optuna's samplers by name; all else is at its default."""


def jobs(repeats: Mapping[str, int] = REPEATS, trials: int = TRIALS, block: int = BLOCK) -> list[Job]:
    """List the rows, the quick ones first.

    Args:
        repeats: name of each search to how often it is repeated.
        trials: of each search.
        block: searches in a row, where they run side by side.
    """
    found = []
    for name, count in repeats.items():
        sizes = [1] * count if name in _OWN else [min(block, count - at) for at in range(0, count, block)]
        found += [
            Job({"search": name, "seed": seed, "searches": size, "trials": trials}) for seed, size in enumerate(sizes)
        ]
    return found


def run(job: Job) -> dict[str, Any]:
    """Make a row: for each of its searches the trials that took the lead, and what they are worth.

    Args:
        job: names the search, the seed, how many searches and trials.
    """
    key = job.key
    number = list(REPEATS).index(key["search"])
    rng = np.random.default_rng([number, key["seed"]])
    make = asked if key["search"] in _OWN else side_by_side
    scores, worth = make(recorded_model(), key["search"], key["trials"], key["searches"], rng)
    rows = [_changes(*each) for each in zip(scores, worth, strict=True)]
    return {"leaders": [trials for trials, _ in rows], "worth": [values for _, values in rows]}


def _changes(scores: NDArray, worth: NDArray) -> tuple[list[int], list[float]]:
    """Return the trials of one search that took the lead, and what each is worth."""
    found = np.unique(leaders(scores))
    return found.tolist(), worth[found].tolist()


def side_by_side(
    model: Surrogate, name: str, trials: int, repeats: int, rng: np.random.Generator
) -> tuple[NDArray, NDArray]:
    """Run searches of `many`.

    Args:
        model: the study's surrogate.
        name: of the search, one of the first six.
        trials: of each.
        repeats: how many.
        rng: draws everything.

    Returns:
        Scores and worth of the trials, float64, (repeats, trials) each; a grid ends with its last cell.
    """
    field, edges = many.field_of(model), len(task.SPACE)
    if name in ("TPE", "joint TPE"):
        found = many.tpe(field, edges, trials, repeats, rng, joint=name == "joint TPE", whole=many.WHOLE)
    else:
        found = many.drawn(field, _beforehand(name, trials, repeats, rng), rng)
    return found.scores, found.worth


def _beforehand(name: str, trials: int, repeats: int, rng: np.random.Generator) -> NDArray:
    """Return the places of searches that learn nothing, float64, (repeats, trials or fewer, 11)."""
    edges = len(task.SPACE)
    if name in ("grid", "random in the grid's box"):
        configs = task.grid_configs() if name == "grid" else task.box_configs(BOX)
        listed = np.array([task.SPACE.place(values) for values in configs])
        return many.shuffled(listed, trials, repeats, rng)
    points = rng.random((repeats, trials, edges)) if name == "random" else many.sobol(trials, repeats, edges, rng)
    return many.moved(points)


def asked(model: Surrogate, name: str, trials: int, repeats: int, rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Run searches with one of Optuna's samplers.

    Args:
        model: the study's surrogate.
        name: of the search, one of Optuna's.
        trials: of each.
        repeats: how many.
        rng: draws everything.

    Returns:
        Scores and worth of the trials, float64, (repeats, trials) each.
    """
    scores, worth = np.empty((repeats, trials)), np.empty((repeats, trials))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for number in range(repeats):
        with warnings.catch_warnings():
            # Optuna calls some of its samplers experimental.
            warnings.simplefilter("ignore")
            study = optuna.create_study(direction="maximize", sampler=_OWN[name](int(rng.integers(2**31))))
            scores[number], worth[number] = search(study, model, trials, rng)
    return scores, worth


@dataclass(frozen=True)
class Race:
    """The recorded searches.

    Attributes:
        trials: of each search.
        default: what the default configuration is worth.
        found: name of each search to its repeats: the trials that took the lead, and what these are worth.
    """

    trials: int
    default: float
    found: Mapping[str, Sequence[tuple[Sequence[int], Sequence[float]]]]

    @classmethod
    def load(cls, path: str | Path = FILE) -> Race:
        """Read the record.

        Args:
            path: its file.
        """
        stored = read_json(path, "a record of searches")
        pairs = [{**row, "both": zip(row["leaders"], row["worth"], strict=True)} for row in stored["runs"]]
        found = {name: [*chain.from_iterable(each)] for name, each in grouped(pairs, ("search",), "both").items()}
        return cls(stored["trials"], stored["default"], found)

    def curves(self, name: str) -> NDArray:
        """Return what the leader is truly worth after each trial, float64, (repeats, trials).

        Args:
            name: of the search.
        """
        curves = np.empty((len(self.found[name]), self.trials))
        for row, (took, worth) in enumerate(self.found[name]):
            lengths = np.diff([*took, self.trials])
            curves[row] = np.repeat(worth, lengths)
        return curves

    def led_by_start(self, name: str, first: int, trials: int) -> float:
        """Return the share of searches that are led, after some trials, by one of the first few.

        Args:
            name: of the search.
            first: how many trials are the first few.
            trials: after how many.
        """
        return float(np.mean([max(trial for trial in took if trial < trials) < first for took, _ in self.found[name]]))


def said(rows: Sequence[Job]) -> dict[str, Any]:
    """Return what holds for all rows.

    Args:
        rows: all of them.
    """
    default = recorded_model().means(np.array([task.SPACE.place(task.DEFAULT)]))
    return {"trials": rows[0].key["trials"], "default": round(float(default[0]), 4)}


RECORDER = Recorder(FILE, LIBRARIES, jobs, run, said)


def benchmark(processes: int, trials: int = 100, repeats: int = 1000) -> dict[str, float]:
    """Say how many seconds the searches of `many` take.

    Args:
        processes: at a time.
        trials: of each search.
        repeats: of each.

    Returns:
        Name of a search to its seconds, and "all".
    """
    names = [name for name in REPEATS if name not in _OWN]
    found: dict[str, float] = {}
    with Workers(processes) as workers:
        list(workers.results(run, jobs(dict.fromkeys(names[:1], 2), 2, 1)))  # the workers read the study
        for name in names:
            started = time.perf_counter()
            list(workers.results(run, jobs({name: repeats}, trials)))
            found[name] = time.perf_counter() - started
    return {**found, "all": sum(found.values())}


def main(words: Sequence[str]) -> None:
    """Record, or say how fast it is.

    Args:
        words: of the command.
    """
    processes = os.cpu_count() or 1
    if list(words) == ["benchmark"]:
        for name, seconds in benchmark(processes).items():
            print(f"{name:<26}{seconds:7.1f} s for 1,000 searches of 100 trials, {processes} processes")
        return
    RECORDER.main(words)


if __name__ == "__main__":
    main(sys.argv[1:])
