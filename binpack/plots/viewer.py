"""Pictures of a packing, from its boxes alone.

A packing is an integer array ``(n, 6)``: ``x, y, z, length, width, height`` of each box in the order of placing.
Environments hand over boxes and know nothing of drawing; this module draws boxes and knows nothing of environments.

- ``plotly_packing``: a figure to turn, zoom and hover over; ``write_html`` saves it as one file that works offline.
- ``matplotlib_packing``: a still picture; ``write_png`` saves it, ``rgb_array`` returns its pixels.
- ``save_gif``: the packing as it grows, one frame a box.

The libraries that draw are imported where they are used, so that workers that never draw do not pay for them.
"""

from __future__ import annotations

import io
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rich.cells import cell_len, set_cell_size

from binpack.files import InputError, write_atomically
from binpack.plots import letters
from binpack.plots.style import INK, PALETTE, PAPER, PLOTLY_CONFIG, WALL, WALL_EDGE, shade
from binpack.text import hypertext, terminal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from plotly import graph_objects as go


# The eye of the still picture, as in matplotlib's 3D axes: degrees around z from the x axis, and above the floor.
# Drawing relies on an eye that sees every box from its high-x, high-y and top sides.
_AZIMUTH, _ELEVATION = 38.0, 27.0

# Corner c of a box has its high x if bit 4 of c is set, its high y for bit 2, its high z for bit 1.
_CORNERS = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)])
_EDGES = np.array([(0, 1), (0, 2), (0, 4), (3, 1), (3, 2), (3, 7), (5, 1), (5, 4), (5, 7), (6, 2), (6, 4), (6, 7)])
# Two triangles for each of the faces low x, high x, low y, high y, bottom, top.
_TRIANGLES = np.array(
    [
        *((0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)),
        *((2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)),
    ]
)
# The faces that the eye of the still picture sees, high x, high y and top: corners in drawing order, and lightness.
_SEEN_FACES = (((4, 6, 7, 5), 0.90), ((2, 6, 7, 3), 0.76), ((1, 5, 7, 3), 1.0))

# Lightness of the faces in the order of their triangles: those that the still picture sees as there.
_LIGHT = (0.84, 0.90, 0.70, 0.76, 0.60, 1.0)


def plotly_packing(
    boxes: ArrayLike,
    bin_size: Sequence[int],
    labels: Sequence[str] | None = None,
    title: str | None = None,
    *,
    names: Iterable[str] = (),
) -> go.Figure:
    """Draw a packing as an interactive figure.

    All boxes are one mesh and all their edges one line trace, so that hundreds of boxes turn as smoothly as ten.
    Hovering over a box shows its number, edges and place.

    Args:
        boxes: placed boxes in the order of placing, (n, 6), in cells.
        bin_size: length, width and height of the bin, in cells.
        labels: a name for each box, shown when hovering; boxes of one name share a colour. Without names every box
            has the next colour of the palette.
        title: the title; the number of boxes and the utilization where it is left out.
        names: names that have their colours as well, of boxes in other pictures beside this one.

    Returns:
        The figure.

    Raises:
        ValueError: if ``boxes``, ``bin_size`` or ``labels`` do not fit together.
    """
    from plotly import graph_objects as go

    boxes, size = _packing(boxes, bin_size, labels)
    outline = _corners(np.array([[0, 0, 0, *size]]))[0]
    traces = [_line_trace(go, outline[None], WALL_EDGE, 3)]
    if len(boxes):
        # Boxes are drawn a hair too small: faces that touch would flicker through each other.
        corners = _corners(boxes, inset=0.012)
        traces += [
            _mesh_trace(go, boxes, corners, _colors(len(boxes), labels, names), labels),
            _line_trace(go, corners, INK, 2.5),
        ]
    legend = _legend(labels, names)
    traces += [_legend_trace(go, hypertext(name), color) for name, color in legend.items()]
    figure = go.Figure(traces)
    axes = {
        f"{name}axis": {
            "title": {"text": name},
            "range": [0, edge],
            "dtick": _tick(edge),
            "backgroundcolor": WALL,
            "gridcolor": "#DEDED8",
            "showbackground": True,
            "showspikes": False,
            "zeroline": False,
        }
        for name, edge in zip("xyz", size, strict=True)
    }
    figure.update_layout(
        title={"text": hypertext(title or _title(boxes, size)), "x": 0.5, "xanchor": "center", "font": {"size": 16}},
        font={"color": INK, "size": 12},
        paper_bgcolor=PAPER,
        showlegend=bool(legend),
        legend={"orientation": "h", "x": 0.5, "xanchor": "center", "y": 0, "yanchor": "bottom", "itemclick": False},
        margin={"l": 0, "r": 0, "t": 44, "b": 0},
        height=520,
        scene={
            **axes,
            "aspectmode": "manual",
            "aspectratio": _plotly_scale(size),
            # in parallel projection, as the still picture
            "camera": {
                "eye": dict(zip("xyz", (2 * _towards_eye()).round(4).tolist(), strict=True)),
                "center": {"x": 0, "y": 0, "z": -0.04},
                "projection": {"type": "orthographic"},
            },
        },
    )
    return figure


