"""Flat drawings of rectangles, lines and words, beside views of boxes: the same in the live and the still form.

A figure of this lesson is a grid of panels. A `Panel` is drawn twice from one list of shapes, so its two forms cannot
disagree; a `View` shows boxes in the bin.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import INK
from binpack.plots.viewer import plotly_packing, rgb_array


class Rectangle(NamedTuple):
    """A rectangle, with its lowest corner at (x, y)."""

    x: float
    y: float
    width: float
    height: float
    fill: str | None
    edge: str = "#FFFFFF"
    line: float = 1.0
    dashed: bool = False


class Line(NamedTuple):
    """A line through points; with an arrow head at its end if so."""

    points: Sequence[tuple[float, float]]
    color: str = INK
    width: float = 2.0
    arrow: bool = False
    dashed: bool = False


class Dot(NamedTuple):
    """A round mark; ``size`` is its diameter in pixels."""

    x: float
    y: float
    color: str = INK
    size: int = 10


class Word(NamedTuple):
    """A text around or beside a point: ``align`` is left, center or right."""

    x: float
    y: float
    text: str
    color: str = INK
    size: int = 11
    align: str = "center"


@dataclass
class Panel:
    """A flat drawing.

    Attributes:
        title: stands above it.
        x: its left and right end.
        y: its lower and upper end.
        labels: of the x and the y axis.
        x_ticks: place to text.
        y_ticks: place to text.
        square: whether x and y have the same scale.
        shapes: what is drawn, the first below the others.
    """

    title: str
    x: tuple[float, float]
    y: tuple[float, float]
    labels: tuple[str, str] = ("", "")
    x_ticks: dict[float, str] = field(default_factory=dict)
    y_ticks: dict[float, str] = field(default_factory=dict)
    square: bool = True
    shapes: list[Rectangle | Line | Dot | Word] = field(default_factory=list)


class View(NamedTuple):
    """Boxes in a bin, seen from high x and high y."""

    title: str
    boxes: NDArray
    bin_size: tuple[int, int, int]
    labels: Sequence[str] | None = None


def draw(
    grid: Sequence[Sequence[Panel | View]],
    title: str,
    text: str,
    *,
    height: int,
    widths: Sequence[float] | None = None,
    heights: Sequence[float] | None = None,
) -> Figure:
    """Draw panels in rows and columns.

    Args:
        grid: rows of panels, all of the same length and, within a row, of the same kind.
        title: the title of the whole.
        text: what the figure says, in one line.
        height: of the figure, in pixels, live and still.
        widths: how wide the columns are, relative to each other.
        heights: how high the rows are, relative to each other.
    """
    columns, rows = len(grid[0]), len(grid)
    wide, high = list(widths or [1.0] * columns), list(heights or [1.0] * rows)
    return Figure(_plotly(grid, title, height, wide, high), _still(grid, title, height, wide, high), text)


# ------------------------------------------------------------------------------------------------------------- live


def _plotly(
    grid: Sequence[Sequence[Panel | View]], title: str, height: int, wide: list[float], high: list[float]
) -> Any:
    from plotly.subplots import make_subplots

    specs = [[{"type": "scene" if isinstance(panel, View) else "xy"} for panel in row] for row in grid]
    plot = make_subplots(
        len(grid),
        len(grid[0]),
        specs=specs,
        subplot_titles=[panel.title.replace("\n", "<br>") for row in grid for panel in row],
        column_widths=wide,
        row_heights=high,
        horizontal_spacing=0.07,
        vertical_spacing=0.09,
    )
    for row, panels in enumerate(grid, start=1):
        for column, panel in enumerate(panels, start=1):
            if isinstance(panel, View):
                one = plotly_packing(panel.boxes, panel.bin_size, panel.labels)
                plot.add_traces(list(one.data), rows=[row] * len(one.data), cols=[column] * len(one.data))
                scene = one.layout.scene.to_plotly_json()
                scene.pop("domain", None)
                for axis in ("xaxis", "yaxis", "zaxis"):
                    scene[axis] |= {"showticklabels": False}
                plot.update_scenes(scene, row=row, col=column)
            else:
                _plotly_panel(plot, panel, {"row": row, "col": column})
    plain_layout(plot, title, height, showlegend=False, plot_bgcolor="#FFFFFF")
    plot.update_annotations(font={"size": 13, "color": INK})
    plot.update_layout(margin={"l": 50, "r": 20, "t": 80, "b": 50})
    plot.update_xaxes(showgrid=False, zeroline=False)
    return plot.update_yaxes(showgrid=False, zeroline=False)


def _plotly_panel(plot: Any, panel: Panel, place: dict[str, int]) -> None:
    drawn = [shape for shape in panel.shapes if not isinstance(shape, Word)]
    for style, shapes in itertools.groupby(drawn, lambda shape: shape[4:] if isinstance(shape, Rectangle) else shape):
        if isinstance(style, Line):
            _plotly_line(plot, style, place)
        elif isinstance(style, Dot):
            mark = {"color": style.color, "size": style.size}
            plot.add_scatter(x=[style.x], y=[style.y], mode="markers", marker=mark, hoverinfo="skip", **place)
        else:
            _plotly_rectangles(plot, [shape for shape in shapes if isinstance(shape, Rectangle)], place)
    where = {"left": "middle right", "center": "middle center", "right": "middle left"}
    words = [shape for shape in panel.shapes if isinstance(shape, Word)]
    plot.add_scatter(
        x=[word.x for word in words],
        y=[word.y for word in words],
        text=[word.text.replace("\n", "<br>") for word in words],
        mode="text",
        textfont={"color": [word.color for word in words], "size": [word.size + 1 for word in words]},
        textposition=[where[word.align] for word in words],
        hoverinfo="skip",
        **place,
    )
    for update, span, label, ticks in (
        (plot.update_xaxes, panel.x, panel.labels[0], panel.x_ticks),
        (plot.update_yaxes, panel.y, panel.labels[1], panel.y_ticks),
    ):
        update(range=list(span), title=label, tickvals=list(ticks), ticktext=list(ticks.values()), **place)
    plot.update_xaxes(constrain="domain", **place)
    if panel.square:
        axis = next(iter(plot.select_xaxes(**place)))
        anchor = axis.plotly_name.replace("axis", "")
        plot.update_yaxes(scaleanchor=anchor, constrain="domain", **place)


def _plotly_rectangles(plot: Any, shapes: Sequence[Rectangle], place: dict[str, int]) -> None:
    """Draw rectangles of one look as one trace."""
    x: list[Any] = []  # None lifts the pen
    y: list[Any] = []
    for shape in shapes:
        right, top = shape.x + shape.width, shape.y + shape.height
        x += [shape.x, right, right, shape.x, shape.x, None]
        y += [shape.y, shape.y, top, top, shape.y, None]
    look = shapes[0]
    line = {"color": look.edge, "width": look.line, "dash": "dash" if look.dashed else "solid"}
    fill = {"fill": "toself", "fillcolor": look.fill} if look.fill else {}
    plot.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", **fill, **place)


def _plotly_line(plot: Any, shape: Line, place: dict[str, int]) -> None:
    x, y = zip(*shape.points, strict=True)
    line = {"color": shape.color, "width": shape.width, "dash": "dot" if shape.dashed else "solid"}
    sizes = [0] * (len(x) - 1) + [12]
    head = {"symbol": "arrow", "angleref": "previous", "size": sizes, "color": shape.color, "line": {"width": 0}}
    mode = {"mode": "lines+markers", "marker": head} if shape.arrow else {"mode": "lines"}
    plot.add_scatter(x=x, y=y, line=line, hoverinfo="skip", **mode, **place)


# ------------------------------------------------------------------------------------------------------------ still


def _still(
    grid: Sequence[Sequence[Panel | View]], title: str, height: int, wide: list[float], high: list[float]
) -> Any:
    still = new_still(8.8, height / 100)
    still.suptitle(title, x=0.02, ha="left", fontsize=12)
    ratios = {"width_ratios": wide, "height_ratios": high}
    axes = still.subplots(len(grid), len(grid[0]), squeeze=False, gridspec_kw=ratios)
    for row, panels in enumerate(grid):
        for column, panel in enumerate(panels):
            axes[row, column].set_title(panel.title, fontsize=10, color=INK)
            if isinstance(panel, View):
                pixels = rgb_array(panel.boxes, panel.bin_size, panel.labels, title="", size=(300, 340))
                axes[row, column].imshow(pixels)
                axes[row, column].set_axis_off()
            else:
                _still_panel(axes[row, column], panel)
    return still


def _still_panel(axes: Any, panel: Panel) -> None:
    from matplotlib.patches import Rectangle as Patch

    for order, shape in enumerate(panel.shapes):
        if isinstance(shape, Rectangle):
            look: dict[str, Any] = {"facecolor": shape.fill or "none", "edgecolor": shape.edge}
            look |= {"linewidth": shape.line, "linestyle": "--" if shape.dashed else "-"}
            axes.add_patch(Patch((shape.x, shape.y), shape.width, shape.height, zorder=1 + order / 1000, **look))
        elif isinstance(shape, Line) and shape.arrow:
            arrow = {"arrowstyle": "-|>", "color": shape.color, "linewidth": shape.width, "mutation_scale": 14}
            axes.annotate("", shape.points[-1], shape.points[0], arrowprops=arrow)
        elif isinstance(shape, Line):
            dots = ":" if shape.dashed else "-"
            axes.plot(*np.array(shape.points).T, dots, color=shape.color, linewidth=shape.width)
        elif isinstance(shape, Dot):
            axes.plot(shape.x, shape.y, "o", color=shape.color, markersize=0.72 * shape.size)
        else:
            look = {"color": shape.color, "fontsize": shape.size - 1, "ha": shape.align, "va": "center"}
            axes.text(shape.x, shape.y, shape.text, zorder=3, **look)
    axes.set(xlim=panel.x, ylim=panel.y, xlabel=panel.labels[0], ylabel=panel.labels[1])
    axes.set_aspect("equal" if panel.square else "auto")
    axes.set_xticks(list(panel.x_ticks), list(panel.x_ticks.values()))
    axes.set_yticks(list(panel.y_ticks), list(panel.y_ticks.values()))
    axes.tick_params(length=0, labelsize=9)
    axes.spines[:].set_visible(False)
