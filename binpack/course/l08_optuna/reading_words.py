"""Lesson 08b: what the records say, in tables and sentences that are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from binpack.course.l08_optuna import record_budgets, record_fronts, record_pruning, record_shares, shares, signs
from binpack.course.searching import EVEN, chance_better
from binpack.course.tables import Table
from binpack.search.landscape import task

QUOTED = (0.5, 0.7)
"""What pruning is often said to save."""
_TOP = 3


# ------------------------------------------------------------------------------------------------------------- pruning


def pruned(record: record_pruning.Record, of: str) -> Table:
    """Say what each pruner saves and what it kills.

    Args:
        record: the replays.
        of: "points" or "seeds".
    """
    rows = []
    for name in record.names(of)[1:]:
        mine = record.found[of, name]
        low, high = np.quantile(mine["saved"], [0.1, 0.9])
        ranks = mine["rank"][mine["rank"] > 0]
        rows.append(
            [
                name,
                f"{mine['saved'].mean():.0%} ({low:.0%} to {high:.0%})",
                f"{mine['good_killed'].mean():.0%}",
                f"{mine['best_killed'].mean():.0%}",
                f"{np.median(ranks):.0f}" if len(ranks) else "none",
                f"{mine['loss'].mean():.4f}",
            ]
        )
    head = ("pruner", "steps saved", "good ones killed", "best one killed", "rank of the best killed", "loss in worth")
    return Table(head, rows, "steps saved: mean, and the middle 80 % of the searches; rank: the median")


def quoted(record: record_pruning.Record) -> str:
    """Set what pruners save on curves beside what is often quoted.

    Args:
        record: the replays.
    """
    low, high = QUOTED
    means = {name: float(record.found["points", name]["saved"].mean()) for name in record.names("points")[1:]}
    groups = {
        "less": [name for name, saved in means.items() if saved < low],
        "as much": [name for name, saved in means.items() if low <= saved <= high],
        "more": [name for name, saved in means.items() if saved > high],
    }
    parts = [f"{word} by {', '.join(names)}" for word, names in groups.items() if names]
    return f"beside the quoted {low:.0%} to {high:.0%}: {'; '.join(parts)}"


def equal_budgets(record: record_pruning.Record, of: str) -> Table:
    """Say what the saved steps buy.

    Args:
        record: the replays.
        of: "points" or "seeds".
    """
    plain = record.found[of, "none"]["worth"]
    rows = []
    for name in record.names(of):
        mine = record.found[of, name]
        difference = mine["worth"] - plain
        error = difference.std() / np.sqrt(len(difference))
        compared = "" if name == "none" else f"{difference.mean():+.4f} ± {2 * error:.4f}"
        chance = "" if name == "none" else f"{chance_better(mine['worth'], plain):.0%}"
        rows.append([name, f"{mine['started'].mean():.0f}", f"{mine['worth'].mean():.4f}", compared, chance])
    head = ("pruner", "trials started", "worth of the choice", "more than without", "chance to be ahead")
    return Table(head, rows, f"the budget: what {record.budget} whole trials cost; ± twice the standard error")


def best_pruner(record: record_pruning.Record, of: str) -> tuple[str, str]:
    """Say which pruner buys most at an equal budget: its name, and a sentence.

    Args:
        record: the replays.
        of: "points" or "seeds".
    """
    plain = record.found[of, "none"]["worth"]
    gains = {name: record.found[of, name]["worth"] - plain for name in record.names(of)[1:]}
    name = max(gains, key=lambda each: gains[each].mean())
    gain = gains[name]
    error = float(gain.std() / np.sqrt(len(gain)))
    if gain.mean() <= 2 * error:
        return (
            "none",
            f"at an equal budget no pruner finds more than none does; the nearest is {name}, {gain.mean():+.4f}",
        )
    chance = chance_better(record.found[of, name]["worth"], plain)
    return name, (
        f"at an equal budget {name} finds most, {gain.mean():+.4f} more than none does on average; its choice is the "
        f"better one in {chance:.0%} of the pairs"
    )


# --------------------------------------------------------------------------------------------------------- early signs


def tells(found: Mapping[str, NDArray], points: Sequence[int]) -> Table:
    """Put mean correlations at some points into a table, the sign that tells most at the first of them on top.

    Args:
        found: as `signs.correlations` returns it.
        points: numbers of points, from 1.
    """
    order = [name for name, _ in signs.telling(found, points[0] - 1)]
    rows = [[name, *(f"{found[name][:, point - 1].mean():+.2f}" for point in points)] for name in order]
    return Table(
        ("sign", *(f"{point * task.EVERY:,} steps" for point in points)), rows, "rank correlation with the worth"
    )


def soon(found: Mapping[str, NDArray], least: float = 0.9) -> str:
    """Say from which point on the score orders the configurations well.

    Args:
        found: as `signs.correlations` returns it.
        least: what is called well.
    """
    point = signs.first_point(found, "utilization", least)
    end = float(found["utilization"][:, -1].mean())
    if point is None:
        return f"no point of a single run's curve reaches a correlation of {least}; its end has {end:.2f}"
    share = point / found["utilization"].shape[1]
    return f"the score reaches a correlation of {least} after {share:.0%} of a run; at its end it is {end:.2f}"


# ---------------------------------------------------------------------------------------------------------- importance


def importances(record: record_shares.Record, trials: int) -> Table:
    """Put the true shares beside what the evaluators say.

    Args:
        record: the searches.
        trials: of the random searches.
    """
    columns = {name: record.found["random", trials, name] for name in shares.EVALUATORS}
    rows = []
    for place in np.argsort(-record.truth.in_all, kind="stable"):
        said = [f"{each[:, place].mean():.2f} ± {each[:, place].std():.2f}" for each in columns.values()]
        limits = [f"{record.limit(name)[place]:.2f}" for name in columns]
        rows.append(
            [
                task.SPACE.names[place],
                f"{record.truth.alone[place]:.2f}",
                f"{record.truth.in_all[place]:.2f}",
                *(entry for pair in zip(limits, said, strict=True) for entry in pair),
            ]
        )
    head = ["hyperparameter", "alone", "with others"]
    head += [entry for name in columns for entry in (f"{name}, endless", f"{name}, {trials} trials")]
    count = len(next(iter(columns.values())))
    return Table(head, rows, f"± is the spread over {count} searches of {trials} random trials")


def trust(record: record_shares.Record) -> Table:
    """Say how often a study names the hyperparameters that matter most.

    Args:
        record: the searches.
    """
    rows = []
    for evaluator in shares.EVALUATORS:
        for sampler in shares.SAMPLERS:
            entries = []
            for trials in record.lengths:
                mine, limit = record.found[sampler, trials, evaluator], record.limit(evaluator)
                first, top = shares.first_is(mine, limit).mean(), shares.overlap(mine, limit, _TOP).mean()
                entries.append(f"{first:.0%}, {top:.1f}")
            rows.append([evaluator, sampler, *entries])
    head = ("evaluator", "trials by", *(f"{trials} trials" for trials in record.lengths))
    return Table(head, rows, f"how often the first one is right, and how many of the {_TOP} most important are named")


def lies(record: record_shares.Record, trials: int) -> str:
    """Say what importance makes of trials that TPE chose.

    Args:
        record: the searches.
        trials: their length.
    """
    parts = []
    for evaluator in shares.EVALUATORS:
        limit = record.limit(evaluator)
        place = int(limit.argmax())
        means = [record.found[sampler, trials, evaluator][:, place].mean() for sampler in ("random", "TPE")]
        parts.append(
            f"{evaluator} gives {task.SPACE.names[place]} {means[0]:.2f} on random trials and {means[1]:.2f} on TPE's; "
            f"endless random trials would give {limit[place]:.2f}"
        )
    return "; ".join(parts)


# --------------------------------------------------------------------------------------------------- several objectives


def fronts(record: record_fronts.Record, against: str, at: Sequence[int] = (50, 100, 200)) -> Table:
    """Say how much each sampler covers.

    Args:
        record: the searches.
        against: the second objective.
        at: numbers of trials.
    """
    places = [int(np.flatnonzero(record.at == trials)[0]) for trials in at if trials in record.at]
    samplers = [name for kind, name in record.areas if kind == against]
    random = record.areas[against, "random"]
    rows = []
    for name in samplers:
        mine = record.areas[against, name]
        entries = [f"{mine[:, place].mean():.4f}" for place in places]
        chances = [f"{chance_better(mine[:, place], random[:, place]):.0%}" for place in places]
        shown = zip(entries, chances, strict=True)
        rows.append([name, str(len(mine)), *(one if name == "random" else f"{one} ({two})" for one, two in shown)])
    head = ("sampler", "repeats", *(f"{record.at[place]} trials" for place in places))
    return Table(head, rows, f"utilization against {against}: area covered (chance to be ahead of random search)")


# ------------------------------------------------------------------------------------------------------ how many trials


def doublings(record: record_budgets.Record, sampler: str) -> Table:
    """Say what more trials buy.

    Args:
        record: the searches.
        sampler: "TPE" or "random".
    """
    found = record.found["all eleven", sampler]
    rows = []
    for few, many in ((10, 20), (20, 50), (50, 100), (100, 200), (200, 400), (300, 600)):
        if record_budgets.AT.index(many) >= found.shape[1]:
            continue
        first, second = record.at("all eleven", sampler, few), record.at("all eleven", sampler, many)
        gain = second - first
        rows.append([f"{few} to {many}", f"{first.mean():.4f}", f"{second.mean():.4f}", f"{gain.mean():+.4f}"])
    caption = f"{sampler} in all eleven, {len(found)} repeats; the default is worth {record.default:.4f}"
    return Table(("trials", "worth before", "worth after", "gain"), rows, caption)


def enough(record: record_budgets.Record, sampler: str = "TPE", share: float = 0.9) -> tuple[int, str]:
    """Say after how many trials most of what a long search gains is there: the number, and a sentence.

    Args:
        record: the searches.
        sampler: which.
        share: what is called most.
    """
    means = record.found["all eleven", sampler].mean(axis=0)
    at = record_budgets.AT[: len(means)]
    gained = (means - means[0]) / (means[-1] - means[0]) if means[-1] > means[0] else np.ones(len(means))
    number = at[int(np.argmax(gained >= share))]
    return number, (
        f"{sampler} has {share:.0%} of what it gains from trial {at[0]} to trial {at[-1]} after {number} trials; "
        f"it is worth {means[at.index(number)]:.4f} there and {means[-1]:.4f} at the end"
    )


def few_or_all(record: record_budgets.Record, at: Sequence[int] = (20, 50, 100, 200)) -> Table:
    """Set searches of a few hyperparameters beside one of all.

    Args:
        record: the searches.
        at: numbers of trials.
    """
    spaces = [space for space, sampler in record.found if sampler == "TPE"]
    spaces.sort(key=lambda space: -len(record.names[space]))
    at = [trials for trials in at if record_budgets.AT.index(trials) < record.found[spaces[-1], "TPE"].shape[1]]
    rows = []
    for space in spaces:
        entries = []
        for trials in at:
            mine, whole = record.at(space, "TPE", trials), record.at("all eleven", "TPE", trials)
            chance = "" if space == "all eleven" else f" ({chance_better(mine, whole):.0%})"
            entries.append(f"{mine.mean():.4f}{chance}")
        rows.append([space, ", ".join(record.names[space]) if len(record.names[space]) < 6 else "", *entries])
    head = ("space", "what is searched", *(f"{trials} trials" for trials in at))
    return Table(head, rows, "worth of the leader by TPE (chance to be ahead of a search of all eleven)")


def best_space(record: record_budgets.Record, trials: int) -> tuple[str, str]:
    """Say in which space TPE finds most: its name, and a sentence.

    Args:
        record: the searches.
        trials: after how many.
    """
    spaces = [space for space, sampler in record.found if sampler == "TPE"]
    ends = {space: record.at(space, "TPE", trials) for space in spaces}
    best = max(spaces, key=lambda space: ends[space].mean())
    if best == "all eleven":
        return best, f"after {trials} trials the search of all eleven has found most, {ends[best].mean():.4f}"
    chance = chance_better(ends[best], ends["all eleven"])
    word = "about even with" if abs(chance - 0.5) < EVEN else f"ahead in {chance:.0%} of the pairs of"
    return best, (
        f"after {trials} trials the search of {best} has found most, {ends[best].mean():.4f}; it is {word} the search "
        f"of all eleven, {ends['all eleven'].mean():.4f}"
    )
