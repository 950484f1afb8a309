"""Lesson 04, second part: what was recorded of PPO and its rivals, and the numbers that are drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.core.statistics import Verdict, verdict
from binpack.course.l04_ppo.penalty import WHAT
from binpack.course.records import read_record

DATA = Path(__file__).parent
MASKING, RIVALS, PENALTY = DATA / "masking.json", DATA / "rivals.json", DATA / "penalty.json"
Reach = Callable[[NDArray, NDArray, float], NDArray]


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of one arm.

    Attributes:
        steps: environment steps at which they were scored, int64, (n,).
        scores: float64, (R, n).
        seconds: processor time of the training, float64, (R,).
        seeds: of the runs, (R,).
    """

    steps: NDArray[np.int64]
    scores: NDArray[np.float64]
    seconds: NDArray[np.float64]
    seeds: NDArray[np.int64]

    @property
    def curve(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """What ``plots.curves_with_spread`` draws."""
        return self.steps, self.scores

    @property
    def final(self) -> NDArray[np.float64]:
        """The last score of each run, (R,)."""
        return self.scores[:, -1]

    @property
    def average(self) -> NDArray[np.float64]:
        """The mean score on the way, (R,): the area under the curve, by trapezoids, over its length."""
        return np.trapezoid(self.scores, self.steps, axis=1) / (self.steps[-1] - self.steps[0])

    @property
    def steadiness(self) -> NDArray[np.float64]:
        """Minus how far each run ends from the median of all, (R,): its mean is higher where the seeds differ less."""
        return -np.abs(self.final - np.median(self.final))

    def upto(self, step: int) -> Runs:
        """Return the runs as they were at a number of steps.

        Args:
            step: the last one that counts. Where steps come after it, the time up to it is not known: nan.
        """
        kept = self.steps <= step
        seconds = self.seconds if kept.all() else np.full_like(self.seconds, np.nan)
        return Runs(self.steps[kept], self.scores[:, kept], seconds, self.seeds)


def masking_runs(play: str) -> dict[str, Runs]:
    """Read the arms of ``masking.json``.

    Args:
        play: "masked" or "free": whether the policy was scored with masks or without.
    """
    record = read_record(MASKING)
    return {arm: _runs(record, arm, play, record["steps"]) for arm in _arms(record)}


def penalty_runs() -> dict[str, Runs]:
    """Read what PPO is told of its training episodes where an illegal action costs 0.1.

    Returns:
        "return", "utilization" and "length" to the runs.
    """
    record = read_record(PENALTY)
    (arm,) = _arms(record)
    return {what: _runs(record, arm, what, record["steps"]) for what in WHAT}


def packing_runs() -> dict[str, Runs]:
    """Read the arms that learn to pack, each scored as it learned: with masks or without."""
    record = read_record(RIVALS)
    masking = read_record(MASKING)
    runs = {"PPO": _runs(masking, "mask", "masked", masking["steps"])}
    free = {"PPO, no mask": _runs(masking, "ends", "free", masking["steps"])}
    for arm in _arms(record):
        task, _, name = arm.partition(": ")
        if task == "packing":
            unmasked = name.endswith("no mask")
            kind = free if unmasked else runs
            kind[name] = _runs(record, arm, "free" if unmasked else "masked", record["steps"])
    return runs | free


def pendulum_runs() -> dict[str, Runs]:
    """Read the arms that learn to swing the pendulum up, each as far as it was run."""
    record = read_record(RIVALS)
    arms = [arm for arm in _arms(record) if arm.startswith("pendulum")]
    names = {arm: arm.partition(": ")[2] for arm in arms}
    return {name: _runs(record, arm, "return", record["pendulum_steps"][name]) for arm, name in names.items()}


def _arms(record: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(row["arm"] for row in record["runs"]))


def _runs(record: Mapping[str, Any], arm: str, play: str, steps: list[int]) -> Runs:
    rows = sorted((row for row in record["runs"] if row["arm"] == arm), key=lambda row: row["seed"])
    parts = {name: np.array([row[name] for row in rows]) for name in (play, "seconds", "seed")}
    return Runs(np.array(steps), parts[play], parts["seconds"], parts["seed"])


def against(runs: Mapping[str, Runs], than: str, measure: Callable[[Runs], NDArray[np.float64]]) -> dict[str, Verdict]:
    """Compare each arm with one of them, on the seeds that both have.

    Args:
        runs: name to the runs.
        than: the one that others are compared with.
        measure: what is compared, a number a run: ``lambda runs: runs.final``.
    """
    found = {}
    for name, mine in runs.items():
        if name != than:
            _, here, there = np.intersect1d(mine.seeds, runs[than].seeds, return_indices=True)
            found[name] = verdict(measure(mine)[here], measure(runs[than])[there])
    return found


def counted(runs: Mapping[str, Runs]) -> str:
    """Say in a line how many runs there are.

    Args:
        runs: name to the runs.
    """
    counts = sorted({len(each.seeds) for each in runs.values()})
    number = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{number} seed{'s' if number != '1' else ''} for each of {len(runs)}"


def reached(runs: Runs, reach: Reach, threshold: float) -> tuple[int, float]:
    """Return how many runs reach a threshold, and the median of their steps, infinity where half never do.

    Args:
        runs: of one arm.
        reach: (steps, scores, threshold) -> steps of each run, infinity for one that never gets there.
        threshold: the score to reach.
    """
    steps = reach(runs.steps, runs.scores, threshold)
    return int(np.isfinite(steps).sum()), float(np.median(steps))
