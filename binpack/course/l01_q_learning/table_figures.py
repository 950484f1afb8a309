"""A picture of some rows of a Q-table: what stands in it, what an update reads there, and what it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import COLORS, INK

if TYPE_CHECKING:
    from plotly import graph_objects as go

_WIDE, _TALL, _HEAD = 0.62, 0.38, 0.95
_PLAIN, _NEVER, _LINE = "#FFFFFF", "#DDDDDD", "#BBBBBB"
_CHANGED, _READ = COLORS[1], COLORS[0]


@dataclass(frozen=True)
class Shown:
    """A table at one moment.

    Attributes:
        name: what to write above it.
        q: the table, float64, (S, A).
        read: the state whose row an update looked at, or None.
        changed: state and action of the entry that it changed, or None.
    """

    name: str
    q: NDArray
    read: int | None = None
    changed: tuple[int, int] | None = None


def rows_of(shown: Sequence[Shown], rows: Mapping[int, str], columns: Sequence[str], *, title: str) -> Figure:
    """Draw some rows of a Q-table at one moment or at several.

    An entry in a red frame was changed, a row in a dashed blue frame was read; -inf stands on grey.

    Args:
        shown: the moments, from left to right, at most three.
        rows: a state to what to write beside its row, from top to bottom.
        columns: a name for each action.
        title: the title.

    Raises:
        ValueError: no moment or more than three.
    """
    if not 1 <= len(shown) <= 3:
        raise ValueError(f"a figure of a table shows 1 to 3 moments, got {len(shown)}")
    parts = []
    for moment in shown:
        known = [
            f"{rows[state]} {columns[action]} {moment.q[state, action]:g}"
            for state in rows
            for action in range(len(columns))
            if moment.q[state, action] != 0 and np.isfinite(moment.q[state, action])
        ]
        parts.append(f"{moment.name}: {', '.join(known) or 'nothing but 0 and -inf'}")
    drawn = shown, rows, columns, title
    return Figure(_plotly(*drawn), _still(*drawn), f"{title}; {'; '.join(parts)}")


def _entries(moment: Shown, rows: Mapping[int, str]) -> list[tuple[int, int, str, str]]:
    """Return line, column, text and colour of each entry."""
    return [
        (line, action, "-inf" if value == -np.inf else f"{value:.3g}", _NEVER if value == -np.inf else _PLAIN)
        for line, state in enumerate(rows)
        for action, value in enumerate(moment.q[state])
    ]


def _still(shown: Sequence[Shown], rows: Mapping[int, str], columns: Sequence[str], title: str) -> Any:
    from matplotlib.patches import Rectangle

    width = _HEAD * 1.3 + _WIDE * len(columns)
    still = new_still(width * len(shown), _TALL * (len(rows) + 1) + 0.75)
    still.suptitle(title, x=0.02, ha="left", fontsize=12)
    for axes, moment in zip(still.subplots(1, len(shown), squeeze=False).flat, shown, strict=True):
        axes.set_axis_off()
        axes.set(xlim=(-1.55, len(columns) - 0.45), ylim=(len(rows) - 0.4, -1.5))
        axes.set_title(moment.name, fontsize=10)
        for action, name in enumerate(columns):
            axes.text(action, -0.85, name, ha="center", va="center", fontsize=9, color=INK)
        for line, name in enumerate(rows.values()):
            axes.text(-0.65, line, name, ha="right", va="center", fontsize=9, color=INK)
        for line, action, text, color in _entries(moment, rows):
            axes.add_patch(Rectangle((action - 0.5, line - 0.5), 1, 1, facecolor=color, edgecolor=_LINE, linewidth=1))
            axes.text(action, line, text, ha="center", va="center", fontsize=9, color=INK)
        for x0, y0, x1, y1, color, style in _frames(moment, rows, len(columns)):
            frame = Rectangle((x0, y0), x1 - x0, y1 - y0, zorder=3, facecolor="none", edgecolor=color, linestyle=style)
            frame.set_linewidth(2.2)
            axes.add_patch(frame)
    return still


def _frames(moment: Shown, rows: Mapping[int, str], columns: int) -> list[tuple[float, float, float, float, str, str]]:
    """Return the corners, the colour and the style of each frame."""
    lines = list(rows)
    frames = []
    if moment.read is not None:
        line = lines.index(moment.read)
        frames.append((-0.46, line - 0.42, columns - 0.54, line + 0.42, _READ, "dashed"))
    if moment.changed is not None:
        line, action = lines.index(moment.changed[0]), moment.changed[1]
        frames.append((action - 0.46, line - 0.42, action + 0.46, line + 0.42, _CHANGED, "solid"))
    return frames


def _plotly(shown: Sequence[Shown], rows: Mapping[int, str], columns: Sequence[str], title: str) -> go.Figure:
    from plotly.subplots import make_subplots

    plot = make_subplots(1, len(shown), subplot_titles=[moment.name for moment in shown], horizontal_spacing=0.02)
    for number, moment in enumerate(shown, start=1):
        place = {"row": 1, "col": number}
        entries = _entries(moment, rows)
        texts: list[tuple[float, float, str]] = [(action, -0.85, name) for action, name in enumerate(columns)]
        texts += [(action, line, text) for line, action, text, _ in entries]
        texts += [(-1.1, line, name) for line, name in enumerate(rows.values())]
        x, y, words = zip(*texts, strict=True)
        font = {"size": 12, "color": INK}
        plot.add_scatter(x=x, y=y, text=words, mode="text", textfont=font, hoverinfo="skip", **place)
        for line, action, _, color in entries:
            corners = {"x0": action - 0.5, "x1": action + 0.5, "y0": line - 0.5, "y1": line + 0.5}
            plot.add_shape(
                type="rect", fillcolor=color, line={"color": _LINE, "width": 1}, layer="below", **corners, **place
            )
        for x0, y0, x1, y1, color, style in _frames(moment, rows, len(columns)):
            frame = {"color": color, "width": 2.5, "dash": "dash" if style == "dashed" else "solid"}
            plot.add_shape(type="rect", x0=x0, x1=x1, y0=y0, y1=y1, line=frame, **place)
        bare = {"showgrid": False, "zeroline": False, "showticklabels": False}
        plot.update_xaxes(range=[-1.55, len(columns) - 0.45], **bare, **place)
        plot.update_yaxes(range=[len(rows) - 0.4, -1.5], **bare, **place)
    plain_layout(plot, title, 100 + 40 * (len(rows) + 1), showlegend=False)
    return plot.update_layout(margin={"l": 10, "r": 10, "t": 70, "b": 10})
