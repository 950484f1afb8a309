"""Lesson 09: pictures of what workers do and gain, of brackets, of populations, and of what interruptions cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from binpack.course.charts import Series, chart
from binpack.course.l09_scaling_out import population
from binpack.course.l09_scaling_out.population import Lives
from binpack.course.l09_scaling_out.workers import Bar, pool
from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import COLORS

_GREY = "#BBBBBB"


def speed_ups(speed_up: Callable[[float, int], float], shares: Sequence[float], most: int) -> Figure:
    """Draw Amdahl's law for several serial shares.

    Args:
        speed_up: (serial share, workers) -> speed-up.
        shares: the serial shares.
        most: how many workers there are at most.
    """
    workers = np.arange(1, most + 1)
    series = [
        Series(f"{share:.0%} serial", workers, np.array([speed_up(share, int(n)) for n in workers]).round(3))
        for share in shares
    ]
    said = ", ".join(f"{share:.0%} serial {speed_up(share, most):.1f}" for share in shares)
    text = f"speed-up with {most} workers: {said}"
    ideal = Series("nothing serial", workers, workers, dashed=True, color=_GREY)
    return chart([ideal, *series], x="workers", y="speed-up", title="Amdahl's law", text=text)


def brackets(
    plan: Callable[[int, NDArray, int], tuple[NDArray, int]], found: NDArray, rungs: Sequence[int], factor: int
) -> Figure:
    """Draw how many trials of each of Hyperband's brackets are left after how many points.

    Args:
        plan: (trials, rungs, factor) -> how many trials reach each rung, and the cost.
        found: trials and first rung of each bracket, int, (brackets, 2).
        rungs: all of them.
        factor: of halving.
    """
    series, said = [], []
    for number, (trials, first) in enumerate(found.tolist()):
        mine = np.array([rung for rung in rungs if rung >= first])
        counts, cost = plan(trials, mine, factor)
        # a count holds from the rung before up to this one
        x = np.repeat(np.concatenate([[0], mine]), 2)[1:-1]
        # the first ones are thicker, so that they are seen below those that cover them
        width = 2.0 * (len(found) - number)
        series.append(Series(f"bracket {number + 1}", x, np.repeat(counts, 2), width=width))
        said.append(f"bracket {number + 1} begins with {trials} and trains {cost} points")
    title = "Hyperband's brackets: trials that are being trained"
    return chart(series, x="points of a run", y="trials", title=title, text="; ".join(said), levels=(0,))


def paths(named: Mapping[str, Lives]) -> Figure:
    """Draw where the members of the first toy go.

    Args:
        named: name -> what became of a population.
    """
    series, said = [], []
    for (name, lives), color in zip(named.items(), COLORS, strict=False):
        for member in range(lives.weights.shape[1]):
            x, y = lives.weights[:, member].T.round(4)
            label = name if member == 0 else ""
            series.append(Series(label, x, y, "dots", color=color))
        said.append(f"{name} ends at {lives.scores[-1].max():.2f}")
    series.append(Series("the best place", np.array([0.0]), np.array([0.0]), "crosses", color=COLORS[2]))
    text = f"two members each; of {population.TOP} at most, {', '.join(said)}"
    return chart(series, x="x", y="y", title="two members that are blind in one direction each", text=text)


def lengths(lives: Lives, best_fixed: float) -> Figure:
    """Draw the step of the best member of the second toy, over the steps of all.

    Args:
        lives: of a population.
        best_fixed: the fixed step that ends best.
    """
    at = np.arange(len(lives.scores))
    series = [
        Series("", at, lives.hypers[:, member, 0].round(4), color=_GREY, width=1)
        for member in range(lives.hypers.shape[1])
    ]
    best = population.best_length(lives).round(4)
    series.append(Series("of the best member", at, best, color=COLORS[0]))
    series.append(Series("the best fixed one", at[[0, -1]], np.full(2, best_fixed), dashed=True, color=COLORS[1]))
    quarter = len(best) // 4
    text = (
        f"the best member's step is {np.median(best[1:quarter]):.3f} in the first quarter and "
        f"{np.median(best[-quarter:]):.3f} in the last, by the median; the best fixed one is {best_fixed:.3f}"
    )
    title = "a schedule that nobody wrote down"
    return chart(series, x="steps", y="length of the step", title=title, text=text, log=True)


def overhead(intervals: NDArray, played: NDArray, formula: Callable[[NDArray], NDArray], best: float) -> Figure:
    """Draw what is lost for each interval between checkpoints.

    Args:
        intervals: seconds, (n,).
        played: shares that were lost, (n, repeats).
        formula: seconds, (m,) -> shares that should be lost, (m,).
        best: the best interval by the formula, s.
    """
    fine, means = np.geomspace(intervals[0], intervals[-1], 80), played.mean(axis=1)
    lowest = intervals[means.argmin()] / 60
    series = [
        Series("by the formula", (fine / 60).round(3), formula(fine).round(5)),
        Series("played", (intervals / 60).round(3), means.round(5), "dots", color=COLORS[1]),
    ]
    text = f"of the intervals that were played {lowest:.1f} minutes lose least; Young's is {best / 60:.1f} minutes"
    axes: dict[str, Any] = {"x": "minutes between checkpoints", "y": "extra time, as a share of the work"}
    return chart(series, title="how often to write a checkpoint", text=text, **axes)


def tried(studies: Mapping[str, optuna.Study], name: str) -> Figure:
    """Draw what searches have tried of a hyperparameter, on a logarithmic axis.

    Args:
        studies: name of each search to its study.
        name: of the hyperparameter.
    """
    series, said = [], []
    for search, study in studies.items():
        values = [trial.params[name] for trial in study.trials]
        series.append(Series(search, np.arange(1, len(values) + 1), np.array(values), "dots"))
        said.append(f"{search} {study.best_value:.3f} at {study.best_trial.params[name]:.2g}")
    text = f"the best trial of each: {', '.join(said)}"
    return chart(series, x="trial", y=name, title="one space, three libraries", text=text, log=True)


def row_of_trials(lengths: Sequence[float], workers: int, *, title: str, text: str, x: str) -> Figure:
    """Draw what a pool of workers does with trials that wait in a row.

    Args:
        lengths: of the trials, (n,).
        workers: how many.
        title: the title.
        text: what the figure says, in one line.
        x: what the axis of the time counts.
    """
    return timeline(pool(lengths, workers), title=title, text=text, x=x)


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
