"""Figures of a table: what it says about a maze."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import COLORS, INK

_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
_ARROWS = "↑→↓←"
_WALL = "#777777"
_EXIT = "#EEDD88"


def maze(
    rows: Sequence[str],
    values: ArrayLike | None = None,
    policy: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    *,
    title: str = "maze",
) -> Figure:
    """Draw a maze and what tables say about it: values as colours, the policy as arrows, its way from the start.

    Args:
        rows: one string a row: ``S`` start, ``.`` floor, ``#`` wall, a digit an exit that pays as much.
        values: value of each cell, row by row, (cells,), or (K, cells) for several panels; cells of value 0 show no
            arrow, for nothing is known there.
        policy: an action for each cell, 0 up, 1 right, 2 down, 3 left, -1 none, of the same shape; only with values.
        names: a name for each panel.
        title: the title.

    Raises:
        ValueError: shapes or names that do not fit the maze, or a policy without values.
    """
    if policy is not None and values is None:
        raise ValueError("a policy needs values: where nothing is known, no arrow is drawn")
    cells = np.array([list(row) for row in rows])
    planes = _planes(np.zeros(cells.size) if values is None else values, cells.shape, "values").astype(float)
    actions = _planes(
        np.full((len(planes), cells.size), -1) if policy is None else policy, cells.shape, "policy"
    ).astype(int)
    if len(actions) != len(planes) or (names is not None and len(names) != len(planes)):
        raise ValueError(f"expected a policy and a name for each of the {len(planes)} panels")
    actions = np.where((cells == "#") | (planes <= 0), -1, actions)
    ways = [_way(cells, plane) for plane in actions] if policy is not None else [[]] * len(planes)
    labels = list(names) if names is not None else [""] * len(planes)
    what = f"{title}: {cells.shape[0]} x {cells.shape[1]} cells, {(cells != '#').sum()} free"
    if policy is not None:
        ends = [_end(cells, way) for way in ways]
        what += "; " + "; ".join(f"{name} {end}".strip() for name, end in zip(labels, ends, strict=True))
    top = max(float(planes.max()), 1e-9)
    shown = np.where(cells == "#", np.nan, planes) if values is not None else np.full(planes.shape, np.nan)
    arguments = cells, shown, actions, ways, labels, title, top
    return Figure(_plotly(*arguments), _still(*arguments), what)


def _planes(array: ArrayLike, shape: tuple[int, int], what: str) -> NDArray:
    """Return (K, rows, columns)."""
    planes = np.atleast_2d(np.asarray(array))
    if planes.ndim != 2 or planes.shape[1] != shape[0] * shape[1]:
        raise ValueError(f"{what} of a maze of {shape[0]} x {shape[1]} cells cannot have shape {np.shape(array)}")
    return planes.reshape(-1, *shape)


def _way(cells: NDArray, actions: NDArray) -> list[tuple[int, int]]:
    """Follow the arrows from the start: to an exit, to a cell without an arrow, or once round a loop."""
    start = np.argwhere(cells == "S")[0]
    place = int(start[0]), int(start[1])
    way = [place]
    while actions[place] >= 0 and not cells[place].isdigit():
        row, column = (part + move for part, move in zip(place, _MOVES[actions[place]], strict=True))
        inside = 0 <= row < cells.shape[0] and 0 <= column < cells.shape[1]
        if not inside or cells[row, column] == "#" or (row, column) in way:
            break
        place = row, column
        way.append(place)
    return way


def _end(cells: NDArray, way: list[tuple[int, int]]) -> str:
    last = cells[way[-1]]
    return f"reaches exit {last} in {len(way) - 1} steps" if last.isdigit() else "reaches no exit"


def _plotly(
    cells: NDArray, shown: NDArray, actions: NDArray, ways: list[list], labels: list[str], title: str, top: float
) -> Any:
    from plotly.subplots import make_subplots

    columns = min(len(shown), 2)
    lines = -(-len(shown) // columns)
    plot = make_subplots(lines, columns, subplot_titles=labels, horizontal_spacing=0.05, vertical_spacing=0.12)
    for number, plane in enumerate(shown):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        hover = "row %{y}, column %{x}" + ("" if np.isnan(shown).all() else "<br>value %{z:.3f}") + "<extra></extra>"
        colors = {"colorscale": "Blues", "zmin": 0, "zmax": top * 1.3, "showscale": False}
        plot.add_heatmap(z=plane, xgap=1, ygap=1, hoverongaps=False, hovertemplate=hover, **colors, **place)
        way = np.array(ways[number] or np.zeros((0, 2)))
        line = {"color": COLORS[1], "width": 3}
        plot.add_scatter(x=way[:, 1], y=way[:, 0], mode="lines", line=line, opacity=0.7, hoverinfo="skip", **place)
        for kind, color in (("#", _WALL), ("0123456789", _EXIT)):
            spots = np.argwhere(np.isin(cells, list(kind)))
            heat = np.full(cells.shape, np.nan)
            heat[tuple(spots.T)] = 1.0
            one = {"colorscale": [[0, color], [1, color]], "showscale": False, "hoverinfo": "skip"}
            plot.add_heatmap(z=heat, xgap=1, ygap=1, hoverongaps=False, **one, **place)
        start = np.argwhere(cells == "S")[0]
        ring = {"symbol": "circle-open", "size": 22, "color": COLORS[1], "line": {"width": 2}}
        plot.add_scatter(x=[start[1]], y=[start[0]], mode="markers", marker=ring, hoverinfo="skip", **place)
        marks = _marks(cells, actions[number])
        plot.add_scatter(
            x=[column for _, column, _, _ in marks],
            y=[row for row, _, _, _ in marks],
            text=[f"<b>{mark}</b>" if strong else mark for _, _, mark, strong in marks],
            mode="text",
            textfont={"color": INK, "size": 15},
            hoverinfo="skip",
            **place,
        )
        nth = "" if number == 0 else number + 1
        plot.update_yaxes(scaleanchor=f"x{nth}", constrain="domain", range=[cells.shape[0] - 0.5, -0.5], **place)
        plot.update_xaxes(constrain="domain", range=[-0.5, cells.shape[1] - 0.5], **place)
    plain_layout(plot, title, 100 + 300 * lines, showlegend=False, plot_bgcolor="#FFFFFF")
    plot.update_xaxes(showgrid=False, zeroline=False, showticklabels=False)
    return plot.update_yaxes(showgrid=False, zeroline=False, showticklabels=False)


def _still(
    cells: NDArray, shown: NDArray, actions: NDArray, ways: list[list], labels: list[str], title: str, top: float
) -> Any:
    from matplotlib.patches import Rectangle

    columns = min(len(shown), 2)
    lines = -(-len(shown) // columns)
    side = 0.42 * cells.shape[1]
    still = new_still(side * columns + 0.3, (0.42 * cells.shape[0] + 0.35) * lines + 0.35)
    still.suptitle(title, x=0.02, ha="left", fontsize=12)
    grid = still.subplots(lines, columns, squeeze=False)
    for number, axes in enumerate(grid.flat):
        axes.set_axis_off()
        if number >= len(shown):
            continue
        axes.imshow(shown[number], cmap="Blues", vmin=0, vmax=top * 1.3)
        for row, column in np.ndindex(cells.shape):
            cell = str(cells[row, column])
            face = _WALL if cell == "#" else _EXIT if cell.isdigit() else "none"
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=face, edgecolor="#DDDDDD", linewidth=1))
        row, column = np.argwhere(cells == "S")[0]
        axes.plot(column, row, "o", markersize=17, markerfacecolor="none", markeredgecolor=COLORS[1], markeredgewidth=2)
        if len(ways[number]) > 1:
            path = np.array(ways[number])
            axes.plot(path[:, 1], path[:, 0], color=COLORS[1], linewidth=3, alpha=0.7, solid_joinstyle="round")
        for row, column, mark, strong in _marks(cells, actions[number]):
            weight = "bold" if strong else "normal"
            axes.text(column, row, mark, ha="center", va="center", fontsize=11, color=INK, fontweight=weight)
        axes.set_title(labels[number], fontsize=10)
    return still


def _marks(cells: NDArray, actions: NDArray) -> list[tuple[int, int, str, bool]]:
    """Row, column, text and whether it stands out: start, exits and arrows."""
    marks = []
    for (row, column), cell in np.ndenumerate(cells):
        if cell == "#":
            continue
        arrow = _ARROWS[actions[row, column]] if actions[row, column] >= 0 else ""
        if cell.isdigit():
            marks.append((row, column, str(cell), True))
        elif cell == "S" and not arrow:
            marks.append((row, column, "S", True))
        elif arrow:
            marks.append((row, column, arrow, False))
    return marks
