"""Lesson 08b: figures of how pruners decide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from binpack.course.charts import Series, chart
from binpack.plots.figure import Figure
from binpack.plots.style import COLORS
from binpack.search.landscape import task

_GREY = "#BBBBBB"


def _steps(points: int) -> NDArray:
    return np.arange(1, points + 1) * task.EVERY


def median(scores: NDArray, trial: int, end: int) -> Figure:
    """Draw how a median pruner sees one trial.

    Args:
        scores: of the trials that were complete before and, last, of the trial itself, (n + 1, points).
        trial: the trial's number, for the legend.
        end: after how many points it is stopped.
    """
    complete, mine = scores[:-1], scores[-1]
    steps = _steps(scores.shape[1])
    middle = np.median(complete, axis=0)
    grey = [Series("", steps, each.round(4), color=_GREY, width=1) for each in complete]
    lines = [
        Series("median of the complete trials", steps, middle.round(4), dashed=True, color=COLORS[0]),
        Series(f"trial {trial}", steps[:end], mine[:end].round(4), color=COLORS[1]),
        Series("", steps[end - 1 : end], mine[end - 1 : end].round(4), "crosses", color=COLORS[1]),
        Series(
            "what it would have done", steps[end - 1 :], mine[end - 1 :].round(4), color=COLORS[1], dashed=True, width=1
        ),
    ]
    text = (
        f"trial {trial} is stopped after {steps[end - 1]:,} steps: its best is {mine[:end].max():.3f}, the median of "
        f"{len(complete)} complete trials {middle[end - 1]:.3f}; it would have ended at {mine[-1]:.3f}"
    )
    return chart([*grey, *lines], x="environment steps", y="utilization", title="the median pruner", text=text)


def rungs(scores: NDArray, ends: NDArray, at: Sequence[int]) -> Figure:
    """Draw a search with successive halving: what goes on, and what ends at which rung.

    Args:
        scores: of its trials, (n, points).
        ends: after how many points each ends.
        at: the rungs.
    """
    points = scores.shape[1]
    steps = _steps(points)
    series = [
        Series("", steps[:end], curve[:end].round(4), color=COLORS[0] if end == points else _GREY, width=1.2)
        for curve, end in zip(scores, ends, strict=True)
    ]
    for rung, color in zip(at, COLORS[1:], strict=False):
        here = ends == rung
        name = f"stopped at {steps[rung - 1]:,} steps"
        places = np.full(int(here.sum()), steps[rung - 1])
        series.append(Series(name, places, scores[here, rung - 1].round(4), "crosses", color=color))
    counts = [f"{(ends == rung).sum()} at {steps[rung - 1]:,} steps" for rung in at]
    text = f"of {len(ends)} trials halving stops {', '.join(counts)}; {(ends == points).sum()} reach their end"
    return chart(series, x="environment steps", y="utilization", title="successive halving", text=text)
