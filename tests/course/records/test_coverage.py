"""Intervals cover what they claim, and a verdict without a difference is rare: by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from binpack.course.records.coverage import (
    RUNS,
    covers,
    draw,
    false_verdicts,
    hard_populations,
    lines,
    populations,
)

POPULATIONS = populations()


@pytest.mark.parametrize("name", POPULATIONS)
@pytest.mark.parametrize("n", RUNS)
def test_intervals_cover_and_verdicts_are_not_false(name, n):
    # 10,000 draws: a share of 5 % is known to within 0.7 points
    rng = np.random.default_rng([n, 1])
    assert covers(POPULATIONS[name], n, rng) >= 0.93
    assert false_verdicts(POPULATIONS[name], n, rng) <= 0.07


@pytest.mark.parametrize("n", RUNS)
def test_no_false_verdicts_either_where_intervals_cover_less(n):
    rng = np.random.default_rng([n, 2])
    for population in hard_populations().values():
        assert false_verdicts(population, n, rng) <= 0.07


def test_what_was_used_before_claims_too_much():
    """The percentile bootstrap of 3 and of 5 normal scores: why it is gone."""
    rng = np.random.default_rng(0)
    for n, at_most in ((3, 0.80), (5, 0.87)):
        scores = rng.standard_normal((1000, n))
        means = scores[:, rng.integers(0, n, (1000, n))].mean(axis=2)
        low, high = np.quantile(means, [0.025, 0.975], axis=1)
        assert np.mean((low <= 0) & (high >= 0)) < at_most


def test_a_smoothed_draw_keeps_mean_and_variance():
    rng = np.random.default_rng(0)
    population = np.array([1.0, 2.0, 2.0, 5.0])
    drawn = draw(population, (200, 2000), rng)
    assert drawn.mean() == pytest.approx(0, abs=0.01) and drawn.std() == pytest.approx(population.std(), rel=0.01)
    assert len(np.unique(drawn)) == drawn.size


def test_the_table_has_a_line_for_each_population():
    text = lines(repeats=50)
    assert len(text) == 2 + len(POPULATIONS) + len(hard_populations()) and text[2].startswith("normal ")
