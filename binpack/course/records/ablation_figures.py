"""Figures of the comparison of policies that ``policy_ablation.py`` records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from binpack.course.records.rows import grouped
from binpack.plots.figure import Figure
from binpack.plots.results import bars_with_spread, curves_with_spread

SCORE = "mean utilization"


def ablation_curves(runs: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the learning curve of each arm, from its lowest run to its highest.

    Args:
        runs: ``arm`` and ``curve`` of each run, [steps, score] an evaluation; the curves of an arm have the same steps.

    Raises:
        ValueError: there are no runs, or the curves of an arm do not fit together.
    """
    arms = grouped(runs, ("arm",), "curve")
    data = {}
    for arm, curves in arms.items():
        steps = [step for step, _ in curves[0]]
        if any([step for step, _ in curve] != steps for curve in curves):
            raise ValueError(f"the runs of {arm} were evaluated at different steps")
        data[arm] = [step / 1000 for step in steps], [[score for _, score in curve] for curve in curves]
    return curves_with_spread(data, x="thousand environment steps", y=SCORE, spread="range")


def ablation_scores(runs: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw the final score of each arm, a dot a seed.

    Args:
        runs: ``arm`` and ``score`` of each run.

    Raises:
        ValueError: there are no runs.
    """
    # three seeds are too few for an interval
    return bars_with_spread(grouped(runs, ("arm",), "score"), x="policy", y=SCORE, spread="range", runs="seeds")
