"""Lesson 10: its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from binpack import plots
from binpack.course.charts import Series, chart
from binpack.course.l10_capstone import task, words
from binpack.course.l10_capstone.record_capstone import Record
from binpack.plots.figure import Figure


def losses(loss: Callable[[NDArray, int], float], sizes: Sequence[int], items: Path = task.PARCELS) -> Figure:
    """Draw the share of air over the edge of a cell.

    Args:
        loss: (edges, cell) -> share of air.
        sizes: edges of cells, mm.
        items: the file.
    """
    edges, sizes = task.edges(items), list(sizes)
    shares = [100 * loss(edges, size) for size in sizes]
    text = "; ".join(
        f"{size} mm {share:.1f} %" for size, share in list(zip(sizes, shares, strict=True))[:: len(sizes) // 6]
    )
    series = [Series("", sizes, shares), Series("", sizes, shares, kind="dots")]
    return chart(series, x="edge of a cell, mm", y="air in the items' room, %", title="what rounding loses", text=text)


def history(record: Record) -> Figure:
    """Draw the recorded search: every trial's score, the best so far, and the default.

    Args:
        record: of the capstone.
    """
    numbers = [row["number"] for row in record.trials if row["value"] is not None]
    scores = np.array([row["value"] for row in record.trials if row["value"] is not None])
    default = words.promised(record)[1]
    series = [
        Series("best so far", numbers, np.maximum.accumulate(scores)),
        Series("a trial", numbers, scores, kind="dots"),
        Series("the default", [numbers[0], numbers[-1]], [default, default], dashed=True),
    ]
    text = words.searched(record)
    return chart(series, x="trial", y="tuning score", title="the recorded search", text=text)


def finals(record: Record, *, later: bool = False) -> Figure:
    """Draw what was trained anew: a bar for each configuration, a dot for each seed.

    Args:
        record: of the capstone.
        later: whether on the parcels of the month after.
    """
    title = "the month after" if later else "unseen streams of the same month"
    return plots.bars_with_spread(
        words.arms(record, later=later), x="configuration", y="utilization", title=title, runs="seeds"
    )


def curves(record: Record) -> Figure:
    """Draw how the finalists and the default learned.

    Args:
        record: of the capstone.
    """
    drawn = {}
    for name, runs in record.curves.items():
        steps = [step for step, _ in runs[0]]
        label = name if name == "default" else f"trial {name}"
        drawn[label] = (steps, [[score for _, score in run] for run in runs])
    return plots.curves_with_spread(drawn, x="environment steps", y="utilization", title="how they learned")


def packings(record: Record) -> Figure:
    """Draw one unseen stream as several agents pack it.

    Args:
        record: of the capstone.
    """
    return plots.packings(record.packed, record.config.train.env.bin_size)
