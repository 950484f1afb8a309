"""Figures of bins: a packing, the height map under it, and what a box may do on it.

A map lies as the packing does in its picture, with the same corner in front, and as its array is printed: x grows
downwards, towards the reader, and y to the right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.files import InputError
from binpack.plots.figure import Figure, headed, new_still, plain_layout
from binpack.plots.style import ALLOWED, BLUES, EMPTY, INK, PAPER, ink_on, shade, stops
from binpack.plots.viewer import count_boxes, matplotlib_packing, plotly_packing, rgb_array
from binpack.text import hypertext, terminal

_NUMBERED = 200  # cells of a map up to which each shows its number
_MARKED = 800  # and up to which each that is not allowed shows a cross


def packing(
    boxes: ArrayLike, bin_size: Sequence[int], labels: Sequence[str] | None = None, title: str | None = None
) -> Figure:
    """Draw a packing.

    Args:
        boxes: placed boxes in the order of placing, (n, 6): x, y, z, length, width, height, in cells.
        bin_size: length, width and height of the bin, in cells.
        labels: a name for each box; boxes of one name share a colour.
        title: the title; the number of boxes and the utilization where it is left out.

    Raises:
        ValueError: if boxes, bin size or labels do not fit together.
    """
    interactive = plotly_packing(boxes, bin_size, labels, title)
    array = np.asarray(boxes, float).reshape(-1, 6)
    share = array[:, 3:].prod(axis=1).sum() / np.prod(bin_size)
    text = f"packing: {count_boxes(array)}, utilization {share:.3f}"
    return Figure(interactive, matplotlib_packing(boxes, bin_size, labels, title), text)


def packings(named: Mapping[str, ArrayLike], bin_size: Sequence[int]) -> Figure:
    """Draw several packings of one bin beside each other.

    Args:
        named: name to placed boxes, (n, 6).
        bin_size: length, width and height of the bin, in cells.

    Returns:
        One figure.

    Raises:
        ValueError: there is no packing, or boxes and bin do not fit together.
    """
    if not named:
        raise InputError("there is nothing to draw: no packings")
    from plotly import graph_objects as go

    arrays = {name: np.asarray(boxes).reshape(-1, 6) for name, boxes in named.items()}
    shares = {name: boxes[:, 3:].prod(axis=1).sum() / np.prod(bin_size) for name, boxes in arrays.items()}
    titles = {name: f"{terminal(name)}: {share:.1%}" for name, share in shares.items()}
    plot, count = go.Figure(), len(named)
    side = min(4.3, 8.7 / count)
    still = new_still(side * count, side + 0.3)
    for number, (name, boxes) in enumerate(arrays.items()):
        one = plotly_packing(boxes, bin_size)
        scene = "scene" if number == 0 else f"scene{number + 1}"
        plot.add_traces([trace.update(scene=scene) for trace in one.data])
        plot.layout[scene] = one.layout.scene
        plot.layout[scene].domain.x = (number / count, (number + 1) / count)
        for axis in (plot.layout[scene][f"{letter}axis"] for letter in "xyz") if count > 2 else ():
            axis.update(tickfont={"size": 9}, dtick=2 * axis.dtick)
        place = {"x": (number + 0.5) / count, "y": 1, "xref": "paper", "yref": "paper", "xanchor": "center"}
        plot.add_annotation(text=hypertext(titles[name]), yanchor="bottom", showarrow=False, font={"size": 15}, **place)
        axes = still.add_subplot(1, count, number + 1)
        axes.imshow(rgb_array(boxes, bin_size, title="", size=(int(100 * side), int(100 * side))))
        axes.set_title(titles[name], fontsize=12, color=INK)
        axes.set_axis_off()
    plain_layout(plot, "", 460, showlegend=False)
    plot.update_layout(margin={"l": 0, "r": 0, "t": 50, "b": 0})
    found = ", ".join(
        f"{terminal(name)} {count_boxes(boxes)}, utilization {shares[name]:.3f}" for name, boxes in arrays.items()
    )
    return Figure(plot, still, f"packings: {found}")


def heightmap(heights: ArrayLike, *, bin_height: int | None = None, title: str = "height map") -> Figure:
    """Draw a height map as seen from above: x downwards, y to the right.

    Args:
        heights: height of the pile in each cell, (L, W), or (B, L, W) for several bins side by side, in cells.
        bin_height: height of the bin, the upper end of the colours; the highest cell where it is left out.
        title: the title.

    Raises:
        ValueError: heights are of another shape.
    """
    maps = _planes(heights, "heights")
    text = headed(title, f"{_size(maps)}, highest {_number(maps.max())}, mean {maps.mean():.2f}")
    top = bin_height or max(float(maps.max()), 1.0)
    names = [""] if len(maps) == 1 else [f"bin {b}" for b in range(len(maps))]
    return _cell_maps(maps, names, title, text, top, "height")


def landing(heights: ArrayLike, names: Sequence[str] | None = None, *, title: str = "landing heights") -> Figure:
    """Draw where each of several oriented items would come to rest with its corner at each cell.

    A cross marks the cells where it does not fit.

    Args:
        heights: landing heights, (L, W) or (K, L, W), in cells; below 0 where the item does not fit.
        names: a name for each item; "item 0", "item 1" where they are left out.
        title: the title.

    Raises:
        ValueError: heights are of another shape, or names are not as many.
    """
    maps = _planes(heights, "heights")
    inside = maps >= 0
    names = _names(names, len(maps))
    lowest = [_number(plane[cells].min()) if cells.any() else "none" for plane, cells in zip(maps, inside, strict=True)]
    found = ", ".join(f"{name or 'item'} {value}" for name, value in zip(names, lowest, strict=True))
    top = max(float(maps.max()), 1.0)
    text = headed(title, f"{_size(maps)}, lowest {found}")
    return _cell_maps(np.where(inside, maps, np.nan), names, title, text, top, "height")


def mask(cells: ArrayLike, names: Sequence[str] | None = None, *, title: str = "feasible cells") -> Figure:
    """Draw which cells are allowed for each of several oriented items; a cross marks those that are not.

    Args:
        cells: True where the item's corner may stand, (L, W) or (K, L, W).
        names: a name for each item; "item 0", "item 1" where they are left out.
        title: the title.

    Raises:
        ValueError: cells are of another shape, or names are not as many.
    """
    maps = _planes(cells, "cells").astype(bool)
    names = _names(names, len(maps))
    count = ", ".join(
        f"{name or 'item'} {plane.sum()} of {plane.size}" for name, plane in zip(names, maps, strict=True)
    )
    return _cell_maps(np.where(maps, 1.0, np.nan), names, title, headed(title, count), 1.0, None)


def _cell_maps(maps: NDArray, names: Sequence[str], title: str, text: str, top: float, what: str | None) -> Figure:
    """Draw planes (K, L, W) side by side; NaN is a cell that counts for nothing."""
    columns = min(len(maps), 4)
    rows = -(-len(maps) // columns)
    scale = BLUES if what else (ALLOWED, ALLOWED)
    arguments = maps, names, title, top, what, (rows, columns), scale, _cell_size(maps, rows, columns)
    return Figure(_plotly_maps(*arguments), _still_maps(*arguments), text)


def _cell_size(maps: NDArray, rows: int, columns: int) -> float:
    """Return the edge of a cell in inches, so that all panels fit on a page and none is higher than a window."""
    _, length, width = maps.shape
    return min((4.4 if columns == 1 else 8.0 / columns) / width, (4.0 if rows == 1 else 2.8) / length, 0.6)


def _bar_step(maps: NDArray, top: float) -> int | None:
    """Return the whole number between two ticks of the colours' bar where all cells hold whole ones, None elsewhere."""
    known = maps[np.isfinite(maps)]
    return max(1, -(-int(top) // 6)) if (known == np.round(known)).all() else None


def _written(plane: NDArray, scale: Sequence[str], top: float, what: str | None) -> list[tuple[int, int, str, str]]:
    """Return what is written on a plane: row, column, word and colour."""
    written = []
    for (x, y), value in np.ndenumerate(plane):
        if np.isfinite(value) and what and plane.size <= _NUMBERED:
            written.append((x, y, _number(value), ink_on(shade(scale, value / top))))
        elif not np.isfinite(value) and plane.size <= _MARKED:
            written.append((x, y, "×", INK))
    return written


def _plotly_maps(maps, names, title, top, what, grid, scale, cell):
    from plotly import graph_objects as go
    from plotly.subplots import make_subplots

    rows, columns = grid
    plot = make_subplots(
        rows,
        columns,
        subplot_titles=[hypertext(name) for name in names],
        horizontal_spacing=0.06,
        vertical_spacing=0.16,
    )
    cells = {"xgap": 1, "ygap": 1, "hoverongaps": False}
    for number, plane in enumerate(maps):
        place = {"row": number // columns + 1, "col": number % columns + 1}
        # the cells that count for nothing, or they would be one grey patch without cells
        behind = {"colorscale": [(0, EMPTY), (1, EMPTY)], "showscale": False, "hoverinfo": "skip", **cells}
        plot.add_trace(go.Heatmap(z=np.zeros(plane.shape), **behind), **place)
        heat = go.Heatmap(
            z=plane,
            zmin=0,
            zmax=top,
            colorscale=stops(scale),
            showscale=bool(what) and number == 0,
            colorbar={
                "title": {"text": what, "side": "right"},
                **{"thickness": 14, "len": 0.9, "outlinewidth": 0, "dtick": _bar_step(maps, top)},
            },
            hovertemplate="x %{y}, y %{x}" + (f"<br>{what} %{{z}}" if what else "") + "<extra></extra>",
            **cells,
        )
        plot.add_trace(heat, **place)
        written = _written(plane, scale, top, what)
        plot.add_scatter(
            x=[y for _, y, _, _ in written],
            y=[x for x, _, _, _ in written],
            text=[word for _, _, word, _ in written],
            textfont={"color": [ink for _, _, _, ink in written], "size": 11},
            mode="text",
            hoverinfo="skip",
            **place,
        )
        nth = "" if number == 0 else number + 1
        upright = {
            "scaleanchor": f"x{nth}",
            "range": [plane.shape[0] - 0.5, -0.5],
            "dtick": _step(plane.shape[0], cell),
        }
        plot.update_yaxes(constrain="domain", title="x" if place["col"] == 1 else None, **upright, **place)
        across = {"range": [-0.5, plane.shape[1] - 0.5], "dtick": _step(plane.shape[1], cell)}
        plot.update_xaxes(constrain="domain", title="y" if place["row"] == rows else None, **across, **place)
    plain_layout(plot, title, 110 + (340 if columns == 1 else 260) * rows, plot_bgcolor=PAPER, showlegend=False)
    plot.update_xaxes(showgrid=False, zeroline=False, title_standoff=4, tickangle=0)
    return plot.update_yaxes(showgrid=False, zeroline=False, title_standoff=4)


def _still_maps(maps, names, title, top, what, grid, scale, cell):
    from matplotlib.colors import LinearSegmentedColormap

    _, length, width = maps.shape
    rows, columns = grid
    wide, tall = max(cell * width, 1.4), cell * length
    still = new_still(max((wide + 0.35) * columns + (1.1 if what else 0.4), 3.2), (tall + 0.55) * rows + 0.5)
    still.suptitle(title, x=0.02, ha="left", fontsize=12, color=INK)
    panels = still.subplots(rows, columns, squeeze=False)
    colors = LinearSegmentedColormap.from_list("cells", scale)
    for number, axes in enumerate(panels.flat):
        if number >= len(maps):
            axes.set_axis_off()
            continue
        plane = maps[number]
        axes.set_facecolor(EMPTY)
        image = axes.imshow(plane, cmap=colors, vmin=0, vmax=top)
        for x, y, word, ink in _written(plane, scale, top, what):
            size = float(np.clip(26 * cell, 5, 9))
            axes.text(y, x, word, ha="center", va="center", fontsize=size, color=ink)
        axes.set_title(names[number], fontsize=10, color=INK)
        axes.set_xticks(range(0, width, _step(width, cell)))
        axes.set_yticks(range(0, length, _step(length, cell)))
        axes.set_xticks(np.arange(width) - 0.5, minor=True)
        axes.set_yticks(np.arange(length) - 0.5, minor=True)
        axes.grid(which="minor", color="white", linewidth=1)
        axes.tick_params(which="both", length=0, labelsize=8, labelcolor=INK)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("y" if number // columns == rows - 1 else "", color=INK)
        axes.set_ylabel("x" if number % columns == 0 else "", color=INK)
    if what:
        bar = still.colorbar(image, ax=panels, label=what, shrink=0.9)
        bar.outline.set_visible(False)
        step = _bar_step(maps, top)
        if step is not None:
            bar.set_ticks(np.arange(0, top + 1e-9, step))
    return still


def _planes(values: ArrayLike, what: str) -> NDArray[np.float64]:
    array = np.asarray(values, float)
    if array.ndim not in (2, 3) or not array.size:
        raise InputError(f"{what} must be an array (L, W) or (K, L, W), got shape {array.shape}")
    return array if array.ndim == 3 else array[None]


def _names(names: Sequence[str] | None, count: int) -> list[str]:
    if names is None:
        return [""] if count == 1 else [f"item {k}" for k in range(count)]
    if len(names) != count:
        raise InputError(f"expected a name for each of the {count} planes, got {len(names)}")
    return [terminal(name) for name in names]


def _size(maps: NDArray) -> str:
    return f"{maps.shape[1]} x {maps.shape[2]} cells"


def _number(value: float) -> str:
    return f"{value:g}" if float(value).is_integer() else f"{value:.2f}"


def _step(edge: int, cell: float) -> int:
    """Return a round number of cells between two ticks: 12 ticks at most, and room for the number at each."""
    most = max(1.0, min(12.0, edge * cell / 0.2))
    return next(step for step in (1, 2, 5, 10, 20, 50, 100, 1000) if edge <= most * step or step == 1000)