def matplotlib_packing(
    boxes: ArrayLike,
    bin_size: Sequence[int],
    labels: Sequence[str] | None = None,
    title: str | None = None,
    *,
    names: Iterable[str] = (),
    size: tuple[float, float] = (6.0, 6.0),
    dpi: int = 120,
) -> Figure:
    """Draw a packing as a still picture, in parallel projection.

    The boxes are projected here and drawn back to front on plain axes: matplotlib's own 3D axes sort polygons by their
    mean depth, which lets a hidden box shine through a large one.

    Args:
        boxes: placed boxes in the order of placing, (n, 6), in cells.
        bin_size: length, width and height of the bin, in cells.
        labels: a name for each box; boxes of one name share a colour, and up to eight names are listed below.
        title: the title; the number of boxes and the utilization where it is left out, none if it is empty.
        names: names that have their colours as well, of boxes in other pictures beside this one.
        size: width and height of the figure, in inches.
        dpi: pixels an inch.

    Returns:
        A figure with an Agg canvas; it is not known to pyplot and needs no closing.

    Raises:
        ValueError: if ``boxes``, ``bin_size`` or ``labels`` do not fit together.
    """
    boxes, bin_edges = _packing(boxes, bin_size, labels)
    text = _title(boxes, bin_edges) if title is None else title
    colors, legend = _colors(len(boxes), labels, names), _legend(labels, names)
    return _still(boxes, bin_edges, colors, legend, text, size, dpi)


def rgb_array(
    boxes: ArrayLike,
    bin_size: Sequence[int],
    labels: Sequence[str] | None = None,
    title: str | None = None,
    *,
    size: tuple[int, int] = (480, 480),
) -> NDArray[np.uint8]:
    """Return a still picture of a packing as pixels.

    Args:
        boxes: placed boxes in the order of placing, (n, 6), in cells.
        bin_size: length, width and height of the bin, in cells.
        labels: a name for each box, as for ``matplotlib_packing``.
        title: the title, as for ``matplotlib_packing``.
        size: height and width of the picture, in pixels.

    Returns:
        Red, green and blue, uint8, (height, width, 3).

    Raises:
        ValueError: if ``boxes``, ``bin_size`` or ``labels`` do not fit together.
    """
    height, width = size
    return pixels_of(matplotlib_packing(boxes, bin_size, labels, title, size=(width / 100, height / 100), dpi=100))


def save_gif(
    path: str | Path,
    boxes: ArrayLike,
    bin_size: Sequence[int],
    fps: float = 4,
    labels: Sequence[str] | None = None,
    *,
    size: tuple[int, int] = (480, 480),
    hold: float = 2.0,
    max_frames: int = 120,
) -> Path:
    """Save a packing as it grows as an animated GIF that repeats for ever.

    Args:
        path: the file to write.
        boxes: placed boxes in the order of placing, (n, 6), in cells.
        bin_size: length, width and height of the bin, in cells.
        fps: frames, and so boxes, a second.
        labels: a name for each box, as for ``matplotlib_packing``.
        size: height and width of the picture, in pixels.
        hold: how long the finished packing stays, in seconds.
        max_frames: with more boxes than this, several boxes appear a frame.

    Returns:
        The path.

    Raises:
        ValueError: if ``boxes``, ``bin_size`` or ``labels`` do not fit together, or ``fps`` is not positive.
    """
    return _write(path, gif(boxes, bin_size, fps, labels, size=size, hold=hold, max_frames=max_frames))


