"""Lesson 06: what the replayed searches say, in sentences that are computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from binpack.course.searching import compared as compared
from binpack.course.tables import Table


def about(groups: Mapping[str, tuple[int, int]], runs: int) -> str:
    """Say what the record holds.

    Args:
        groups: name to the number of its configurations and of the seeds that all of them have.
        runs: how many runs there are in all.
    """
    parts = [f"{name} {configs} x {seeds} seeds" for name, (configs, seeds) in groups.items()]
    return f"{runs} runs: {', '.join(parts)}"


def promises(found: Mapping[str, tuple[NDArray, NDArray]]) -> Table:
    """Put what searches promise beside what they keep.

    Args:
        found: name of a search to the scores of its leaders at the end and to what these are worth, (repeats,) each.
    """
    rows = [
        [name, f"{scores.mean():.3f}", f"{worth.mean():.3f}", f"{(scores - worth).mean():+.3f}"]
        for name, (scores, worth) in found.items()
    ]
    return Table(("search", "score of the choice", "what it is worth", "promised too much"), rows)


def effects(shares: Mapping[str, float]) -> str:
    """List what each hyperparameter explains on its own, the largest first, and what is left.

    Args:
        shares: name to its share of the variance.
    """
    ordered = sorted(shares.items(), key=lambda pair: -pair[1])
    parts = [f"{name} {share:.0%}" for name, share in ordered]
    return f"{', '.join(parts)}; in combination and by luck {1 - sum(shares.values()):.0%}"


def best_split(worth: Mapping[tuple[int, int], float]) -> str:
    """Say how a budget of runs is best divided.

    Args:
        worth: (configurations, seeds of each) to the mean worth of what is chosen.
    """
    configs, seeds = max(worth, key=lambda pair: worth[pair])
    low, high = min(worth.values()), max(worth.values())
    what = "1 seed" if seeds == 1 else f"{seeds} seeds"
    return (
        f"of {configs * seeds} runs, {configs} configurations with {what} each choose best: {high:.4f}; "
        f"the worst division gives {low:.4f}"
    )


def quantile_words(values: Sequence[float] | NDArray, value: float) -> str:
    """Say which share of some values lies above one.

    Args:
        values: the values.
        value: the one.
    """
    return f"{np.mean(np.asarray(values) > value):.0%}"
