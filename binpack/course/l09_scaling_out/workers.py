"""Lesson 09: what workers do side by side, as bars along the time, and a picture of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import COLORS


@dataclass(frozen=True)
class Bar:
    """A stretch of work.

    Attributes:
        worker: who does it, from 0.
        start: when it begins.
        end: when it ends.
        trial: what is worked on.
        kind: what sort of work it is; each has a colour.
    """

    worker: int
    start: float
    end: float
    trial: int
    kind: str = "at work"


def pool(lengths: Sequence[float], workers: int) -> list[Bar]:
    """Return what a pool does with trials that wait in a row.

    Args:
        lengths: of the trials, (n,).
        workers: how many.
    """
    free = [0.0] * workers
    bars = []
    for trial, length in enumerate(lengths):
        worker = min(range(workers), key=free.__getitem__)
        bars.append(Bar(worker, free[worker], free[worker] + length, trial))
        free[worker] += length
    return bars


def idle(bars: Sequence[Bar], workers: int) -> float:
    """Return the share of the workers' time, until the last bar ends, in which they do nothing.

    Args:
        bars: what they do.
        workers: how many there are.
    """
    whole = workers * max(bar.end for bar in bars)
    return 1 - sum(bar.end - bar.start for bar in bars) / whole if whole else 0.0


def timeline(
    bars: Sequence[Bar], *, title: str, text: str, x: str = "time", names: Sequence[str] | None = None
) -> Figure:
    """Draw who works on what.

    Args:
        bars: what is drawn, with the number of its trial on it where there is room.
        title: the title.
        text: what the figure says, in one line.
        x: what the axis of the time counts.
        names: of the workers; None numbers them from 1.
    """
    count = max(bar.worker for bar in bars) + 1
    named = list(names) if names is not None else [f"worker {number + 1}" for number in range(count)]
    colors = dict(zip(dict.fromkeys(bar.kind for bar in bars), (COLORS[0], *COLORS[3:], *COLORS[1:3]), strict=False))
    return Figure(_plotly(bars, named, colors, title, x), _still(bars, named, colors, title, x), text)


def _labels(bars: Sequence[Bar]) -> list[str]:
    """The number of each bar's trial, where the bar is long enough to hold it."""
    last = max(bar.end for bar in bars)
    return [str(bar.trial) if bar.end - bar.start > 0.03 * last else "" for bar in bars]


def _plotly(bars: Sequence[Bar], names: Sequence[str], colors: Mapping[str, str], title: str, x: str) -> Any:
    from plotly import graph_objects as go

    plot = go.Figure()
    for kind, color in colors.items():
        mine = [(bar, label) for bar, label in zip(bars, _labels(bars), strict=True) if bar.kind == kind]
        plot.add_bar(
            y=[names[bar.worker] for bar, _ in mine],
            base=[round(bar.start, 4) for bar, _ in mine],
            x=[round(bar.end - bar.start, 4) for bar, _ in mine],
            text=[label for _, label in mine],
            customdata=[bar.trial for bar, _ in mine],
            hovertemplate="trial %{customdata}: %{base:.3g} to %{x:.3g}",
            orientation="h",
            name=kind,
            marker={"color": color, "line": {"color": "#FFFFFF", "width": 1}},
        )
    plain_layout(plot, title, 120 + 40 * len(names), showlegend=len(colors) > 1, barmode="overlay")
    plot.update_yaxes(categoryorder="array", categoryarray=list(reversed(names)), showgrid=False)
    return plot.update_xaxes(title=x, rangemode="tozero")


def _still(bars: Sequence[Bar], names: Sequence[str], colors: Mapping[str, str], title: str, x: str) -> Any:
    still = new_still(7.6, 1.2 + 0.36 * len(names))
    axes = still.add_subplot()
    for bar, label in zip(bars, _labels(bars), strict=True):
        length = bar.end - bar.start
        axes.barh(bar.worker, length, left=bar.start, color=colors[bar.kind], edgecolor="#FFFFFF", height=0.8)
        axes.text(bar.start + length / 2, bar.worker, label, ha="center", va="center", fontsize=7, color="#FFFFFF")
    if len(colors) > 1:
        from matplotlib.patches import Patch

        patches = [Patch(color=color, label=kind) for kind, color in colors.items()]
        axes.legend(handles=patches, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel(x)
    axes.set_title(title, loc="left", fontsize=12)
    axes.spines[["top", "right"]].set_visible(False)
    return still
