"""A table of numbers as a figure: every entry written on a colour that says how large it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.files import InputError
from binpack.plots.figure import Figure, headed, new_still, plain_layout
from binpack.plots.style import BLUES, COLORS, EMPTY, INK, ORANGES, ink_on, shade, stops
from binpack.text import hypertext, terminal

_ROOM = 8.0, 6.0  # inches for all columns and for all rows
_FEW = 4  # marked entries up to which the text names each
_BOTH = (*ORANGES[:0:-1], "#F7F7F7", *BLUES[1:])


def heat_table(
    values: ArrayLike,
    rows: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    *,
    title: str = "table",
    marked: ArrayLike | None = None,
    limits: tuple[float, float] | None = None,
    digits: int = 2,
) -> Figure:
    """Draw a table, such as a Q-table, as numbers on colours; the first row stands on top.

    Where an entry is below 0 the colours part at 0: blue above it, orange below. An entry that is no finite number has
    no colour; it is empty where it is NaN and shows its sign where it is infinite.

    Args:
        values: the entries, (R, C).
        rows: a name for each row; 0, 1, 2 where they are left out.
        columns: a name for each column; 0, 1, 2 where they are left out.
        title: the title.
        marked: entries that get a frame, such as the best of each row or the one that changed, bool, (R, C).
        limits: the lowest and the highest value that the colours tell apart; those of the table where they are left
            out. Frames of one film need the same.
        digits: decimals of the numbers.

    Raises:
        ValueError: values are no table, or names or marks do not fit it.
    """
    table = np.asarray(values, float)
    if table.ndim != 2 or not table.size:
        raise InputError(f"values must be an array (R, C), got shape {table.shape}")
    names = _named(rows, table.shape[0], "row"), _named(columns, table.shape[1], "column")
    frames = np.zeros(table.shape, bool) if marked is None else np.asarray(marked, bool)
    if frames.shape != table.shape:
        raise InputError(f"marked must have the shape of values, {table.shape}, got {frames.shape}")
    words = np.array([[_number(value, digits) for value in row] for row in table])
    scale, low, high = _scale(table, limits)
    colors = np.array(
        [
            [shade(scale, (value - low) / (high - low)) if np.isfinite(value) else EMPTY for value in row]
            for row in table
        ]
    )
    heat = {"z": np.where(np.isfinite(table), table, np.nan), "zmin": low, "zmax": high, "colorscale": stops(scale)}
    text = _say(table, words, names, title, frames, digits)
    arguments = colors, words, names, title, frames, _cell(words, names[1])
    return Figure(_plotly(heat, *arguments), _still(*arguments), text)


def _named(names: Sequence[str] | None, count: int, what: str) -> list[str]:
    if names is None:
        return [str(number) for number in range(count)]
    if len(names) != count:
        raise InputError(f"expected a name for each of the {count} {what}s, got {len(names)}")
    return [terminal(name) for name in names]


def _number(value: float, digits: int) -> str:
    if np.isnan(value):
        return ""
    return "∞" if value == np.inf else "-∞" if value == -np.inf else f"{round(value, digits) + 0.0:.{digits}f}"


def _scale(table: NDArray, limits: tuple[float, float] | None) -> tuple[Sequence[str], float, float]:
    """Return a scale of colours, and the values at its two ends."""
    finite = table[np.isfinite(table)]
    low, high = limits or ((float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0))
    if low < 0:
        return _BOTH, -max(-low, high), max(-low, high)
    return BLUES, 0.0, high if high > 0 else 1.0


def _say(table: NDArray, words: NDArray, names, title: str, frames: NDArray, digits: int) -> str:
    finite = table[np.isfinite(table)]
    text = headed(title, f"{table.shape[0]} x {table.shape[1]} entries")
    if finite.size:
        text += f", {_number(finite.min(), digits)} to {_number(finite.max(), digits)}"
    if not frames.any():
        return text
    if frames.sum() > _FEW:
        return f"{text}; {frames.sum()} marked"
    each = [f"{names[0][row]} {names[1][column]} {words[row, column]}".strip() for row, column in np.argwhere(frames)]
    return f"{text}; marked: {', '.join(each)}"


def _cell(words: NDArray, columns: Sequence[str]) -> tuple[float, float, float, bool]:
    """Return width and height of an entry in inches, points of its number, 0 for none, and whether names turn."""
    number = 0.3 + 0.085 * max(map(len, words.flat))
    name = 0.1 + 0.085 * max(map(len, columns))
    wide, tall = min(max(number, name), _ROOM[0] / len(columns)), min(0.32, _ROOM[1] / len(words))
    letters = 9 * min(1.0, wide / (number - 0.2), tall / 0.16)
    return wide, tall, letters if letters >= 6 else 0.0, name > wide + 1e-9


def _plotly(heat, colors, words, names, title, frames, cell):
    from plotly import graph_objects as go

    rows, columns = names
    hover = [
        [f"{hypertext(row)}, {hypertext(name)}: {word}" for name, word in zip(columns, line, strict=True)]
        for row, line in zip(rows, words, strict=True)
    ]
    plot = go.Figure(
        go.Heatmap(**heat, showscale=False, xgap=1, ygap=1, text=hover, hovertemplate="%{text}<extra></extra>")
    )
    _, _, letters, turned = cell
    spots = list(np.ndindex(words.shape)) if letters else []
    plot.add_scatter(
        x=[column for _, column in spots],
        y=[row for row, _ in spots],
        text=[f"<b>{words[spot]}</b>" if frames[spot] else words[spot] for spot in spots],
        mode="text",
        textfont={"size": 1.3 * letters or 12, "color": [ink_on(colors[spot]) for spot in spots]},
        hoverinfo="skip",
    )
    outline = np.array([(-0.47, -0.47), (0.47, -0.47), (0.47, 0.47), (-0.47, 0.47), (-0.47, -0.47), (np.nan, np.nan)])
    edges = np.concatenate([np.zeros((0, 2)), *(outline + spot[::-1] for spot in np.argwhere(frames))])
    line = {"color": COLORS[1], "width": 3}
    plot.add_scatter(x=edges[:, 0], y=edges[:, 1], mode="lines", line=line, hoverinfo="skip")
    plain_layout(plot, title, 110 + 32 * len(rows), showlegend=False, plot_bgcolor=EMPTY)
    fixed = {"showgrid": False, "zeroline": False, "ticks": ""}
    plot.update_layout(margin={"t": 66 + (6 * max(map(len, columns)) if turned else 0), "b": 12})
    plot.update_xaxes(
        side="top",
        tickangle=-90 if turned else 0,
        tickvals=list(range(len(columns))),
        ticktext=[hypertext(name) for name in columns],
        range=[-0.5, len(columns) - 0.5],
        **fixed,
    )
    return plot.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[hypertext(name) for name in rows],
        range=[len(rows) - 0.5, -0.5],
        **fixed,
    )


def _still(colors, words, names, title, frames, cell):
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    rows, columns = names
    wide, tall, letters, turned = cell
    beside = 0.3 + 0.085 * max(map(len, rows))
    over = 0.5 + (0.085 * max(map(len, columns)) if turned else 0.3)
    still = new_still(max(beside + wide * len(columns), 3.4), over + tall * len(rows))
    axes = still.add_subplot()
    axes.imshow([[to_rgb(color) for color in row] for row in colors], aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=90 if turned else 0)
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(np.arange(len(columns)) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows)) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1)
    axes.tick_params(which="both", length=0, labelsize=9, labeltop=True, labelbottom=False, labelcolor=INK)
    axes.spines[:].set_visible(False)
    for (row, column), word in np.ndenumerate(words) if letters else ():
        weight = "bold" if frames[row, column] else "normal"
        ink = ink_on(colors[row, column])
        axes.text(column, row, word, ha="center", va="center", fontsize=letters, color=ink, fontweight=weight)
    for row, column in np.argwhere(frames):
        corner = column - 0.47, row - 0.47
        axes.add_patch(Rectangle(corner, 0.94, 0.94, facecolor="none", edgecolor=COLORS[1], linewidth=2.2, zorder=3))
    axes.set_title(title, loc="left", fontsize=12, color=INK)
    return still
