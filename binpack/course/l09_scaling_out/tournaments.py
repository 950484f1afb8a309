"""Lesson 09: searches that stop trials early, replayed on recorded curves with workers side by side.

Workers take pieces of training from a schedule: a trial, and how far it is to go. A piece takes the seconds that the
recorded run took for it. A worker that gets nothing waits until somebody else is done.

References:
    Jamieson, Talwalkar (2016). Non-stochastic Best Arm Identification and Hyperparameter Optimization. AISTATS.
    Li, Jamieson, DeSalvo, Rostamizadeh, Talwalkar (2018). Hyperband: A Novel Bandit-Based Approach to Hyperparameter
        Optimization. JMLR 18.
    Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht, Talwalkar (2020). A System for Massively Parallel
        Hyperparameter Tuning. MLSys.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from binpack.course.l09_scaling_out.workers import Bar, idle
from binpack.course.searching import curves
from binpack.search.landscape import task
from binpack.search.landscape.table import Runs

FACTOR = 4
RUNGS = (1, 5, 20)
"""Points of a run at which it is decided; the last is its end. Each divides `task.POINTS` by `FACTOR` once more."""
Promote = Callable[[NDArray, NDArray, int], int]
"""(scores at a rung in the order in which they came, which have gone on, factor) -> place of the next one, or -1."""
Brackets = Sequence[tuple[int, int]]
"""(trials, the number of the first rung in `RUNGS`) of each bracket."""


@dataclass(frozen=True, eq=False)
class Material:
    """Recorded runs that a search draws its trials from, in the order in which it tries them.

    Attributes:
        scores: utilization on the validation streams at each point, float64, (trials, points).
        steps: environment steps taken up to each point, int64, (trials, points).
        seconds: that it took up to each point, float64, (trials, points).
        worth: what each trial's configuration is truly worth, float64, (trials,).
    """

    scores: NDArray
    steps: NDArray
    seconds: NDArray
    worth: NDArray


def drawn(runs: Runs, rng: np.random.Generator) -> Material:
    """Put all recorded configurations into a random order, each with one of its seeds.

    Args:
        runs: the configurations.
        rng: draws the order and the seeds.
    """
    order = rng.permutation(len(runs.configs))
    seeds = rng.integers(len(runs.seeds), size=len(order))
    scores, steps = curves(runs)
    # a run that has diverged takes no further time
    seconds = np.maximum.accumulate(np.nan_to_num(runs.seconds.astype(float)), axis=-1)
    return Material(scores[order, seeds], steps[order, seeds], seconds[order, seeds], runs.truth[order])


class Schedule(Protocol):
    """Says what is trained next."""

    def next(self) -> tuple[int, int] | None:
        """Return a trial and the number of the rung that it is to reach; None where there is nothing for now."""
        ...

    def done(self, trial: int, rung: int, score: float) -> None:
        """Take what a trial scores at a rung."""
        ...

    def promotions(self) -> list[tuple[NDArray, NDArray]]:
        """Return for each rung of each bracket, but the last, its scores and which of them went on."""
        ...


class Whole:
    """Every trial is trained to its end.

    Args:
        trials: how many there are.
    """

    def __init__(self, trials: int) -> None:
        self._left = iter(range(trials))

    def next(self) -> tuple[int, int] | None:
        """Return the next trial; see `Schedule`."""
        trial = next(self._left, None)
        return None if trial is None else (trial, len(RUNGS) - 1)

    def done(self, trial: int, rung: int, score: float) -> None:
        """Nothing depends on it."""

    def promotions(self) -> list[tuple[NDArray, NDArray]]:
        """There are none."""
        return []


class Synchronous:
    """Brackets of successive halving, one after the other: at each rung all wait for the last.

    Args:
        brackets: what they begin with; after the last comes the first again.
        trials: how many there are.
        factor: of the trials at a rung one in so many goes on.
    """

    def __init__(self, brackets: Brackets, trials: int, factor: int = FACTOR) -> None:
        self._brackets, self._left, self._factor = cycle(brackets), iter(range(trials)), factor
        self._decided: list[tuple[NDArray, NDArray]] = []
        self._out = 0
        self._begin()

    def _begin(self) -> None:
        count, self._rung = next(self._brackets)
        self._scores: dict[int, float] = {}
        self._waiting = [trial for trial in (next(self._left, None) for _ in range(count)) if trial is not None]

    def next(self) -> tuple[int, int] | None:
        """Return a trial that the rung waits for; see `Schedule`."""
        if not self._waiting:
            return None
        self._out += 1
        return self._waiting.pop(0), self._rung

    def done(self, trial: int, rung: int, score: float) -> None:
        """Take a score, and decide where it was the last one; see `Schedule`."""
        self._out -= 1
        self._scores[trial] = score
        if self._waiting or self._out:
            return
        if self._rung == len(RUNGS) - 1:
            self._begin()
            return
        trials = sorted(self._scores)  # not as they ended: that depends on the number of workers
        found = np.array([self._scores[trial] for trial in trials])
        top = np.argsort(-found, kind="stable")[: max(1, len(found) // self._factor)]
        self._decided.append((found, np.isin(np.arange(len(found)), top)))
        self._waiting = [trials[place] for place in sorted(top)]
        self._rung, self._scores = self._rung + 1, {}

    def promotions(self) -> list[tuple[NDArray, NDArray]]:
        """Return every decision; see `Schedule`."""
        return self._decided


class Asynchronous:
    """ASHA: whoever is free promotes a trial that may go on by what is known now, or begins a new one.

    Args:
        trials: how many there are.
        promote: chooses at a rung.
        factor: see `promote`.
    """

    def __init__(self, trials: int, promote: Promote, factor: int = FACTOR) -> None:
        self._left, self._promote, self._factor = iter(range(trials)), promote, factor
        self._there: list[list[int]] = [[] for _ in RUNGS]
        self._scores: list[list[float]] = [[] for _ in RUNGS]
        self._gone: list[list[bool]] = [[] for _ in RUNGS]

    def next(self) -> tuple[int, int] | None:
        """Return a promoted trial, the farthest first, else a new one; see `Schedule`."""
        for rung in reversed(range(len(RUNGS) - 1)):
            if not self._scores[rung]:
                continue
            place = self._promote(np.array(self._scores[rung]), np.array(self._gone[rung]), self._factor)
            if place >= 0:
                self._gone[rung][place] = True
                return self._there[rung][place], rung + 1
        trial = next(self._left, None)
        return None if trial is None else (trial, 0)

    def done(self, trial: int, rung: int, score: float) -> None:
        """Take a score; see `Schedule`."""
        self._there[rung].append(trial)
        self._scores[rung].append(score)
        self._gone[rung].append(False)

    def promotions(self) -> list[tuple[NDArray, NDArray]]:
        """Return what became of each rung; see `Schedule`."""
        pairs = zip(self._scores[:-1], self._gone[:-1], strict=True)
        return [(np.array(scores), np.array(gone)) for scores, gone in pairs]


@dataclass(frozen=True)
class Played:
    """What came of a search.

    Attributes:
        bars: what the workers did; the kind says how far a trial was to go.
        workers: how many there were.
        steps: environment steps that were spent.
        started: how many trials were started.
        complete: how many came to their ends.
        worth: what the search's choice is truly worth: of the trials that came farthest the one that scored highest.
        wrong: share of the trials that went on from a rung though, as it turned out, they were not among the best
            of those that came there, see `wrong_share`; 0 where nothing went on.
    """

    bars: Sequence[Bar]
    workers: int
    steps: float
    started: int
    complete: int
    worth: float
    wrong: float

    @property
    def seconds(self) -> float:
        """When the last worker is done."""
        return max(bar.end for bar in self.bars)

    @property
    def idle(self) -> float:
        """Share of the workers' time in which they wait."""
        return idle(self.bars, self.workers)