def gif(
    boxes: ArrayLike,
    bin_size: Sequence[int],
    fps: float = 4,
    labels: Sequence[str] | None = None,
    *,
    size: tuple[int, int] = (480, 480),
    hold: float = 2.0,
    max_frames: int = 120,
) -> bytes:
    """Draw a packing as it grows, as the bytes of an animated GIF; arguments and errors are those of ``save_gif``."""
    from PIL import Image

    boxes, bin_edges = _packing(boxes, bin_size, labels)
    if not fps > 0:
        raise InputError(f"fps must be positive, got {fps}")
    shown = np.unique(np.linspace(0, len(boxes), min(len(boxes), max_frames) + 1).round().astype(int))
    # Colours and names are those of the whole packing, whatever is placed yet.
    colors, legend, inches = _colors(len(boxes), labels), _legend(labels), (size[1] / 100, size[0] / 100)
    frames = []
    for count in shown:
        placed = boxes[:count]
        figure = _still(placed, bin_edges, colors[:count], legend, _title(placed, bin_edges), inches, 100)
        frames.append(Image.fromarray(pixels_of(figure)).quantize(255, dither=Image.Dither.NONE))
    durations = [round(1000 / fps)] * (len(frames) - 1) + [round(1000 * hold)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, disposal=1)
    return buffer.getvalue()


def write_html(path: str | Path, figure: go.Figure) -> Path:
    """Save an interactive figure as one file that needs no network; the same figure always gives the same bytes.

    Args:
        path: the file to write.
        figure: a plotly figure.

    Returns:
        The path.
    """
    return _write(path, figure.to_html(include_plotlyjs=True, config=dict(PLOTLY_CONFIG), div_id="figure").encode())


def write_png(path: str | Path, figure: Figure) -> Path:
    """Save a still picture; the same figure always gives the same bytes.

    Args:
        path: the file to write.
        figure: a matplotlib figure.

    Returns:
        The path.
    """
    buffer = io.BytesIO()
    letters.settle(figure)
    with letters.quiet():
        figure.savefig(buffer, format="png", facecolor=figure.get_facecolor(), metadata={"Software": None})
    return _write(path, buffer.getvalue())


def _packing(boxes: ArrayLike, bin_size: Sequence[int], labels: Sequence[str] | None) -> tuple[NDArray, NDArray]:
    """Return boxes (n, 6) and bin size (3,) as float arrays, or say what is wrong with them."""
    array, size = np.asarray(boxes, float), np.asarray(bin_size, float)
    if array.size == 0:
        array = np.zeros((0, 6))
    if array.ndim != 2 or array.shape[1] != 6:
        raise InputError(f"boxes must be an (n, 6) array, got shape {array.shape}")
    if size.shape != (3,) or not (size > 0).all():
        raise InputError(f"bin size must be three positive numbers, got {bin_size!r}")
    if labels is not None and len(labels) != len(array):
        raise InputError(f"expected a label for each of the {len(array)} boxes, got {len(labels)}")
    return array, size


def _write(path: str | Path, content: bytes) -> Path:
    """Write a file, whole or not at all."""
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    return Path(path)


def count_boxes(boxes: NDArray) -> str:
    """Say how many boxes there are, (n, 6): "1 box", "2 boxes"."""
    return f"{len(boxes)} {'box' if len(boxes) == 1 else 'boxes'}"


def _title(boxes: NDArray, size: NDArray) -> str:
    share = boxes[:, 3:].prod(axis=1).sum() / size.prod()
    return f"{count_boxes(boxes)}, utilization {share:.1%}"


def _colors(count: int, labels: Sequence[str] | None, names: Iterable[str] = ()) -> list[str]:
    if labels is None:
        return [PALETTE[i % len(PALETTE)] for i in range(count)]
    rank = _ranks(labels, names)
    return [PALETTE[rank[label] % len(PALETTE)] for label in labels]


def _ranks(labels: Iterable[str], names: Iterable[str]) -> dict[str, int]:
    """Number names in sorted order: a box keeps its colour from picture to picture of the same items."""
    return {label: i for i, label in enumerate(sorted({*labels, *names}))}


def _legend(labels: Sequence[str] | None, names: Iterable[str] = ()) -> dict[str, str]:
    """Return the colour of each name that is there, in sorted order; nothing if there are more names than colours."""
    rank = _ranks(labels or (), names)
    there = sorted(set(labels or ()))
    return {terminal(name): PALETTE[rank[name]] for name in there} if len(rank) <= len(PALETTE) else {}


def _tick(edge: float) -> int:
    """Return a round distance between ticks that puts about five of them on an edge."""
    raw = max(edge / 5, 1)
    power = 10 ** math.floor(math.log10(raw))
    return int(min(step * power for step in (1, 2, 5, 10) if step * power >= raw))


