"""One figure in three forms, and where it goes: a notebook or a file.

Every reader of a notebook gets the form it can use: a browser the interactive one, GitHub and nbconvert the still one,
nbval the line of text. None of them needs a network or Chrome. JupyterLab's plotly extension shows the still form first
and turns it into the interactive one under the mouse, so a notebook of many figures opens fast.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from binpack.files import InputError, write_atomically
from binpack.plots import letters
from binpack.plots.style import COLORS, INK, PAPER, PLOTLY_CONFIG
from binpack.plots.viewer import write_html

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure
    from plotly import graph_objects as go

DPI = 100
WIDEST = 900  # pixels, what a notebook shows without scrolling


@dataclass(frozen=True, eq=False)
class Figure:
    """One figure in three forms.

    Attributes:
        plotly: the interactive form.
        matplotlib: the still form; not known to pyplot, so it needs no closing.
        text: what the figure says, in one line that is the same on every run.

    Raises:
        ValueError: the text is not one line.
    """

    plotly: go.Figure
    matplotlib: MatplotlibFigure
    text: str

    def __post_init__(self) -> None:
        if not self.text or "\n" in self.text:
            raise InputError(f"the text of a figure must be one line, got {self.text!r}")

    def pixels(self, scale: float = 1.0) -> NDArray[np.uint8]:
        """Draw the still form, cut to what is on it and at most as wide as a notebook shows.

        Args:
            scale: of its size; lines and letters shrink with it.

        Returns:
            Red, green and blue, uint8, (height, width, 3).
        """
        from PIL import Image

        letters.settle(self.matplotlib)
        if self.matplotlib.get_layout_engine() is not None:
            # the layout settles over its first drawings and is then held, or each picture would differ by a hair
            with letters.quiet():
                self.matplotlib.draw_without_rendering()
                self.matplotlib.draw_without_rendering()
            self.matplotlib.set_layout_engine("none")
        dpi: float = DPI * scale
        while True:
            drawn = io.BytesIO()
            with letters.quiet():
                look: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": 0.08, "facecolor": PAPER}
                self.matplotlib.savefig(drawn, format="png", dpi=dpi, **look)
            picture = Image.open(drawn)
            if picture.width <= WIDEST:
                return np.asarray(picture.convert("RGB"))
            dpi *= (WIDEST - 2) / picture.width  # how wide it gets is known once it is drawn

    def png(self) -> bytes:
        """Draw the still form, small enough for a notebook; the same figure gives the same bytes."""
        from PIL import Image

        small = io.BytesIO()
        # a palette makes a contour plot a third as large
        Image.fromarray(self.pixels()).quantize(192, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
        return small.getvalue()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        from PIL import Image

        picture = self.png()
        spec = json.loads(self.plotly.to_json(validate=False))
        # the interactive form takes the place of the still one: of one size, or the page would jump under the mouse
        _keep_used(spec)
        spec["layout"]["width"], spec["layout"]["height"] = Image.open(io.BytesIO(picture)).size
        data, metadata = picture_bundle(picture, self.text)
        return {"application/vnd.plotly.v1+json": {**spec, "config": dict(PLOTLY_CONFIG)}, **data}, metadata


def _keep_used(spec: dict[str, Any]) -> None:
    """Leave out of a figure's template, in place, what it says of traces that the figure has none of: 8 kB of 11."""
    used = {trace.get("type", "scatter") for trace in spec["data"]}
    template = spec["layout"].get("template", {})
    if "data" in template:
        template["data"] = {kind: look for kind, look in template["data"].items() if kind in used}


def show(figure: Figure) -> None:
    """Show a figure: all three forms in a notebook, the text elsewhere.

    Args:
        figure: what one of this package's functions made.
    """
    _display(figure.text, figure._repr_mimebundle_)


def show_picture(picture: bytes, text: str) -> None:
    """Show a picture that is no `Figure`, such as an animation: the picture in a notebook, the text elsewhere.

    Args:
        picture: a PNG, which may be animated.
        text: what it shows, in one line that is the same on every run.
    """
    _display(text, lambda: picture_bundle(picture, text))


