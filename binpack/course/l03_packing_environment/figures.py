"""Figures of lesson 03: a landing, what carries a box, what rules accept, and how sure a comparison is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.course.l03_packing_environment.drawing import Dot, Line, Panel, Rectangle, View, Word, draw
from binpack.course.l03_packing_environment.piles import STAND_BIN, Stand
from binpack.plots.figure import Figure
from binpack.plots.style import COLORS, INK, PALETTE

PILE, BOX, BEARS, FLOOR = PALETTE[0], PALETTE[1], PALETTE[3], "#F3F3F0"
_GRID = "#C4C4BE"


def landing(
    heights: ArrayLike, item: Sequence[int], x: int, y: int, *, bin_height: int, title: str | None = None
) -> Figure:
    """Draw a box that comes down on a pile: from the side, and from above.

    Args:
        heights: the height map, integers, (L, W).
        item: edges of the box along x, y and z.
        x: lowest x of its base.
        y: lowest y of its base.
        bin_height: height of the bin, in cells.
        title: the title; which box comes down where if it is left out.
    """
    cells = np.asarray(heights, int)
    length, width, height = (int(edge) for edge in item)
    under = cells[x : x + length, y : y + width]
    z = int(under.max())
    inside = under.shape == (length, width)
    heading = title or f"a {length} x {width} x {height} box comes down at ({x}, {y})"
    heading += "" if inside else ": it sticks out of the bin"
    side = _side(cells, (length, width, height), x, y, z, bin_height)
    above = _above(cells, x, y, under == z, (length, width))
    rests = f": it rests at {z} on {int((under == z).sum())} of {under.size} cells" if inside else ""
    return draw([[side, above]], heading, heading + rests, height=430)


def _side(cells: NDArray, item: tuple[int, int, int], x: int, y: int, z: int, bin_height: int) -> Panel:
    """Look along x, from high x, at the strip under the box."""
    length, width, height = item
    strip = cells[x : x + length].max(axis=0)
    top = bin_height + height + 1.0
    panel = Panel(
        f"along x: the highest cell of x = {x} to {x + length - 1} at each y",
        (-0.3, max(len(strip), y + width) + 0.3),
        (-0.3, top + 0.2),
        ("y", "z"),
        {place + 0.5: str(place) for place in range(len(strip))},
        {float(place): str(place) for place in range(bin_height + 1)},
    )
    panel.shapes.append(Rectangle(0, 0, len(strip), bin_height, FLOOR, _GRID))
    panel.shapes += [Rectangle(place, 0, 1, high, PILE) for place, high in enumerate(strip.tolist()) if high]
    middle = y + width / 2
    panel.shapes += [
        Rectangle(y, z, width, height, BOX, INK, 1.5),
        Rectangle(y, top - height, width, height, None, INK, 1.5, dashed=True),
        Line([(middle, top - height - 0.1), (middle, z + height + 0.15)], arrow=True),
        Word(middle, z + height / 2, f"z = {z}", size=12),
    ]
    bearing = [place for place in range(y, min(y + width, len(strip))) if strip[place] == z]
    panel.shapes += [Line([(place, z), (place + 1, z)], COLORS[2], 5) for place in bearing]
    return panel


def _above(cells: NDArray, x: int, y: int, bearing: NDArray, base: tuple[int, int]) -> Panel:
    """Look down on the height map, with the base drawn in: x downwards, y to the right, as in ``plots.heightmap``."""
    length, width = cells.shape
    panel = Panel(
        "from above: the height of each cell",
        (-0.3, max(width, y + base[1]) + 0.3),
        (max(length, x + base[0]) + 0.3, -0.3),
        ("y", "x"),
        {place + 0.5: str(place) for place in range(width)},
        {place + 0.5: str(place) for place in range(length)},
    )
    panel.shapes += [Rectangle(j, i, 1, 1, FLOOR, _GRID) for i, j in np.ndindex(length, width)]
    panel.shapes.append(Rectangle(y, x, base[1], base[0], BOX, INK, 2))
    panel.shapes += [
        Rectangle(y + j, x + i, 1, 1, BEARS if bears else BOX, _GRID) for (i, j), bears in np.ndenumerate(bearing)
    ]
    panel.shapes.append(Rectangle(y, x, base[1], base[0], None, INK, 2))
    panel.shapes += [Word(j + 0.5, i + 0.5, str(value)) for (i, j), value in np.ndenumerate(cells)]
    return panel


def support(rule: str, stands: Mapping[str, Stand], *, hull: bool = False) -> Figure:
    """Draw boxes on their piles, what bears each of them, and whether a support rule accepts it.

    Args:
        rule: the support rule.
        stands: name to a box on its pile.
        hull: whether the convex hull of the bearing cells is drawn.
    """
    words = {name: "accepted" if stand.accepted(rule) else "refused" for name, stand in stands.items()}
    views = [_view(f"{name}: {words[name]}", stand) for name, stand in stands.items()]
    bases = [_base(stand, hull) for stand in stands.values()]
    told = [
        f"{name} {words[name]} ({stand.bearing.sum()} of {stand.bearing.size} cells, {stand.corners} of 4 corners)"
        for name, stand in stands.items()
    ]
    text = f"rule {rule}: {', '.join(told)}"
    return draw([views, bases], f"rule {rule}", text, height=540, heights=[1.2, 1.0])


def _view(title: str, stand: Stand) -> View:
    z = stand.heights[stand.x : stand.x + stand.item[0], stand.y : stand.y + stand.item[1]].max()
    boxes = np.concatenate([stand.boxes, [[stand.x, stand.y, z, *stand.item]]])
    return View(title, boxes, STAND_BIN, ["pile"] * len(stand.boxes) + ["the box"])


def _base(stand: Stand, hull: bool) -> Panel:
    """Look at the base of a box from above: x downwards, y to the right."""
    bearing, (length, width, _) = stand.bearing, stand.item
    panel = Panel(
        f"{bearing.sum()} of {bearing.size} cells bear it, {stand.corners} of 4 corners",
        (-0.2, width + 0.2),
        (length + 0.2, -0.2),
        ("y", "x"),
    )
    panel.shapes += [
        Rectangle(j, i, 1, 1, BEARS if bears else FLOOR, _GRID) for (i, j), bears in np.ndenumerate(bearing)
    ]
    panel.shapes.append(Rectangle(0, 0, width, length, None, INK, 2))
    if hull:
        panel.shapes += [Line(_hull(bearing), COLORS[5], 2.5), Dot(width / 2, length / 2, COLORS[5], 11)]
    return panel


def _hull(bearing: NDArray) -> list[tuple[float, float]]:
    """Corners (y, x) of the convex hull of some cells, the first of them again at the end."""
    from scipy.spatial import ConvexHull

    points = np.array([(j + dj, i + di) for i, j in np.argwhere(bearing) for di in (0, 1) for dj in (0, 1)], float)
    corners = points[ConvexHull(points).vertices]
    return [(float(across), float(down)) for across, down in [*corners, corners[0]]]


def agreement(stands: Mapping[str, Stand], rules: Sequence[str]) -> Figure:
    """Draw which rule accepts which box.

    Args:
        stands: name to a box on its pile.
        rules: the support rules.
    """
    panel = Panel(
        "",
        (-0.05, len(rules) + 0.05),
        (-0.05, len(stands) + 0.05),
        x_ticks={place + 0.5: rule for place, rule in enumerate(rules)},
        y_ticks={
            len(stands) - row - 0.5: f"{name} ({stand.bearing.sum()} of {stand.bearing.size})"
            for row, (name, stand) in enumerate(stands.items())
        },
        square=False,
    )
    told = []
    for row, (name, stand) in enumerate(stands.items()):
        kept = [rule for rule in rules if stand.accepted(rule)]
        told.append(f"{name}: {', '.join(kept) or 'no rule'}")
        for column, rule in enumerate(rules):
            fill, word = (BEARS, "accepted") if rule in kept else (FLOOR, "refused")
            panel.shapes.append(Rectangle(column, len(stands) - row - 1, 1, 1, fill, "#FFFFFF", 2))
            panel.shapes.append(Word(column + 0.5, len(stands) - row - 0.5, word))
    title = "which rule accepts which box"
    return draw([[panel]], title, f"{title}: {'; '.join(told)}", height=90 + 44 * len(stands))


def speed(rows: Mapping[str, Mapping[int, float]]) -> Figure:
    """Draw how many times as fast as loops something is, by the number of bins.

    Args:
        rows: name of a way to number of bins to its speed, as a multiple of the loops'.
    """
    bins = sorted({count for line in rows.values() for count in line})
    top = max(max(line.values()) for line in rows.values())
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if tick <= 1.6 * top]
    panel = Panel(
        "",
        (-0.4, len(bins) + 0.9),
        (-0.1, np.log10(1.8 * top)),
        ("bins", "times as fast as loops"),
        {place: str(count) for place, count in enumerate(bins)},
        {float(np.log10(tick)): str(tick) for tick in ticks},
        square=False,
    )
    panel.shapes += [Line([(0, np.log10(tick)), (len(bins) - 1, np.log10(tick))], "#E5E5E0", 1) for tick in ticks]
    for number, (name, line) in enumerate(rows.items()):
        points = [(bins.index(count), float(np.log10(times))) for count, times in line.items()]
        panel.shapes.append(Line(points, COLORS[number], 2.5))
        panel.shapes += [Dot(x, y, COLORS[number], 8) for x, y in points]
        panel.shapes.append(Word(points[-1][0] + 0.15, points[-1][1], name, COLORS[number], 12, "left"))
    told = ", ".join(f"{name} {line[bins[-1]]:.0f} times" for name, line in rows.items())
    title = "landing heights: how many times as fast as loops"
    return draw([[panel]], title, f"{title}, {bins[-1]} bins: {told}", height=400)


def steps(counts: Sequence[int], *, y: str, title: str) -> Figure:
    """Draw a number for each step of an episode.

    Args:
        counts: the numbers.
        y: what they count.
        title: the title.
    """
    top = max(counts)
    panel = Panel(
        "",
        (-0.6, len(counts) - 0.4),
        (-0.02 * top, 1.12 * top),
        ("step", y),
        {float(step): str(step) for step in range(len(counts))},
        {float(tick): str(tick) for tick in range(0, top + 1, max(1, 10 * round(top / 50)))},
        square=False,
    )
    for step, count in enumerate(counts):
        panel.shapes.append(Rectangle(step - 0.4, 0, 0.8, count, COLORS[0], COLORS[0]))
        panel.shapes.append(Word(step, count + 0.05 * top, str(count)))
    return draw([[panel]], title, f"{title}: {', '.join(map(str, counts))}", height=340)


def four(packings: Mapping[str, ArrayLike], bin_size: tuple[int, int, int], *, title: str) -> Figure:
    """Draw four packings of one bin in two rows; boxes with the same edges have the same colour, whatever their order.

    Args:
        packings: name to placed boxes, (n, 6).
        bin_size: length, width and height of the bin, in cells.
        title: the title.
    """
    views = [
        View(
            name,
            np.asarray(boxes),
            bin_size,
            ["x".join(map(str, edges)) for edges in np.asarray(boxes)[:, 3:].tolist()],
        )
        for name, boxes in packings.items()
    ]
    text = f"{title}: {', '.join(packings)}, {len(views[0].boxes)} boxes each"
    return draw([views[:2], views[2:]], title, text, height=760)