def play(schedule: Schedule, material: Material, workers: int, budget: float) -> Played:
    """Let workers train what a schedule says.

    Args:
        schedule: what is trained.
        material: recorded runs.
        workers: how many.
        budget: environment steps; no piece is begun once so many are spent.
    """
    spent, bars, at = 0.0, [], np.full(len(material.worth), -1)
    running: list[tuple[float, int, int, int]] = []
    free, now = list(range(workers)), 0.0
    while True:
        while free and spent < budget and (piece := schedule.next()) is not None:
            trial, rung = piece
            steps, seconds = _stretch(material, trial, at[trial], rung)
            worker = free.pop(0)
            spent += steps
            bars.append(Bar(worker, now, now + seconds, trial, f"to point {RUNGS[rung]}"))
            heapq.heappush(running, (now + seconds, worker, trial, rung))
        if not running:
            break
        now, worker, trial, rung = heapq.heappop(running)
        at[trial] = rung
        free = sorted([*free, worker])
        schedule.done(trial, rung, float(material.scores[trial, RUNGS[rung] - 1]))
    reached = np.flatnonzero(at == at.max())
    chosen = reached[material.scores[reached, RUNGS[at.max()] - 1].argmax()]
    complete = int((at == len(RUNGS) - 1).sum())
    wrong = wrong_share(schedule.promotions())
    return Played(bars, workers, spent, int((at >= 0).sum()), complete, float(material.worth[chosen]), wrong)


def _stretch(material: Material, trial: int, before: int, rung: int) -> tuple[float, float]:
    """Return the steps and the seconds from the rung that a trial has reached, -1 for none, to another one."""
    steps, seconds = material.steps[trial], material.seconds[trial]
    last = RUNGS[rung] - 1
    if before < 0:
        return float(steps[last]), float(seconds[last])
    first = RUNGS[before] - 1
    return float(steps[last] - steps[first]), float(seconds[last] - seconds[first])


def wrong_share(promotions: Sequence[tuple[NDArray, NDArray]], factor: int = FACTOR) -> float:
    """Return the share of promotions that hindsight would not have made.

    Args:
        promotions: for each rung the scores of all that came there, (n,), and which of them went on, bool, (n,).
        factor: those should have gone on that are among the best n // ``factor`` in the end, or the best.
    """
    made = wrong = 0
    for scores, gone in promotions:
        places = max(1, len(scores) // factor)
        ahead = (scores > scores[:, None]).sum(axis=1)
        made, wrong = made + int(gone.sum()), wrong + int((ahead[gone] >= places).sum())
    return wrong / made if made else 0.0


def halving_brackets() -> Brackets:
    """Return the one bracket of plain successive halving: Hyperband's hastiest."""
    return hyperband()[:1]


def hyperband() -> Brackets:
    """Return Hyperband's brackets at `RUNGS`."""
    from binpack.course.l09_scaling_out.exercises import hyperband_brackets  # here: exercises are loaded together

    return [(int(trials), RUNGS.index(int(first))) for trials, first in hyperband_brackets(task.POINTS, FACTOR)]


def schedules(promote: Promote) -> Mapping[str, Callable[[int], Schedule]]:
    """Return what is compared: name -> trials -> schedule.

    Args:
        promote: ASHA's choice.
    """
    return {
        "whole trials": Whole,
        "halving": lambda trials: Synchronous(halving_brackets(), trials),
        "Hyperband": lambda trials: Synchronous(hyperband(), trials),
        "ASHA": lambda trials: Asynchronous(trials, promote),
    }