def picture_bundle(picture: bytes, text: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return a PNG and its text as a notebook stores them: the data of each MIME type, and their metadata.

    Args:
        picture: a PNG.
        text: what it shows, and the alternative text for those who ask for one: nbconvert's classic template does.
    """
    encoded = base64.b64encode(picture).decode("ascii")
    return {"image/png": encoded, "text/plain": text}, {"image/png": {"alt": text}}


def _display(text: str, make: Callable[[], tuple[dict[str, Any], dict[str, Any]]]) -> None:
    """Show a bundle in a notebook, followed by its text for a reader who hears the page; print the text elsewhere.

    Neither JupyterLab 4.6 nor plotly's extension for it gives an image the alternative text that comes with it. The
    text therefore follows in an output of its own, which JupyterLab hides from sight by its class "jp-sr-only" and
    leaves to screen readers; where that class is unknown it is a caption. It is Markdown because nbval would compare
    HTML, and has compared the text already.
    """
    from IPython import get_ipython

    if get_ipython() is None:
        print(text)
        return
    from IPython.display import display

    data, metadata = make()
    display(data, metadata=metadata, raw=True)
    display({"text/markdown": f'<p class="jp-sr-only">{html.escape(text)}</p>'}, raw=True)


def save(figure: Figure, path: str | Path) -> Path:
    """Save a figure in the form that the path's ending asks for.

    Args:
        figure: what one of this package's functions made.
        path: ``.html`` for the interactive form in one file that needs no network, ``.png`` for the still one.

    Returns:
        The path.

    Raises:
        ValueError: another ending.
    """
    path = Path(path)
    if path.suffix == ".html":
        return write_html(path, figure.plotly)
    if path.suffix != ".png":
        raise InputError(f"a figure is saved as .html or .png, not as {path.name}")
    picture = figure.png()
    write_atomically(path, lambda temporary: temporary.write_bytes(picture))
    return path


def headed(title: str, words: str) -> str:
    """Return what a figure says, under its title where it has one."""
    return f"{title}: {words}" if title else words


def plain_layout(plot: go.Figure, title: str, height: int, **more: Any) -> go.Figure:
    """Give an interactive figure the look of the course.

    Args:
        plot: changed in place.
        title: its title.
        height: in pixels, of a page of its own; in a notebook it is as large as the still form.
        **more: further entries of the layout.

    Returns:
        The same figure.
    """
    plot.update_layout(
        template="plotly_white",
        title={"text": title, "x": 0.02, "xanchor": "left", "font": {"size": 16}},
        font={"color": INK, "size": 12},
        colorway=COLORS,
        paper_bgcolor=PAPER,
        height=height,
        width=None,
        legend={"y": 0.5, "yanchor": "middle"},
        margin={"l": 60, "r": 24, "t": 62 if "<br>" in title else 46, "b": 48},
        **more,
    )
    # numbers as the still form writes them: 200,000 and not 0.2x10^6; a logarithmic axis has powers all the same
    ticks = {"automargin": True, "exponentformat": "none", "separatethousands": True, "title_standoff": 8}
    plot.update_xaxes(**ticks, tickangle=0).update_yaxes(**ticks)
    for axis in (*plot.select_xaxes(), *plot.select_yaxes()):
        if axis.type == "log":
            axis.exponentformat = "power"
            if axis.range is not None and axis.range[1] - axis.range[0] >= 2:
                axis.dtick = 1  # no small 2 and 5 between the powers of ten
    return plot


def new_still(width: float, height: float) -> MatplotlibFigure:
    """Make an empty still figure that pyplot does not know.

    Args:
        width: in inches.
        height: in inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as MatplotlibFigure

    still = MatplotlibFigure(figsize=(width, height), layout="constrained", facecolor=PAPER)
    FigureCanvasAgg(still)
    return still
