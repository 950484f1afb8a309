"""Lesson 05: figures of the sweeps: one hyperparameter, a pair, what each was worth, and weights over steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.core.statistics import mean_intervals, verdict_words
from binpack.course.l05_hyperparameters import sweeps
from binpack.course.l05_hyperparameters.results import Runs, Sweeps, default_of, written
from binpack.course.l05_hyperparameters.worth import Worth
from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import COLORS, INK, shade
from binpack.plots.tables import heat_table

_RAMP = ("#DDAA33", "#BB5566", "#004488")
"""From the lowest value to the highest: Paul Tol's "high contrast" scheme (2021), darker from step to step."""
_NOTE = "lines and rings: mean; bands and whiskers: 95 % interval; dots: seeds"


def knob(record: Sweeps, name: str) -> Figure:
    """Draw the sweep of a hyperparameter: learning curves on the left, final scores on the right, in the same colours.

    Args:
        record: the sweeps.
        name: of the hyperparameter.
    """
    runs = record.knob(name)
    names = [written(value) + ("*" if value == default_of(name) else "") for value in runs]
    colors = [shade(_RAMP, place / max(len(names) - 1, 1)) for place in range(len(names))]
    ends = [_interval(each.final[:, None]) for each in runs.values()]
    parts = [
        f"{label} {each.final.mean():.3f} [{low[0]:.3f}, {high[0]:.3f}]"
        for label, each, (low, high) in zip(names, runs.values(), ends, strict=True)
    ]
    text = f"final utilization by {name} ({len(record.seeds)} seeds each, * the default): {', '.join(parts)}"
    arguments = name, list(runs.values()), names, colors
    return Figure(_plotly_knob(*arguments), _still_knob(*arguments), text)


def _interval(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return mean_intervals(scores)


def _beside(place: int, count: int) -> NDArray[np.float64]:
    return place + np.linspace(-0.2, 0.2, count)


def _short(values: ArrayLike) -> list[float]:
    """Four decimals are more than a pixel, and a tenth of the digits."""
    return np.round(np.asarray(values, float), 4).tolist()


def _plotly_knob(name: str, runs: Sequence[Runs], names: Sequence[str], colors: Sequence[str]) -> Any:
    from plotly.subplots import make_subplots

    plot = make_subplots(1, 2, horizontal_spacing=0.1, column_widths=[0.52, 0.48])
    for place, (each, label, color) in enumerate(zip(runs, names, colors, strict=True)):
        low, high = _interval(each.scores)
        around = [*each.steps.tolist(), *each.steps[::-1].tolist()]
        behind: dict[str, Any] = {"hoverinfo": "skip", "showlegend": False, "row": 1}
        plot.add_scatter(
            x=around,
            y=_short([*high, *low[::-1]]),
            fill="toself",
            fillcolor=color,
            opacity=0.15,
            line={"width": 0},
            mode="lines",
            col=1,
            **behind,
        )
        width = 3.5 if label.endswith("*") else 1.8
        line = {"color": color, "width": width}
        mean = _short(each.scores.mean(axis=0))
        plot.add_scatter(x=each.steps, y=mean, mode="lines", line=line, name=label, row=1, col=1)
        plot.add_scatter(
            x=_beside(place, len(each.final)),
            y=_short(each.final),
            mode="markers",
            marker={"color": INK, "size": 4, "opacity": 0.5},
            col=2,
            **behind,
        )
        low, high = _interval(each.final[:, None])
        centre = float(each.final.mean())
        plot.add_scatter(
            x=[place],
            y=_short([centre]),
            name=label,
            mode="markers",
            marker={"color": color, "size": 12, "symbol": "circle-open", "line": {"width": 3}},
            error_y={
                "array": _short(high - centre),
                "arrayminus": _short(centre - low),
                "color": color,
                "thickness": 2.5,
            },
            showlegend=False,
            row=1,
            col=2,
        )
    plain_layout(plot, f"{name}<br><sup>{_NOTE}</sup>", 420, showlegend=False)
    plot.update_yaxes(showline=True, linecolor=INK, zeroline=False)
    plot.update_yaxes(title="utilization", col=1).update_yaxes(title="at the end", col=2)
    plot.update_xaxes(title="environment steps", showgrid=False, showline=True, linecolor=INK, nticks=5, col=1)
    turned = -40 if max(map(len, names)) > 5 else 0
    ticks = {"tickvals": list(range(len(names))), "ticktext": names, "tickangle": turned}
    return plot.update_xaxes(
        title=f"{name} (* the default)", showgrid=False, showline=True, linecolor=INK, col=2, **ticks
    )


def _still_knob(name: str, runs: Sequence[Runs], names: Sequence[str], colors: Sequence[str]) -> Any:
    still = new_still(8.9, 3.7)
    left, right = still.subplots(1, 2, width_ratios=(1.1, 1.0))
    for place, (each, label, color) in enumerate(zip(runs, names, colors, strict=True)):
        left.fill_between(each.steps, *_interval(each.scores), color=color, alpha=0.13, linewidth=0)
        left.plot(each.steps, each.scores.mean(axis=0), color=color, linewidth=2.8 if label.endswith("*") else 1.4)
        low, high = _interval(each.final[:, None])
        centre = each.final.mean()
        right.plot(_beside(place, len(each.final)), each.final, "o", color=INK, markersize=2.5, alpha=0.5, mew=0)
        arms = [centre - low, high - centre]
        right.errorbar([place], [centre], yerr=arms, ecolor=color, elinewidth=2, capsize=4, capthick=2)
        right.plot([place], [centre], "o", markersize=8, markerfacecolor="none", markeredgecolor=color, mew=2.4)
    turned = max(map(len, names)) > 5
    look: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if turned else {}
    right.set_xticks(range(len(names)), names, fontsize=8.5, **look)
    right.set_xlabel(f"{name} (* the default)")
    left.set_xlabel("environment steps")
    left.set_ylabel("utilization")
    right.set_ylabel("at the end")
    left.locator_params(axis="x", nbins=5)
    left.xaxis.set_major_formatter("{x:,.0f}")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.3)
        axes.set_axisbelow(True)
    left.set_title(name, loc="left", fontsize=12, color=INK, pad=19)
    left.annotate(_NOTE, (0, 1), (0, 6), "axes fraction", "offset points", fontsize=8.5, color=INK)
    return still


