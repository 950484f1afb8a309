"""What the lessons about searches share: recorded curves, who leads, which of two is better, points in squares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.plots.figure import Figure, new_still, plain_layout
from binpack.plots.style import COLORS, INK
from binpack.search.landscape.table import Runs

EVEN = 0.05
"""A chance this near to one half is called even: two standard errors are 0.026 with 1,000 repeats, 0.058 with 200."""


def curves(runs: Runs) -> tuple[NDArray, NDArray]:
    """Return every run's scores and steps without gaps, float64 and int64, (C, S, P) each.

    A run that has diverged scores 0 from there on, and takes no further steps.

    Args:
        runs: recorded ones.
    """
    return np.nan_to_num(runs.utilization.astype(float)), np.maximum.accumulate(runs.steps.astype(np.int64), axis=-1)


def leaders(scores: NDArray) -> NDArray:
    """Return which trial leads after each one, int64, (..., trials).

    Args:
        scores: of the trials in their order, (..., trials); of equal ones the first leads.
    """
    ahead = np.ones(scores.shape, bool)
    ahead[..., 1:] = scores[..., 1:] > np.maximum.accumulate(scores, axis=-1)[..., :-1]
    return np.maximum.accumulate(np.where(ahead, np.arange(scores.shape[-1]), 0), axis=-1)


def worth_of_leaders(scores: NDArray, worth: NDArray) -> NDArray:
    """Return what the leader after each trial is truly worth, float64, (..., trials).

    Args:
        scores: of the trials in their order, (..., trials).
        worth: of the trials, the same shape.
    """
    return np.take_along_axis(worth, leaders(scores), axis=-1)


def chance_better(first: ArrayLike, second: ArrayLike) -> float:
    """Return the probability of improvement (Agarwal et al., 2021): the share of pairs in which the first is higher.

    Args:
        first: results of the first kind, (n,).
        second: results of the second kind, (m,); equal pairs count half.
    """
    one, other = np.sort(np.asarray(first, float)), np.asarray(second, float)
    above = len(one) - np.searchsorted(one, other, side="right")
    equal = np.searchsorted(one, other, side="right") - np.searchsorted(one, other, side="left")
    return float((above + 0.5 * equal).mean() / len(one))


def compared(first: str, second: str, chance: float, difference: float, trials: int) -> str:
    """Say which of two searches found more.

    Args:
        first: the first's name.
        second: the second's name.
        chance: that a search of the first kind ends with more.
        difference: of the mean worth, first minus second.
        trials: how many both had.
    """
    word = "neither is ahead" if abs(chance - 0.5) < EVEN else f"{first if chance > 0.5 else second} is ahead"
    return (
        f"after {trials} trials {word}: {first} ends with more than {second} in {chance:.0%} of the pairs, "
        f"and with {difference:+.4f} on average"
    )


def with_error(values: NDArray, digits: int = 4) -> str:
    """Write a mean with twice its standard error.

    Args:
        values: two or more, (n,).
        digits: after the point.
    """
    return f"{values.mean():.{digits}f} ± {2 * values.std(ddof=1) / np.sqrt(len(values)):.{digits}f}"


def apart(one: NDArray, other: NDArray) -> bool:
    """Tell whether two means differ by more than twice the standard error of their difference.

    Args:
        one: two values or more, (n,).
        other: two values or more, (m,).
    """
    error = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    return bool(abs(one.mean() - other.mean()) > 2 * error)


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
