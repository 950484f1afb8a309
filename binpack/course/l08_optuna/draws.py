"""Lesson 08: where the values lie that each kind of suggestion draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray

from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import COLORS
from binpack.search.storage import quiet

BARS = 32
"""Bars of a panel; a call with fewer different values has one for each of them."""
_ACROSS = 3

Call = Callable[[optuna.Trial], Any]


def draw(calls: Mapping[str, Call], trials: int, seed: int = 0) -> dict[str, NDArray]:
    """Ask many trials of random search for a value of each kind.

    Args:
        calls: what stands on the panel to a function that asks a trial for a number.
        trials: how many.
        seed: of the sampler.

    Returns:
        The values of each, (trials,).
    """
    with quiet():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
        asked = [study.ask() for _ in range(trials)]
        return {name: np.array([call(trial) for trial in asked]) for name, call in calls.items()}


def figure(drawn: Mapping[str, NDArray], title: str) -> Figure:
    """Draw a panel with the numbers of draws for each kind.

    Args:
        drawn: what `draw` returned.
        title: the title.
    """
    bars = {name: _bars(values) for name, values in drawn.items()}
    said = [
        f"{name} {len(np.unique(values))} values from {values.min():.3g} to {values.max():.3g}, "
        f"half of them below {np.median(values):.3g}"
        for name, values in drawn.items()
    ]
    return Figure(_plotly(bars, title), _still(bars, title), "; ".join(said))


def _bars(values: NDArray) -> tuple[NDArray, NDArray, float]:
    """Return where the bars stand, how high they are and how wide."""
    found, counts = np.unique(values, return_counts=True)
    if len(found) <= BARS:
        # one bar for each, as wide as the smallest gap allows
        gap = float(np.diff(found).min()) if len(found) > 1 else 1.0
        return found, counts, 0.8 * gap
    counts, edges = np.histogram(values, BARS)
    return (edges[:-1] + edges[1:]) / 2, counts, float(edges[1] - edges[0])


def _plotly(bars: Mapping[str, tuple[NDArray, NDArray, float]], title: str) -> Any:
    from plotly.subplots import make_subplots

    rows = -(-len(bars) // _ACROSS)
    plot = make_subplots(rows, _ACROSS, subplot_titles=list(bars), horizontal_spacing=0.07, vertical_spacing=0.32)
    for place, (each, color) in enumerate(zip(bars.values(), COLORS * rows, strict=False)):
        at = {"row": place // _ACROSS + 1, "col": place % _ACROSS + 1}
        plot.add_bar(x=each[0].round(6), y=each[1], width=each[2], marker_color=color, showlegend=False, **at)
    plain_layout(plot, title, 190 + 160 * rows)
    return plot.update_layout(margin_t=84).update_annotations(font_size=12)


def _still(bars: Mapping[str, tuple[NDArray, NDArray, float]], title: str) -> Any:
    rows = -(-len(bars) // _ACROSS)
    still = new_still(9.6, 0.7 + 1.7 * rows)
    grid = still.subplots(rows, _ACROSS, squeeze=False).ravel()
    for axes, (name, each), color in zip(grid, bars.items(), COLORS * rows, strict=False):
        axes.bar(each[0], each[1], each[2], color=color)
        axes.set_title(name, fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in grid[len(bars) :]:
        axes.set_visible(False)
    still.suptitle(title, x=0.02, ha="left", fontsize=12)
    return still
