"""Figures of lesson 05b: what a run says of itself, the robot arm, differences with their intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.course.charts import Series, chart
from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.films import film
from binpack.plots.style import COLORS, INK

SIGNS = (
    *("ep_rew_mean", "ep_len_mean", "policy_loss", "value_loss"),
    *("approx_kl", "clip_fraction", "explained_variance", "entropy"),
)
"""The diagnostics in the order of the panels."""
_COLUMNS = 4
_MOST_TICKS = 8
_LOG = {"value_loss": 1e-4, "approx_kl": 1e-4}
"""Diagnostics that go over powers of ten, and the smallest value that is drawn of each."""


def vital_signs(
    runs: Mapping[str, Mapping[str, ArrayLike]],
    title: str,
    names: Sequence[str] = SIGNS,
    limits: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """Draw what runs say of themselves, a panel for each diagnostic.

    Args:
        runs: name of a run to its diagnostics: name to one number an update; NaN where there is none.
        title: the title.
        names: which diagnostics.
        limits: of a panel's y axis, where a run would else leave no room for the others; value_loss and approx_kl
            have logarithmic axes.
    """
    series = {run: {name: _values(curves, name) for name in names} for run, curves in runs.items()}
    last = "; ".join(f"{run} ends at " + _listed(curves, names) for run, curves in series.items())
    arguments = series, title, tuple(names), dict(limits or {})
    return Figure(_plotly_signs(*arguments), _still_signs(*arguments), f"{title}: {last}")


def _values(curves: Mapping[str, ArrayLike], name: str) -> NDArray:
    return np.maximum(np.asarray(curves[name], float), _LOG.get(name, -np.inf))


def _listed(curves: Mapping[str, NDArray], names: Sequence[str]) -> str:
    return ", ".join(f"{name} {curves[name][-1]:.3g}" for name in names)


def decimal_ticks(values: Iterable[ArrayLike], limits: tuple[float, float] | None = None) -> list[float]:
    """Return the ticks of a logarithmic axis, at steps of 1, 2 and 5; over many powers of ten at 1 alone.

    Args:
        values: what is drawn, above 0; NaN where there is nothing.
        limits: of the axis; where they are left out, the first tick lies at the lowest value or below it, and the last
            one at the highest or above it.
    """
    drawn = np.concatenate([np.ravel(each) for each in values]) if limits is None else np.asarray(limits, float)
    drawn = drawn[np.isfinite(drawn) & (drawn > 0)]
    low, high = (float(drawn.min()), float(drawn.max())) if len(drawn) else (1.0, 1.0)
    powers = range(int(np.floor(np.log10(low))) - 1, int(np.ceil(np.log10(high))) + 2)
    for digits in ((1, 2, 5), (1,)):
        steps = [float(f"{digit}e{power}") for power in powers for digit in digits]
        if limits is not None:
            ticks = [step for step in steps if low <= step <= high]
        else:
            first = max(place for place, step in enumerate(steps) if step <= low)
            last = min(place for place, step in enumerate(steps) if step >= high and place > first)
            ticks = steps[first : last + 1]
        if len(ticks) <= _MOST_TICKS:
            break
    return ticks


def _decimal(value: float) -> str:
    return np.format_float_positional(value, trim="-") if value < 1e5 else f"{value:.0e}".replace("e+0", "e")


def _plotly_signs(series: Any, title: str, names: tuple[str, ...], limits: dict) -> Any:
    from plotly.subplots import make_subplots

    rows = -(-len(names) // _COLUMNS)
    plot = make_subplots(rows, min(_COLUMNS, len(names)), subplot_titles=names, vertical_spacing=0.2)
    for place, name in enumerate(names):
        where = {"row": place // _COLUMNS + 1, "col": place % _COLUMNS + 1}
        for number, (run, curves) in enumerate(series.items()):
            values = curves[name]
            look = {"color": COLORS[number % len(COLORS)], "width": 2}
            plot.add_scatter(
                x=np.arange(1, len(values) + 1),
                y=values,
                name=run,
                line=look,
                mode="lines",
                legendgroup=run,
                showlegend=place == 0 and len(series) > 1,
                **where,
            )
        if name in _LOG:
            ticks = decimal_ticks((curves[name] for curves in series.values()), limits.get(name))
            names_of_ticks = [_decimal(tick) for tick in ticks]
            ends = np.log10(limits.get(name, (ticks[0], ticks[-1]))).tolist()  # plotly wants their logarithms
            plot.update_yaxes(type="log", tickvals=ticks, ticktext=names_of_ticks, range=ends, **where)
        elif name in limits:
            plot.update_yaxes(range=limits[name], **where)
    plain_layout(plot, title, 190 * rows + 110)
    plot.update_annotations(font_size=12)
    plot.update_layout(legend={"orientation": "h", "x": 0.5, "xanchor": "center", "y": -0.14, "yanchor": "top"})
    return plot.update_xaxes(title="update", row=rows)


def _still_signs(series: Any, title: str, names: tuple[str, ...], limits: dict) -> Any:
    rows = -(-len(names) // _COLUMNS)
    still = new_still(8.9, 1.95 * rows + 0.6)
    panels = np.ravel(still.subplots(rows, min(_COLUMNS, len(names)), squeeze=False))
    for panel, name in zip(panels, names, strict=True):
        for number, (run, curves) in enumerate(series.items()):
            values = curves[name]
            panel.plot(np.arange(1, len(values) + 1), values, color=COLORS[number % len(COLORS)], label=run)
        if name in _LOG:
            ticks = decimal_ticks((curves[name] for curves in series.values()), limits.get(name))
            panel.set_yscale("log")
            panel.set_yticks(ticks, [_decimal(tick) for tick in ticks])
            panel.set_yticks([], minor=True)
            panel.set_ylim(limits.get(name, (ticks[0], ticks[-1])))
        elif name in limits:
            panel.set_ylim(limits[name])
        _plain(panel)
        panel.set_title(name, fontsize=10, color=INK)
        panel.tick_params(labelsize=8)
    for panel in panels[-_COLUMNS:]:
        panel.set_xlabel("update", fontsize=9)
    still.suptitle(title, x=0.01, ha="left", fontsize=12, color=INK)
    if len(series) > 1:
        still.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
    return still


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)


def pose(joints: NDArray, target: NDArray, reach: float = 1.0, title: str = "") -> Figure:
    """Draw an arm and the point that it is to reach.

    Args:
        joints: where shoulder, joints and tip are, in metres, (J + 1, 2).
        target: the point, (2,).
        reach: of the straight arm.
        title: the title.
    """
    away = float(np.hypot(*(np.asarray(target) - joints[-1])))
    return Figure(
        _plotly_pose(joints, target, reach, title),
        _still_pose(joints, target, reach, title),
        f"{title or 'arm'}: the tip is {100 * away:.0f} cm from the target",
    )


def _plotly_pose(joints: NDArray, target: NDArray, reach: float, title: str) -> Any:
    from plotly import graph_objects as go

    plot = go.Figure()
    turn = np.linspace(0, 2 * np.pi, 60)
    circle = {"color": "#AAAAAA", "width": 1, "dash": "dot"}
    plot.add_scatter(x=reach * np.cos(turn), y=reach * np.sin(turn), mode="lines", line=circle, hoverinfo="skip")
    plot.add_scatter(x=[target[0]], y=[target[1]], mode="markers", marker={"color": COLORS[1], "size": 15})
    look = {"line": {"color": COLORS[0], "width": 7}, "marker": {"color": INK, "size": 10}}
    plot.add_scatter(x=joints[:, 0], y=joints[:, 1], mode="lines+markers", **look)
    plain_layout(plot, title, 360, showlegend=False)
    ends = [-1.1 * reach, 1.1 * reach]
    plot.update_xaxes(range=ends, title="x in metres", constrain="domain")
    return plot.update_yaxes(range=ends, title="y in metres", scaleanchor="x", constrain="domain")


def _still_pose(joints: NDArray, target: NDArray, reach: float, title: str) -> Any:
    still = new_still(3.1, 3.1)
    axes = still.add_subplot()
    turn = np.linspace(0, 2 * np.pi, 100)
    axes.plot(reach * np.cos(turn), reach * np.sin(turn), ":", color="#AAAAAA", linewidth=1)
    axes.plot(*target, "o", color=COLORS[1], markersize=11)
    axes.plot(*joints.T, "-o", color=COLORS[0], linewidth=5, markersize=7, markerfacecolor=INK, markeredgecolor=INK)
    axes.set_xlim(-1.1 * reach, 1.1 * reach)
    axes.set_ylim(-1.1 * reach, 1.1 * reach)
    axes.set_aspect("equal")
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    return still


def arm_film(poses: Iterable[tuple[int, NDArray, NDArray]], title: str, reach: float = 1.0, dt: float = 0.1) -> Figure:
    """Show an arm at work.

    Args:
        poses: (step, joints, target) of each frame.
        title: the title.
        reach: of the straight arm.
        dt: seconds of a step.
    """
    frames = {f"after {step * dt:.1f} s": pose(joints, target, reach) for step, joints, target in poses}
    return film(frames, title=title, seconds=0.3)


def lines(
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]], *, x: str, y: str, title: str, log: bool = False
) -> Figure:
    """Draw plain curves, of one run each or computed.

    Args:
        curves: name to places on the x axis and values.
        x: what the x axis counts.
        y: what was measured.
        title: the title.
        log: whether the y axis is logarithmic.
    """
    ends = ", ".join(f"{name} ends at {np.asarray(values)[-1]:.3g}" for name, (_, values) in curves.items())
    series = [Series(name, at, values) for name, (at, values) in curves.items()]
    return chart(series, x=x, y=y, title=title, text=f"{title}: {ends}", log=log)
