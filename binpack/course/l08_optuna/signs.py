"""Lesson 08b: which number of a run's first minutes tells how it will end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from binpack.course.searching import curves
from binpack.search.landscape.table import Runs

SIGNS = ("utilization", "approx_kl", "explained_variance", "entropy")
"""What is looked at: the score itself, and three diagnostics."""


def correlations(runs: Runs, signs: Sequence[str] = SIGNS) -> dict[str, NDArray]:
    """Return how well each sign orders the configurations at each point: name -> float64, (S, P).

    It is the rank correlation (Spearman, 1904) over configurations between the sign of one seed's run at a point and
    what the configuration is truly worth. A run without a number at a point is left out there.

    Args:
        runs: recorded ones.
        signs: "utilization" or names of diagnostics.
    """
    scores, _ = curves(runs)
    found = {}
    for name in signs:
        values = scores if name == "utilization" else runs.diagnostics[name].astype(float)
        found[name] = np.array([[_rank(one, runs.truth) for one in column.T] for column in values.transpose(1, 0, 2)])
    return found


def _rank(sign: NDArray, truth: NDArray) -> float:
    """Correlate ranks; 0 where there is nothing to order."""
    known = np.isfinite(sign)
    if known.sum() < 3:
        return 0.0
    first, second = rankdata(sign[known]), rankdata(truth[known])
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def telling(found: Mapping[str, NDArray], point: int) -> list[tuple[str, float]]:
    """Return the signs with their mean correlation at a point, the one that tells most first.

    Args:
        found: as `correlations` returns it.
        point: from 0.
    """
    means = {name: float(each[:, point].mean()) for name, each in found.items()}
    return sorted(means.items(), key=lambda pair: (-abs(round(pair[1], 6)), pair[0]))


def first_point(found: Mapping[str, NDArray], name: str, least: float) -> int | None:
    """Return the first point, from 1, at which a sign's mean correlation reaches a value, or None.

    Args:
        found: as `correlations` returns it.
        name: of the sign.
        least: the value, without regard to its sign.
    """
    there = np.flatnonzero(np.abs(found[name].mean(axis=0)) >= least)
    return int(there[0]) + 1 if len(there) else None
