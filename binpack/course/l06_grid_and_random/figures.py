"""Lesson 06: figures of where trials lie and of what they score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.course.charts import Series, chart
from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import COLORS, INK
from binpack.search.landscape.table import Runs


def ranked(runs: Runs, default: float) -> Figure:
    """Draw the worth of every configuration, the best first, and the default's.

    Args:
        runs: the configurations.
        default: what the default is worth.
    """
    worth = np.sort(runs.truth)[::-1]
    better = int((worth > default).sum())
    text = (
        f"worth of {len(worth)} configurations: best {worth[0]:.3f}, median {np.median(worth):.3f}, worst "
        f"{worth[-1]:.3f}; the default's {default:.3f} is exceeded by {better}"
    )
    return chart(
        [
            Series("configurations", np.arange(1, len(worth) + 1), worth.round(4), "dots"),
            Series("the default", [1, len(worth)], [round(default, 4)] * 2, dashed=True, color=COLORS[1]),
        ],
        x="rank",
        y="utilization on test streams",
        title="what the configurations are worth",
        text=text,
    )


def against(runs: Runs, name: str) -> Figure:
    """Draw the worth of every configuration against the logarithm of one of its hyperparameters.

    Args:
        runs: the configurations.
        name: of the hyperparameter; its range has a decade or more.
    """
    values, worth = runs.column(name).astype(float), runs.truth
    powers = range(math.floor(np.log10(values.min())), math.ceil(np.log10(values.max())) + 1)
    edges = [(10.0**low, 10.0**high) for low, high in zip(powers, list(powers)[1:], strict=False)]
    parts = [
        f"{low:g} to {high:g} {worth[(values >= low) & (values < high)].mean():.3f}"
        for low, high in edges
        if ((values >= low) & (values < high)).any()
    ]
    return chart(
        [Series("", np.log10(values).round(4), worth.round(4), "dots")],
        x=name,
        y="utilization on test streams",
        title=f"worth by {name}",
        text=f"mean worth by {name}: {', '.join(parts)}",
        ticks={float(power): f"{10.0**power:g}" for power in powers},
    )


def squares(named: Mapping[str, ArrayLike], x: str, y: str, title: str) -> Figure:
    """Draw points in unit squares side by side; ticks below each square show where they lie along x.

    Args:
        named: name of each square to its points, (n, 2), from 0 to 1.
        x: what runs to the right.
        y: what runs up.
        title: the title.
    """
    points = {name: np.asarray(each, float) for name, each in named.items()}
    counts = [f"{name} {len(each)} points, {_places(each)} places along {x}" for name, each in points.items()]
    return Figure(_plotly_squares(points, x, y, title), _still_squares(points, x, y, title), "; ".join(counts))


def _places(points: NDArray) -> int:
    return len(np.unique(points[:, 0].round(9)))


def _plotly_squares(points: Mapping[str, NDArray], x: str, y: str, title: str) -> Any:
    from plotly.subplots import make_subplots

    plot = make_subplots(1, len(points), subplot_titles=list(points), horizontal_spacing=0.08)
    for column, (each, color) in enumerate(zip(points.values(), COLORS, strict=False), start=1):
        place = {"row": 1, "col": column, "showlegend": False}
        plot.add_scatter(x=each[:, 0].round(4), y=each[:, 1].round(4), mode="markers", marker_color=color, **place)
        rug = {"mode": "markers", "marker": {"symbol": "line-ns-open", "size": 10, "color": INK}, "hoverinfo": "skip"}
        plot.add_scatter(x=each[:, 0].round(4), y=np.full(len(each), -0.08), **rug, **place)
    plain_layout(plot, title, 380)
    plot.update_layout(margin_t=74)
    ticks = {"range": [-0.14, 1.05], "tickvals": [0, 0.5, 1], "showline": False, "zeroline": False}
    return plot.update_xaxes(title=x, **ticks).update_yaxes(**ticks).update_yaxes(title=y, col=1)


def _still_squares(points: Mapping[str, NDArray], x: str, y: str, title: str) -> Any:
    still = new_still(3.6 * len(points), 3.7)
    for axes, (name, each), color in zip(
        np.atleast_1d(still.subplots(1, len(points))), points.items(), COLORS, strict=False
    ):
        axes.plot(each[:, 0], each[:, 1], "o", color=color, markersize=5)
        axes.plot(each[:, 0], np.full(len(each), -0.08), "|", color=INK, markersize=9)
        axes.set(xlim=(-0.05, 1.05), ylim=(-0.14, 1.05), xticks=[0, 0.5, 1], yticks=[0, 0.5, 1], aspect="equal")
        axes.set_title(name, fontsize=10)
        axes.set_xlabel(x)
        axes.spines[["top", "right"]].set_visible(False)
    still.axes[0].set_ylabel(y)
    still.suptitle(title, x=0.02, ha="left", fontsize=12)
    return still
