"""Forest plots for the lessons: differences, their intervals, and the word of each verdict (Lewis & Clarke, 2001)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from binpack.core.statistics import Verdict
from binpack.plots.figure import Figure, headed, new_still, plain_layout
from binpack.plots.style import COLORS, INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure
    from plotly import graph_objects as go


def differences(verdicts: Mapping[str, Verdict], *, title: str, x: str) -> Figure:
    """Draw how far each of several is from something, a row for each: in blue what the runs can tell from 0.

    Args:
        verdicts: name of a row to the verdict on its difference, from the top.
        title: the title: what differs, and from what.
        x: the axis.
    """
    said = ", ".join(f"{name} {each.difference:+.3g} {each.word}" for name, each in verdicts.items())
    note = "dots: mean difference; lines: 95 % interval"
    arguments = dict(verdicts), title, note, x
    return Figure(_plotly(*arguments), _still(*arguments), headed(title, said))


def _color(each: Verdict) -> str:
    return COLORS[0] if each.separable else COLORS[6]


def _ends(each: Verdict) -> tuple[float, float]:
    """The interval, or the difference alone where there are too few runs for one."""
    return each.interval if np.isfinite(each.interval.low) else (each.difference, each.difference)


def _plotly(verdicts: dict[str, Verdict], title: str, note: str, x: str) -> go.Figure:
    from plotly import graph_objects as go

    plot = go.Figure()
    for row, (name, each) in enumerate(verdicts.items()):
        look: dict[str, Any] = {"color": _color(each)}
        line = {**look, "width": 4}
        plot.add_scatter(x=list(_ends(each)), y=[row, row], mode="lines", line=line, hoverinfo="skip")
        told = f"{name}: {each}<extra></extra>"
        marker = {**look, "size": 11}
        plot.add_scatter(x=[each.difference], y=[row], mode="markers", marker=marker, hovertemplate=told)
        word = {"text": each.word, "font": look, "showarrow": False, "xanchor": "left", "yanchor": "middle"}
        plot.add_annotation(x=1.01, xref="paper", y=row, **word)
    plot.add_vline(x=0, line={"color": INK, "dash": "dash", "width": 1.5})
    plain_layout(plot, f"{title}<br><sup>{note}</sup>", 150 + 38 * len(verdicts), showlegend=False)
    plot.update_layout(margin={"r": 110})
    ends = [0.0, *(end for each in verdicts.values() for end in _ends(each))]
    room = 0.05 * (max(ends) - min(ends))  # so that no line touches its name
    plot.update_xaxes(title=x, zeroline=False, range=[min(ends) - room, max(ends) + room])
    names = {"tickvals": list(range(len(verdicts))), "ticktext": list(verdicts)}
    return plot.update_yaxes(**names, range=[len(verdicts) - 0.4, -0.6], showgrid=False, zeroline=False)


def _still(verdicts: dict[str, Verdict], title: str, note: str, x: str) -> MatplotlibFigure:
    still = new_still(7.4, 1.3 + 0.38 * len(verdicts))
    axes = still.add_subplot()
    axes.axvline(0, color=INK, linestyle="--", linewidth=1.2)
    for row, each in enumerate(verdicts.values()):
        axes.plot(_ends(each), [row, row], color=_color(each), linewidth=3.5, solid_capstyle="butt")
        axes.plot([each.difference], [row], "o", color=_color(each), markersize=6)
        place: Any = {"xycoords": ("axes fraction", "data"), "va": "center", "fontsize": 10}
        axes.annotate(each.word, (1.02, row), **place, color=_color(each))
    axes.set_yticks(range(len(verdicts)), list(verdicts))
    axes.set_ylim(len(verdicts) - 0.4, -0.6)
    axes.margins(x=0.06)
    axes.set_xlabel(x)
    axes.set_title(title, loc="left", fontsize=12, color=INK, pad=19)
    axes.annotate(note, (0, 1), (0, 6), "axes fraction", "offset points", fontsize=8.5, color=INK)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    return still
