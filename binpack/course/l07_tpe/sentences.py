"""Lesson 07: what the recorded searches say, in tables and sentences that are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from binpack.course.l07_tpe.race import Race
from binpack.course.searching import EVEN, chance_better
from binpack.course.tables import Table
from binpack.files import read_json
from binpack.search.landscape.surrogate import FILE

AT = (20, 50, 100, 200)
"""Numbers of trials at which searches are compared."""
TWINS = {"TPE": "Optuna's TPE", "joint TPE": "Optuna's joint TPE", "Sobol": "Optuna's QMC"}
"""Searches of `many`, and Optuna's sampler that should do the same."""


def worths(race: Race, names: Sequence[str]) -> Table:
    """Put the mean worth of the leaders into a table.

    Args:
        race: the record.
        names: of the searches.
    """
    rows = []
    for name in names:
        curves = race.curves(name)
        rows.append([name, str(len(curves)), *(f"{curves[:, at - 1].mean():.4f}" for at in AT)])
    head = ("search", "repeats", *(f"{at} trials" for at in AT))
    return Table(head, rows, f"worth of the leader; the default is worth {race.default:.4f}")


def chances(race: Race, names: Sequence[str], against: str = "random") -> NDArray:
    """Return how likely each search is to be ahead of one, float64, (names, 4).

    Args:
        race: the record.
        names: of the searches.
        against: the one that all are compared with.
    """
    other = race.curves(against)
    return np.array([[chance_better(race.curves(name)[:, at - 1], other[:, at - 1]) for at in AT] for name in names])


def beyond(race: Race, names: Sequence[str], best: float) -> Table:
    """Say how many searches end with a leader that is worth more, by the surrogate, than anything that was run.

    Args:
        race: the record.
        names: of the searches.
        best: what the best recorded configuration is worth.
    """
    rows = []
    for name in names:
        curves = race.curves(name)
        rows.append([name, *(f"{(curves[:, at - 1] > best).mean():.0%}" for at in AT)])
    head = ("search", *(f"{at} trials" for at in AT))
    return Table(head, rows, f"searches whose leader is worth more than the best recorded configuration, {best:.4f}")


def promises(found: Mapping[tuple[int, str], tuple[NDArray, NDArray]]) -> Table:
    """Say what a surrogate promised where searches of it ended, and what came of it.

    Args:
        found: (round, how found) -> promised and real means, float64, (n,) each; see `landscape.leaders.promises`.
    """
    rows = []
    for (number, by), (promised, real) in found.items():
        place = "leaders of TPE" if by == "TPE" else "hilltops"
        means = (f"{promised.mean():.4f}", f"{real.mean():.4f}", f"{(promised - real).mean():+.4f}")
        rows.append([str(number), place, str(len(real)), *means, f"{promised.max():.4f}", f"{real.max():.4f}"])
    head = (
        "round",
        "configurations",
        "how many",
        "promised",
        "in real runs",
        "too much",
        "highest promise",
        "best run",
    )
    return Table(head, rows, "mean utilization where searches of the surrogate end")


def beat_default(race: Race, names: Sequence[str]) -> Table:
    """Say how often a search's leader is worth more than the default.

    Args:
        race: the record.
        names: of the searches.
    """
    rows = [[name, *(f"{(race.curves(name)[:, at - 1] > race.default).mean():.0%}" for at in AT)] for name in names]
    return Table(
        ("search", *(f"{at} trials" for at in AT)), rows, "searches whose leader is worth more than the default"
    )


def started(race: Race, names: Sequence[str], first: int = 10) -> Table:
    """Say how often a search is still led by one of its first trials.

    Args:
        race: the record.
        names: of the searches.
        first: how many trials are drawn before the first model.
    """
    rows = []
    for name in names:
        rows.append([name, *(f"{race.led_by_start(name, first, at):.0%}" for at in AT)])
    caption = f"searches that are led by one of their first {first} trials"
    return Table(("search", *(f"{at} trials" for at in AT)), rows, caption)


