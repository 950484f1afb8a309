"""A sequence of figures as one: a film under a slider, or its frames side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binpack.files import InputError
from binpack.plots.figure import WIDEST, Figure, new_still
from binpack.plots.style import INK

_GAP = 14  # pixels between two pictures
_MARGIN = 8  # pixels that saving adds on each side
_HEADING = 24  # pixels for a line of text over one
_TALLEST = 680  # pixels, what a window shows without scrolling


def film(frames: Mapping[Any, Figure], *, title: str, stills: int = 6, seconds: float = 0.7) -> Figure:
    """Show a sequence of figures: alive one at a time, with a slider and a button that plays them; still side by side.

    Args:
        frames: name of a frame, such as "after 10 episodes", to its figure. All come from one function, with the same
            axes; those whose colours mean numbers have the same limits.
        title: the title of the whole; those of the frames are best left empty.
        stills: how many frames the still form shows at most: the first, the last, and others evenly between them.
        seconds: how long the film shows each.

    Returns:
        A figure whose text names the number of frames and repeats the last one's.

    Raises:
        ValueError: there is no frame, or no room for a still one.
    """
    if not frames or stills < 1:
        raise InputError(f"a film needs frames and one still or more, got {len(frames)} frames and {stills} stills")
    named = {str(name): figure for name, figure in frames.items()}
    shown = sorted({round(place) for place in np.linspace(len(named) - 1, 0, min(stills, len(named)))})
    last = list(named)[-1]
    text = f"{title}: {len(named)} frames; {last}: {named[last].text}"
    return Figure(_plotly(named, title, seconds), _still(named, title, shown), text)


def _plotly(named: Mapping[str, Figure], title: str, seconds: float) -> Any:
    """Put the traces of all frames into one figure; each frame makes its own visible and hides the others."""
    from plotly import graph_objects as go

    live = [figure.plotly for figure in named.values()]
    owners = [number for number, one in enumerate(live) for _ in one.data]
    plot = go.Figure(layout=live[0].layout)
    for number, one in enumerate(live):
        for trace in one.data:
            plot.add_trace(trace).data[-1].visible = number == 0
    kinds = [trace.type for trace in plot.data]
    plot.frames = [
        go.Frame(
            name=str(number),
            data=[{"type": kind, "visible": owner == number} for kind, owner in zip(kinds, owners, strict=True)],
            traces=list(range(len(owners))),
            layout=_changing(live, number),
        )
        for number in range(len(live))
    ]
    still, moving = (
        {"frame": {"duration": ms, "redraw": True}, "transition": {"duration": 0}} for ms in (0, int(1000 * seconds))
    )
    steps = [
        {"label": name, "method": "animate", "args": [[str(number)], {"mode": "immediate", **still}]}
        for number, name in enumerate(named)
    ]
    buttons = [
        {"label": "play", "method": "animate", "args": [None, {"fromcurrent": True, **moving}]},
        {"label": "stop", "method": "animate", "args": [[None], {"mode": "immediate", **still}]},
    ]
    place = {"y": 0, "yanchor": "top", "pad": {"t": 46, "b": 6}}
    plot.update_layout(
        height=(plot.layout.height or 420) + 100,  # of a page of its own, with the slider below
        title={"text": title, "x": 0.02, "xanchor": "left", "font": {"size": 16}},
        sliders=[{"steps": steps, "x": 0.19, "len": 0.77, "currentvalue": {"prefix": ""}, **place}],
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "buttons": buttons,
                "x": 0.01,
                "xanchor": "left",
                "showactive": False,
                **place,
            }
        ],
    )
    return plot


def _changing(live: list[Any], number: int) -> dict[str, Any]:
    """Return the notes and shapes of a frame, as many in each: those that are missing hide the ones before."""
    layout = {}
    for kind in ("annotations", "shapes"):
        most = max(len(one.layout[kind] or ()) for one in live)
        own = [part.to_plotly_json() for part in live[number].layout[kind] or ()]
        if most:
            layout[kind] = own + [{"visible": False}] * (most - len(own))
    return layout


def _still(named: Mapping[str, Figure], title: str, shown: list[int]) -> Any:
    """Put pictures of some frames side by side, pixel for pixel where they are small enough."""
    from matplotlib.patches import Rectangle

    names, figures = list(named), list(named.values())
    pictures, wide, tall = _drawn(figures, shown)
    columns, scale = _grid(len(pictures), wide, tall)
    while scale < 1:
        pictures, wide, tall = _drawn(figures, shown, scale)
        room = _room(columns)
        if wide <= room:
            break
        scale *= room / wide  # letters do not shrink quite as the rest does; too wide a film would lose rows of pixels
    rows = -(-len(pictures) // columns)
    width, height = (wide + _GAP) * columns, (tall + _GAP + _HEADING) * rows + _HEADING
    still = new_still(width / 100, height / 100)
    still.set_layout_engine("none")
    # what is cut out to be saved is then the whole figure, and each picture begins at a whole pixel
    still.add_artist(Rectangle((0, 0), 1, 1, transform=still.transFigure, fill=False, linewidth=0))
    still.suptitle(title, x=0.01, y=1 - 4 / height, ha="left", va="top", fontsize=12, color=INK)
    for place, (number, picture) in enumerate(zip(shown, pictures, strict=True)):
        left = (place % columns) * (wide + _GAP) + _GAP // 2
        top = (place // columns) * (tall + _GAP + _HEADING) + _HEADING
        still.text((left + 2) / width, 1 - (top + 4) / height, names[number], fontsize=10, va="top", color=INK)
        _put(still, picture, left, height - top - _HEADING - picture.shape[0])
    return still


def _drawn(figures: list[Figure], shown: list[int], scale: float = 1.0) -> tuple[list[NDArray[np.uint8]], int, int]:
    """Return pictures of some figures, the width of the widest and the height of the tallest."""
    pictures = [figures[number].pixels(scale) for number in shown]
    return pictures, max(p.shape[1] for p in pictures), max(p.shape[0] for p in pictures)


def _room(columns: int) -> int:
    """Return how wide a picture may be, in pixels, where so many stand side by side."""
    return (WIDEST - 2 * _MARGIN) // columns - _GAP


def _grid(count: int, wide: int, tall: int) -> tuple[int, float]:
    """Return in how many columns pictures of a size are largest, and by how much they shrink there."""

    def scale(columns: int) -> float:
        rows = -(-count // columns)
        down = (_TALLEST - _HEADING) // rows - _GAP - _HEADING
        return min(1.0, _room(columns) / wide, down / tall)

    # of those that are as good, the one with the fewest rows
    columns = max(range(1, count + 1), key=lambda columns: (round(scale(columns), 3), columns))
    return columns, scale(columns)


def _put(still: Any, picture: NDArray[np.uint8], left: int, bottom: int) -> None:
    """Lay a picture into a figure, its lower left corner at a pixel."""
    width, height = still.get_size_inches() * 100
    rows, columns = picture.shape[:2]
    axes = still.add_axes((left / width, bottom / height, columns / width, rows / height))
    axes.imshow(picture, interpolation="nearest", aspect="auto")
    axes.set_axis_off()