def _corners(boxes: NDArray, inset: float = 0.0) -> NDArray:
    """Return the corners of boxes, (n, 8, 3), each box drawn in from all sides by ``inset`` cells."""
    low, high = boxes[:, None, :3] + inset, boxes[:, None, :3] + boxes[:, None, 3:] - inset
    return np.where(_CORNERS == 1, high, low)


def _mesh_trace(go, boxes: NDArray, corners: NDArray, colors: list[str], labels: Sequence[str] | None) -> go.Mesh3d:
    """Return one mesh of all boxes: 8 corners and 12 coloured triangles each."""
    x, y, z = corners.reshape(-1, 3).T
    i, j, k = (_TRIANGLES[None] + 8 * np.arange(len(boxes))[:, None, None]).reshape(-1, 3).T
    texts = [_hover(index, box, labels) for index, box in enumerate(boxes.astype(int).tolist())]
    return go.Mesh3d(
        x=x,
        y=y,
        z=z,
        i=i,
        j=j,
        k=k,
        facecolor=[shade(("#000000", color), light) for color in colors for light in _LIGHT for _ in (0, 1)],
        text=np.repeat(texts, len(_CORNERS)),
        hoverinfo="text",
        flatshading=True,
        # each face has its lightness as its colour, as in the still picture
        lighting={"ambient": 1, "diffuse": 0, "specular": 0, "fresnel": 0},
        name="boxes",
    )


def _legend_trace(go, name: str, color: str) -> go.Scatter3d:
    """Return a trace that draws nothing but its entry in the legend."""
    marker = {"symbol": "square", "color": color, "size": 8, "line": {"color": INK, "width": 1}}
    return go.Scatter3d(x=[None], y=[None], z=[None], mode="markers", marker=marker, name=name, showlegend=True)


def _hover(index: int, box: list[int], labels: Sequence[str] | None) -> str:
    x, y, z, length, width, height = box
    name = f"{hypertext(labels[index])}<br>" if labels is not None else ""
    return f"{name}No. {index + 1}: {length}x{width}x{height} at ({x},{y},{z})"


def _line_trace(go, corners: NDArray, color: str, width: float) -> go.Scatter3d:
    """Return the 12 edges of each box as one line trace, broken by gaps."""
    ends = corners[:, _EDGES]
    gaps = np.full((*ends.shape[:2], 1, 3), np.nan)
    x, y, z = np.concatenate([ends, gaps], axis=2).reshape(-1, 3).T
    return go.Scatter3d(
        x=x, y=y, z=z, mode="lines", line={"color": color, "width": width}, hoverinfo="skip", showlegend=False
    )


def _plotly_scale(size: NDArray) -> dict[str, float]:
    """Return edges of the scene at which the whole bin and the numbers along it fill the view."""
    corners = _project(_corners(np.array([[0, 0, 0, *size]])))[0]
    # in parallel projection a scene is 2 high, wherever the eye is
    scale = min(1.8 / np.ptp(corners[:, 0]), 1.7 / np.ptp(corners[:, 1]))
    return dict(zip("xyz", (scale * size).round(4).tolist(), strict=True))


def _towards_eye() -> NDArray:
    azimuth, elevation = math.radians(_AZIMUTH), math.radians(_ELEVATION)
    flat = math.cos(elevation)
    return np.array([flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)])


def _project(points: NDArray) -> NDArray:
    """Project points (..., 3) on the picture plane, (..., 2)."""
    x, y, z = np.moveaxis(np.asarray(points, float), -1, 0)
    azimuth, elevation = math.radians(_AZIMUTH), math.radians(_ELEVATION)
    across = y * math.cos(azimuth) - x * math.sin(azimuth)
    away = x * math.cos(azimuth) + y * math.sin(azimuth)
    return np.stack([across, z * math.cos(elevation) - away * math.sin(elevation)], axis=-1)


