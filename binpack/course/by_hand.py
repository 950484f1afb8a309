"""Packing a bin by hand: a plain function, `pack_by_hand`, and a thin layer of widgets over it, `by_hand`.

The function replays a list of places and says where that leads; the widgets keep such a list and call it after every
click. So whatever a click does can be done, printed and tested without a browser.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.core.placement import OUTSIDE
from binpack.env.batch import PackingBatch
from binpack.env.config import EnvConfig
from binpack.items.streams import Streams
from binpack.plots import viewer
from binpack.plots.figure import Figure, new_still, picture_bundle, show_picture
from binpack.plots.style import ALLOWED, EMPTY, INK, ink_on

if TYPE_CHECKING:
    import ipywidgets
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True, eq=False)
class Packing:
    """Where a list of places leads.

    Attributes:
        config: bin and rules.
        boxes: placed boxes in the order of placing, int64, (n, 6): x, y, z, length, width, height, in cells.
        heights: the height map, int64, (L, W), in cells.
        item: edges of the next item, or None if there is none or it fits nowhere, which ends the game.
        landing: height at which that item would come to rest with its corner at each cell, int64, (L, W); meaningless
            where it is not allowed.
        allowed: where its corner may stand, bool, (L, W).
        refused: why the last place was not allowed, in one line; empty if it was.
    """

    config: EnvConfig
    boxes: NDArray
    heights: NDArray
    item: tuple[int, int, int] | None
    landing: NDArray
    allowed: NDArray
    refused: str = ""

    @property
    def utilization(self) -> float:
        """Packed share of the bin."""
        return float(self.boxes[:, 3:].prod(axis=1).sum() / self.config.volume)

    def __str__(self) -> str:
        count = viewer.count_boxes(self.boxes)
        if self.item is None:
            follows = "the end: the next item fits nowhere, or none is left"
        else:
            places = int(self.allowed.sum())
            follows = f"next item {_edges(self.item)}, {places} {'place' if places == 1 else 'places'}"
        return f"{self.refused + '; ' if self.refused else ''}{count}, utilization {self.utilization:.3f}, {follows}"


def pack_by_hand(places: Sequence[tuple[int, int]], items: ArrayLike, config: EnvConfig) -> Packing:
    """Put each item, in its turn, at the place that is named for it.

    A place that the rules forbid is refused: nothing is placed there, and the places after it are not looked at.

    Args:
        places: x and y of each item's lowest corner, in cells; z is where the item comes to rest.
        items: edges of the items in their order, integers, (T, 3), in cells.
        config: bin and support rule, with one visible item and no rotation.

    Returns:
        What stands in the bin, and what comes next.

    Raises:
        ValueError: more than one visible item or a rotation, items of another shape, or a place that is not two whole
            numbers.
    """
    if config.visible != 1 or config.rotation != "none":
        raise ValueError(f"by hand, one item is visible and not rotated, got {config.visible} and {config.rotation!r}")
    edges = np.asarray(items)
    if edges.ndim != 2 or edges.shape[1] != 3 or not len(edges) or edges.dtype.kind not in "iu":
        raise ValueError(f"items must be integers of shape (T, 3), got {edges.dtype} of shape {edges.shape}")
    batch = PackingBatch(config, 1)
    batch.load(Streams(edges[None], np.array([len(edges)])))
    for number, place in enumerate(places, start=1):
        if len(place) != 2 or any(int(cell) != cell for cell in place):
            raise ValueError(f"place {number} must be two whole numbers (x, y), got {place!r}")
        x, y = map(int, place)
        now = _look(batch)
        reason = _why_not(now, x, y)
        if reason:
            return _look(batch, f"place {number} refused: {reason}")
        batch.step(np.array([x * config.bin_size[1] + y]))
    return _look(batch)


def _look(batch: PackingBatch, refused: str = "") -> Packing:
    """Return the state of the only bin of a batch, as a copy."""
    seen = batch.candidates()
    allowed = seen.mask[0, 0].copy()
    item = None if batch.done[0] else tuple(seen.items[0, 0].tolist())
    heights, landing = (array.astype(np.int64) for array in (seen.heights[0], seen.landing[0, 0]))
    return Packing(batch.config, batch.boxes(0).astype(np.int64), heights, item, landing, allowed, refused)


def _why_not(now: Packing, x: int, y: int) -> str:
    """Say why the next item may not stand at (x, y); nothing if it may."""
    length, width, height = now.config.bin_size
    if now.item is None:
        return "the game is over"
    what = f"{_edges(now.item)} at ({x}, {y})"
    if not (0 <= x < length and 0 <= y < width) or now.landing[x, y] == OUTSIDE:
        return f"{what} sticks out of the walls"
    if now.allowed[x, y]:
        return ""
    z = int(now.landing[x, y])
    if z + now.item[2] > height:
        return f"{what} would end at height {z + now.item[2]}, above the rim at {height}"
    return f"{what} would land at height {z} with too little under it"


def _edges(item: Sequence[int]) -> str:
    return "x".join(map(str, item))


# -------------------------------------------------------------------------------------------------------- pictures


def _still(now: Packing) -> MatplotlibFigure:
    """Draw the bin and, beside it, its height map with the cells where the next item's corner may stand.

    The map lies as the bin does, with the same corner in front: x downwards, y to the right.
    """
    still = new_still(8.6, 4.2)
    left, right = still.subplots(1, 2)
    left.imshow(viewer.rgb_array(now.boxes, now.config.bin_size, title="", size=(600, 600)))
    left.set_axis_off()
    length, width = now.heights.shape
    right.set(xlim=(-0.5, width - 0.5), ylim=(length - 0.5, -0.5), aspect="equal", xlabel="y", ylabel="x")
    for (x, y), height in np.ndenumerate(now.heights):
        allowed = bool(now.allowed[x, y])
        ground = ALLOWED if allowed else EMPTY
        right.add_patch(_rectangle(x, y, ground, framed=allowed))
        weight = "bold" if allowed else "normal"
        right.text(y, x, str(height), ha="center", va="center", fontsize=8, color=ink_on(ground), fontweight=weight)
    right.set_xticks(range(width))
    right.set_yticks(range(length))
    right.tick_params(length=0, labelsize=8)
    right.spines[:].set_visible(False)
    heading = "the end" if now.item is None else f"next: {_edges(now.item)}; blue: its corner may stand here"
    right.set_title(heading, fontsize=11, color=INK)
    return still


def _rectangle(x: int, y: int, color: str, framed: bool) -> Any:
    from matplotlib.patches import Rectangle

    if not framed:
        return Rectangle((y - 0.5, x - 0.5), 1, 1, facecolor=color, edgecolor="white", linewidth=1.5)
    return Rectangle((y - 0.44, x - 0.44), 0.88, 0.88, facecolor=color, edgecolor=INK, linewidth=1.8)


# --------------------------------------------------------------------------------------------------------- widgets


@dataclass(eq=False)
class ByHand:
    """A bin to click on. Made by `by_hand`; `places` is all it knows, the rest is `pack_by_hand`.

    Attributes:
        items: edges of the items in their order, integers, (T, 3).
        config: bin and support rule.
        places: x and y of the items placed so far.
    """

    items: NDArray
    config: EnvConfig
    places: list[tuple[int, int]] = field(default_factory=list)
    _widget: _Board | None = field(default=None, repr=False)

    @property
    def packing(self) -> Packing:
        """What stands in the bin now."""
        return pack_by_hand(self.places, self.items, self.config)

    def put(self, x: int, y: int) -> Packing:
        """Place the next item; a place that the rules forbid changes nothing and is named in `refused`."""
        tried = pack_by_hand([*self.places, (x, y)], self.items, self.config)
        if not tried.refused:
            self.places.append((x, y))
        return self._shown(tried)

    def undo(self) -> Packing:
        """Take the last item back."""
        del self.places[-1:]
        return self._shown(self.packing)

    def restart(self) -> Packing:
        """Empty the bin."""
        self.places.clear()
        return self._shown(self.packing)

    def _shown(self, now: Packing) -> Packing:
        if self._widget is not None:
            self._widget.show(now)
        return now

    @property
    def widget(self) -> ipywidgets.VBox:
        """The widgets: a button for each cell, three lines of text and a picture."""
        if self._widget is None:
            self._widget = _Board(self)
        return self._widget.box

    def show(self) -> None:
        """Show the widgets, or a still picture where nobody can click (see `by_hand`)."""
        if not somebody_is_there():
            show_picture(self._picture(), self._line())
            return
        from IPython.display import display

        display(self._repr_mimebundle_()[0], raw=True)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Widgets for a reader who can click; for all others a still picture, with the same line of text."""
        if somebody_is_there():
            return self.widget._repr_mimebundle_() | {"text/plain": self._line()}, {}
        return picture_bundle(self._picture(), self._line())

    def _line(self) -> str:
        return f"pack by hand: {len(self.items)} items; {self.packing}"

    def _picture(self) -> bytes:
        now = self.packing
        return Figure(viewer.plotly_packing(now.boxes, self.config.bin_size), _still(now), self._line()).png()


