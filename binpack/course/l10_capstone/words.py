"""Lesson 10: tables and sentences, computed from the parcels and from what was recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.core.heuristics import HEURISTICS
from binpack.core.statistics import verdict
from binpack.course.l10_capstone import task
from binpack.course.l10_capstone.record_capstone import Record
from binpack.course.tables import Table
from binpack.plots.page import Page
from binpack.search.leaderboard import HEAD, Board, Entry, rows_of


def cells(
    loss: Callable[[NDArray, int], float],
    sizes: Sequence[int],
    items: Path = task.PARCELS,
    size: Sequence[int] = task.BIN,
) -> Table:
    """List what cells of several sizes lose and cost.

    Args:
        loss: (edges, cell) -> share of air.
        sizes: edges of cells, mm, that divide the bin's.
        items: the file.
        size: the bin's edges, mm.
    """
    edges, rows = task.edges(items), []
    for cell in sizes:
        env = task.env(items, cell, size)
        sides = " x ".join(map(str, env.bin_size))
        rows.append([f"{cell} mm", sides, f"{env.actions:,}", f"{loss(edges, cell):.1%}"])
    return Table(("cell", "bin in cells", "actions", "lost to rounding"), rows)


def budgets(plan: Callable[..., int], minutes: float) -> Table:
    """List how many trials several budgets buy.

    Args:
        plan: (hours, minutes, workers, finalists, seeds, runs of a trial) -> trials.
        minutes: that a run takes.
    """
    rows = []
    for hours in (1, 2, 8, 24):
        for per_trial in (1, 2):
            trials = plan(0.9 * hours, minutes, 2, task.TOP, task.FRESH, per_trial)
            final = (task.TOP + 1) * task.FRESH
            rows.append([f"{hours} h", str(per_trial), str(trials), str(trials * per_trial), str(final)])
    caption = f"2 workers, {minutes:g} minutes a run, a tenth of the time kept back"
    return Table(("time", "seeds of a trial", "trials", "runs of the search", "runs of the end"), rows, caption)


def space() -> Table:
    """List the space beside the default configuration."""
    rows = []
    for (name, parameter), decides in zip(task.SPACE.parameters.items(), _DECIDES, strict=True):
        scale = "log" if getattr(parameter, "log", False) else "plain"
        rows.append([name, parameter.range(), scale, f"{getattr(task.DEFAULT, name):g}", decides])
    return Table(("hyperparameter", "range", "scale", "default", "what it decides"), rows)


_DECIDES = (
    "how far each gradient step goes",
    "how many gradient steps a rollout gets",
    "how far ahead a placement is judged",
    "how long the agent goes on trying things out",
)


def trials(rows: Sequence[Mapping[str, Any]]) -> Table:
    """List the trials of a small study.

    Args:
        rows: of ``report.trials_table``.
    """
    names = task.SPACE.names
    shown = [
        [
            str(row["number"]),
            row["state"] + (", default" if row["default"] else ""),
            "" if row["value"] is None else f"{row['value']:.4f}",
            *(f"{row['params'][name]:.3g}" for name in names),
        ]
        for row in rows
    ]
    return Table(("trial", "state", "score", *names), shown)


def searched(record: Record) -> str:
    """Say what the recorded search cost and found.

    Args:
        record: of the capstone.
    """
    complete = [row for row in record.trials if row["value"] is not None]
    best = max(complete, key=lambda row: row["value"])
    default = next(row for row in record.trials if row["default"])
    steps, minutes = sum(row["steps"] for row in record.trials), sum(row["seconds"] for row in record.trials) / 60
    return (
        f"{len(complete)} of {len(record.trials)} trials complete, {steps:,} steps, {minutes:.0f} minutes of a core; "
        f"best: trial {best['number']} with {best['value']:.4f}; the default scored {default['value']:.4f}"
    )


def chosen(record: Record, numbers: Sequence[int]) -> Table:
    """List finalists with their tuning scores.

    Args:
        record: of the capstone.
        numbers: of the trials, the best first.
    """
    rows = []
    for number in numbers:
        row = record.trials[number]
        rows.append([str(number), f"{row['value']:.4f}", *(f"{row['params'][name]:.4g}" for name in task.SPACE.names)])
    return Table(("trial", "tuning score", *task.SPACE.names), rows)


def arms(record: Record, *, later: bool = False) -> dict[str, Sequence[float]]:
    """Return what was trained anew: name to scores, one a seed.

    Args:
        record: of the capstone.
        later: whether on the parcels of the month after.
    """
    scores = record.later if later else record.finalists.scores
    order = [*map(str, record.finalists.trials), "default"]
    return {name if name == "default" else f"trial {name}": scores[name] for name in order}


def promised(record: Record) -> tuple[float, float]:
    """Return the tuning scores of the best finalist and of the default.

    Args:
        record: of the capstone.
    """
    default = next(row["value"] for row in record.trials if row["default"])
    return record.trials[record.finalists.trials[0]]["value"], default


def kept_of(share: float, tuned: float, default: float) -> str:
    """Say what is left of a gain.

    Args:
        share: of the promised gain.
        tuned: tuning score of the best trial.
        default: of the default.
    """
    if tuned <= default:
        return f"the search promised no gain: {tuned:.4f} beside {default:.4f}"
    return f"promised: {tuned - default:+.4f}; kept on fresh seeds and unseen streams: {share:.0%} of it"


def p_values(first: ArrayLike, second: ArrayLike) -> NDArray:
    """Return how often chance alone makes a mean difference so large: the paired t test, for each row.

    Source: Student, "The probable error of a mean", Biometrika 1908.

    Args:
        first: results, one a seed, (comparisons, seeds), 2 seeds or more.
        second: what each of them is compared with, on the same seeds, (seeds,).

    Returns:
        Two-sided p values, float64, (comparisons,); 1 where nothing differs.
    """
    from scipy.special import stdtr

    differences = np.asarray(first, float) - np.asarray(second, float)
    count = differences.shape[1]
    error = differences.std(axis=1, ddof=1) / np.sqrt(count)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(differences.mean(axis=1)) / error
    return np.where(error > 0, 2 * stdtr(count - 1, -size), np.where(differences.mean(axis=1) == 0, 1.0, 0.0))


def false_alarms(decide: Callable[[NDArray], NDArray], repeats: int = 4000, finalists: int = task.TOP) -> Table:
    """Count how often chance alone makes a finalist count: none of them is any better than the default.

    Args:
        decide: p values -> which count.
        repeats: how many finals are drawn.
        finalists: in each.
    """
    rng = np.random.default_rng(0)
    runs = rng.normal(size=(repeats, finalists + 1, task.FRESH))
    values = np.array([p_values(each[1:], each[0]) for each in runs])
    bare = (values <= 0.05).any(axis=1).mean()
    corrected = np.mean([np.any(decide(each)) for each in values])
    rows = [["each at the level 0.05", f"{bare:.1%}"], ["all together, by your function", f"{corrected:.1%}"]]
    caption = f"{repeats:,} finals of {finalists} finalists that are no better than the default"
    return Table(("rule", "finals with a false winner or loser"), rows, caption)


def judged(record: Record, decide: Callable[[NDArray], NDArray], *, later: bool = False) -> Table:
    """Judge each finalist beside the default, alone and together.

    Args:
        record: of the capstone.
        decide: p values -> which count.
        later: whether on the parcels of the month after.
    """
    named = arms(record, later=later)
    default = named.pop("default")
    values = p_values(list(named.values()), default)
    rows = []
    for (name, scores), value, counts in zip(named.items(), values, decide(values), strict=True):
        found = verdict(scores, default)
        low, high = found.interval
        together = "counts" if counts else "does not count"
        rows.append(
            [name, f"{found.difference:+.4f}", f"{low:+.4f} to {high:+.4f}", found.word, f"{value:.3f}", together]
        )
    head = ("finalist", "difference", "95 % interval", "alone", "p", "among all")
    return Table(head, rows, f"beside the default, {len(default)} seeds each")


def words_of_a_verdict() -> Table:
    """Make every word of the verdict from four invented comparisons."""
    default = [0.60, 0.64, 0.61, 0.66, 0.62]
    made = {
        "a gain with every seed": [score + 0.04 + noise for score, noise in zip(default, _NOISE, strict=True)],
        "gains and losses": [0.66, 0.60, 0.68, 0.62, 0.65],
        "a loss with every seed": [score - 0.05 + noise for score, noise in zip(default, _NOISE, strict=True)],
    }
    rows = [[name, str(verdict(scores, default))] for name, scores in made.items()]
    rows.append(["two seeds, both ahead", str(verdict([0.70, 0.71], default[:2]))])
    return Table(("what came out", "what the project says of it"), rows)


_NOISE = (0.004, -0.006, 0.002, 0.003, -0.003)


def beside(record: Record) -> Table:
    """List all that packed the same streams, in both months, the best of the first month first.

    Args:
        record: of the capstone.
    """
    first, after = record.finalists.others, record.later_others
    kinds = {name: "heuristic" if name in HEURISTICS else "shipped agent" for name in first}
    rows = [(name, kinds[name], score, after.get(name)) for name, score in first.items()]
    for (name, scores), later in zip(arms(record).items(), arms(record, later=True).values(), strict=True):
        rows.append((name, "trained anew", float(np.mean(scores)), float(np.mean(later))))
    rows.sort(key=lambda row: -row[2])
    shown = [[name, kind, f"{now:.4f}", "" if then is None else f"{then:.4f}"] for name, kind, now, then in rows]
    return Table(("agent", "what it is", "unseen, same month", "month after"), shown)


def ahead_of_rules(record: Record) -> str:
    """Say how the first finalist does beside the best heuristic.

    Args:
        record: of the capstone.
    """
    trial = str(record.finalists.trials[0])
    rule = next(name for name in record.finalists.others if name in HEURISTICS)
    now = verdict(record.finalists.scores[trial], record.finalists.others[rule])
    then = verdict(record.later[trial], record.later_others[rule])
    return f"trial {trial} beside {rule}: {now}\nthe month after: {then}"


def placeless(card: Page, folder: Path) -> Page:
    """Return a report card without the places that files have on this machine: with their names alone.

    Args:
        card: the page.
        folder: in which the study lies.
    """

    def told(text: str) -> str:
        return text.replace(str(task.PARCELS), task.PARCELS.name).replace(f"{folder}{os.sep}", "")

    parts = [
        replace(part, words=[told(each) for each in part.words], notes=[told(each) for each in part.notes])
        for part in card.parts
    ]
    return Page(told(card.title), told(card.lead), parts, told(card.foot))


def page(card: Page) -> Table:
    """List what a report card says, without its pictures and tables; what a figure says is its line of text.

    Args:
        card: the page.
    """
    rows = [["at the top", card.lead]]
    for part in card.parts:
        said = " ".join([*part.words, *(figure.text for figure in part.figures), *part.notes])
        rows.append([part.heading, said])
    return Table(("part", "what it says"), [row for row in rows if row[1]])


def equals(entry: Entry, names: Sequence[str]) -> list[Entry]:
    """Invent learners whose configurations are as good as one that was found: chance is all that tells them apart.

    Args:
        entry: what was found; the others' scores scatter over seeds as its scores do.
        names: of the learners.
    """
    rng, default = np.random.default_rng(0), entry.mean - entry.difference
    made = []
    for name in names:
        gains = rng.normal(entry.difference, np.std(entry.scores, ddof=1), size=len(entry.scores))
        judged = verdict(gains)
        scores = tuple((default + gains).tolist())
        made.append(replace(entry, name=name, scores=scores, verdict=judged.word, difference=judged.difference))
    return made


def board(found: Board) -> Table:
    """Show a leaderboard.

    Args:
        found: what a file holds.
    """
    return Table(HEAD, rows_of(found))
