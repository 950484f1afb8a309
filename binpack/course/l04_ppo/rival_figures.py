"""Lesson 04, second part: a table of algorithms, and what their differences to one of them are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from binpack.core.statistics import mean_interval
from binpack.course.l04_ppo.rival_results import Reach, Runs, reached
from binpack.plots.figure import Figure, headed, new_still, plain_layout
from binpack.plots.style import EMPTY, INK, PAPER

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure
    from plotly import graph_objects as go

SHADE = "#F3F3F0"


def comparison(runs: Mapping[str, Runs], reach: Reach, threshold: float, *, title: str, digits: int = 3) -> Figure:
    """Draw a table of algorithms: the final score, the average on the way, steps to a threshold, spread and time.

    Args:
        runs: name of an algorithm to its runs.
        reach: (steps, scores, threshold) -> steps of each run, infinity for one that never gets there.
        threshold: the score to reach.
        title: the title.
        digits: decimals of scores.
    """
    columns = (
        "final score, 95 % interval",
        "average on the way",
        f"steps to {threshold:g}",
        "runs that get there",
        "SD over seeds",
        "CPU seconds",
    )
    rows = {}
    for name, each in runs.items():
        low, high = mean_interval(each.final)
        span = "" if np.isnan(low) else f" [{low:.{digits}f}, {high:.{digits}f}]"
        count, steps = reached(each, reach, threshold)
        rows[name] = (
            f"{each.final.mean():.{digits}f}{span}",
            f"{each.average.mean():.{digits}f}",
            f"{steps:,.0f}" if np.isfinite(steps) else "not reached",
            f"{count} of {len(each.seeds)}",
            f"{each.final.std(ddof=1):.{digits}f}" if len(each.seeds) > 1 else "",
            f"{each.seconds.mean():.0f}" if np.isfinite(each.seconds).all() else "",
        )
    return table(rows, columns, title=title)


def table(rows: Mapping[str, Sequence[str]], columns: Sequence[str], *, title: str) -> Figure:
    """Draw a table of text.

    Args:
        rows: name of a row to its entries.
        columns: heads of the columns, as many as a row has entries.
        title: the title.
    """
    entries = [(name, *row) for name, row in rows.items()]
    heads = ("", *columns)
    said = "; ".join(f"{name}: {', '.join(filter(None, row))}" for name, row in rows.items())
    text = headed(title, f"{', '.join(columns)}; {said}")
    return Figure(_plotly_table(entries, heads, title), _still_table(entries, heads, title), text)


def _widths(entries: Sequence[Sequence[str]], heads: Sequence[str]) -> list[float]:
    """Letters that each column needs; a head may take two lines."""
    wide = [max(len(row[place]) for row in entries) for place in range(len(heads))]
    return [
        max(entry, 1.1 * len(_folded(head).split("\n")[0]), 6.0) + 2.5 for entry, head in zip(wide, heads, strict=True)
    ]


def _folded(head: str) -> str:
    """Break a head near its middle."""
    blanks = [place for place, letter in enumerate(head) if letter == " "]
    if len(head) < 12 or not blanks:
        return head
    middle = min(blanks, key=lambda place: abs(place - len(head) / 2))
    first, second = head[:middle], head[middle + 1 :]
    return f"{first.ljust(max(len(first), len(second)))}\n{second}" if first else head


def _plotly_table(entries: Sequence[Sequence[str]], heads: Sequence[str], title: str) -> go.Figure:
    from plotly import graph_objects as go

    fills = [[SHADE if number % 2 else PAPER for number in range(len(entries))]]
    plot = go.Figure(
        go.Table(
            columnwidth=_widths(entries, heads),
            header={
                "values": [f"<b>{' '.join(_folded(head).split())}</b>" for head in heads],
                "fill": {"color": EMPTY},
                "align": "left",
                "font": {"color": INK, "size": 12},
            },
            cells={
                "values": list(map(list, zip(*entries, strict=True))),
                "fill": {"color": fills},
                "align": "left",
                "font": {"color": INK, "size": 12},
                "height": 26,
            },
        )
    )
    return plain_layout(plot, title, 130 + 30 * len(entries))


def _still_table(entries: Sequence[Sequence[str]], heads: Sequence[str], title: str) -> MatplotlibFigure:
    widths = _widths(entries, heads)
    starts, total = np.cumsum([0.0, *widths]), sum(widths)
    still = new_still(max(6.0, 0.078 * total), 0.62 + 0.28 * (len(entries) + 1.6))
    axes = still.add_subplot()
    axes.set_xlim(0, total)
    axes.set_ylim(len(entries), -1.6)
    axes.axis("off")
    axes.axhspan(-1.6, 0, color=EMPTY)
    for place, head in zip(starts, heads, strict=False):
        words = "\n".join(line.rstrip() for line in _folded(head).split("\n"))
        axes.text(place + 0.8, -0.8, words, va="center", fontsize=9, fontweight="bold", color=INK)
    for number, row in enumerate(entries):
        if number % 2:
            axes.axhspan(number, number + 1, color=SHADE)
        for place, entry in zip(starts, row, strict=False):
            axes.text(place + 0.8, number + 0.5, entry, va="center", fontsize=9, color=INK)
    axes.set_title(title, loc="left", fontsize=12, color=INK)
    return still
