"""Figures of results: a mean is never drawn without the spread of its runs."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.core.statistics import FEWEST, mean_intervals
from binpack.files import InputError
from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import COLORS, INK
from binpack.text import hypertext, terminal

if TYPE_CHECKING:
    from plotly import graph_objects as go

Spread = Literal["interval", "range", "middle", "runs"]
_SHORT = 10  # letters of a name that has room under its bar
_SPREADS = {
    "interval": "95 % interval of the mean",
    "range": "lowest to highest",
    "middle": "the middle 80 % of the runs",
}


def bars_with_spread(
    data: Mapping[Any, ArrayLike],
    *,
    x: str,
    y: str,
    title: str | None = None,
    spread: Literal["interval", "range"] = "interval",
    runs: str = "runs",
) -> Figure:
    """Draw a mean for each group, its spread, and every run as a dot.

    Args:
        data: group to the results of its runs, one a seed.
        x: what the groups are.
        y: what was measured.
        title: the title; "y by x" where it is left out.
        spread: "interval" for the 95 % interval of the mean over the runs (see ``core.statistics``), none under three
            runs; "range" from the lowest run to the highest.
        runs: what one result comes from, for the text: "runs", "seeds", "streams".

    Raises:
        ValueError: there is no group, a group without runs, or an unknown spread.
    """
    _check(spread, ("interval", "range"))
    values = {terminal(name): _runs(results, name) for name, results in data.items()}
    if not values:
        raise InputError("there is nothing to draw: data has no groups")
    names, means = list(values), [float(results.mean()) for results in values.values()]
    ends = [tuple(end[0] for end in _ends(results[:, None], spread)) for results in values.values()]
    heading = title or f"{y} by {x}"
    note = f"bars: mean; whiskers: {_SPREADS[spread]}; dots: {runs}"
    arms = [
        [max(mean - low, 0.0) for mean, (low, _) in zip(means, ends, strict=True)],
        [max(high - mean, 0.0) for mean, (_, high) in zip(means, ends, strict=True)],
    ]
    parts = [f"{name} {_span(mean, *end)}" for name, mean, end in zip(names, means, ends, strict=True)]
    text = f"{y} by {x} ({_run_counts(values, runs)}): {', '.join(parts)}"
    arguments = values, means, arms, heading, note, x, y
    return Figure(_plotly_bars(*arguments), _bars(*arguments), text)


def curves_with_spread(
    data: Mapping[Any, tuple[ArrayLike, ArrayLike]],
    *,
    x: str,
    y: str,
    title: str | None = None,
    spread: Spread = "interval",
) -> Figure:
    """Draw learning curves: the mean of the runs as a line, their spread as a band.

    Args:
        data: name of a curve to its places on the x axis, shape (n,), and its runs, shape (seeds, n).
        x: what the x axis counts, for example "environment steps".
        y: what was measured.
        title: the title; "y by x" where it is left out.
        spread: "interval" for the 95 % interval of the mean over the runs (see ``core.statistics``), none under three
            runs; "range" from the lowest run to the highest; "middle" from the tenth percentile of the runs to the
            ninetieth, for hundreds of them; "runs" draws no band but every run as a thin line. Where each curve is a
            single run, such as a computed one, nothing is said of a spread.

    Raises:
        ValueError: there is no curve, shapes that do not fit, or an unknown spread.
    """
    _check(spread, ("interval", "range", "middle", "runs"))
    curves = {terminal(name): _curve(*curve, name) for name, curve in data.items()}
    if not curves:
        raise InputError("there is nothing to draw: data has no curves")
    bands = {name: _ends(runs, spread) for name, (_, runs) in curves.items()}
    heading = title or f"{y} by {x}"
    parts = [
        f"{name} ends at {_span(runs[:, -1].mean(), bands[name][0][-1], bands[name][1][-1])}"
        for name, (_, runs) in curves.items()
    ]
    exact = all(len(runs) == 1 for _, runs in curves.values())  # computed, say: nothing to average over
    counts = "" if exact else f" ({_run_counts({name: runs for name, (_, runs) in curves.items()})})"
    text = f"{y} by {x}{counts}: {', '.join(parts)}"
    note = f"lines: mean; bands: {_SPREADS[spread]}" if spread != "runs" else "thick lines: mean; thin lines: runs"
    note = "" if exact else note
    drawn = bands if spread != "runs" else {}
    arguments = curves, drawn, heading, note, x, y
    return Figure(_plotly_curves(*arguments), _curves(*arguments), text)


def _plotly_bars(values, means, arms, heading, note, x, y):
    from plotly import graph_objects as go

    names, places = list(values), np.arange(len(values))
    width, size, alpha = _dots(values)
    plot = go.Figure(
        go.Bar(
            x=places,
            y=means,
            width=0.7,
            marker={"color": COLORS[0], "opacity": 0.75, "line": {"width": 0}},
            text=[hypertext(name) for name in names],
            textposition="none",
            hovertemplate="%{text}: mean %{y}<extra></extra>",
        )
    )
    plot.add_scatter(
        x=np.concatenate([_beside(place, len(runs), width) for place, runs in enumerate(values.values())]),
        y=np.concatenate(list(values.values())),
        mode="markers",
        marker={"color": INK, "size": 1.6 * size, "opacity": alpha},
        text=[hypertext(name) for name, runs in values.items() for _ in runs],
        hovertemplate="%{text}: %{y}<extra></extra>",
    )
    # last, and so in front of the dots
    whiskers = {"type": "data", "array": arms[1], "arrayminus": arms[0], "color": INK, "thickness": 2.5, "width": 6}
    plot.add_scatter(x=places, y=means, mode="markers", marker={"opacity": 0}, error_y=whiskers, hoverinfo="skip")
    _finish_plotly(plot, heading, note, x, y, legend=False)
    turn = -30 if max(map(len, names)) > _SHORT else 0
    return plot.update_xaxes(
        tickvals=places, ticktext=[hypertext(name) for name in names], tickangle=turn, range=[-0.6, len(names) - 0.4]
    )


def _dots(values) -> tuple[float, float, float]:
    """Return how far dots lie from the middle of a bar, their size and opacity: many are a cloud, faint and wide."""
    most = max(map(len, values.values()))
    return (0.15, 3.0, 0.6) if most <= 30 else (0.28, 2.6, 0.45) if most <= 100 else (0.3, 2.0, 0.15)


def _beside(place: float, count: int, width: float) -> NDArray[np.float64]:
    """Return places of dots side by side: equal runs stay visible, and no randomness moves them."""
    return place + np.linspace(-width, width, count)


def _bars(values, means, arms, heading, note, x, y):
    still = new_still(max(5.0, 1.2 + 0.9 * len(values)), 3.8)
    axes = still.add_subplot()
    places = np.arange(len(values))
    width, size, alpha = _dots(values)
    axes.bar(places, means, width=0.7, color=COLORS[0], alpha=0.75)
    for place, runs in zip(places, values.values(), strict=True):
        axes.plot(
            _beside(place, len(runs), width), runs, "o", color=INK, markersize=size, alpha=alpha, markeredgewidth=0
        )
    axes.errorbar(places, means, yerr=arms, fmt="none", ecolor=INK, elinewidth=2, capsize=5, capthick=2, zorder=3)
    turned = max(map(len, values)) > _SHORT
    turn: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if turned else {}
    axes.set_xticks(places, list(values), **turn)
    _finish(axes, heading, note, x, y)
    return still


def _plotly_curves(curves, bands, heading, note, x, y):
    from plotly import graph_objects as go

    plot = go.Figure()
    for number, (name, (steps, runs)) in enumerate(curves.items()):
        color, shown = COLORS[number % len(COLORS)], hypertext(name)
        behind = {"hoverinfo": "skip", "showlegend": False, "legendgroup": shown}
        if name in bands:
            low, high = bands[name]
            x_there, y_there = np.concatenate([steps, steps[::-1]]), np.concatenate([high, low[::-1]])
            plot.add_scatter(
                x=x_there, y=y_there, fill="toself", fillcolor=color, opacity=0.2, line={"width": 0}, **behind
            )
        for run in runs if name not in bands else ():
            plot.add_scatter(x=steps, y=run, mode="lines", line={"color": color, "width": 1}, opacity=0.4, **behind)
        line = {"color": color, "width": 2}
        plot.add_scatter(
            x=steps, y=runs.mean(axis=0), mode="lines", line=line, name=hypertext(name), legendgroup=hypertext(name)
        )
    return _finish_plotly(plot, heading, note, x, y, legend=len(curves) > 1)


def _curves(curves, bands, heading, note, x, y):
    still = new_still(7.0, 3.8)
    axes = still.add_subplot()
    lines: list[Any] = []
    for number, (name, (steps, runs)) in enumerate(curves.items()):
        color = COLORS[number % len(COLORS)]
        if name in bands:
            axes.fill_between(steps, *bands[name], color=color, alpha=0.2, linewidth=0)
        else:
            axes.plot(steps, runs.T, color=color, linewidth=0.8, alpha=0.4)
        lines += axes.plot(steps, runs.mean(axis=0), color=color, linewidth=2)
    if len(curves) > 1:
        axes.legend(lines, list(curves), frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.margins(x=0.02)
    # as many ticks as fit with numbers that may be long
    axes.locator_params(axis="x", nbins=6)
    if max(np.max(steps) for steps, _ in curves.values()) >= 10_000:
        axes.xaxis.set_major_formatter("{x:,.0f}")
    _finish(axes, heading, note, x, y)
    return still


def _finish(axes, heading: str, note: str, x: str, y: str) -> None:
    axes.set_title(heading, loc="left", fontsize=12, color=INK, pad=19 if note else 6)
    axes.annotate(note, (0, 1), (0, 6), "axes fraction", "offset points", fontsize=8.5, color=INK)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)


def _finish_plotly(plot: go.Figure, heading: str, note: str, x: str, y: str, *, legend: bool) -> go.Figure:
    plain_layout(plot, f"{heading}<br><sup>{note}</sup>" if note else heading, 420, showlegend=legend)
    line = {"showline": True, "linecolor": INK, "ticks": "outside", "zeroline": False}
    plot.update_xaxes(title=x, showgrid=False, nticks=7, **line)
    return plot.update_yaxes(title=y, nticks=9, **line)


def _runs(runs: ArrayLike, name: object) -> NDArray[np.float64]:
    array = np.asarray(runs, float)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise InputError(f"the runs of {name} must be finite numbers, one a run, got shape {array.shape}")
    return array


def _curve(steps: ArrayLike, runs: ArrayLike, name: object) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    places, array = np.asarray(steps, float), np.atleast_2d(np.asarray(runs, float))
    if places.ndim != 1 or array.ndim != 2 or array.shape[1] != len(places) or not array.size:
        raise InputError(f"the curve {name} has places of shape {places.shape} but runs of shape {array.shape}")
    return places, array


def _check(spread: str, known: tuple[str, ...]) -> None:
    if spread not in known:
        *others, last = map(repr, known)
        raise InputError(f"spread must be {', '.join(others)} or {last}, got {spread!r}")


def _ends(runs: NDArray[np.float64], spread: Spread) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Low and high end of each column's spread; runs (seeds, n) -> two of (n,)."""
    if spread == "middle":
        low, high = np.percentile(runs, [10, 90], axis=0)
        return low, high
    if spread != "interval":
        return runs.min(axis=0), runs.max(axis=0)
    if len(runs) < FEWEST:
        return runs.mean(axis=0), runs.mean(axis=0)
    return mean_intervals(runs)


def _run_counts(values: Mapping[str, Sized], noun: str = "runs") -> str:
    counts = sorted({len(runs) for runs in values.values()})
    which = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{which} {noun.removesuffix('s')}" if counts == [1] else f"{which} {noun} each"


def _span(mean: float, low: float, high: float) -> str:
    return f"{mean:.3g} [{low:.3g}, {high:.3g}]" if low < high else f"{mean:.3g}"
