"""Lesson 09: what its records say, in tables and sentences that are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from binpack.course.l09_scaling_out import (
    libraries,
    record_crowds,
    record_engines,
    record_libraries,
    record_speed,
    record_tournaments,
    record_workers,
    served,
    toy,
)
from binpack.course.l09_scaling_out.population import LENGTHS
from binpack.course.searching import apart, with_error
from binpack.course.tables import Table


def speeds(record: record_speed.Record) -> Table:
    """List what was measured with workers and threads.

    Args:
        record: of speed.
    """
    rows = [
        [
            str(workers),
            str(threads),
            f"{seconds.mean():.1f} s ({seconds.min():.1f} to {seconds.max():.1f})",
            f"{record.speed_up(workers, threads):.2f}",
            f"{record.training[workers, threads].mean() / record.trials:.2f} s",
        ]
        for (workers, threads), seconds in record.seconds.items()
    ]
    head = ("workers", "threads of each", "whole search", "times as fast", "a trial by its own clock")
    what = f"{record.trials} short training runs on {record.cores:g} cores"
    return Table(head, rows, f"{what}; mean of {len(record.seconds[1, 1])} repeats (shortest to longest)")


def implied(record: record_speed.Record, workers: int = 16) -> str:
    """Say what the speed-up of two workers means for more of them.

    Args:
        record: of speed.
        workers: how many.
    """
    serial, more = record.serial, len(record.seconds[1, 1])
    begin = f"two workers were {record.speed_up():.2f} times as fast as one (mean of {more} repeats)"
    if serial == 0:
        return f"{begin}; no serial share is to be seen"
    if serial >= 1:
        return f"{begin}; the second one has gained nothing"
    best = 1 / (serial + (1 - serial) / workers)
    return (
        f"{begin}; by Amdahl's law {serial:.0%} of the work is serial, and {workers} workers on as many cores would be "
        f"{best:.1f} times as fast"
    )


# --------------------------------------------------------------------------------------------------------------- crowds


def count_of(count: int) -> str:
    """Write a number of workers.

    Args:
        count: how many.
    """
    return "1 worker" if count == 1 else f"{count} workers"


def crowds(record: record_crowds.Record, at: Sequence[int] = (32, 64, 96)) -> Table:
    """List what searches by several workers found.

    Args:
        record: of crowds.
        at: after how many trials.
    """
    shown = [number for number in at if number in record.at]
    rows = []
    for (name, count), worth in record.worth.items():
        found = [with_error(worth[:, record.at.index(number)]) for number in shown]
        rows.append([name, str(count), *found, f"{record.ends[name, count][:, -1].mean():.0f}"])
    head = ("sampler", "workers", *(f"worth after {number}" for number in shown), f"time for {record.at[-1]}")
    return Table(head, rows, "± twice the standard error; a trial takes about 1")


def price_of_a_crowd(record: record_crowds.Record, trials: int, name: str = "TPE") -> str:
    """Say what it costs a sampler to be asked by many, at equal trials, and what it gains in time.

    Args:
        record: of crowds.
        trials: after how many.
        name: of the sampler.
    """
    place = record.at.index(trials)
    many = max(count for sampler, count in record.worth if sampler == name)
    one, other = record.worth["TPE", 1][:, place], record.worth[name, many][:, place]
    word = "is less than" if other.mean() < one.mean() else "is more than"
    faster = record.ends["TPE", 1][:, place].mean() / record.ends[name, many][:, place].mean()
    return (
        f"{name}, {trials} trials: the leader of {many} workers, worth {other.mean():.4f}, "
        f"{word if apart(one, other) else 'cannot be told from'} that of one, {one.mean():.4f}; they were done "
        f"{faster:.1f} times as fast"
    )


def liar(record: record_crowds.Record, workers: int, trials: int) -> str:
    """Say whether the constant liar helped.

    Args:
        record: of crowds.
        workers: how many.
        trials: after how many.
    """
    place = record.at.index(trials)
    lied, honest = (record.worth[name, workers][:, place] for name in ("TPE", "TPE without the liar"))
    if not apart(lied, honest):
        word = "cannot be told apart"
    else:
        word = f"differ: {'the liar' if lied.mean() > honest.mean() else 'no liar'} is ahead"
    return (
        f"{count_of(workers)}, {trials} trials: {lied.mean():.4f} with the liar and {honest.mean():.4f} without {word}"
    )


# -------------------------------------------------------------------------------------------------------------- workers


def served_by(record: record_workers.Record) -> Table:
    """List what came of jobs on a server when a worker left.

    Args:
        record: of workers.
    """
    rows = []
    for kind, found in record.found.items():
        waited = "" if served.KINDS[kind] is None else f"{found['waited'].mean():.1f} s"
        ended = f"{found['ended'].min():.0f} of {record.trials}"
        rows.append([kind, ended, waited, f"{found['made'].mean():.1f}", f"{found['seconds'].mean():.1f} s"])
    head = ("what happens", "trials that end", "Ben's trial is taken after", "steps made", "all done after")
    steps, jobs = record.trials * toy.STEPS, len(next(iter(record.found.values()))["made"])
    return Table(head, rows, f"{jobs} jobs of each kind; {steps} steps are needed; a lease lasts {served.LEASE:g} s")


def taken_over(record: record_workers.Record, kind: str) -> str:
    """Say when the trial of the worker who left had another owner.

    Args:
        record: of workers.
        kind: in `served.KINDS`, one in which a worker leaves.
    """
    waited = record.found[kind]["waited"]
    return (
        f"{kind}: the trial is taken over after {waited.mean():.1f} s on average, at the latest {waited.max():.1f} s; "
        f"a lease lasts {served.LEASE:g} s"
    )


# ---------------------------------------------------------------------------------------------------------- tournaments


def tournaments(record: record_tournaments.Record) -> Table:
    """List what ways of stopping found with one worker and with many, at equal steps.

    Args:
        record: of tournaments.
    """
    rows = []
    for (way, count), found in record.found.items():
        rows.append(
            [
                way,
                str(count),
                f"{found['seconds'].mean():.0f} s",
                f"{found['idle'].mean():.0%}",
                f"{found['started'].mean():.0f}",
                f"{found['complete'].mean():.0f}",
                f"{found['wrong'].mean():.0%}",
                with_error(found["worth"]),
            ]
        )
    head = ("way", "workers", "done after", "waiting", "started", "complete", "wrongly on", "worth of the choice")
    return Table(head, rows, f"the budget: the steps of {record_tournaments.BUDGET} whole trials; ± twice the error")


def waiting(record: record_tournaments.Record) -> str:
    """Say how much faster each way gets with the most workers.

    Args:
        record: of tournaments.
    """
    most = record.workers[-1]
    parts = []
    for way in dict.fromkeys(way for way, _ in record.found):
        gain = record.found[way, 1]["seconds"].mean() / record.found[way, most]["seconds"].mean()
        parts.append(f"{way} {gain:.1f}")
    return f"{most} workers instead of one make the search so many times as fast: {', '.join(parts)}"


def promotions(record: record_tournaments.Record) -> str:
    """Say what ASHA's wrong promotions cost with the most workers.

    Args:
        record: of tournaments.
    """
    most = record.workers[-1]
    asha, halving = record.found["ASHA", most], record.found["halving", most]
    word = "can be told apart" if apart(asha["worth"], halving["worth"]) else "cannot be told apart"
    return (
        f"{most} workers: with hindsight {asha['wrong'].mean():.0%} of ASHA's promotions were wrong; "
        f"its choice is worth {asha['worth'].mean():.4f}, that of halving {halving['worth'].mean():.4f}: they {word}"
    )


# ----------------------------------------------------------------------------------------------------------- population


def lived(ends: NDArray, fixed: NDArray, decaying: NDArray) -> Table:
    """Compare populations of the second toy with fixed steps and with a schedule that was known beforehand.

    Args:
        ends: what the best member of each population ends with, (seeds,).
        fixed: what each fixed step ends with, (seeds, members).
        decaying: what a single run with the known schedule ends with, (seeds,).
    """
    members = fixed.shape[1]
    best = int(fixed.mean(axis=0).argmax())
    rows = [
        [f"the fixed step {LENGTHS[best]:.3f}, the best of {members}", f"{members}", with_error(fixed[:, best])],
        ["the best of the fixed steps, chosen at the end", f"{members}", with_error(fixed.max(axis=1))],
        ["a population", f"{members}", with_error(ends)],
        ["the schedule 1, 1/2, 1/3, known beforehand", "1", with_error(decaying)],
    ]
    return Table(
        ("what", "runs", "score at the end"), rows, f"{len(ends)} seeds; ± twice the standard error; 0 is best"
    )


# ------------------------------------------------------------------------------------------------------------ libraries


def found_by(record: record_libraries.Record, at: Sequence[int] = (20, 40, 60)) -> Table:
    """List what each library found.

    Args:
        record: of libraries.
        at: after how many trials.
    """
    shown = [number for number in at if number in record.at]
    rows = [
        [name, *(with_error(worth[:, record.at.index(number)]) for number in shown)]
        for name, worth in record.worth.items()
    ]
    head = ("library", *(f"worth after {number} trials" for number in shown))
    return Table(head, rows, f"{len(next(iter(record.worth.values())))} searches each; ± twice the standard error")


def ahead(record: record_libraries.Record) -> str:
    """Say which library leads in the end, and which cannot be told from it.

    Args:
        record: of libraries.
    """
    last: Mapping[str, NDArray] = {name: worth[:, -1] for name, worth in record.worth.items()}
    best = max(last, key=lambda name: last[name].mean())
    level = [name for name in last if name != best and not apart(last[best], last[name])]
    others = f"; not to be told from it: {', '.join(level)}" if level else "; all others are behind"
    return f"after {record.at[-1]} trials {best} leads with {last[best].mean():.4f}{others}"


SEVERAL_MACHINES = {
    "Optuna": "a database",
    "Hyperopt": "MongoDB or Spark",
    "W&B": "agents that ask its server",
    "Ray": "a cluster",
}
"""What each library has for several machines, by its documentation."""


def facts(record: record_libraries.Record, engines: record_engines.Record) -> Table:
    """List what each library costs and does by itself, as it was measured.

    Args:
        record: of libraries.
        engines: of engines; Ray chooses nothing itself, so its row is a job of the train action on it.
    """
    rows = []
    for name, each in record.facts.items():
        (row,) = (row for row in record.overhead if row.startswith(name))
        cost = _milliseconds(np.median(record.overhead[row]))
        kept, stops = f"{each.kept} of {libraries.TRIED}", "yes" if each.stops else "no"
        rows.append([name, f"{each.start:.1f} s", cost, kept, stops, SEVERAL_MACHINES[name]])
    for name, engine in (("this package", "local"), ("this package on Ray", "ray")):
        cost, several = (
            _milliseconds(engines.overhead(engine)),
            SEVERAL_MACHINES["Ray" if engine == "ray" else "Optuna"],
        )
        rows.append([name, f"{engines.start(engine):.1f} s", cost, "all", "yes", several])
    head = ("library", "to begin", "a trial", "kept when its process is gone", "stops a bad trial", "distributed by")
    return Table(head, rows, "to begin: its import, or a whole job; a trial: what it takes beside training, the median")


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"