def _back_to_front(boxes: NDArray) -> tuple[NDArray, NDArray]:
    """Return boxes, some of them cut, in an order in which none hides one that is drawn after it.

    A box hides another if a line from the other towards the eye meets it, which for boxes comes down to one interval an
    axis. Boxes can hide each other in a circle, like three crossed bars. Then all boxes are cut at every height at
    which one begins or ends: a lower layer never hides a higher one, and disjoint rectangles of a layer have an order.

    Returns:
        ``(pieces (m, 6), owners (m,))``, in drawing order; ``owners`` are row numbers of ``boxes``.
    """
    order = _order(boxes)
    if order is not None:
        return boxes[order], order
    levels = np.unique(np.concatenate([boxes[:, 2], boxes[:, 2] + boxes[:, 5]]))
    pieces, owners = [], []
    for low, high in itertools.pairwise(levels):
        inside = np.flatnonzero((boxes[:, 2] <= low) & (boxes[:, 2] + boxes[:, 5] >= high))
        layer = boxes[inside].copy()
        layer[:, 2], layer[:, 5] = low, high - low
        # Boxes that overlap have no order; such a packing is wrong, and drawn as well as can be.
        ranks = _order(layer)
        ranks = np.argsort(layer[:, :3] @ _towards_eye()) if ranks is None else ranks
        pieces.append(layer[ranks])
        owners.append(inside[ranks])
    return np.concatenate(pieces), np.concatenate(owners)


def _order(boxes: NDArray) -> NDArray | None:
    """Return row numbers such that no box hides a later one, or None if there is a circle."""
    eye = _towards_eye()
    low, high = boxes[:, :3], boxes[:, :3] + boxes[:, 3:]
    # On the way from box i towards the eye, box j is met between these distances.
    enter = ((low[None] - high[:, None]) / eye).max(axis=-1)
    leave = ((high[None] - low[:, None]) / eye).min(axis=-1)
    hidden_by = (enter < leave - 1e-9) & (leave > 1e-9)
    np.fill_diagonal(hidden_by, False)
    waits_for = hidden_by.sum(axis=0)
    nearness = high @ eye
    order: list[int] = []
    ready = waits_for == 0
    while ready.any():
        # Of all boxes that hide nothing still to come, the farthest.
        index = int(np.argmin(np.where(ready, nearness, np.inf)))
        order.append(index)
        ready[index] = False
        freed = hidden_by[index]
        waits_for[freed] -= 1
        ready |= freed & (waits_for == 0)
    return np.array(order, int) if len(order) == len(boxes) else None


