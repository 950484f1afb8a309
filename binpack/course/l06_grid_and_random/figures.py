"""Lesson 06: figures of where trials lie and of what they score."""

from __future__ import annotations

import math

import numpy as np

from binpack.course.charts import Series, chart
from binpack.course.searching import squares as squares
from binpack.plots.figure import Figure
from binpack.plots.style import COLORS
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
