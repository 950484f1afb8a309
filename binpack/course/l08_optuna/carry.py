"""Lesson 08b: whether what is best on some items is best on others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from binpack.course.charts import Series, chart
from binpack.course.tables import Table
from binpack.plots.figure import Figure
from binpack.plots.style import COLORS
from binpack.search.landscape.table import Landscape


@dataclass(frozen=True, eq=False)
class Pair:
    """Configurations that were run on two kinds of items.

    Attributes:
        numbers: of the configurations in the study, int64, (n,).
        first: mean test scores on the study's own items, float64, (n,).
        second: test scores on the second items, float64, (n, seeds); 0 for a run that has diverged.
        default: mean test scores of the default configuration, on the first and on the second items.
    """

    numbers: NDArray
    first: NDArray
    second: NDArray
    default: tuple[float, float]

    @classmethod
    def of(cls, landscape: Landscape) -> Pair:
        """Take from a study what was run on both.

        Args:
            landscape: the study.

        Raises:
            InputError: one line: it has no runs on the second items.
        """
        first, second = landscape.runs("study"), landscape.runs("study", task="random")
        numbers = np.array([first.configs.index(values) for values in second.configs])
        own, other = (landscape.runs("default", task=items) for items in ("cut", "random"))
        default = float(own.first_seeds(len(first.seeds)).truth[0]), float(other.truth[0])
        return cls(numbers, first.truth[numbers], np.nan_to_num(second.test.astype(float)), default)

    @property
    def worth(self) -> NDArray:
        """Mean test scores on the second items, float64, (n,)."""
        return self.second.mean(axis=1)

    @property
    def correlation(self) -> float:
        """Rank correlation of the two (Spearman, 1904)."""
        return float(spearmanr(self.first, self.worth).statistic)

    @property
    def halves(self) -> float:
        """Rank correlation of the second items with themselves: between the means of some seeds and of the others."""
        half = self.second.shape[1] // 2
        return float(spearmanr(self.second[:, :half].mean(axis=1), self.second[:, half:].mean(axis=1)).statistic)


def _ranks(values: NDArray) -> NDArray:
    """Return places from 1, the highest first."""
    return np.argsort(np.argsort(-values, kind="stable"), kind="stable") + 1


def best(pair: Pair, count: int = 5) -> Table:
    """Say where the best on the first items stand on the second.

    Args:
        pair: of items.
        count: how many.
    """
    ranks = _ranks(pair.first), _ranks(pair.worth)
    rows = []
    for place in np.argsort(ranks[0])[:count]:
        one, other = f"{pair.first[place]:.4f}", f"{pair.worth[place]:.4f}"
        rows.append([str(pair.numbers[place]), one, str(ranks[0][place]), other, str(ranks[1][place])])
    own = []
    for scores, score in zip((pair.first, pair.worth), pair.default, strict=True):
        own += [f"{score:.4f}", str(1 + int((scores > score).sum()))]
    rows.append(["the default", *own])
    head = ("configuration", "items of the study", "rank", "other items", "rank")
    return Table(head, rows, f"mean test scores of {len(pair.first)} configurations and the default")


def said(pair: Pair) -> Sequence[str]:
    """Say in two sentences how well an order carries over, and what a choice is worth.

    Args:
        pair: of items.
    """
    chosen, worth = int(pair.first.argmax()), pair.worth
    return (
        f"the ranks on both kinds of items correlate with {pair.correlation:.2f}; those of the second items with "
        f"themselves, some seeds against the others, with {pair.halves:.2f}",
        f"what is best on the first items is worth {worth[chosen]:.4f} on the second; the best there "
        f"{worth.max():.4f}, the default {pair.default[1]:.4f}, a configuration at random {worth.mean():.4f}",
    )


def figure(pair: Pair) -> Figure:
    """Draw each configuration by its worth on both.

    Args:
        pair: of items.
    """
    series = [
        Series("configurations", pair.first.round(4), pair.worth.round(4), "dots", color=COLORS[0]),
        Series("the default", [round(pair.default[0], 4)], [round(pair.default[1], 4)], "crosses", color=COLORS[1]),
    ]
    text = f"{len(pair.first)} configurations by their worth on two kinds of items: {said(pair)[0]}"
    title = "what is good on one kind of items, on another"
    return chart(series, x="worth on the study's items", y="worth on random items", title=title, text=text)