def grid(record: Sweeps, one: str, other: str) -> Figure:
    """Draw a pair of hyperparameters as a table: how far each cell lies above or below the default, in hundredths.

    A frame marks what can be told from the default.

    Args:
        record: the sweeps.
        one: the hyperparameter of the rows.
        other: that of the columns.
    """
    ones, others = sweeps.GRIDS[one, other]
    finals = np.array([[record.runs({one: a, other: b}).final for b in others] for a in ones])
    gains = 100 * (finals - record.default.final).mean(axis=2)
    seeds = finals.shape[2]
    flat = finals.reshape(-1, seeds).T
    told = verdict_words(flat, np.repeat(record.default.final[:, None], flat.shape[1], axis=1))
    marked = np.array([word in ("ahead", "behind") for word in told]).reshape(gains.shape)
    title = f"{one} with {other}: final utilization above the default's, in hundredths"
    rows, columns = [f"{one} {written(a)}" for a in ones], [f"{other} {written(b)}" for b in others]
    return heat_table(gains, rows, columns, title=title, marked=marked, digits=1)


def grid_steps(counts: ArrayLike, one: str, other: str) -> Figure:
    """Draw how many gradient steps the cells of a grid take in a whole run.

    Args:
        counts: gradient steps, (rows, columns).
        one: the hyperparameter of the rows, as in `grid`.
        other: that of the columns.
    """
    ones, others = sweeps.GRIDS[one, other]
    rows, columns = [f"{one} {written(a)}" for a in ones], [f"{other} {written(b)}" for b in others]
    return heat_table(counts, rows, columns, title=f"{one} with {other}: gradient steps in a run", digits=0)


