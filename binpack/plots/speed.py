"""Figures of what the engine costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from binpack.files import InputError
from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import COLORS

_SWEEPS = {"area": ("cells of the bin", "cells"), "edge": ("edge of the item, in cells", "edge")}
_TITLE = "cost of a mask"
_COST = "microseconds a mask"


def mask_curve(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw what a mask costs by the area of the bin, and by the edge of the item in one large bin.

    Args:
        rows: what ``bench.mask_curve`` returned: one dict a point with ``sweep``, ``bin``, ``cells``, ``edge``,
            ``rule``, ``mask_us`` and ``copy_us``.

    Returns:
        Two panels with logarithmic axes, one line a support rule; a thin line is what merely copying a mask and its
        landing heights takes.

    Raises:
        ValueError: there are no rows of one of the two sweeps.
    """
    sweeps = {sweep: [row for row in rows if row["sweep"] == sweep] for sweep in _SWEEPS}
    for sweep, points in sweeps.items():
        if not points:
            raise InputError(f"there is nothing to draw: no row has the sweep {sweep!r}")
    titles = [f"items of edge {sweeps['area'][0]['edge']}", f"bin {sweeps['edge'][0]['bin']}"]
    lines = {sweep: _lines(points, _SWEEPS[sweep][1]) for sweep, points in sweeps.items()}
    rules = [name for name in lines["area"] if name != "copy"]
    text = f"{_COST}: {', '.join(rules)}; " + "; ".join(
        f"{label} {min(points[0] for points in curves['copy'])} to {max(points[0] for points in curves['copy'])}"
        for (label, _), curves in zip(_SWEEPS.values(), lines.values(), strict=True)
    )
    return Figure(_plotly(lines, titles), _still(lines, titles), text)


def _lines(points: Sequence[Mapping[str, Any]], key: str) -> dict[str, list[tuple[int, float]]]:
    """Return name to points, one line a rule and one for the copy, ascending along x."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for row in points:
        lines.setdefault(row["rule"], []).append((row[key], row["mask_us"]))
    lines["copy"] = [(row[key], row["copy_us"]) for row in points if row["rule"] == points[0]["rule"]]
    return {name: sorted(line) for name, line in lines.items()}


def _style(number: int, name: str) -> tuple[str, float]:
    """Return a line's colour and width."""
    return (COLORS[-1], 1.0) if name == "copy" else (COLORS[number % (len(COLORS) - 1)], 2.0)


def _plotly(lines, titles):
    from plotly.subplots import make_subplots

    plot = make_subplots(rows=1, cols=2, shared_yaxes=True, subplot_titles=titles, horizontal_spacing=0.06)
    for column, curves in enumerate(lines.values(), 1):
        for number, (name, points) in enumerate(curves.items()):
            color, width = _style(number, name)
            plot.add_scatter(
                x=[x for x, _ in points],
                y=[y for _, y in points],
                mode="lines+markers",
                line={"color": color, "width": width},
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                row=1,
                col=column,
            )
    plain_layout(plot, _TITLE, 420)
    for column, ((label, _), curves) in enumerate(zip(_SWEEPS.values(), lines.values(), strict=True), 1):
        places = _apart([x for x, _ in curves["copy"]])
        ticks = {"tickvals": places, "ticktext": [f"{x:,}" for x in places], "tickangle": -45}
        plot.update_xaxes(type="log", title=label, **ticks, row=1, col=column)
    plot.update_yaxes(type="log", dtick=1, exponentformat="power")
    return plot.update_yaxes(title=_COST, row=1, col=1)


def _still(lines, titles):
    still = new_still(9.0, 3.8)
    still.suptitle(_TITLE, x=0.02, ha="left", fontsize=12)
    both = still.subplots(1, 2, sharey=True)
    for axes, curves, title, (label, _) in zip(both, lines.values(), titles, _SWEEPS.values(), strict=True):
        for number, (name, points) in enumerate(curves.items()):
            color, width = _style(number, name)
            axes.loglog(
                *zip(*points, strict=True), "o-", color=color, linewidth=width, markersize=2 * width, label=name
            )
        places = _apart([x for x, _ in curves["copy"]])
        axes.set_xticks(places, [f"{x:,}" for x in places], rotation=45, ha="right", rotation_mode="anchor")
        axes.minorticks_off()
        axes.set_title(title, fontsize=11)
        axes.set_xlabel(label)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
    both[0].set_ylabel(_COST)
    both[1].legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return still


def _apart(places: Sequence[int]) -> list[int]:
    """Return the places that are far enough from the one before for a number under each."""
    kept = list(places[:1])
    for place in places[1:]:
        if place >= 1.5 * kept[-1]:
            kept.append(place)
    return kept
