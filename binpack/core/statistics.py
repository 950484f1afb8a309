"""Every interval of the project, and the one verdict on a comparison.

Intervals are Student's t intervals of a mean (Student, 1908), for any number of values. A percentile bootstrap (Efron,
1979) of a nominal 95 % covers 74 % at 3 normal scores, 84 % at 5 and 90 % at 10, and BCa (Efron, 1987) no more. From 30
on all three agree. ``python -m binpack.course.records.coverage`` measures the coverage, on recorded scores too.

    >>> low, high = mean_interval([0.61, 0.64, 0.60, 0.63, 0.62])
    >>> f"{low:.3f} to {high:.3f}"
    '0.600 to 0.640'
    >>> print(verdict([0.61, 0.64, 0.60], [0.55, 0.57, 0.55]))
    +0.0600, 95 % interval +0.0352 to +0.0848 over 3 seeds: ahead
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binpack.files import InputError

CONFIDENCE = 0.95
FEWEST = 3
"""Under so many differences there is no verdict."""
ROUNDING = 1e-12
"""Differences below this share of the largest score are rounding: the same run gives them in another order of sums."""

Word = Literal["ahead", "behind", "not separable", "too few to tell"]


class Interval(NamedTuple):
    """Two ends.

    Attributes:
        low: the lower end.
        high: the upper end.
    """

    low: float
    high: float


def mean_interval(values: ArrayLike, *, confidence: float = CONFIDENCE) -> Interval:
    """Return Student's t interval of the mean.

    It covers the mean of what the values were drawn from, be it training seeds or streams of items, as often as
    ``confidence`` says, if they are independent and their distribution is not far from normal; the more values, the
    less the second matters. It says nothing of another source of chance: an interval over the streams that one trained
    agent packed says nothing of training that agent again.

    Args:
        values: one independent result each, finite, (N,).
        confidence: coverage aimed at, in (0, 1).

    Returns:
        Lower and upper end; both NaN for one value, which shows no spread at all. Equal values have an interval of
        width 0. That is all that can be computed from them and no certainty, and ``verdict`` does not take it for one.

    Raises:
        InputError: no values, more than one axis, or values that are not finite.
    """
    array = np.asarray(values, float)
    if array.ndim != 1:
        raise InputError(f"an interval needs one row of values, got shape {array.shape}")
    low, high = mean_intervals(array[:, None], confidence=confidence)
    return Interval(float(low[0]), float(high[0]))


def mean_intervals(values: ArrayLike, *, confidence: float = CONFIDENCE) -> tuple[NDArray, NDArray]:
    """Return ``mean_interval`` of every column.

    Args:
        values: results, finite, (N, M).
        confidence: coverage aimed at, in (0, 1).

    Returns:
        Lower and upper ends, float64, (M,) each.

    Raises:
        InputError: no values, another shape, or values that are not finite.
    """
    array = np.asarray(values, float)
    if array.ndim != 2 or not len(array) or not np.isfinite(array).all():
        raise InputError(f"an interval needs finite values, at least one, got shape {array.shape}")
    if not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1, got {confidence}")
    mean = array.mean(axis=0)
    if len(array) == 1:
        return np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    half = _quantile(len(array), confidence) * array.std(axis=0, ddof=1) / math.sqrt(len(array))
    return mean - half, mean + half


@functools.lru_cache(maxsize=256)
def _quantile(n: int, confidence: float) -> float:
    """Quantile of Student's t with n - 1 degrees of freedom."""
    # What scipy.stats.t.ppf calls; scipy.stats itself takes half a second to import.
    from scipy.special import stdtrit

    return float(stdtrit(n - 1, (1 + confidence) / 2))


@dataclass(frozen=True)
class Verdict:
    """What paired differences say.

    Attributes:
        word: "ahead" or "behind" where the interval leaves out 0, "not separable" where it does not, "too few to tell"
            where no number of differences this small could say more.
        difference: the mean difference.
        interval: of the mean difference, both ends NaN for one pair.
        n: how many pairs there are.
        runs: what a pair is, for the text, such as "seeds" or "streams".
        confidence: of the interval.
    """

    word: Word
    difference: float
    interval: Interval
    n: int
    runs: str = "seeds"
    confidence: float = CONFIDENCE

    @property
    def separable(self) -> bool:
        """Whether the difference can be told from 0: ahead or behind."""
        return self.word in ("ahead", "behind")

    def __str__(self) -> str:
        """The difference, its interval, and the word, on one line."""
        noun = self.runs if self.n != 1 else self.runs.removesuffix("s")
        text = f"{self.difference:+.4f}"
        if self.n > 1:
            low, high = self.interval
            text += f", {100 * self.confidence:g} % interval {low:+.4f} to {high:+.4f}"
        return f"{text} over {self.n} {noun}: {self.word}"

    def to_dict(self) -> dict[str, Any]:
        """The verdict for JSON; an interval that does not exist is None."""
        interval = None if math.isnan(self.interval.low) else list(self.interval)
        facts = {"word": self.word, "difference": self.difference, "interval": interval}
        return {**facts, "confidence": self.confidence, "n": self.n, "runs": self.runs}


def verdict(
    first: ArrayLike, second: ArrayLike = 0.0, *, runs: str = "seeds", confidence: float = CONFIDENCE
) -> Verdict:
    """Say whether the first of two is ahead, from paired results; every comparison of the project ends here.

    The t interval of the mean difference decides. Differences that are all the same have no spread to make one of.
    There the signs decide (Arbuthnot, 1710): without a difference n of them agree by chance in 2 cases of 2^n, which is
    under 5 % from 6 pairs on, and fewer are too few to tell.

    Args:
        first: one result for each training seed (or stream, or whatever the pairs are), finite, (N,).
        second: the results of the other one, on the same seeds or streams in the same order, (N,); a number stands
            for all of them, and 0, the default, means that ``first`` holds differences already.
        runs: what a pair is, for the text.
        confidence: coverage of the interval, in (0, 1).

    Raises:
        InputError: no pairs, results that do not pair up, or that are not finite.
    """
    one, other = np.asarray(first, float), np.asarray(second, float)
    if one.ndim != 1 or other.shape not in ((), one.shape):
        raise InputError(f"paired results have the same length, got shapes {one.shape} and {other.shape}")
    differences = one - other
    interval = mean_interval(differences, confidence=confidence)
    word = verdict_words(one[:, None], np.broadcast_to(other, one.shape)[:, None], confidence=confidence)[0]
    return Verdict(word, float(differences.mean()), interval, len(differences), runs, confidence)


def verdict_words(first: NDArray, second: NDArray, *, confidence: float = CONFIDENCE) -> list[Word]:
    """Return the word of ``verdict`` for many comparisons at once, a column each.

    Args:
        first: results, finite, float, (N, M).
        second: the results that they are paired with, (N, M).
        confidence: coverage of the intervals, in (0, 1).
    """
    differences = first - second
    low, high = mean_intervals(differences, confidence=confidence)
    n, mean = len(differences), differences.mean(axis=0)
    tiny = ROUNDING * np.maximum(np.abs(first).max(axis=0), np.abs(second).max(axis=0))
    equal, zero = np.ptp(differences, axis=0) <= tiny, np.abs(mean) <= tiny
    above, below = np.where(equal, mean > tiny, low > 0), np.where(equal, mean < -tiny, high < 0)
    by_signs = 2.0 ** (1 - n) <= 1 - confidence
    known = (n >= FEWEST) & (~equal | zero | by_signs)
    found = np.select([~known, above, below], ["too few to tell", "ahead", "behind"], "not separable")
    return found.tolist()
