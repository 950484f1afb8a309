"""Figures of a maze and of what tables say about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.plots.figure import Figure, headed, new_still, plain_layout
from binpack.plots.style import COLORS, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from plotly import graph_objects as go

_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
_ARROWS = "↑→↓←"
_WALL, _FLOOR, _EXIT, _LINE = "#777777", "#FFFFFF", "#EEDD88", "#BBBBBB"
_BLUES = ("#FFFFFF", "#C6DBEF", "#6BAED6")
"""Colours of values from 0 to the largest: dark enough to tell apart, light enough to read a number on."""


@dataclass(frozen=True, eq=False)
class _Panel:
    """One picture of the maze.

    Attributes:
        cells: its characters, (rows, columns).
        values: value of each cell, NaN where none is shown, (rows, columns).
        actions: action of each cell, -1 where no arrow is shown, (rows, columns).
        way: the cells that the arrows lead through, from the start.
        marks: row, column, text and whether it stands out.
    """

    cells: NDArray
    values: NDArray
    actions: NDArray
    way: list[tuple[int, int]]
    marks: list[tuple[int, int, str, bool]]

    @property
    def known(self) -> int:
        """How many cells have a value."""
        return int((np.nan_to_num(self.values) > 0).sum())

    @property
    def end(self) -> str:
        """Where the way leads, in words."""
        last = self.cells[self.way[-1]]
        return f"reaches exit {last} in {len(self.way) - 1} steps" if last.isdigit() else "reaches no exit"


def maze(
    rows: Sequence[str],
    values: ArrayLike | None = None,
    policy: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    *,
    title: str = "maze",
    top: float | None = None,
) -> Figure:
    """Draw a maze and what tables say about it.

    Without values each free cell bears its number, which is the state. Values are shown as colours and numbers; with a
    policy arrows take the numbers' place, and a band follows them from the start.

    Args:
        rows: one string a row: ``S`` start, ``.`` floor, ``#`` wall, a digit an exit that pays as much.
        values: value of each cell, row by row, (cells,), or (K, cells) for several panels; cells of value 0 show no
            number and no arrow, for nothing is known there.
        policy: an action for each cell, 0 up, 1 right, 2 down, 3 left, -1 none, of the same shape; only with values.
        names: a name for each panel.
        title: the title; without one the still form is small, as one picture of a film is.
        top: the value of the darkest colour; the largest value where it is left out.

    Raises:
        ValueError: shapes or names that do not fit the maze, or a policy without values.
    """
    panels, labels, largest = _panels(rows, values, policy, names)
    limit = largest if top is None else top
    what = f"{panels[0].cells.shape[0]} x {panels[0].cells.shape[1]} cells, {(panels[0].cells != '#').sum()} free"
    if values is not None:
        what += ", with a value " + ", ".join(str(panel.known) for panel in panels)
    if policy is not None:
        what += "; " + "; ".join(f"{name} {panel.end}".strip() for name, panel in zip(labels, panels, strict=True))
    return Figure(_plotly(panels, labels, title, limit), _still(panels, labels, title, limit), headed(title, what))


def _panels(
    rows: Sequence[str], values: ArrayLike | None, policy: ArrayLike | None, names: Sequence[str] | None
) -> tuple[list[_Panel], list[str], float]:
    """Return what each panel shows, its name, and the largest value of all."""
    if policy is not None and values is None:
        raise ValueError("a policy needs values: where nothing is known, no arrow is drawn")
    cells = np.array([list(row) for row in rows])
    planes = _planes(np.zeros(cells.size) if values is None else values, cells.shape, "values").astype(float)
    actions = _planes(np.full((len(planes), cells.size), -1) if policy is None else policy, cells.shape, "policy")
    if len(actions) != len(planes) or (names is not None and len(names) != len(planes)):
        raise ValueError(f"expected a policy and a name for each of the {len(planes)} panels")
    actions = np.where((cells == "#") | (planes <= 0), -1, actions.astype(int))
    shown = np.where(cells == "#", np.nan, planes if values is not None else np.full(planes.shape, np.nan))
    what = "numbers" if values is None else "values" if policy is None else "arrows"
    panels = [
        _Panel(
            cells, plane, arrows, _way(cells, arrows) if policy is not None else [], _marks(cells, plane, arrows, what)
        )
        for plane, arrows in zip(shown, actions, strict=True)
    ]
    labels = list(names) if names is not None else [""] * len(planes)
    return panels, labels, max(float(planes.max()), 1e-9)


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


def _marks(cells: NDArray, values: NDArray, actions: NDArray, what: str) -> list[tuple[int, int, str, bool]]:
    """Return row, column, text and whether it stands out: start, exits, and numbers, values or arrows."""
    marks = []
    for (row, column), cell in np.ndenumerate(cells):
        if cell == "#":
            continue
        mark = ""
        if what == "numbers":
            mark = str(row * cells.shape[1] + column)
        elif what == "values" and values[row, column] > 0:
            mark = f"{values[row, column]:.2f}"
        elif actions[row, column] >= 0:
            mark = _ARROWS[actions[row, column]]
        if cell.isdigit():
            marks.append((row, column, f"exit\n{cell}", True))
        elif mark or cell == "S":
            marks.append((row, column, mark or "S", not mark))
    return marks


# ----------------------------------------------------------------------------------------------- the interactive form


def _plotly(panels: list[_Panel], labels: list[str], title: str, top: float) -> go.Figure:
    from plotly.subplots import make_subplots

    columns = min(len(panels), 2)
    lines = -(-len(panels) // columns)
    plot = make_subplots(lines, columns, subplot_titles=labels, horizontal_spacing=0.05, vertical_spacing=0.12)
    for number, panel in enumerate(panels):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        for trace in (*_ground(panel), *_traces(panel, top, columns)):
            plot.add_trace(trace, **place)
        rows, width = panel.cells.shape
        bare = {"showgrid": False, "zeroline": False, "showticklabels": False, "constrain": "domain"}
        nth = "" if number == 0 else str(number + 1)
        plot.update_yaxes(scaleanchor=f"x{nth}", range=[rows - 0.46, -0.54], **bare, **place)
        plot.update_xaxes(range=[-0.54, width - 0.46], **bare, **place)
    plain_layout(plot, title, 80 + 320 * lines, showlegend=False, plot_bgcolor=_FLOOR)
    plot.update_layout(margin={"l": 20, "r": 20, "t": 70 if any(labels) else 50, "b": 15 if title else 100})
    return plot


def _ground(panel: _Panel) -> list[Any]:
    """Return walls and exits."""
    from plotly import graph_objects as go

    cells = panel.cells
    traces: list[Any] = []
    for color, spots in ((_WALL, np.argwhere(cells == "#")), (_EXIT, np.argwhere(np.char.isdigit(cells)))):
        x, y = _outlines(spots, 0.5)
        traces.append(go.Scatter(x=x, y=y, fill="toself", fillcolor=color, mode="none", hoverinfo="skip"))
    return traces


def _lines(panel: _Panel) -> list[Any]:
    """Return the lines between cells, and a frame about the start."""
    from plotly import graph_objects as go

    rows, columns = panel.cells.shape
    ends = [((-0.5, row - 0.5), (columns - 0.5, row - 0.5), (np.nan, np.nan)) for row in range(rows + 1)]
    ends += [((column - 0.5, -0.5), (column - 0.5, rows - 0.5), (np.nan, np.nan)) for column in range(columns + 1)]
    x, y = np.array(ends).reshape(-1, 2).T
    traces = [go.Scatter(x=x, y=y, mode="lines", line={"color": _LINE, "width": 1}, hoverinfo="skip")]
    x, y = _outlines(np.argwhere(panel.cells == "S"), 0.44)
    traces.append(go.Scatter(x=x, y=y, mode="lines", line={"color": COLORS[1], "width": 2}, hoverinfo="skip"))
    return traces


def _outlines(spots: NDArray, half: float) -> tuple[NDArray, NDArray]:
    """Return x and y of squares about the middles of cells, with a gap after each."""
    corners = half * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1), (np.nan, np.nan)])
    points = (spots[:, None, ::-1] + corners).reshape(-1, 2)
    return points[:, 0], points[:, 1]


def _traces(panel: _Panel, top: float, columns: int) -> list[Any]:
    """Return the values, the lines between cells, the way and the texts of a panel."""
    from plotly import graph_objects as go

    shown = np.where(np.char.isdigit(panel.cells), np.nan, panel.values.round(3))
    hover = "row %{y}, column %{x}" + ("" if np.isnan(shown).all() else "<br>value %{z:.3f}") + "<extra></extra>"
    scale = [[place / (len(_BLUES) - 1), color] for place, color in enumerate(_BLUES)]
    colors = {"colorscale": scale, "zmin": 0, "zmax": top, "showscale": False}
    heat = go.Heatmap(z=shown, hoverongaps=False, hovertemplate=hover, **colors)
    way = np.array(panel.way or np.zeros((0, 2)))
    band = {"color": COLORS[1], "width": 14 if columns == 1 else 10}
    path = go.Scatter(x=way[:, 1], y=way[:, 0], mode="lines", line=band, opacity=0.35, hoverinfo="skip")
    texts = go.Scatter(
        x=[column for _, column, _, _ in panel.marks],
        y=[row for row, _, _, _ in panel.marks],
        text=[f"<b>{mark}</b>".replace("\n", "<br>") if strong else mark for _, _, mark, strong in panel.marks],
        mode="text",
        textfont={"color": INK, "size": [17 if mark in _ARROWS else 12 for _, _, mark, _ in panel.marks]},
        hoverinfo="skip",
    )
    return [heat, *_lines(panel), path, texts]


# ----------------------------------------------------------------------------------------------------- the still form


def _still(panels: list[_Panel], labels: list[str], title: str, top: float) -> Any:
    columns = min(len(panels), 2)
    lines = -(-len(panels) // columns)
    rows, width = panels[0].cells.shape
    side = 0.32 if not title else 0.6 if columns == 1 else 0.46
    head = 0.45 if title else 0.1
    still = new_still(side * width * columns + 0.2, (side * rows + (0.3 if any(labels) else 0)) * lines + head)
    if title:
        still.suptitle(title, x=0.02, ha="left", fontsize=12)
    grid = still.subplots(lines, columns, squeeze=False)
    for number, axes in enumerate(grid.flat):
        axes.set_axis_off()
        if number < len(panels):
            _draw(axes, panels[number], top, small=not title)
            axes.set_title(labels[number], fontsize=10)
    return still


def _draw(axes: Axes, panel: _Panel, top: float, *, small: bool) -> None:
    """Draw one panel."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    axes.imshow(panel.values, cmap=LinearSegmentedColormap.from_list("values", _BLUES), vmin=0, vmax=top)
    for row, column in np.ndindex(panel.cells.shape):
        cell = str(panel.cells[row, column])
        face = _WALL if cell == "#" else _EXIT if cell.isdigit() else "none"
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=face, edgecolor=_LINE, linewidth=1))
    axes.set(xlim=(-0.56, panel.cells.shape[1] - 0.44), ylim=(panel.cells.shape[0] - 0.44, -0.56))
    row, column = np.argwhere(panel.cells == "S")[0]
    axes.add_patch(
        Rectangle((column - 0.44, row - 0.44), 0.88, 0.88, facecolor="none", edgecolor=COLORS[1], linewidth=2)
    )
    if len(panel.way) > 1:
        path = np.array(panel.way)
        wide = 7 if small else 11
        axes.plot(path[:, 1], path[:, 0], color=COLORS[1], linewidth=wide, alpha=0.35, solid_joinstyle="round")
    for row, column, mark, strong in panel.marks:
        size = (10 if small else 13) if mark in _ARROWS else 6.5 if small else 9
        weight = "bold" if strong else "normal"
        axes.text(column, row, mark, ha="center", va="center", fontsize=size, color=INK, fontweight=weight)
