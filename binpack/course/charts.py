"""Plain charts of lines and dots for the lessons, in both forms from one description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import ArrayLike

from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import COLORS

Kind = Literal["line", "dots", "rings", "crosses"]
_MARKS = {"dots": ("circle", "o"), "rings": ("circle-open", "o"), "crosses": ("x", "x")}


@dataclass(frozen=True)
class Series:
    """What is drawn in one colour.

    Attributes:
        name: for the legend; an empty one is not in it.
        x: places, (n,).
        y: values, (n,).
        kind: "line", or marks at each place: "dots", "rings" or "crosses".
        color: None takes the next one of the course.
        dashed: whether a line is dashed.
        width: of a line, in points.
    """

    name: str
    x: ArrayLike
    y: ArrayLike
    kind: Kind = "line"
    color: str | None = None
    dashed: bool = False
    width: float = 2.0


@dataclass(frozen=True)
class _Chart:
    series: Sequence[Series]
    colors: Sequence[str]
    x: str
    y: str
    title: str
    levels: Sequence[float]
    ticks: Mapping[float, str]
    log: bool
    note: str

    @property
    def named(self) -> bool:
        """Whether there is something for a legend to tell apart."""
        return sum(bool(one.name) for one in self.series) > 1


def chart(
    series: Sequence[Series],
    *,
    x: str,
    y: str,
    title: str,
    text: str,
    levels: Sequence[float] = (),
    ticks: Mapping[float, str] | None = None,
    log: bool = False,
    note: str = "",
) -> Figure:
    """Draw lines and marks.

    Args:
        series: what is drawn, the first one lowest.
        x: what the x axis counts.
        y: what was measured.
        title: the title.
        text: what the figure says, in one line.
        levels: values at which a thin horizontal line helps the eye.
        ticks: place on the x axis to the word that stands there; None for numbers.
        log: whether the y axis is logarithmic.
        note: a second, smaller line below the title.
    """
    colors = [one.color or COLORS[place % len(COLORS)] for place, one in enumerate(series)]
    drawn = _Chart(series, colors, x, y, title, levels, ticks or {}, log, note)
    return Figure(_plotly(drawn), _still(drawn), text)


def _plotly(drawn: _Chart) -> Any:
    from plotly import graph_objects as go

    plot = go.Figure()
    for level in drawn.levels:
        plot.add_hline(y=level, line={"color": "#AAAAAA", "width": 1, "dash": "dot"}, layer="below")
    for one, color in zip(drawn.series, drawn.colors, strict=True):
        if one.kind == "line":
            dash = "dash" if one.dashed else "solid"
            style: dict[str, Any] = {"mode": "lines", "line": {"color": color, "width": one.width, "dash": dash}}
        else:
            size = {"dots": 6, "rings": 13, "crosses": 9}[one.kind]
            mark = {"color": color, "size": size, "symbol": _MARKS[one.kind][0], "line": {"width": 2}}
            style = {"mode": "markers", "marker": mark if one.kind == "rings" else {**mark, "line": {"width": 0}}}
        plot.add_scatter(x=one.x, y=one.y, name=one.name, showlegend=bool(one.name), **style)
    heading = f"{drawn.title}<br><sup>{drawn.note}</sup>" if drawn.note else drawn.title
    plain_layout(plot, heading, 380, showlegend=drawn.named)
    if drawn.ticks:
        plot.update_xaxes(tickvals=list(drawn.ticks), ticktext=list(drawn.ticks.values()), showgrid=False)
    if drawn.log:
        plot.update_yaxes(type="log")
    return plot.update_xaxes(title=drawn.x).update_yaxes(title=drawn.y)


def _still(drawn: _Chart) -> Any:
    still = new_still(7.6, 3.4)
    axes = still.add_subplot()
    for level in drawn.levels:
        axes.axhline(level, color="#AAAAAA", linewidth=1, linestyle=":")
    for one, color in zip(drawn.series, drawn.colors, strict=True):
        if one.kind == "line":
            style = "--" if one.dashed else "-"
            axes.plot(one.x, one.y, style, color=color, linewidth=one.width, label=one.name or None)
            continue
        look: dict[str, Any] = {"markersize": {"dots": 4, "rings": 10, "crosses": 7}[one.kind], "label": one.name}
        if one.kind == "rings":
            look |= {"markerfacecolor": "none", "markeredgewidth": 1.5}
        axes.plot(one.x, one.y, _MARKS[one.kind][1], color=color, **look)
    if drawn.named:
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    if drawn.ticks:
        axes.set_xticks(list(drawn.ticks), list(drawn.ticks.values()))
    elif axes.get_xlim()[1] >= 1000:
        axes.locator_params(axis="x", nbins=6)  # as many ticks as fit with long numbers
        axes.xaxis.set_major_formatter("{x:,.0f}")  # as the live form writes them
    if drawn.log:
        axes.set_yscale("log")
    axes.set_title(drawn.title, loc="left", fontsize=12, pad=20 if drawn.note else None)
    axes.text(0.0, 1.02, drawn.note, transform=axes.transAxes, fontsize=9)
    axes.set_xlabel(drawn.x)
    axes.set_ylabel(drawn.y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    return still