def by_hand(items: ArrayLike, config: EnvConfig) -> ByHand:
    """Make a bin to click on; its ``show()`` puts it into a notebook.

    A notebook that is run without a reader (by ``build.py``, nbval or nbconvert) shows a still picture in its place:
    a stored widget would be an error message for the next reader until its cell is run.

    Args:
        items: edges of the items in their order, integers, (T, 3), in cells.
        config: bin and support rule, with one visible item and no rotation.

    Raises:
        ValueError: as `pack_by_hand`.
    """
    made = ByHand(np.asarray(items), config)
    assert not made.packing.refused
    return made


def somebody_is_there() -> bool:
    """Tell whether a front end with a person runs the cell: only such a one allows a cell to ask for input."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None or not hasattr(shell, "get_parent"):
        return False
    return bool(shell.get_parent().get("content", {}).get("allow_stdin", False))


class _Board:
    """The widgets of a `ByHand`; it holds no state of the game."""

    def __init__(self, game: ByHand) -> None:
        import ipywidgets

        length, width, _ = game.config.bin_size
        self._count = len(game.items)
        size = {"width": "34px", "height": "30px", "margin": "1px", "padding": "0"}
        self.cells = {(x, y): ipywidgets.Button(layout=size) for x, y in np.ndindex(length, width)}
        for (x, y), button in self.cells.items():
            button.on_click(_calls(game.put, x, y))
        # as in the picture beside it, with the same corner in front: x downwards, y to the right
        grid = [widget for x in range(length) for widget in self._row(x, width)]
        grid += [_mark("x \\ y"), *(_mark(str(y)) for y in range(width))]
        cells = ipywidgets.GridBox(grid, layout={"grid_template_columns": f"40px repeat({width}, 36px)"})
        self.undo, self.again = ipywidgets.Button(description="undo"), ipywidgets.Button(description="start again")
        self.undo.on_click(_calls(game.undo))
        self.again.on_click(_calls(game.restart))
        self.text = ipywidgets.HTML()
        # not an Image, which has no alternative text; with a tooltip, JupyterLab shows an error in its place
        self.picture = ipywidgets.HTML(layout={"width": "430px", "height": "430px"})
        left = ipywidgets.VBox([self.text, cells, ipywidgets.HBox([self.undo, self.again])])
        self.box = ipywidgets.HBox([left, self.picture], layout={"flex_flow": "row wrap"})
        self.show(game.packing)

    def _row(self, x: int, width: int) -> list[ipywidgets.Widget]:
        return [_mark(str(x)), *(self.cells[x, y] for y in range(width))]

    def show(self, now: Packing) -> None:
        """Bring every widget up to date."""
        item = "the end: the next item fits nowhere, or none is left"
        if now.item is not None:
            item = f"next item: <b>{_edges(now.item)}</b> cells along x, y, z"
        placed = f"{len(now.boxes)} of {self._count} items placed, utilization <b>{now.utilization:.1%}</b>"
        todo = (
            "start again, or read on" if now.item is None else "click a blue cell: the item's lowest corner goes there"
        )
        self.text.value = "<br>".join((item, placed, html.escape(now.refused) or todo))
        for (x, y), button in self.cells.items():
            allowed = bool(now.allowed[x, y])
            button.description = str(now.heights[x, y])
            ground = ALLOWED if allowed else EMPTY
            button.style.button_color, button.style.text_color = ground, ink_on(ground)
            # told apart by more than their colours
            button.style.font_weight = "bold" if allowed else "normal"
            button.layout.border = f"2px solid {INK if allowed else ground}"
            button.tooltip = f"x {x}, y {y}" + (f": comes to rest at height {now.landing[x, y]}" if allowed else "")
        picture = _png(viewer.matplotlib_packing(now.boxes, now.config.bin_size, title="", size=(5, 5)))
        source = base64.b64encode(picture).decode("ascii")
        self.picture.value = f'<img width="430" alt="{html.escape(str(now))}" src="data:image/png;base64,{source}">'


def _mark(text: str) -> ipywidgets.HTML:
    """Return a number beside the cells."""
    import ipywidgets

    return ipywidgets.HTML(f"<div style='text-align: center; color: {INK}'>{text}</div>", layout={"margin": "1px"})


def _calls(act: Callable[..., Packing], *arguments: int) -> Callable[[Any], None]:
    """Return a button's callback."""

    def clicked(_: Any) -> None:
        act(*arguments)

    return clicked


def _png(figure: MatplotlibFigure) -> bytes:
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=90)
    return picture.getvalue()
