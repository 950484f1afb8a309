"""Lesson 02: diagrams of boxes, circles and arrows, drawn in both forms of a figure from one description."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import INK, PAPER

_PIXELS = 74  # of one unit of length
_INCHES = 0.82
_HEAD = 0.25  # length of what is drawn with an arrow's head, in units


@dataclass(frozen=True)
class Box:
    """A rectangle or a circle with text in it.

    Attributes:
        x: of its centre.
        y: of its centre.
        text: what stands in it; lines are separated by a line end.
        width: its width, a circle's diameter.
        height: its height; None makes it a circle.
        color: of its face.
        size: of the letters, in points.
    """

    x: float
    y: float
    text: str = ""
    width: float = 1.0
    height: float | None = 0.7
    color: str = PAPER
    size: int = 12


@dataclass(frozen=True)
class Arrow:
    """A line from one place to another.

    Attributes:
        start: x and y.
        end: x and y.
        text: what stands beside its middle.
        shift: how far the text stands from the middle, x and y.
        color: of the line.
        dashed: whether it is dashed.
        head: whether it ends in a point.
        width: of the line, in points.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    text: str = ""
    shift: tuple[float, float] = (0.0, 0.18)
    color: str = INK
    dashed: bool = False
    head: bool = True
    width: float = 1.4


@dataclass
class Sketch:
    """A diagram.

    Attributes:
        width: from 0 to this, in units of length.
        height: from 0 to this.
        title: its title.
        text: what it says, in one line.
        boxes: drawn over the arrows, the first one lowest.
        arrows: drawn first.
        labels: further texts, each with its place and its size.
    """

    width: float
    height: float
    title: str
    text: str
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    labels: list[tuple[float, float, str, int]] = field(default_factory=list)

    def figure(self) -> Figure:
        """Draw it."""
        return Figure(_plotly(self), _still(self), self.text)


def _plotly(sketch: Sketch) -> Any:
    from plotly import graph_objects as go

    plot = go.Figure()
    shapes, notes = [], []
    for arrow in sketch.arrows:
        line = {"color": arrow.color, "width": arrow.width, "dash": "dash" if arrow.dashed else "solid"}
        (x0, y0), (x1, y1) = arrow.start, arrow.end
        shapes.append({"type": "line", "x0": x0, "y0": y0, "x1": x1, "y1": y1, "line": line, "layer": "below"})
        if arrow.head:
            notes.append(_point(arrow))
        if arrow.text:
            x, y = _beside(arrow)
            notes.append(_words(x, y, arrow.text, 12))
    for box in sketch.boxes:
        half, tall = box.width / 2, (box.width if box.height is None else box.height) / 2
        kind = "circle" if box.height is None else "rect"
        corners = {"x0": box.x - half, "x1": box.x + half, "y0": box.y - tall, "y1": box.y + tall}
        shapes.append({"type": kind, **corners, "fillcolor": box.color, "line": {"color": INK, "width": 1.2}})
        if box.text:
            notes.append(_words(box.x, box.y, box.text, box.size))
    notes += [_words(x, y, text, size) for x, y, text, size in sketch.labels]
    plain_layout(plot, sketch.title, round(_PIXELS * sketch.height) + 60, shapes=shapes, annotations=notes)
    plot.update_layout(margin={"l": 10, "r": 10, "t": 50, "b": 10}, plot_bgcolor=PAPER, dragmode=False)
    hidden = {"visible": False, "fixedrange": True, "constrain": "domain"}
    plot.update_xaxes(range=[0, sketch.width], **hidden)
    return plot.update_yaxes(range=[0, sketch.height], scaleanchor="x", **hidden)


def _point(arrow: Arrow) -> dict[str, Any]:
    """The head of an arrow: a short arrow over the end of its line, long enough to be drawn."""
    (x0, y0), (x1, y1) = arrow.start, arrow.end
    share = _HEAD / math.hypot(x1 - x0, y1 - y0)
    at = {"x": x1, "y": y1, "ax": x1 - (x1 - x0) * share, "ay": y1 - (y1 - y0) * share}
    axes = {"xref": "x", "yref": "y", "axref": "x", "ayref": "y"}
    head = {"arrowhead": 2, "arrowsize": 1.2, "arrowwidth": arrow.width, "arrowcolor": arrow.color}
    return {**at, **axes, **head, "showarrow": True, "text": ""}


def _words(x: float, y: float, text: str, size: int) -> dict[str, Any]:
    font = {"size": size, "color": INK}
    return {"x": x, "y": y, "text": text.replace("\n", "<br>"), "showarrow": False, "font": font}


def _beside(arrow: Arrow) -> tuple[float, float]:
    return (arrow.start[0] + arrow.end[0]) / 2 + arrow.shift[0], (arrow.start[1] + arrow.end[1]) / 2 + arrow.shift[1]


def _still(sketch: Sketch) -> Any:
    from matplotlib.patches import Ellipse, Rectangle

    still = new_still(_INCHES * sketch.width, _INCHES * sketch.height + 0.35)
    axes = still.add_subplot()
    axes.set_title(sketch.title, loc="left", fontsize=12)
    axes.set(xlim=(0, sketch.width), ylim=(0, sketch.height), aspect="equal")
    axes.set_axis_off()
    for arrow in sketch.arrows:
        style: dict[str, Any] = {
            "color": arrow.color,
            "linewidth": arrow.width,
            "linestyle": "--" if arrow.dashed else "-",
        }
        if arrow.head:
            pointed = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 12, **style}
            axes.annotate("", arrow.end, arrow.start, arrowprops=pointed)
        else:
            axes.plot(*zip(arrow.start, arrow.end, strict=True), zorder=1, **style)
        if arrow.text:
            _write(axes, *_beside(arrow), arrow.text, 12)
    for box in sketch.boxes:
        face: dict[str, Any] = {"facecolor": box.color, "edgecolor": INK, "linewidth": 1.2, "zorder": 3}
        if box.height is None:
            axes.add_patch(Ellipse((box.x, box.y), box.width, box.width, **face))
        else:
            corner = box.x - box.width / 2, box.y - box.height / 2
            axes.add_patch(Rectangle(corner, box.width, box.height, **face))
        _write(axes, box.x, box.y, box.text, box.size)
    for x, y, text, size in sketch.labels:
        _write(axes, x, y, text, size)
    return still


def _write(axes: Any, x: float, y: float, text: str, size: float) -> None:
    # a point is larger than a pixel: the same number of points would look larger than the live form's letters
    axes.text(x, y, text, ha="center", va="center", fontsize=size * 0.78, color=INK, zorder=4, linespacing=1.25)


def row(xs: Sequence[float], y: float, texts: Sequence[str], **more: Any) -> list[Box]:
    """Make boxes side by side.

    Args:
        xs: their centres.
        y: of all of them.
        texts: what stands in each.
        **more: further fields of a box.
    """
    return [Box(x, y, text, **more) for x, text in zip(xs, texts, strict=True)]
