"""Every interval of the project."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bootstrap_ci(
    values: NDArray, rng: np.random.Generator, *, confidence: float = 0.95, resamples: int = 2000
) -> tuple[float, float]:
    """Return a percentile bootstrap interval of the mean (Efron, 1979).

    Args:
        values: one independent result each (of a seed, or of a stream), float, (N,).
        rng: source of the resamples.
        confidence: coverage aimed at, in (0, 1).
        resamples: number of resamples.

    Returns:
        Lower and upper end; both the value itself when there is one value.
    """
    values = np.asarray(values, float)
    # In blocks: 2,000 resamples of 2,000 values at once would take 64 MB.
    means = [
        rng.choice(values, (min(100, resamples - done), len(values))).mean(axis=1) for done in range(0, resamples, 100)
    ]
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(low), float(high)