def weights(lines: Mapping[str, ArrayLike], *, x: str, y: str, title: str) -> Figure:
    """Draw weights over a number of steps, a line for each setting.

    Args:
        lines: name to weights, of 1, 2, 3 ... steps, (n,).
        x: what is counted.
        y: what the weights are.
        title: the title.
    """
    from plotly import graph_objects as go

    values = {name: np.asarray(line, float) for name, line in lines.items()}
    plot, still = go.Figure(), new_still(7.0, 3.4)
    axes = still.add_subplot()
    for place, (name, line) in enumerate(values.items()):
        steps, color = np.arange(1, len(line) + 1), COLORS[place % len(COLORS)]
        plot.add_scatter(x=steps, y=_short(line), name=name, mode="lines+markers", line={"color": color, "width": 2})
        axes.plot(steps, line, "o-", color=color, label=name, linewidth=1.8, markersize=4)
    plain_layout(plot, title, 380, showlegend=True).update_xaxes(title=x).update_yaxes(title=y)
    axes.set_title(title, loc="left", fontsize=12, color=INK)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.locator_params(axis="x", integer=True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    told = "; ".join(f"{name}: {', '.join(f'{weight:.2f}' for weight in line)}" for name, line in values.items())
    return Figure(plot, still, f"{title}: {told}")


def ranking(worths: Sequence[Worth]) -> Figure:
    """Draw what getting each hyperparameter wrong costs, and what tuning it alone gains, the costliest on top.

    Args:
        worths: of each hyperparameter.
    """
    order = sorted(worths, key=lambda worth: -worth.spread)
    arguments = order, [worth.name for worth in order]
    parts = [f"{each.name} {each.spread:.3f}, tuned {each.gain.difference:+.3f} {each.gain.word}" for each in order]
    text = f"spread of the means over the values, and gain by tuning this one alone: {'; '.join(parts)}"
    return Figure(_plotly_ranking(*arguments), _still_ranking(*arguments), text)


_LEFT, _RIGHT = "highest mean minus lowest mean", "gain by tuning it alone"
_CHANCE = "what chance alone would give"


def _arms(worth: Worth) -> tuple[float, float]:
    low, high = worth.gain.interval
    return worth.gain.difference - low, high - worth.gain.difference


def _plotly_ranking(order: Sequence[Worth], names: Sequence[str]) -> Any:
    from plotly.subplots import make_subplots

    plot = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.05, subplot_titles=(_LEFT, _RIGHT))
    bar = {"color": COLORS[0], "opacity": 0.75}
    spreads = _short([each.spread for each in order])
    plot.add_bar(x=spreads, y=names, orientation="h", marker=bar, name=_LEFT, row=1, col=1)
    mark = {"symbol": "line-ns-open", "size": 16, "color": INK, "line": {"width": 2}}
    chance = _short([each.chance for each in order])
    plot.add_scatter(x=chance, y=names, mode="markers", marker=mark, name=_CHANCE, row=1, col=1)
    arms = np.array([_arms(each) for each in order])
    plot.add_scatter(
        x=_short([each.gain.difference for each in order]),
        y=names,
        mode="markers",
        marker={"color": [COLORS[2] if each.gain.separable else COLORS[6] for each in order], "size": 9},
        error_x={"array": _short(arms[:, 1]), "arrayminus": _short(arms[:, 0]), "color": INK},
        name=_RIGHT,
        row=1,
        col=2,
    )
    plot.add_vline(x=0, line={"color": "#AAAAAA", "width": 1, "dash": "dot"}, row=1, col=2)
    plain_layout(plot, "what each hyperparameter was worth", 130 + 30 * len(order), showlegend=False)
    plot.update_annotations(font_size=12)
    plot.update_xaxes(title="utilization")
    return plot.update_yaxes(autorange="reversed")


def _still_ranking(order: Sequence[Worth], names: Sequence[str]) -> Any:
    still = new_still(8.9, 1.1 + 0.3 * len(order))
    left, right = still.subplots(1, 2, sharey=True)
    places = np.arange(len(order))
    left.barh(places, [each.spread for each in order], color=COLORS[0], alpha=0.75, height=0.7)
    left.plot([each.chance for each in order], places, "|", color=INK, markersize=13, markeredgewidth=2, label=_CHANCE)
    left.set_yticks(places, names)
    left.invert_yaxis()
    left.legend(frameon=False, loc="lower right", fontsize=8.5)
    right.axvline(0, color="#AAAAAA", linestyle=":", linewidth=1)
    for place, each in zip(places, order, strict=True):
        color = COLORS[2] if each.gain.separable else COLORS[6]
        arms = np.array(_arms(each))[:, None]
        right.errorbar([each.gain.difference], [place], xerr=arms, fmt="o", color=color, ecolor=color, capsize=3)
    for axes, title in ((left, _LEFT), (right, f"{_RIGHT}, 95 % interval")):
        axes.set_title(title, loc="left", fontsize=10.5, color=INK)
        axes.set_xlabel("utilization")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
    return still