def _still(
    boxes: NDArray,
    bin_edges: NDArray,
    colors: list[str],
    legend: dict[str, str],
    title: str,
    size: tuple[float, float],
    dpi: int,
) -> Figure:
    """Draw boxes in given colours; ``size`` is the figure's width and height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=dpi, facecolor=PAPER, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_aspect("equal")
    axes.set_axis_off()
    # Widths are in points: a small picture gets finer lines, and so do hundreds of boxes; letters stay legible.
    scale = min(size) / 6
    letter = max(scale, 0.8)
    lines = scale * (1.0 if len(boxes) < 150 else 0.5)
    _draw_walls(axes, bin_edges, scale)
    _draw_boxes(axes, boxes, colors, 0.9 * lines)
    _draw_front(axes, bin_edges, scale)
    _draw_ticks(axes, bin_edges, 8.5 * letter, few=min(size) < 3)
    if title:
        axes.set_title(title, color=INK, fontsize=13 * letter)
    _draw_legend(figure, legend, 9 * letter)
    return figure


def pixels_of(figure: Figure) -> NDArray[np.uint8]:
    """Draw a still picture as it is, red, green and blue, uint8, (height, width, 3)."""
    canvas = cast("FigureCanvasAgg", figure.canvas)
    letters.settle(figure)
    with letters.quiet():
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _draw_boxes(axes: Axes, boxes: NDArray, colors: list[str], line_width: float) -> None:
    """Draw boxes back to front: for each piece its three faces, then those of its edges that are edges of the box."""
    from matplotlib.collections import PathCollection
    from matplotlib.colors import to_rgb
    from matplotlib.path import Path as Outline

    if not len(boxes):
        return
    pieces, owners = _back_to_front(boxes)
    tops, whole_tops = pieces[:, 2] + pieces[:, 5], boxes[owners, 2] + boxes[owners, 5]
    # A piece with another of the same box on top reaches a little into that one, or a seam would show.
    grown = pieces.copy()
    grown[:, 5] += np.minimum(whole_tops - tops, boxes[:, 3:].max() / 50)
    points = _project(_corners(grown))
    shades = [[tuple(light * np.array(to_rgb(color))) for _, light in _SEEN_FACES] for color in colors]
    outlines, fills, strokes = [], [], []
    for piece, owner, corners, has_top in zip(pieces, owners, points, tops == whole_tops, strict=True):
        for (face, _), fill in zip(_SEEN_FACES[: 3 if has_top else 2], shades[owner], strict=False):
            outlines.append(Outline(corners[[*face, face[0]]]))
            fills.append(fill)
            strokes.append("none")
        for edge in _seen_edges(piece, boxes[owner]):
            outlines.append(Outline(corners[list(edge)]))
            fills.append("none")
            strokes.append(INK)
    collection = PathCollection(outlines, facecolors=fills, edgecolors=strokes, linewidths=line_width, capstyle="round")
    axes.add_collection(collection, autolim=False)


def _seen_edges(piece: NDArray, box: NDArray) -> Iterator[tuple[int, int]]:
    """Yield the edges of a piece of a box, as pairs of corners, that can be seen and are not cuts."""
    yield from ((2, 3), (4, 5), (6, 7))
    if piece[2] == box[2]:
        yield from ((2, 6), (4, 6))
    if piece[2] + piece[5] == box[2] + box[5]:
        yield from ((1, 3), (1, 5), (3, 7), (5, 7))


def _draw_walls(axes: Axes, size: NDArray, scale: float) -> None:
    """Draw the floor and the two far walls, and reserve the room of the whole bin."""
    from matplotlib.collections import PolyCollection

    corners = _project(_corners(np.array([[0, 0, 0, *size]])))[0]
    faces = [corners[list(face)] for face in ((0, 2, 6, 4), (0, 1, 3, 2), (0, 1, 5, 4))]
    axes.add_collection(
        PolyCollection(faces, facecolors=["#E9E9E4", WALL, WALL], edgecolors=WALL_EDGE, linewidths=scale), autolim=False
    )
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    margin = 0.07 * max(right - left, top - bottom)
    axes.set_xlim(left - margin, right + margin)
    axes.set_ylim(bottom - margin, top + 0.3 * margin)


def _draw_front(axes: Axes, size: NDArray, scale: float) -> None:
    """Draw the edges of the bin that are nearest to the eye, over the boxes."""
    from matplotlib.collections import LineCollection

    corners = _project(_corners(np.array([[0, 0, 0, *size]])))[0]
    edges = [corners[list(edge)] for edge in ((6, 7), (5, 7), (3, 7))]
    axes.add_collection(
        LineCollection(edges, colors=WALL_EDGE, linewidths=scale, linestyles=(0, (4, 3))), autolim=False
    )


def _draw_ticks(axes: Axes, size: NDArray, font_size: float, *, few: bool) -> None:
    """Write lengths and names along the floor's two near edges and one upright edge of the bin."""
    length, width, _ = size
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    away = max(right - left, top - bottom)
    across_x, across_y = _project(np.eye(3)[:2])
    for axis, start, outward, align in (
        (0, (0, width, 0), across_y / np.linalg.norm(across_y), "left"),
        (1, (length, 0, 0), across_x / np.linalg.norm(across_x), "right"),
        (2, (length, 0, 0), np.array([-1.0, 0.0]), "right"),
    ):
        step = _tick(size[axis]) * (2 if few else 1)
        # The upright edge leaves its 0 to the y axis, which starts at the same corner.
        ticks = np.arange(step if axis == 2 else 0, size[axis] + 1e-9, step)
        places = np.tile(np.array(start, float), (len(ticks) + 1, 1))
        places[:, axis] = [*ticks, size[axis] / 2]
        for text, place in zip([f"{tick:g}" for tick in ticks], _project(places[:-1]), strict=True):
            x, y = place + 0.016 * away * outward
            axes.text(x, y, text, ha=align, va="center", fontsize=font_size, color="#6B6B66")
        x, y = _project(places[-1]) + 0.062 * away * outward
        axes.text(x, y, "xyz"[axis], ha=align, va="center", fontsize=1.2 * font_size, color=INK)


def _draw_legend(figure: Figure, legend: dict[str, str], font_size: float) -> None:
    """List names and their colours under the picture."""
    from matplotlib.patches import Patch

    if not legend:
        return
    # letters of about 0.6 of their size, and beside a name the room of its colour
    letters_a_line = 72 * figure.get_figwidth() / (0.6 * font_size)
    names = [_shortened(name, int(letters_a_line) - 8) for name in legend]
    columns = int(letters_a_line // (max(map(cell_len, names)) + 6))
    handles = [
        Patch(facecolor=color, edgecolor=INK, linewidth=0.6, label=name)
        for name, color in zip(names, legend.values(), strict=True)
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=max(1, min(len(legend), columns, 5)),
        frameon=False,
        fontsize=font_size,
    )


def _shortened(name: str, most: int) -> str:
    """Cut the end off a name that is longer than so many letters, of which a Korean one counts twice."""
    return name if cell_len(name) <= most else set_cell_size(name, most - 1).rstrip() + "…"
