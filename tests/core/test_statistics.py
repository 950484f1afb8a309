"""Intervals of a mean, and the verdict on paired results."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from binpack.core.statistics import Interval, mean_interval, mean_intervals, verdict, verdict_words

scores = st.lists(st.floats(0, 1), min_size=2, max_size=30)


@given(scores, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_the_interval_is_students(values, confidence):
    low, high = mean_interval(values, confidence=confidence)
    assert low <= np.mean(values) + 1e-12 and np.mean(values) <= high + 1e-12
    if np.std(values) > 1e-9:
        expected = stats.ttest_1samp(values, 0.0).confidence_interval(confidence)
        assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_intervals_of_columns_are_those_of_each_column():
    values = np.random.default_rng(0).random((7, 3))
    low, high = mean_intervals(values)
    assert [Interval(*ends) for ends in zip(low, high, strict=True)] == [mean_interval(column) for column in values.T]


def test_one_value_has_no_interval_and_equal_ones_a_point():
    assert np.isnan(mean_interval([0.4])).all()
    assert mean_interval([0.5, 0.5, 0.5]) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("values", "confidence", "message"),
    [
        ([], 0.95, "an interval needs finite values, at least one, got shape (0, 1)"),
        ([1.0, np.nan], 0.95, "an interval needs finite values, at least one, got shape (2, 1)"),
        ([[1.0, 2.0]], 0.95, "an interval needs one row of values, got shape (1, 2)"),
        ([1.0, 2.0], 95, "confidence must lie between 0 and 1, got 95"),
    ],
)
def test_bad_values_get_one_line(values, confidence, message):
    with pytest.raises(ValueError) as raised:
        mean_interval(values, confidence=confidence)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ([0.61, 0.64, 0.60], [0.55, 0.57, 0.55], "ahead"),
        ([0.55, 0.57, 0.55], [0.61, 0.64, 0.60], "behind"),
        # all three above 0, from which a bootstrap of three cannot but conclude that they differ
        ([0.52, 0.60, 0.88], [0.50, 0.50, 0.50], "not separable"),
        ([0.9, 0.8], [0.1, 0.2], "too few to tell"),
        ([0.9], [0.1], "too few to tell"),
        # equal differences have no spread: their signs decide, and 5 agree by chance too often
        ([0.72, 0.62, 0.82, 0.52, 0.42], [0.5, 0.4, 0.6, 0.3, 0.2], "too few to tell"),
        ([0.72, 0.62, 0.82, 0.52, 0.42, 0.32], [0.5, 0.4, 0.6, 0.3, 0.2, 0.1], "ahead"),
        ([0.5, 0.4, 0.6, 0.3, 0.2, 0.1], [0.72, 0.62, 0.82, 0.52, 0.42, 0.32], "behind"),
        # what differs in the last digit of a sum does not differ
        ([0.1 + 0.2, 0.7 + 0.1, 0.5, 0.4, 0.3, 0.2], [0.3, 0.8, 0.5, 0.4, 0.3, 0.2], "not separable"),
        ([0.3] * 4, [0.3] * 4, "not separable"),
    ],
)
def test_verdicts(first, second, word):
    found = verdict(first, second)
    assert found.word == word and found.separable == (word in ("ahead", "behind"))
    assert found.difference == pytest.approx(np.mean(first) - np.mean(second)) and found.n == len(first)
    differences = verdict(np.subtract(first, second))
    assert differences.difference == found.difference


def test_a_verdict_in_words_and_as_json():
    found = verdict([0.2, 0.3, 0.4], runs="streams")
    assert str(found) == "+0.3000, 95 % interval +0.0516 to +0.5484 over 3 streams: ahead"
    assert json.loads(json.dumps(found.to_dict()))["interval"] == [
        pytest.approx(0.05159, abs=1e-4),
        pytest.approx(0.54841, abs=1e-4),
    ]
    alone = verdict([0.2])
    assert str(alone) == "+0.2000 over 1 seed: too few to tell" and alone.to_dict()["interval"] is None


@pytest.mark.parametrize(("first", "second"), [([1.0, 2.0], [1.0]), ([[1.0]], [[1.0]]), ([1.0], [[1.0]])])
def test_what_does_not_pair_up_is_refused(first, second):
    with pytest.raises(ValueError, match="paired results have the same length, got shapes"):
        verdict(first, second)


def test_many_verdicts_are_those_of_each():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 3, (6, 200)) / 2.0, rng.integers(0, 3, (6, 200)) / 2.0
    words = verdict_words(first, second)
    assert words == [verdict(one, other).word for one, other in zip(first.T, second.T, strict=True)]
    assert set(words) >= {"ahead", "behind", "not separable"}


def test_importing_it_does_not_import_scipy():
    code = "import sys, binpack.core.statistics; print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