def gained(race: Race, name: str, first: int = 10) -> str:
    """Say how much of what a search gains comes from its first trials.

    Args:
        race: the record.
        name: of the search.
        first: how many trials are drawn before the first model.
    """
    means = race.curves(name).mean(axis=0)
    start, middle, end = means[0], means[first - 1], means[-1]
    share = f"{(middle - start) / (end - start):.0%}" if end > start else "nothing"
    return (
        f"{name}: one trial is worth {start:.4f}, the leader of {first} is worth {middle:.4f}, that of {race.trials} "
        f"{end:.4f}; of the rise, {share} comes from the first {first}"
    )


def agree(race: Race) -> Table:
    """Put the searches of `many` beside Optuna's samplers.

    Args:
        race: the record.
    """
    rows = []
    for name, twin in TWINS.items():
        ours, theirs = race.curves(name), race.curves(twin)
        entries = []
        for at in AT:
            one, other = ours[:, at - 1], theirs[:, at - 1]
            error = np.sqrt(one.var() / len(one) + other.var() / len(other))
            entries.append(f"{one.mean() - other.mean():+.4f} ± {2 * error:.4f}")
        rows.append([f"{name} less {twin}", *entries])
    caption = "difference of the means, and twice its standard error"
    return Table(("searches", *(f"{at} trials" for at in AT)), rows, caption)


def conclusion(race: Race, names: Sequence[str], at: int) -> str:
    """Say which search found most, by how much, and what that saves.

    Args:
        race: the record.
        names: of the searches, "random" among them.
        at: after how many trials.
    """
    ends = {name: race.curves(name)[:, at - 1] for name in names}
    order = sorted(names, key=lambda name: -ends[name].mean())
    best, second = order[0], order[1]
    chance = chance_better(ends[best], ends[second])
    close = "about even with" if abs(chance - 0.5) < EVEN else f"ahead in {chance:.0%} of the pairs of"
    text = f"after {at} trials {best} has found most, {ends[best].mean():.4f} on average; it is {close} {second}"
    if best == "random":
        return f"{text}; no search that learns is better than drawing at random here"
    over = chance_better(ends[best], ends["random"])
    text += (
        f" and ahead in {over:.0%} of the pairs of random search, by {ends[best].mean() - ends['random'].mean():.4f}"
    )
    means = race.curves("random").mean(axis=0)
    reached = np.flatnonzero(means >= ends[best].mean())
    if len(reached):
        return f"{text}; random search needs {reached[0] + 1} trials for as much"
    return f"{text}; random search does not get there in {race.trials} trials"


def spread(race: Race, names: Sequence[str], at: int) -> str:
    """Say how far a single search may be from the mean of its kind.

    Args:
        race: the record.
        names: of the searches.
        at: after how many trials.
    """
    ends = {name: race.curves(name)[:, at - 1] for name in names}
    means = [values.mean() for values in ends.values()]
    within = float(np.mean([values.std() for values in ends.values()]))
    return (
        f"after {at} trials the means of the {len(names)} searches span {max(means) - min(means):.4f}; two searches of "
        f"one kind differ by {1.13 * within:.4f} on average"
    )


def trust(path: str | Path = FILE) -> Table:
    """Say how well the surrogate predicts configurations that it was not fitted to.

    Args:
        path: what was recorded of it.
    """
    stored = read_json(path, "what is recorded of a surrogate")
    rows = [
        [
            name,
            f"{errors['spearman']:.2f}",
            f"{errors['rmse']:.4f}",
            f"{errors['noise']:.4f}",
            f"{errors['one_seed']:.4f}",
        ]
        for name, errors in (
            ("the study's, each predicted from the others", stored["cross_validated"]),
            ("20 fresh ones", stored["fresh"]),
        )
    ]
    head = ("configurations", "rank correlation", "its error", "of a perfect model", "of a single run")
    return Table(head, rows, "the surrogate on configurations that it has not seen")
